"""Syncing series, events and markets. A second run with the same responses changes nothing."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.parents.healing import heal_placeholders
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.parents.missed_parents import check_events, check_series
from kalshi_pipeline.ingest.parents.reconciliation import reconcile
from kalshi_pipeline.ingest.run.cut_listings import doubt_end
from kalshi_pipeline.ingest.run.documents import EVENT, SERIES, DocumentKind
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_pages
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import doubt_unreadable
from kalshi_pipeline.records import Event, Series
from kalshi_pipeline.scope import Combos
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import count_rows
from kalshi_pipeline.store.search_index import fill_search_index
from kalshi_pipeline.store.writing.fingerprints import delete_foreign_fingerprints
from kalshi_pipeline.store.writing.lookups import ListedMarkets
from kalshi_pipeline.store.writing.parents import merge_events, merge_series
from kalshi_pipeline.store.writing.runs import State, Subject
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import StatusFilter

# A collector's next snapshot waits for it. The next run adds the rest, and searches find it anyway.
_INDEXING_SECONDS = 5.0
# Other programs that stay connected keep the statistics while the store grows: those of fewer ticks would make their
# queries slow, and without statistics they are fast.
_TICKS_FOR_STATISTICS = 100

Record = TypeVar("Record", Series, Event)


def _records_of(session: Session, kind: DocumentKind) -> Callable[[ListedPage[Record]], Sequence[Record]]:
    """Return a function that takes the records of a page and collects their documents."""

    def prepare(page: ListedPage[Record]) -> Sequence[Record]:
        tickers = {record.ticker for record in page.records}
        session.documents.add_page(kind, page, tickers, are_counted=True)
        return page.records

    return prepare


@repairing
def sync_series(session: Session) -> Report:
    """Store every series, or those of KALSHI_SERIES. Raises NotFoundError if the exchange does not know one of them."""
    settings, report = session.settings, begin_listing(session, "series")

    listed: set[str] = set()

    def merge(connection: Connection, rows: Sequence[Series]) -> Tally:
        listed.update(row.ticker for row in rows)
        return merge_series(connection, rows, session.clock.now())

    with closing_run(session, report):
        listing = session.client.list_series(series=settings.series, walk_seconds=settings.walk_seconds)
        store_pages(session, report, listing, _records_of(session, SERIES), merge)
        doubt_unreadable(report)
        if missing := set(settings.series) - listed:
            report.leave_partial(
                report.reason or f"the exchange did not return {', '.join(sorted(missing))}: run again"
            )
        elif report.is_complete and not settings.series:
            check_series(session, report, listed)
    return report


@repairing
def sync_events(session: Session) -> Report:
    """Store every event with an open market, then fill placeholders, which stores the events of combos."""
    settings, report = session.settings, begin_listing(session, "events")

    listed: set[str] = set()

    def merge(connection: Connection, rows: Sequence[Event]) -> Tally:
        listed.update(row.ticker for row in rows)
        return merge_events(connection, rows, session.clock.now())

    with closing_run(session, report):
        if settings.combos is Combos.ONLY:
            report.state = State.COMPLETE
            report.notes.append(
                "events of combos cannot be listed by status: they are fetched when markets name them"
            )
        else:
            listing = session.client.list_events(
                status=StatusFilter.OPEN,
                series=settings.series,
                max_pages=settings.max_pages,
                walk_seconds=settings.walk_seconds,
            )
            store_pages(session, report, listing, _records_of(session, EVENT), merge)
            doubt_unreadable(report)
            doubt_end(report, listing)
            if report.is_complete:
                check_events(session, report, listed)
        heal_placeholders(session, report)
    return report


@repairing
def sync_markets(session: Session, status: StatusFilter = StatusFilter.OPEN) -> Report:
    """Store every market of a status with its parents, and fill placeholders.

    For open markets, those no longer open are looked up. At the end, the search index is updated.
    """
    scope = session.scope(status)
    report = begin_listing(session, "markets", subject=Subject(scope))
    with closing_run(session, report):
        pages = MarketPages(session, report)
        with session.database.begin() as connection:
            listed = ListedMarkets(connection)
            if foreign := delete_foreign_fingerprints(connection):
                report.counts["fingerprints_repaired"] += foreign

        def merge(connection: Connection, page: PreparedMarkets) -> Tally:
            tally = pages.merge(connection, page)
            listed.add_staged(connection)
            if page.rejected:
                listed.add_unreadable(connection, page.rejected)
            return tally

        listing = pages.listing(status)
        store_pages(session, report, listing, pages.prepare, merge)
        doubt_unreadable(report)
        if report.is_complete and scope.shows_absence:
            reconcile(
                session,
                report,
                pages,
                listed,
                merge,
                period_seconds=session.settings.snapshot_period_seconds,
                everywhere=True,
                ended_without_cursor=listing.ended_without_cursor,
            )
        heal_placeholders(session, report)
    with session.database.read() as connection:
        are_many = count_rows(connection, "ticks") >= _TICKS_FOR_STATISTICS
    if are_many:
        session.database.optimize()
    if problem := fill_search_index(session.database, _INDEXING_SECONDS, session.clock):
        report.notes.append(problem)
    return report
