"""Storing a listing: page by page, one short transaction each, and a record of how it ended."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from kalshi_pipeline.errors import PipelineError, StoreError
from kalshi_pipeline.exchange.listing import ListedPage, Listing
from kalshi_pipeline.ingest.parents.events import reject_rows
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import count_rows, placeholders
from kalshi_pipeline.store.rows import Tally
from kalshi_pipeline.store.writing.runs import State, add_page, add_to_quarantine, close_run, open_listing
from kalshi_pipeline.units import MICROS_PER_SECOND

Row = TypeVar("Row")
Prepared = TypeVar("Prepared")

# A run older than this many walks cannot be alive.
_WALKS_UNTIL_DEAD = 4


def begin_listing(
    session: Session,
    asset: str,
    *,
    record: str | None = None,
    scope: str | None = None,
    walk_seconds: float | None = None,
) -> Report:
    """Open the record of a run, of the session's scope and as long as its settings say, or of others.

    `record` is its name among the runs, where it has one of its own.
    """
    at = session.clock.now()
    scope = scope or session.scope
    seconds = walk_seconds or session.settings.walk_seconds
    dead_before = at - round(_WALKS_UNTIL_DEAD * seconds * MICROS_PER_SECOND)
    with session.database.begin() as connection:
        run = open_listing(connection, record or asset, scope, at, dead_before)
    return Report(asset, run, scope)


def count_store(session: Session, report: Report) -> None:
    """Tell the report what the store holds by now."""
    with session.database.read() as connection:
        report.rows = count_rows(connection, report.asset)
        report.open_placeholders = sum(of_table.count for of_table in placeholders(connection).values())


@contextlib.contextmanager
def closing_run(session: Session, report: Report) -> Iterator[None]:
    """Close the run's record at the end of the block, with the state that the report has by then.

    An error closes it as partial where pages are stored and as failed where none is, and is raised again with
    a note that says so.
    """
    started, requests, retries = session.clock.monotonic(), session.client.requests, session.client.retries
    try:
        yield
    except BaseException as error:
        pages = report.run.pages + report.tally.pages
        report.state = State.PARTIAL if pages else State.FAILED
        report.reason = (
            str(error) if isinstance(error, PipelineError) else f"stopped by {type(error).__name__}"
        )
        error.add_note(f"{pages} pages of {report.asset} are stored and stay; the run is {report.state}")
        # Where even this cannot be written (a full disk), the next run finds the record open and closes it.
        with contextlib.suppress(StoreError), session.database.begin() as connection:
            close_run(
                connection, report.run, report.state, report.reason, session.clock.now(), report.windows
            )
        raise
    with session.database.begin() as connection:
        close_run(connection, report.run, report.state, report.reason, session.clock.now(), report.windows)
    count_store(session, report)
    report.requests = session.client.requests - requests
    report.retries = session.client.retries - retries
    report.seconds = session.clock.monotonic() - started


def store_pages(
    session: Session,
    report: Report,
    listing: Listing[Row],
    prepare: Callable[[ListedPage[Row]], Prepared],
    merge: Callable[[Connection, Prepared], Tally],
) -> None:
    """Store a listing and set the report's state to how complete it was.

    `prepare` turns a page into rows, and may ask the exchange; `merge` writes them, within the transaction that
    also counts the page and quarantines what could not be read.
    """
    duplicates = 0
    for page in listing:
        report.windows = listing.windows
        prepared = prepare(page)
        rejects = reject_rows(page.rejects)
        counted = Tally(pages=1, quarantined=len(rejects), duplicates=listing.duplicates - duplicates)
        counted += Tally(received=len(page.records) + len(rejects) + counted.duplicates)
        duplicates = listing.duplicates
        with session.database.begin() as connection:
            tally = counted + merge(connection, prepared)
            add_to_quarantine(connection, report.run, report.asset, rejects, page.received_at)
            add_page(connection, report.run, tally)
        report.tally += tally
        session.tell_progress(
            f"{report.asset}: {report.tally.pages} pages, {report.tally.received:,} records"
        )
    if listing.windows_failed is not None:
        report.notes.append(f"markets were listed in one walk and not in windows: {listing.windows_failed}")
    report.state = State.COMPLETE if listing.complete else State.PARTIAL
    report.reason = listing.reason
