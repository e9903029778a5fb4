"""Trades, one UTC day at a time, from the tier that has the day."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import NamedTuple

from kalshi_pipeline.errors import ConfigurationError, NotFoundError, PayloadError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.parents.healing import heal_placeholders
from kalshi_pipeline.ingest.parents.traded_markets import TradedMarkets
from kalshi_pipeline.ingest.record_faults import SECOND_PRICES, faults_of_trades
from kalshi_pipeline.ingest.run.recorded_listing import Batches, begin_listing, closing_run
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.resumable_walk import ResumableWalk
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Trade
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import was_complete
from kalshi_pipeline.store.writing.backfill_progress import (
    StoredWalk,
    WalkKey,
    WalkState,
    open_walk,
    restart_walk,
    walk_of,
)
from kalshi_pipeline.store.writing.runs import State, Subject
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.trades import (
    append_staged_trades,
    count_second_prices,
    count_trades,
    events_without_series,
    markets_out_of_scope,
    stage_traded_markets,
    stage_trades,
    unknown_markets,
)
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, instant_of
from kalshi_pipeline.vocabulary import Tier

_DAY_SECONDS = 86_400.0
# A trade may be listed this long after its time. A day is over that much later, and a refresh goes back that far.
_LATE = 300 * MICROS_PER_SECOND
# Their index by market costs most, because each transaction writes an index page for each of its markets. This number
# of pages of 1,000 trades locks the database for a twentieth of a second.
PAGES_AT_ONCE = 10

_NOT_OVER = "the day is not over: run it again to add the rest"


@repairing
def collect_trades(session: Session, day: date, *, again: bool = False) -> Report:
    """Store the trades of a UTC day, resuming where an earlier run stopped.

    A complete day is requested again only with `again`. The current day is partial: each run adds new trades, and the
    first run after its end walks the whole day. Raises ConfigurationError if the day has not begun.
    """
    started_at = session.clock.now()
    span = _Span.of(day)
    if span.start > started_at:
        raise ConfigurationError([f"{day} has not begun in UTC: choose an earlier day"])
    subject = trade_day(session.settings, day)
    report = begin_listing(session, "trades", subject=subject, walk_seconds=_DAY_SECONDS)
    with closing_run(session, report):
        with session.database.read() as connection:
            is_known = not again and was_complete(connection, report.asset, subject)
        if is_known:
            report.state = State.COMPLETE
            report.notes.append(f"{day} was already complete: nothing was requested")
        else:
            _Collection(session, report, day, started_at, again=again).run()
    with session.database.read() as connection:
        report.part_rows = count_trades(connection, span.start, span.end)
    return report


def trade_day(settings: Settings, day: date) -> Subject:
    """Return the subject of a day's run, from the settings."""
    return Subject(Scope(settings.series, settings.combos), str(day))


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield every day from the first to the last, inclusive."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


class _Span(NamedTuple):
    """A day as a span of instants, [start, end)."""

    start: int
    end: int

    @classmethod
    def of(cls, day: date) -> "_Span":
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(instant_of(midnight), instant_of(midnight + timedelta(days=1)))


class _Prepared(NamedTuple):
    """The trades of pages, whose markets are stored, and the number of new placeholders."""

    rows: list[Trade]
    out_of_scope: int
    undecided: int
    placeholders: int

    @classmethod
    def joined(cls, pages: Sequence["_Prepared"]) -> "_Prepared":
        """Join several pages."""
        rows, *counts = zip(*pages, strict=True)
        return cls(list(chain.from_iterable(rows)), *map(sum, counts))


class _Collection:
    """One run over one day.

    Trades move only from the live tier to the historical one. The live tier is therefore walked first: a trade that has
    already moved is seen by the historical walk, which begins later. If the cutoff moves into the day meanwhile, the
    historical tier is walked too.
    """

    def __init__(self, session: Session, report: Report, day: date, started_at: int, *, again: bool) -> None:
        self._session = session
        self._report = report
        self._day = day
        self._span = _Span.of(day)
        self._started_at = started_at
        self._again = again
        self._is_over = started_at >= self._span.end + _LATE
        self._has_tiers = True
        self._of_both_tiers = False
        self._stopped: str | None = None
        self._pages = 0
        self._scope = session.scope(status=None)
        self._markets = TradedMarkets(session, report, self._scope)

    def run(self) -> None:
        walked: set[Tier] = set()
        while tiers := [tier for tier in self._tiers() if tier not in walked]:
            for tier in tiers:
                self._walk(tier)
                walked.add(tier)
        if self._has_tiers and self._is_over and not self._report.tally.received:
            # The cutoff may be wrong, and hardly any day has no trade.
            for tier in set(Tier) - walked:
                self._walk(tier)
        shortfall = self._stopped or self._why_undecided()
        self._report.awaits_end = shortfall is None and not self._is_over
        self._report.reason = _NOT_OVER if self._report.awaits_end else shortfall
        self._report.state = State.COMPLETE if self._report.reason is None else State.PARTIAL
        if not self._has_tiers:
            self._report.notes.append("the exchange has no historical tier: only the live one was queried")
        if self._report.tally.placeholders:
            heal_placeholders(self._session, self._report)

    def _tiers(self) -> list[Tier]:
        """Return the tiers that may have the day now, the live one first."""
        try:
            cutoff = self._session.client.tiers.fetch_cutoff().trades_created_ts
        except NotFoundError:
            self._has_tiers = False
            return [Tier.LIVE]
        if cutoff is None:
            return [Tier.LIVE, Tier.HISTORICAL]
        held = {Tier.LIVE: cutoff <= self._span.end, Tier.HISTORICAL: cutoff >= self._span.start}
        return [tier for tier in held if held[tier]]

    def _walk(self, tier: Tier) -> None:
        stored, start = self._open(tier)

        def list_from(walk: StoredWalk) -> Listing[Trade]:
            return self._session.client.tiers.list_trades(
                tier, start=start, end=self._span.end, cursor=walk.cursor, walk_seconds=_DAY_SECONDS
            )

        def prepare(page: ListedPage[Trade]) -> _Prepared:
            return self._prepare(page, tier)

        not_over = None if self._is_over else _NOT_OVER
        stopped = ResumableWalk(
            self._session,
            self._report,
            stored,
            list_from,
            prepare,
            self._merge,
            not_over=not_over,
            held=self._why_undecided,
            batches=Batches(PAGES_AT_ONCE, _Prepared.joined),
        ).run()
        self._stopped = self._stopped or stopped

    def _why_undecided(self) -> str | None:
        if not (undecided := self._markets.undecided):
            return None
        return (
            f"the exchange's records of {len(undecided):,} traded markets ({min(undecided)}, …), or of their events, "
            "could not be read, so their scope is unknown: run it again later"
        )

    def _open(self, tier: Tier) -> tuple[StoredWalk, int]:
        """Open the tier's walk, and return it with the instant from which its trades are missing.

        Only a walk that began after the day's end is continued or stays complete, because an earlier walk may have
        passed where later trades were added. If an earlier walk reached its end, and the day is still not over, the
        trades before the start of that walk are known.
        """
        key, start = self._key(tier), self._span.start
        with self._session.database.begin() as connection:
            others = [walk_of(connection, self._key(other)) for other in Tier if other is not tier]
            self._of_both_tiers = any(others)
            found = walk_of(connection, key)
            walk = open_walk(connection, key, self._started_at, again=self._again)
            if found is not None and (self._again or found.started_at < self._span.end + _LATE):
                walk = restart_walk(connection, walk, self._started_at)
                if found.state is WalkState.CAUGHT_UP and not self._is_over and not self._again:
                    start = max(start, found.started_at - _LATE)
        return walk, start

    def _key(self, tier: Tier) -> WalkKey:
        return WalkKey(f"trades/{self._day}/{tier}", self._scope)

    def _prepare(self, page: ListedPage[Trade], tier: Tier) -> _Prepared:
        """Select the trades in scope, and ensure that their markets are stored."""
        rows = self._rows(page)
        with self._session.database.stage() as connection:
            stage_traded_markets(connection, {trade.ticker for trade in rows})
            unknown = unknown_markets(connection, self._markets.asked_since)
        self._report_progress(page.records)
        placeholders = self._markets.ensure(unknown, tier)
        undecided = 0
        if not self._scope.is_everything:
            decided = self._decided(rows)
            undecided = len(rows) - len(decided)
            rows = self._in_scope(decided)
        self._report.counts += faults_of_trades(rows)
        return _Prepared(rows, len(page.records) - len(rows) - undecided, undecided, placeholders)

    def _decided(self, rows: list[Trade]) -> list[Trade]:
        """Return the trades whose scope can be decided, after their markets were looked up."""
        if self._scope.series:
            with self._session.database.stage() as connection:
                unplaced = events_without_series(connection)
            self._markets.learn_series(unplaced)
        return [trade for trade in rows if trade.ticker not in self._markets.undecided]

    def _in_scope(self, rows: list[Trade]) -> list[Trade]:
        with self._session.database.stage() as connection:
            outside = markets_out_of_scope(connection, self._scope) | self._markets.out_of_scope
        return [trade for trade in rows if trade.ticker not in outside]

    def _rows(self, page: ListedPage[Trade]) -> list[Trade]:
        """Return the trades of the day, because the request is wider. A page without any requested trade is an
        error.
        """
        start, end = self._span
        if page.out_of_scope and not page.records:
            raise PayloadError(
                f"the exchange returned trades of other days than {self._day}: it ignores min_ts and max_ts, so the "
                "day cannot be collected; check whether its API has changed"
            )
        return [trade for trade in page.records if start <= trade.created_at < end]

    def _merge(self, connection: Connection, page: _Prepared) -> Tally:
        stage_trades(connection, page.rows)
        inserted = append_staged_trades(connection, of_both_tiers=self._of_both_tiers)
        if inserted < len(page.rows):
            second = count_second_prices(connection, of_both_tiers=self._of_both_tiers)
            self._report.counts += Counter({SECOND_PRICES: second})
        return Tally(
            inserted=inserted,
            unchanged=len(page.rows) - inserted,
            out_of_scope=page.out_of_scope,
            received=-page.undecided,  # a later run receives them again
            placeholders=page.placeholders,
        )

    def _report_progress(self, trades: list[Trade]) -> None:
        self._pages += 1
        at = f", down to {datetime_of(trades[-1].created_at):%H:%M} UTC" if trades else ""
        self._session.report_progress(
            f"trades of {self._day}: {self._pages} pages, {self._report.tally.new:,} trades{at}"
        )
