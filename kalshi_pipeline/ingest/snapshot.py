"""One snapshot: the quote of every open market at one tick, with the parents that it needs."""

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.parents.reconciliation import reconcile
from kalshi_pipeline.ingest.run.recorded_listing import closing_run, count_store, store_pages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.settings import SnapshotMode
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.quotes import TickQuotes
from kalshi_pipeline.store.writing.runs import State, Subject, add_page, open_tick, record_pause
from kalshi_pipeline.store.writing.tally import Tally

_SECONDS_PER_HOUR = 3600


def take_snapshot(session: Session, tick_at: int, period_seconds: float | None = None) -> Report:
    """Store the quotes of a tick (an instant); `period_seconds` is the cadence of a scheduled one.

    A tick that is already complete is unchanged, one that was cut short is continued, and one that comes too late is
    skipped, as the report's state says. Snapshots of one database run one after the other.
    """
    with session.database.snapshot_lock(session.report_progress):
        with session.database.begin() as connection:
            run = open_tick(connection, tick_at, period_seconds, session.scope(), session.clock.now())
        report = Report("price_snapshots", run, Subject(session.scope()), tick_at=tick_at)
        if run.state is not State.RUNNING:
            report.state, report.reason = run.state, run.reason
            count_store(session, report)
            return report
        with closing_run(session, report):
            _note_pause(session, report)
            _store_quotes(session, report, tick_at)
    return report


def _store_quotes(session: Session, report: Report, tick_at: int) -> None:
    pages = MarketPages(session, report)
    with session.database.begin() as connection:
        quotes = TickQuotes(
            connection,
            report.run,
            tick_at,
            session.scope(),
            every=session.settings.snapshot_mode is SnapshotMode.EVERY,
            keyframe_seconds=session.settings.keyframe_hours * _SECONDS_PER_HOUR,
        )

    def merge(connection: Connection, page: PreparedMarkets) -> Tally:
        parents = pages.merge(connection, page)
        inserted, keyframes = quotes.append(connection, page.received_at)
        if page.rejected:
            quotes.note_listed(connection, page.rejected)
        return Tally(
            inserted=inserted,
            unchanged=len(page.markets) - inserted,
            placeholders=parents.placeholders,
            healed=parents.healed,
            keyframes=keyframes,
        )

    store_pages(session, report, pages.listing(), pages.prepare, merge)
    # An empty listing although markets were open is the exchange's error, which a check reports.
    if report.is_complete and report.tally.received:
        reconcile(session, report, pages, quotes.listed, merge, everywhere=False)
        _end_histories(session, report, quotes)


def _end_histories(session: Session, report: Report, quotes: TickQuotes) -> None:
    """End the history of each market that this complete tick has neither listed nor found open.

    This includes markets whose lookup failed: a market missing in a complete listing has nearly always closed, and
    leaving its history open would confirm a quote that was not seen. If the listing lost the market after all, its
    history starts again at the next tick that lists it, and the row in between says what is known: it was not listed.
    """
    with session.database.begin() as connection:
        ended = Tally(ended=quotes.end_unlisted(connection, session.clock.now()))
        add_page(connection, report.run, ended)
    report.tally += ended


def _note_pause(session: Session, report: Report) -> None:
    """Record whether trading is paused; the quotes are read all the same, and do not move during a pause."""
    try:
        status = session.client.fetch_exchange_status()
    except ExchangeError as error:
        report.notes.append(f"it is not known whether trading is paused: {error}")
        return
    report.is_paused = status.is_paused
    if status.is_paused:
        report.notes.append("the exchange says that trading is paused, so quotes do not move")
    with session.database.begin() as connection:
        record_pause(connection, report.run, is_paused=status.is_paused)
