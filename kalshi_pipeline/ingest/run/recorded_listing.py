"""Opens and closes the record of a run, and stores its listing page by page in short transactions."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kalshi_pipeline.errors import ExchangeError, StoreError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.run.clock_check import check_clock
from kalshi_pipeline.ingest.run.garbage_collection import few_collections
from kalshi_pipeline.ingest.run.reasons import reason_of
from kalshi_pipeline.ingest.run.report import OtherTable, Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import keep_unreadable
from kalshi_pipeline.records import Reject
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import count_added_rows, count_subjects, placeholders
from kalshi_pipeline.store.writing.runs import Run, State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_SECOND

Row = TypeVar("Row")
Prepared = TypeVar("Prepared")

# A run older than this many times its walk's time limit cannot be alive.
_WALKS_UNTIL_DEAD = 4


@dataclass(frozen=True)
class Batches(Generic[Prepared]):
    """The number of pages of a serial walk per transaction, and the function that joins their prepared rows."""

    pages: int
    join: Callable[[Sequence[Prepared]], Prepared]


def begin_listing(
    session: Session,
    asset: str,
    *,
    kind: str | None = None,
    record: str | None = None,
    subject: Subject | None = None,
    walk_seconds: float | None = None,
) -> Report:
    """Open the record of a run and return its report.

    If the clock is wrong, raise ClockError and write nothing. `kind` is the kind of the asset's documents, if it has
    only documents. `record` is the run's name in `listings`, by default the asset's. `subject` (by default the
    configured open markets) and `walk_seconds` default to the settings.
    """
    checked = check_clock(session)
    at = session.clock.now()
    subject = subject or Subject(session.scope())
    seconds = session.seconds_of(walk_seconds)
    dead_before = at - round(_WALKS_UNTIL_DEAD * seconds * MICROS_PER_SECOND)
    run = open_run(
        session, lambda connection: open_listing(connection, record or asset, subject, at, dead_before)
    )
    report = Report(asset, run, subject, kind, most_seconds=walk_seconds)
    checked.note_in(report)
    return report


def open_run(session: Session, opening: Callable[[Connection], Run]) -> Run:
    """Open the record of a run. If a signal stops the program from then on, the session closes the record."""
    with session.database.begin() as connection:
        run = opening(connection)
        if run.state is State.RUNNING:
            session.open_runs.append(run)
    return run


def count_store(session: Session, report: Report) -> None:
    """Record the store's present row counts in the report."""
    with session.database.read() as connection:
        if report.kind is None:
            report.rows = count_added_rows(connection, report.asset)
        else:
            report.rows = count_subjects(connection, report.kind)
        report.open_placeholders = sum(of_table.count for of_table in placeholders(connection).values())


def _what_is_stored(report: Report, pages: int) -> str:
    if not pages:
        return f"this run stored nothing of {report.asset}"
    stored = "1 page is" if pages == 1 else f"{pages:,} pages are"
    return f"{stored} stored of {report.asset}; the run is {report.state}"


@contextlib.contextmanager
def closing_run(session: Session, report: Report) -> Iterator[None]:
    """Close the run's record at the end of the block, with the report's state.

    After an error, the state is partial if pages were stored, else failed. An error of the exchange in a partial run is
    not raised but kept in the report's `error`, because the stored data is useful and the caller decides. Any other
    error is raised again, with a note about what is stored.
    """
    counting = _Counting(session)
    most_seconds = session.seconds_of(report.most_seconds)
    session.run_name = report.run.name
    try:
        with few_collections(), session.client.waiting_at_most(most_seconds):
            yield
            session.documents.store()
    except BaseException as error:
        pages = report.run.pages + report.tally.pages
        report.state = State.PARTIAL if pages else State.FAILED
        report.reason = reason_of(error)
        if not (pages and isinstance(error, ExchangeError)):
            error.add_note(_what_is_stored(report, pages))
            if not isinstance(error, Exception):
                session.database.forget_writer()
            # If even this cannot be written, for example on a full disk, the next run closes the open record.
            with contextlib.suppress(StoreError):
                _close(session, report)
                session.documents.store()
            raise
        report.error = error
        session.documents.store()
    _close(session, report)
    count_store(session, report)
    _count_elsewhere(session, report)
    _count_documents(session, report)
    counting.enter_in(report)
    _note_limit(session, report)


class _Counting:
    """The counts of a session's client from the beginning of a run, and the run's duration."""

    def __init__(self, session: Session) -> None:
        self._client, self._clock = session.client, session.clock
        self._started = self._clock.monotonic()
        self._requests, self._retries = self._client.requests, self._client.retries
        self._too_many = self._client.too_many
        # What came before this run is none of it.
        self._client.take_answer_ages()
        self._client.take_odd_fields()
        session.database.take_changes()

    def enter_in(self, report: Report) -> None:
        report.requests += self._client.requests - self._requests
        report.retries = self._client.retries - self._retries
        report.too_many = self._client.too_many - self._too_many
        report.seconds = self._clock.monotonic() - self._started
        report.odd_fields = self._client.take_odd_fields()
        ages = self._client.take_answer_ages()
        report.answer_age_seconds = ages.oldest_seconds
        if ages.absurd:
            report.notes.append(
                f"{ages.absurd:,} answers have an impossible `Age`, and are dated by their arrival"
            )


def _count_elsewhere(session: Session, report: Report) -> None:
    changes = session.database.take_changes()
    with session.database.read() as connection:
        for table in sorted(changes.tables - {report.asset}):
            rows = count_added_rows(connection, table)
            report.elsewhere[table] = OtherTable(changes.inserted[table], changes.changed[table], rows)


def _note_limit(session: Session, report: Report) -> None:
    """Record the request limit in force in the report, and why it differs from the setting."""
    in_force, most = session.client.requests_per_second, session.settings.requests_per_second
    report.requests_per_second = round(in_force, 2)
    if report.too_many:
        report.notes.append(
            f"{report.too_many:,} requests were refused as too many (429): the request limit is now {in_force:.3g} a "
            f"second instead of {most:g}, and recovers within minutes"
        )
    if session.client.limit_problem is not None:
        report.notes.append(session.client.limit_problem)


def _count_documents(session: Session, report: Report) -> None:
    stored, unreadable = session.documents.take_counts()
    report.counts["documents"] += stored
    if unreadable:
        report.counts["unreadable_documents"] += unreadable


def _close(session: Session, report: Report) -> None:
    with session.database.begin() as connection:
        close_run(connection, report.run, report.state, report.reason, session.clock.now(), report.windows)
    session.open_runs = [run for run in session.open_runs if run is not report.run]


def store_pages(
    session: Session,
    report: Report,
    listing: Listing[Row],
    prepare: Callable[[ListedPage[Row]], Prepared],
    merge: Callable[[Connection, Prepared], Tally],
    *,
    batches: Batches[Prepared] | None = None,
) -> None:
    """Store a listing, and set the report's state by its completeness.

    `prepare` turns a page into rows and may send requests. It adds records that it omits because they were not
    requested to the page's `out_of_scope`. `merge` writes the rows of a page or a batch, in its transaction. If the
    exchange fails, what was prepared before is stored before the error is raised.
    """
    duplicates = 0
    pages = ((page, prepare(page)) for page in listing)
    for page, prepared in pages if batches is None else _joined(pages, batches):
        report.windows = listing.windows
        out_of_scope = page.out_of_scope.total()
        store_page(
            session,
            report,
            prepared,
            merge,
            pages=page.pages,
            records=page.received - len(page.rejects) - out_of_scope,
            duplicates=listing.duplicates - duplicates,
            out_of_scope=out_of_scope,
            rejects=page.rejects,
            received_at=page.received_at,
        )
        duplicates = listing.duplicates
        session.report_progress(f"{report.asset}: {report.tally.pages} pages, {report.tally.new:,} records")
    _note_listing(report, listing)
    report.state = State.COMPLETE if listing.complete else State.PARTIAL
    report.reason = listing.reason


def _note_listing(report: Report, listing: Listing[Row]) -> None:
    """Note how a listing was read, if not as planned, and what was dropped."""
    if listing.windows_failed is not None:
        report.notes.append(
            f"markets were listed in a single walk instead of windows: {listing.windows_failed}"
        )
    if listing.page_size is not None and listing.pages:
        report.notes.append(
            f"{listing.path} was read in pages of {listing.page_size}: larger ones are refused"
        )
    if listing.out_of_scope and listing.complete:
        by_filter = ", ".join(f"{count:,} by `{name}`" for name, count in listing.out_of_scope.most_common())
        report.notes.append(f"records that were not requested were omitted: {by_filter}")


def _joined(
    pages: Iterable[tuple[ListedPage[Row], Prepared]], batches: Batches[Prepared]
) -> Iterator[tuple[ListedPage[Row], Prepared]]:
    """Yield joined pages. The last group, and the group before an error of the exchange, may be smaller."""
    waiting: list[tuple[ListedPage[Row], Prepared]] = []
    failed: ExchangeError | None = None

    def join() -> tuple[ListedPage[Row], Prepared]:
        listed, prepared = zip(*waiting, strict=True)
        waiting.clear()
        return ListedPage.joined(listed), batches.join(prepared)

    try:
        for page in pages:
            waiting.append(page)
            if len(waiting) == batches.pages:
                yield join()
    except ExchangeError as error:
        failed = error
    if waiting:
        yield join()
    if failed is not None:
        raise failed


def store_page(
    session: Session,
    report: Report,
    prepared: Prepared,
    merge: Callable[[Connection, Prepared], Tally],
    *,
    pages: int = 1,
    records: int,
    duplicates: int,
    out_of_scope: int = 0,
    rejects: Sequence[Reject],
    received_at: int,
) -> None:
    """Store a page in one transaction: its rows by `merge`, its unreadable records, and its counts.

    `records` is its number of records without duplicates, unreadable and unrequested ones.
    """
    counted = Tally(
        pages=pages,
        received=records + duplicates + out_of_scope + len(rejects),
        duplicates=duplicates,
        out_of_scope=out_of_scope,
        quarantined=len(rejects),
    )
    with session.database.begin() as connection:
        tally = counted + merge(connection, prepared)
        keep_unreadable(session, report, connection, report.asset, rejects, received_at)
        add_page(connection, report.run, tally)
    report.tally += tally
    session.documents.store_if_many()
