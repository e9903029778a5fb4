"""Event metadata: fetched one event at a time, when an event is first seen or its description has changed.

If the exchange fails here, the run is partial instead of failed, so no other step is skipped.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError, NotFoundError
from kalshi_pipeline.exchange.pages import Page
from kalshi_pipeline.exchange.transport import Answer
from kalshi_pipeline.ingest.run.failures import FailuresInARow
from kalshi_pipeline.ingest.run.lenient import leaving_partial, note_not_offered
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_page
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Document
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.event_metadata import (
    changed_events,
    count_asked,
    has_documents,
    unseen_events,
)
from kalshi_pipeline.store.writing.documents import other_kind
from kalshi_pipeline.store.writing.runs import Subject
from kalshi_pipeline.store.writing.subjects import record_subjects
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_SECOND

ASSET = "event_metadata"
PATH = "/events/{event_ticker}/metadata"
EVENT_METADATA = other_kind(ASSET)
REQUESTS_AN_HOUR = 300

_HOUR = 3600 * MICROS_PER_SECOND
# The request time of an event whose answer is not stored yet: if the run is killed, it is requested again.
_NOT_YET = 0
_FAILED_EVENTS = 3
# After this many 404s, if no event ever had metadata, the exchange does not offer it.
_MISSING_EVENTS = 10


@repairing
def sync_event_metadata(session: Session, walk_seconds: float | None = None) -> Report:
    """Store the metadata of new and changed events, except combos.

    All runs together request at most REQUESTS_AN_HOUR events an hour, and leave the rest to later runs.
    """
    report = begin_listing(
        session,
        ASSET,
        kind=EVENT_METADATA.name,
        subject=Subject(selection="events that are new or have changed"),
    )
    with closing_run(session, report), leaving_partial(report, PATH):
        seconds = session.seconds_of(walk_seconds)
        _Fetching(session, report, seconds).run()
    return report


class _Fetching:
    def __init__(self, session: Session, report: Report, seconds: float) -> None:
        self._session = session
        self._report = report
        self._ends = session.clock.monotonic() + seconds
        self._asked: list[str] = []
        self._missing: list[str] = []
        self._failed: dict[str, str] = {}

    def run(self) -> None:
        with self._session.database.read() as connection:
            is_offered = has_documents(connection, EVENT_METADATA)
            due = _due_events(connection, self._session.clock.now())
        try:
            not_found = self._fetch(due, is_offered=is_offered)
        except ExchangeError:
            # Failed events would come first in every run and end it, so they are requested a day later.
            self._record([*self._asked, *due.unseen.intersection(self._failed)])
            raise
        if not_found is not None and not is_offered and not self._asked:
            note_not_offered(self._report, PATH, not_found)
            return
        # Events without metadata are requested again a day later.
        self._record([*self._asked, *self._missing])
        if self._missing:
            self._report.counts["without_metadata"] += len(self._missing)
        self._report.failures = len(self._failed)
        self._report.conclude([f"{ticker}: {why}" for ticker, why in self._failed.items()])

    def _record(self, tickers: Sequence[str]) -> None:
        """Record the requests of events, once their answers are stored."""
        self._session.documents.store()
        with self._session.database.begin() as connection:
            record_subjects(connection, EVENT_METADATA, tickers, self._session.clock.now())

    def _fetch(self, due: "_Due", *, is_offered: bool) -> NotFoundError | None:
        """Fetch and store the metadata of events until the time is over, and return the last 404."""
        failures, not_found = FailuresInARow(_FAILED_EVENTS), None
        client = self._session.client
        most_requests = client.requests + due.requests
        for done, ticker in enumerate(due.events):
            seconds_left = self._ends - self._session.clock.monotonic()
            if seconds_left <= 0 or client.requests >= most_requests:
                why = "time is over" if seconds_left <= 0 else "too many requests were retries"
                self._report.notes.append(
                    f"{len(due.events) - done:,} events are left to the next run: {why}"
                )
                break
            try:
                answer = client.fetch_event_metadata(ticker, seconds_left)
            except NotFoundError as error:
                not_found = error
                self._missing.append(ticker)
                if not (is_offered or self._asked) and len(self._missing) >= _MISSING_EVENTS:
                    break
            except ExchangeError as error:
                failures.add()
                self._failed[ticker] = str(error)
                if failures.are_too_many:
                    raise
            else:
                failures.clear()
                self._store(ticker, answer)
        return not_found

    def _store(self, ticker: str, answer: Answer[Page[Document]]) -> None:
        def merge(connection: Connection, documents: Sequence[Document]) -> Tally:
            inserted = min(record_subjects(connection, EVENT_METADATA, [ticker], _NOT_YET), len(documents))
            return Tally(inserted=inserted, unchanged=len(documents) - inserted)

        self._asked.append(ticker)
        self._session.documents.add(
            EVENT_METADATA, answer.content.records, answer.received_at, are_counted=True
        )
        store_page(
            self._session,
            self._report,
            answer.content.records,
            merge,
            records=len(answer.content.records),
            duplicates=0,
            rejects=answer.content.rejects,
            received_at=answer.received_at,
        )
        self._session.report_progress(f"{ASSET}: {self._report.tally.new:,} events")


class _Due(NamedTuple):
    """The events to request, and the number of requests left for them, retries included."""

    events: list[str]
    requests: int
    unseen: frozenset[str]


def _due_events(connection: Connection, now: int) -> _Due:
    """Return the events to request now. Half of the requests are reserved for events without metadata."""
    asked = count_asked(connection, EVENT_METADATA, after=now - _HOUR, until=now)
    left = max(0, REQUESTS_AN_HOUR - asked)
    unseen = unseen_events(connection, EVENT_METADATA, left)
    changed = changed_events(
        connection, EVENT_METADATA, left, asked_before=now - _HOUR, missed_before=now - MICROS_PER_DAY
    )
    chosen = changed[: max(left // 2, left - len(unseen))]
    return _Due([*chosen, *unseen[: left - len(chosen)]], left, frozenset(unseen))
