"""Settlements: those since the last run and, as a backfill, all older ones."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kalshi_pipeline.errors import DeadlineError, ExchangeError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.parents.events import UNLIMITED
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.parents.outcomes import Cutoff, PreparedOutcomes, merge_outcomes, prepare_outcomes
from kalshi_pipeline.ingest.parents.published_results import confirm_results
from kalshi_pipeline.ingest.run.failures import FailuresInARow
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.resumable_walk import ResumableWalk
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Outcome
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.backfill_progress import (
    StoredWalk,
    WalkKey,
    WalkState,
    open_walk,
    walk_of,
    watermark,
)
from kalshi_pipeline.store.writing.runs import Subject
from kalshi_pipeline.store.writing.settlements import count_scalars_without_value
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_SECOND, tick_iso_of
from kalshi_pipeline.vocabulary import StatusFilter, Tier

BACKFILL_COMMAND = "kalshi data backfill settlements"
# Settlements up to this long before the newest known one are requested again, in case one was listed late.
_OVERLAP = 3600 * MICROS_PER_SECOND
_BACKFILL_SECONDS = 24 * 3600.0
_FAILED_WALKS = 3


@repairing
def sync_settlements(session: Session, walk_seconds: float | None = None) -> Report:
    """Store the settlements since the last complete walk, with their markets; the first time, all of the live tier.

    Published results are confirmed, because the exchange may have taken them back. A walk that takes longer than
    `walk_seconds` (default KALSHI_WALK_SECONDS) is partial, and the next run continues it.
    """
    report = begin_listing(session, "settlements", subject=_settled(session))
    with _settling(session, report) as settling:
        is_first = False
        for keys in _walk_keys(session):
            with session.database.read() as connection:
                seen_at = watermark(connection, [keys.live, keys.recent])
            is_first = is_first or seen_at is None
            seconds = session.seconds_of(walk_seconds)
            if seen_at is None:
                settling.walk(Tier.LIVE, keys.live, seconds)
                settling.note_uncovered(keys.historical)
            else:
                since = seen_at - _OVERLAP
                settling.walk(Tier.LIVE, keys.recent, seconds, since=since)
                settling.note_gap(since)
        if not is_first:
            confirm_results(session, report, settling.pages, settling.listed)
    return report


@repairing
def backfill_settlements(session: Session) -> Report:
    """Store all settlements, first of the live tier, then of the historical one.

    It resumes where it stopped, and starts over only after both are complete.
    """
    report = begin_listing(session, "settlements", record="settlements backfill", subject=_settled(session))
    report.most_seconds = _BACKFILL_SECONDS
    with _settling(session, report, event_lookups=UNLIMITED) as settling:
        for keys in _walk_keys(session):
            tiers = {Tier.LIVE: keys.live}
            if settling.cutoff.has_tiers:
                tiers[Tier.HISTORICAL] = keys.historical
            again = settling.are_complete([*tiers.values()])
            for tier, key in tiers.items():
                settling.walk(tier, key, _BACKFILL_SECONDS, again=again)
    return report


def _settled(session: Session) -> Subject:
    return Subject(session.scope(StatusFilter.SETTLED))


class _WalkKeys(NamedTuple):
    """The walks of one scope. A cursor belongs to its query, so each selected series has its own walks."""

    live: WalkKey
    recent: WalkKey
    historical: WalkKey


def _walk_keys(session: Session) -> Iterator[_WalkKeys]:
    scope = session.scope(StatusFilter.SETTLED)
    for of_series in [replace(scope, series=(one,)) for one in scope.series] or [scope]:
        yield _WalkKeys(*(WalkKey(f"settlements/{part}", of_series) for part in _WalkKeys._fields))


class _Prepared(NamedTuple):
    outcomes: PreparedOutcomes
    out_of_scope: int
    newest_at: int | None


@dataclass
class _Settling:
    """One run over some walks. Its report is complete if all walks are."""

    session: Session
    report: Report
    pages: MarketPages
    cutoff: Cutoff
    reasons: list[str] = field(default_factory=list)
    failures: FailuresInARow = field(default_factory=lambda: FailuresInARow(_FAILED_WALKS))
    error: ExchangeError | None = None
    listed: set[str] = field(default_factory=set)
    """The markets that were listed by walks since an instant: those of the last hours only."""

    def are_complete(self, keys: Sequence[WalkKey]) -> bool:
        with self.session.database.read() as connection:
            found = [walk_of(connection, key) for key in keys]
        return all(row is not None and row.state is WalkState.COMPLETE for row in found)

    def walk(
        self,
        tier: Tier,
        key: WalkKey,
        walk_seconds: float,
        *,
        since: int | None = None,
        again: bool = True,
    ) -> None:
        """Walk a tier's settled markets, or continue a stopped walk. A complete walk is repeated only with `again`."""
        with self.session.database.begin() as connection:
            stored = open_walk(connection, key, self.session.clock.now(), again=again, since_at=since)
        if stored.state is WalkState.COMPLETE:
            return

        def list_from(walk: StoredWalk) -> Listing[Outcome]:
            return self._listing(tier, walk, next(iter(key.scope.series), None), walk_seconds)

        def prepare(page: ListedPage[Outcome]) -> _Prepared:
            if since is not None:
                self.listed.update(outcome.ticker for outcome in page.records)
            return self._prepare(page, tier)

        try:
            ResumableWalk(
                self.session,
                self.report,
                stored,
                list_from,
                prepare,
                self._merge,
                newest_at=lambda page: page.newest_at,
            ).run()
        except DeadlineError as error:
            self.report.leave_partial(f"{error}; the next run continues it")
        except ExchangeError as error:
            self._set_aside(key, error)
            return
        self.failures.clear()
        if self.report.reason is not None:
            self.reasons.append(f"{key.sentence}: {self.report.reason}")

    def _set_aside(self, key: WalkKey, error: ExchangeError) -> None:
        """Continue with the walks of other series after a failed one, unless several fail in a row."""
        if len(self.session.settings.series) > 1:
            error.add_note(f"walked: {key.sentence}")
        self.error = self.error or error
        self.failures.add()
        if len(self.session.settings.series) < 2 or self.failures.are_too_many:
            raise self.error

    def _listing(
        self, tier: Tier, walk: StoredWalk, series: str | None, walk_seconds: float
    ) -> Listing[Outcome]:
        tiers, mve_filter = self.session.client.tiers, self.session.mve_filter
        max_pages = self.session.settings.max_pages
        if tier is Tier.LIVE:
            return tiers.list_settled(
                since=walk.since_at,
                mve_filter=mve_filter,
                series=series,
                cursor=walk.cursor,
                max_pages=max_pages,
                walk_seconds=walk_seconds,
            )
        return tiers.list_historical(
            mve_filter=mve_filter,
            series=series,
            cursor=walk.cursor,
            max_pages=max_pages,
            walk_seconds=walk_seconds,
        )

    def _prepare(self, page: ListedPage[Outcome], tier: Tier) -> _Prepared:
        # The historical tier cannot list combos alone.
        kinds = self.session.scope().kinds
        of_kind = [outcome for outcome in page.records if outcome.market.is_combo in kinds]
        outcomes = prepare_outcomes(
            self.pages,
            replace(page, records=of_kind),
            tier,
            are_listed_as_settled=True,
            cutoff=self.cutoff,
        )
        stored = {market.ticker for market in outcomes.markets.markets}
        known = (outcome.settled_at for outcome in of_kind if outcome.ticker in stored)
        newest_at = max((settled_at for settled_at in known if settled_at is not None), default=None)
        return _Prepared(outcomes, len(page.records) - len(of_kind), newest_at)

    def _merge(self, connection: Connection, page: _Prepared) -> Tally:
        tally, outranked = merge_outcomes(connection, self.pages, page.outcomes)
        self.report.counts["outranked"] += outranked
        return tally + Tally(out_of_scope=page.out_of_scope)

    def note_uncovered(self, historical: WalkKey) -> None:
        """Note which settlements a first run over the live tier does not cover."""
        if self.cutoff.at is not None and not self.are_complete([historical]):
            self.report.notes.append(
                f"settlements before {tick_iso_of(self.cutoff.at)} are in the historical tier: `{BACKFILL_COMMAND}` "
                "stores them"
            )

    def note_gap(self, since: int) -> None:
        """Note settlements that left the live tier before a run saw them."""
        if self.cutoff.at is not None and since < self.cutoff.at:
            self.report.notes.append(
                f"settlements from {tick_iso_of(since)} to {tick_iso_of(self.cutoff.at)} left the live tier before a "
                f"run saw them: `{BACKFILL_COMMAND}` stores them"
            )

    def note_tiers(self) -> None:
        """Note that the exchange has no tiers, or that the cutoff moved during this run."""
        try:
            end = Cutoff.fetch(self.session)
        except ExchangeError as error:
            # Everything is stored, so this additional request must not fail the run.
            self.report.notes.append(f"the present start of the live tier is unknown: {error}")
            return
        if not end.has_tiers:
            self.report.notes.append(
                "this exchange has no historical tier: everything that settled is in the live one"
            )
        elif None not in (end.at, self.cutoff.at) and end != self.cutoff:
            self.report.notes.append(
                f"the live tier began at {tick_iso_of(self.cutoff.at or 0)} when the run started, and at "
                f"{tick_iso_of(end.at or 0)} when it ended"
            )


@contextmanager
def _settling(session: Session, report: Report, event_lookups: int | None = None) -> Iterator[_Settling]:
    with closing_run(session, report):
        pages = MarketPages(session, report, event_lookups)
        settling = _Settling(session, report, pages, Cutoff.fetch(session))
        yield settling
        if settling.error is not None:
            raise settling.error
        settling.note_tiers()
        report.conclude(settling.reasons)
    with session.database.read() as connection:
        report.counts["scalars_without_value"] = count_scalars_without_value(connection)
