"""One snapshot: the quote of every open market at one tick, with the necessary parents."""

import contextlib

from kalshi_pipeline.clock import MOST_OFFSET_SECONDS
from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.status import ExchangeStatus
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.parents.reconciliation import reconcile
from kalshi_pipeline.ingest.run.clock_check import check_clock
from kalshi_pipeline.ingest.run.recorded_listing import (
    closing_run,
    count_store,
    open_run,
    store_page,
    store_pages,
)
from kalshi_pipeline.ingest.run.repair import note_set_aside, repairing, set_aside
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import doubt_unreadable
from kalshi_pipeline.records import Market
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.settings import SnapshotMode
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.quotes import TickQuotes
from kalshi_pipeline.store.writing.runs import State, Subject, add_page
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.ticks import manual_tick, open_tick, record_status
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import MarketStatus, StatusFilter

_SECONDS_PER_HOUR = 3600
_PAUSED = MarketStatus.INACTIVE.value  # as text, because it is compared with the status of every market


@repairing
def take_snapshot(
    session: Session,
    tick_at: int,
    period_seconds: float | None = None,
    run_id: str | None = None,
    status: StatusFilter = StatusFilter.OPEN,
) -> Report:
    """Store the quotes of a tick (an instant); `period_seconds` is the cadence of a scheduled tick.

    The quotes are those of open markets, including paused ones, or only of paused ones. A run with a `run_id` and no
    cadence is a manual run created at `tick_at`: its tick is that second, or the next second that no other run uses. A
    complete tick is unchanged, a truncated tick is continued, and a late tick is skipped, as the report's state shows.
    Snapshots of one database run one after the other. Raises ClockError, and writes nothing, if the clock is wrong, or
    was wrong when a later tick was taken.
    """
    with session.database.snapshot_lock(session.report_progress), _waiting(session, tick_at, period_seconds):
        checked = check_clock(session)
        if period_seconds is None and run_id is not None:
            tick_at = _await_manual_tick(session, tick_at, run_id)
        scope = session.scope(status)
        run = open_run(
            session,
            lambda connection: open_tick(
                connection, tick_at, period_seconds, scope, session.clock.now(), run_id
            ),
        )
        report = Report("price_snapshots", run, Subject(scope), tick_at=tick_at)
        checked.note_in(report)
        if run.state is not State.RUNNING:
            report.state, report.reason = run.state, run.reason
            count_store(session, report)
            return report
        with closing_run(session, report):
            _note_status(session, report, checked.status)
            period_seconds = period_seconds or session.settings.snapshot_period_seconds
            _Quotes(session, report, scope, tick_at).store(period_seconds)
    return report


def _waiting(
    session: Session, tick_at: int, period_seconds: float | None
) -> contextlib.AbstractContextManager[None]:
    """Limit the waits of a scheduled snapshot to its next tick, and of a manual one to KALSHI_WALK_SECONDS."""
    if period_seconds is None:
        return session.client.waiting_at_most(session.settings.walk_seconds)
    left = tick_at / MICROS_PER_SECOND + period_seconds - session.clock.now() / MICROS_PER_SECOND
    return session.client.waiting_at_most(left if left > 0 else period_seconds, at_least_seconds=0)


def _await_manual_tick(session: Session, created_at: int, run_id: str) -> int:
    with session.database.read() as connection:
        tick_at = manual_tick(connection, created_at, run_id)
    seconds = (tick_at - session.clock.now()) / MICROS_PER_SECOND
    if seconds <= MOST_OFFSET_SECONDS:  # a tick further ahead, of a clock that was set back, is refused
        session.clock.sleep(max(0, seconds))
    return tick_at


class _Quotes:
    """Stores the quotes of one tick page by page, and records which markets ended or were not listed."""

    def __init__(self, session: Session, report: Report, scope: Scope, tick_at: int) -> None:
        self._session = session
        self._report = report
        self._scope = scope
        self._pages = MarketPages(session, report, new_only=True)
        self._paused: set[str] = set()
        self._unasked: set[str] = set()
        with session.database.begin() as connection:
            self._quotes = TickQuotes(
                connection,
                report.run,
                tick_at,
                scope,
                every=session.settings.snapshot_mode is SnapshotMode.EVERY,
                keyframe_seconds=session.settings.keyframe_hours * _SECONDS_PER_HOUR,
            )

    def store(self, period_seconds: float) -> None:
        """Store the listing of the markets in scope. If it is complete, look up the markets that it should
        have shown.
        """
        listing = self._pages.listing(self._scope.status or StatusFilter.OPEN)
        try:
            store_pages(self._session, self._report, listing, self._prepare, self._merge)
        except ExchangeError:
            # Proof does not depend on the rest of the listing. A tick without a page has no quotes.
            if self._report.run.pages + self._report.tally.pages:
                self._end(is_complete=False)
            raise
        doubt_unreadable(self._report)
        if self._report.is_complete and self._scope.shows_absence:
            self._store_paused()
            reconcile(
                self._session,
                self._report,
                self._pages,
                self._quotes.listed,
                self._merge,
                period_seconds=period_seconds,
                everywhere=False,
                ended_without_cursor=listing.ended_without_cursor,
            )
        self._end(is_complete=self._report.is_complete)

    def _prepare(self, page: ListedPage[Market]) -> PreparedMarkets:
        prepared = self._pages.prepare(page)
        self._unasked.update(page.unasked)
        return prepared

    def _merge(self, connection: Connection, page: PreparedMarkets) -> Tally:
        parents = self._pages.merge(connection, page)
        inserted, keyframes = self._quotes.append(connection, page.received_at)
        if page.rejected:
            self._quotes.note_unreadable(connection, page.rejected)
        are_paused = {market.ticker for market in page.markets if market.status == _PAUSED}
        # The listing of paused markets may repeat markets of the listing of open ones.
        new_paused = len(are_paused - self._paused)
        again = min(len(are_paused) - new_paused, len(page.markets) - inserted)
        self._paused.update(are_paused)
        return Tally(
            inserted=inserted,
            unchanged=len(page.markets) - inserted - again,
            duplicates=again,
            placeholders=parents.placeholders,
            healed=parents.healed,
            keyframes=keyframes,
            paused=new_paused,
        )

    def _store_paused(self) -> None:
        """List paused markets too, because the exchange's documents disagree whether the listing of open markets has
        them.

        Paused markets in no listing are looked up with the others, so this listing may fail. Other markets in it are
        counted only if the listing of open markets did not have them.
        """
        listing, duplicates = self._pages.listing(StatusFilter.PAUSED), 0
        try:
            for page in listing:
                prepared = self._pages.prepare(page)
                others = [ticker for ticker in page.unasked if ticker not in self._unasked]
                with self._session.database.stage() as connection:
                    out_of_scope = len(others) - self._quotes.listed.count_of(connection, others)
                store_page(
                    self._session,
                    self._report,
                    prepared,
                    self._merge,
                    records=len(prepared.markets),
                    duplicates=listing.duplicates - duplicates,
                    out_of_scope=out_of_scope,
                    rejects=page.rejects,
                    received_at=page.received_at,
                )
                duplicates = listing.duplicates
        except ExchangeError as error:
            self._report.notes.append(f"paused markets could not be listed: {error}")
        else:
            if listing.reason is not None:
                self._report.notes.append(f"paused markets could not be listed: {listing.reason}")

    def _end(self, *, is_complete: bool) -> None:
        """Record which markets had ended, and which were not listed."""
        with self._session.database.stage() as connection:
            self._quotes.find_unlisted(connection)
            has_orphans = self._quotes.has_orphans(connection)
        if has_orphans:
            note_set_aside(self._report, set_aside(self._session))
        with self._session.database.begin() as connection:
            found = self._quotes.end(connection, self._session.clock.now(), is_complete=is_complete)
            tally = Tally(ended=found.ended, unconfirmed=found.unconfirmed)
            add_page(connection, self._report.run, tally)
        self._report.tally += tally


def _note_status(session: Session, report: Report, status: ExchangeStatus | None) -> None:
    """Record whether and where trading is paused. Quotes are still read; they do not move during a pause."""
    if status is None or status.is_paused is None:
        report.notes.append("it is unknown whether trading is paused")
    if status is None:
        return
    report.is_paused, report.inactive_shards = status.is_paused, status.inactive_shards
    if status.is_paused:
        until = "" if status.resumes is None else f"; it expects to resume at {status.resumes}"
        report.notes.append(f"the exchange says that trading is paused, so quotes do not move{until}")
    elif status.inactive:
        numbers = ", ".join(status.inactive_numbers)
        report.notes.append(f"the exchange says that trading is paused on its shards {numbers}")
    with session.database.begin() as connection:
        record_status(
            connection, report.run, is_paused=status.is_paused, inactive_shards=status.inactive_shards
        )
