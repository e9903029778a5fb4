"""How markets ended: what settled since the last look, and, as a backfill, everything that ever settled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from kalshi_pipeline.errors import DeadlineError, ExchangeError, PipelineError, RefusedError, StoreError
from kalshi_pipeline.exchange.listing import ListedPage, Listing
from kalshi_pipeline.exchange.outcomes import Outcome
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.ingest.parents.events import UNLIMITED
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.parents.outcomes import Cutoff, PreparedOutcomes, merge_outcomes, prepare_outcomes
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_pages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.rows import Tally
from kalshi_pipeline.store.writing.backfill_progress import (
    StoredWalk,
    add_walk_page,
    close_walk,
    open_walk,
    restart_walk,
    walk_of,
    watermark,
)
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.settlements import count_scalars_without_value
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of

BACKFILL_COMMAND = "kalshi-pipeline backfill settlements"
# What settled so long before the newest known settlement is asked for again: it may have been late to be listed.
_OVERLAP = 3600 * MICROS_PER_SECOND
_BACKFILL_SECONDS = 24 * 3600.0


def sync_settlements(session: Session, walk_seconds: float | None = None) -> Report:
    """Store what has settled since the last complete walk, with its markets; at first all that the live tier has.

    A walk that takes longer than `walk_seconds` (KALSHI_WALK_SECONDS) is partial, and the next run goes on with it.
    """
    report = begin_listing(session, "settlements")
    with _settling(session, report) as settling:
        for walk in _walks(session):
            with session.database.read() as connection:
                seen_at = watermark(connection, [walk.live, walk.recent])
            seconds = walk_seconds or session.settings.walk_seconds
            if seen_at is None:
                settling.walk(Tier.LIVE, walk.live, walk.series, seconds)
                settling.note_uncovered(walk.historical)
            else:
                since = seen_at - _OVERLAP
                settling.walk(Tier.LIVE, walk.recent, walk.series, seconds, since=since)
                settling.note_gap(since)
    return report


def backfill_settlements(session: Session) -> Report:
    """Store everything that ever settled: the live tier whole, then the historical one.

    It goes on where it was stopped, and begins anew only once both are complete.
    """
    report = begin_listing(session, "settlements", record="settlements backfill")
    with _settling(session, report, event_lookups=UNLIMITED) as settling:
        for walk in _walks(session):
            tiers = {Tier.LIVE: walk.live}
            if settling.cutoff.has_tiers:
                tiers[Tier.HISTORICAL] = walk.historical
            again = settling.are_complete([*tiers.values()])
            for tier, name in tiers.items():
                settling.walk(tier, name, walk.series, _BACKFILL_SECONDS, again=again)
    return report


class _Walks(NamedTuple):
    """The names of the walks of one scope; a cursor belongs to its query, so each query has walks of its own."""

    series: str | None
    live: str
    recent: str
    historical: str


def _walks(session: Session) -> Iterator[_Walks]:
    for series in session.settings.series or (None,):
        scope = series or session.settings.combos.value
        names = (f"settlements/{part}/{scope}" for part in ("live", "recent", "historical"))
        yield _Walks(series, *names)


class _Page(NamedTuple):
    outcomes: PreparedOutcomes
    received: int
    left_out: int
    cursor: str | None
    newest_at: int | None


@dataclass
class _Settling:
    """One run over some walks. Its report is complete where all of them are."""

    session: Session
    report: Report
    pages: MarketPages
    cutoff: Cutoff
    reasons: list[str] = field(default_factory=list)

    def are_complete(self, names: Sequence[str]) -> bool:
        with self.session.database.read() as connection:
            found = [walk_of(connection, name) for name in names]
        return all(row is not None and row.state is State.COMPLETE for row in found)

    def walk(
        self,
        tier: Tier,
        name: str,
        series: str | None,
        walk_seconds: float,
        *,
        since: int | None = None,
        again: bool = True,
    ) -> None:
        """Walk a tier's settled markets, or go on with a walk that was stopped; a complete one only `again`."""
        with self.session.database.begin() as connection:
            walk = open_walk(connection, name, self.session.clock.now(), again=again, since_at=since)
        if walk.state is State.COMPLETE:
            return
        with self._closing(walk):
            try:
                self._store(tier, walk, series, walk_seconds)
            except RefusedError as error:
                if walk.cursor is None:
                    raise
                self.report.notes.append(
                    f"{name} begins anew, since the exchange refuses where it stopped: {error}"
                )
                with self.session.database.begin() as connection:
                    walk = restart_walk(connection, walk, self.session.clock.now())
                self._store(tier, walk, series, walk_seconds)

    def _store(self, tier: Tier, walk: StoredWalk, series: str | None, walk_seconds: float) -> None:
        def prepare(page: ListedPage[Outcome]) -> _Page:
            return self._prepare(page, tier)

        def merge(connection: Connection, page: _Page) -> Tally:
            return self._merge(connection, page, walk)

        listing = self._listing(tier, walk, series, walk_seconds)
        try:
            store_pages(self.session, self.report, listing, prepare, merge)
        except DeadlineError as error:
            self.report.state, self.report.reason = State.PARTIAL, f"{error}; the next run goes on with it"

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

    def _prepare(self, page: ListedPage[Outcome], tier: Tier) -> _Page:
        # The historical tier cannot be asked for combos alone.
        ours = [outcome for outcome in page.records if outcome.market.is_combo in self.session.combos]
        outcomes = prepare_outcomes(
            self.pages,
            ListedPage(ours, page.rejects, page.received_at),
            tier,
            is_told_settled=True,
            cutoff=self.cutoff,
        )
        newest_at = max((o.settled_at for o in ours if o.settled_at is not None), default=None)
        received = len(page.records) + len(page.rejects)
        return _Page(outcomes, received, len(page.records) - len(ours), page.cursor, newest_at)

    def _merge(self, connection: Connection, page: _Page, walk: StoredWalk) -> Tally:
        tally, outranked = merge_outcomes(connection, self.pages, page.outcomes)
        quarantined = len(page.outcomes.markets.rejected)
        add_walk_page(
            connection,
            walk,
            page.cursor,
            received=page.received,
            inserted=tally.inserted,
            quarantined=quarantined,
            newest_at=page.newest_at,
        )
        self.report.counts["outranked"] += outranked
        return tally + Tally(left_out=page.left_out)

    @contextmanager
    def _closing(self, walk: StoredWalk) -> Iterator[None]:
        """Close the walk as the report's listing ended; one that failed goes on from its last page."""
        try:
            yield
        except BaseException as error:
            reason = str(error) if isinstance(error, PipelineError) else f"stopped by {type(error).__name__}"
            # Where even this cannot be written, the walk is open, and goes on all the same.
            with suppress(StoreError), self.session.database.begin() as connection:
                close_walk(connection, walk, State.PARTIAL, reason, self.session.clock.now())
            raise
        with self.session.database.begin() as connection:
            close_walk(connection, walk, self.report.state, self.report.reason, self.session.clock.now())
        if self.report.reason is not None:
            self.reasons.append(f"{walk.name}: {self.report.reason}")

    def note_uncovered(self, historical: str) -> None:
        """Say what a first look at the live tier has not seen (R13)."""
        if self.cutoff.at is not None and not self.are_complete([historical]):
            self.report.notes.append(
                f"what settled before {iso_of(self.cutoff.at)} is in the historical tier: `{BACKFILL_COMMAND}` "
                "stores it"
            )

    def note_gap(self, since: int) -> None:
        """Say what has left the live tier before it was seen there (R13)."""
        if self.cutoff.at is not None and since < self.cutoff.at:
            self.report.notes.append(
                f"what settled from {iso_of(since)} to {iso_of(self.cutoff.at)} has left the live tier unseen: "
                f"`{BACKFILL_COMMAND}` stores it"
            )

    def note_tiers(self) -> None:
        """Say where the live tier began while this run went on."""
        try:
            end = Cutoff.ask(self.session)
        except ExchangeError as error:
            # All is stored by now: a question beside the work must not make the run fail.
            self.report.notes.append(f"where the live tier begins by now is not known: {error}")
            return
        if not end.has_tiers:
            self.report.notes.append(
                "this exchange has no historical tier: whatever settled is in the live one"
            )
        elif None not in (end.at, self.cutoff.at) and end != self.cutoff:
            self.report.notes.append(
                f"the live tier began at {iso_of(self.cutoff.at or 0)}, and at {iso_of(end.at or 0)} in the end"
            )


@contextmanager
def _settling(session: Session, report: Report, event_lookups: int | None = None) -> Iterator[_Settling]:
    with closing_run(session, report):
        pages = MarketPages(session, report, event_lookups)
        settling = _Settling(session, report, pages, Cutoff.ask(session))
        yield settling
        settling.note_tiers()
        report.state = State.PARTIAL if settling.reasons else State.COMPLETE
        report.reason = "; ".join(settling.reasons) or None
    with session.database.read() as connection:
        report.counts["scalars_without_value"] = count_scalars_without_value(connection)
