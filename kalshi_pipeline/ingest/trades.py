"""Trades, a UTC day at a time, from whichever of the exchange's tiers holds the day."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from kalshi_pipeline.errors import ConfigurationError, NotFoundError, PayloadError, RefusedError, StoreError
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.exchange.trades import Trade
from kalshi_pipeline.ingest.parents.events import heal_placeholders
from kalshi_pipeline.ingest.parents.traded_markets import TradedMarkets
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_pages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import was_complete
from kalshi_pipeline.store.rows import Tally, TradeTuple
from kalshi_pipeline.store.writing.backfill_progress import (
    StoredWalk,
    add_walk_page,
    close_walk,
    open_walk,
    restart_walk,
    walk_of,
)
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.trades import (
    append_staged_trades,
    count_trades,
    stage_trades,
    trade_key,
    unknown_markets,
)
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, instant_of

_DAY_SECONDS = 86_400.0
# A trade may be listed a little after its time: a day is over so much later, and a refresh looks back so far.
_LATE = 300 * MICROS_PER_SECOND
# The exchange's bounds are whole seconds, and are taken a second wider on each side.
_WIDER = 3 * MICROS_PER_SECOND
_NOT_OVER = "the day is not over: what is still to come is added by running it again"


def collect_trades(session: Session, day: date, *, again: bool = False) -> Report:
    """Store the trades of a UTC day; it goes on where an earlier run was stopped.

    A day that was complete is not asked for again, unless told to. One that is not over is partial: each run adds
    what is new, and the first one after its end walks the whole day. ConfigurationError where it has not begun.
    """
    started_at = session.clock.now()
    span = _Span.of(day)
    if span.start > started_at:
        raise ConfigurationError([f"{day} has not begun in UTC: choose an earlier day"])
    report = begin_listing(session, "trades", scope=f"{day}, {session.scope}", walk_seconds=_DAY_SECONDS)
    with closing_run(session, report):
        with session.database.read() as connection:
            is_known = not again and was_complete(connection, report.asset, report.scope)
        if is_known:
            report.state = State.COMPLETE
            report.notes.append(f"{day} was complete already: nothing was asked")
        else:
            _Collection(session, report, day, started_at, again=again).run()
    with session.database.read() as connection:
        report.part_rows = count_trades(connection, span.start, span.end)
    return report


def days_between(first: date, last: date) -> Iterator[date]:
    """Give every day from the first to the last, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


class _Span(NamedTuple):
    """A day as instants, [start, end)."""

    start: int
    end: int

    @classmethod
    def of(cls, day: date) -> "_Span":
        begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(instant_of(begins), instant_of(begins + timedelta(days=1)))


class _Prepared(NamedTuple):
    """A page of staged trades whose markets are stored, the placeholders that took, and where the walk goes on."""

    trades: int
    left_out: int
    rejected: int
    placeholders: int
    cursor: str | None


class _Collection:
    """One run over one day. A trade moves from the live tier to the historical one, and never back.

    So the live tier is walked first: whatever it lacks by then had moved before, and the historical walk, which
    begins after it, sees it. Where the cutoff has come into the day meanwhile, the historical tier follows.
    """

    def __init__(self, session: Session, report: Report, day: date, started_at: int, *, again: bool) -> None:
        self._session = session
        self._report = report
        self._day = day
        self._span = _Span.of(day)
        self._started_at = started_at
        self._again = again
        self._is_over = started_at >= self._span.end + _LATE
        self._of_both_tiers = False
        self._markets = TradedMarkets(session, report)

    def run(self) -> None:
        walked: set[Tier] = set()
        while tiers := [tier for tier in self._tiers() if tier not in walked]:
            for tier in tiers:
                self._walk(tier)
                walked.add(tier)
        self._report.state = State.COMPLETE if self._is_over else State.PARTIAL
        self._report.reason = None if self._is_over else _NOT_OVER
        if self._report.tally.placeholders:
            heal_placeholders(self._session, self._report)

    def _tiers(self) -> list[Tier]:
        """Ask which tiers may hold the day by now, the live one first."""
        try:
            cutoff = self._session.client.tiers.fetch_cutoff().trades_created_ts
        except NotFoundError:
            note = "the exchange has no historical tier: the live one alone was asked"
            if note not in self._report.notes:
                self._report.notes.append(note)
            return [Tier.LIVE]
        if cutoff is None:
            return [Tier.LIVE, Tier.HISTORICAL]
        held = {Tier.LIVE: cutoff <= self._span.end, Tier.HISTORICAL: cutoff >= self._span.start}
        return [tier for tier in held if held[tier]]

    def _walk(self, tier: Tier) -> None:
        walk, start = self._open(tier)
        if walk.state is State.COMPLETE:
            return
        pages = self._report.tally.pages
        try:
            try:
                self._store(tier, walk, start)
            except RefusedError as error:
                if walk.cursor is None or self._report.tally.pages > pages:
                    raise
                self._report.notes.append(f"the {tier} walk begins anew, for its cursor is refused: {error}")
                with self._session.database.begin() as connection:
                    walk = restart_walk(connection, walk, self._started_at)
                self._store(tier, walk, start)
        except BaseException as error:
            with contextlib.suppress(StoreError):  # the run's own record says it then
                self._close(walk, State.PARTIAL, f"stopped by {type(error).__name__}")
            raise
        self._close(walk, State.COMPLETE if self._is_over else State.PARTIAL, self._reason)

    @property
    def _reason(self) -> str | None:
        return None if self._is_over else _NOT_OVER

    def _name(self, tier: Tier) -> str:
        return f"trades/{self._day}/{tier}/{self._session.scope}"

    def _open(self, tier: Tier) -> tuple[StoredWalk, int]:
        """Open the tier's walk, and tell from which instant on its trades are wanted.

        Only a walk that began after the day's end goes on, or stays complete: an earlier one began amid the day.
        Where an earlier one came to its end, though, a day that still goes on is known until it began.
        """
        name, start = self._name(tier), self._span.start
        with self._session.database.begin() as connection:
            others = [walk_of(connection, self._name(other)) for other in Tier if other is not tier]
            self._of_both_tiers = any(others)
            found = walk_of(connection, name)
            walk = open_walk(connection, name, self._started_at, again=self._again)
            if found is not None and (self._again or found.started_at < self._span.end + _LATE):
                walk = restart_walk(connection, walk, self._started_at)
                if found.reason == _NOT_OVER and not self._is_over and not self._again:
                    start = max(start, found.started_at - _LATE)
        return walk, start

    def _close(self, walk: StoredWalk, state: State, reason: str | None) -> None:
        with self._session.database.begin() as connection:
            close_walk(connection, walk, state, reason, self._session.clock.now())

    def _store(self, tier: Tier, walk: StoredWalk, start: int) -> None:
        listing = self._session.client.tiers.list_trades(
            tier, start=start, end=self._span.end, cursor=walk.cursor, walk_seconds=_DAY_SECONDS
        )

        def prepare(page: ListedPage[Trade]) -> _Prepared:
            return self._prepare(page, tier)

        def merge(connection: Connection, page: _Prepared) -> Tally:
            return self._merge(connection, page, walk)

        store_pages(self._session, self._report, listing, prepare, merge)

    def _prepare(self, page: ListedPage[Trade], tier: Tier) -> _Prepared:
        """Stage the trades that are wanted, and see that their markets are stored."""
        rows = self._rows(page.records)
        with self._session.database.stage() as connection:
            stage_trades(connection, rows)
            unknown = unknown_markets(connection, self._markets.asked_since)
        self._tell(page.records)
        placeholders = self._markets.ensure(unknown, tier)
        return _Prepared(
            len(rows), len(page.records) - len(rows), len(page.rejects), placeholders, page.cursor
        )

    def _rows(self, trades: list[Trade]) -> list[TradeTuple]:
        start, end = self._span
        if trades and not any(start - _WIDER <= trade.created_at < end + _WIDER for trade in trades):
            raise PayloadError(
                f"the exchange gave trades of another time than {self._day}: it ignores min_ts and max_ts, so that "
                "no day can be told apart; see whether its API has changed"
            )
        wants = self._session.wants
        return [
            (
                trade.created_at,
                trade_key(trade.trade_id),
                trade.ticker,
                trade.yes_price,
                trade.contracts,
                trade.taker_side,
                trade.is_block,
            )
            for trade in trades
            if start <= trade.created_at < end and wants(trade.ticker)
        ]

    def _merge(self, connection: Connection, page: _Prepared, walk: StoredWalk) -> Tally:
        inserted = append_staged_trades(connection, of_both_tiers=self._of_both_tiers)
        add_walk_page(
            connection,
            walk,
            page.cursor,
            received=page.trades + page.left_out + page.rejected,
            inserted=inserted,
            quarantined=page.rejected,
        )
        return Tally(
            inserted=inserted,
            unchanged=page.trades - inserted,
            left_out=page.left_out,
            placeholders=page.placeholders,
        )

    def _tell(self, trades: list[Trade]) -> None:
        tally = self._report.tally
        at = f", down to {datetime_of(trades[-1].created_at):%H:%M} UTC" if trades else ""
        self._session.tell_progress(
            f"trades of {self._day}: {tally.pages + 1} pages, {tally.received:,} trades{at}"
        )
