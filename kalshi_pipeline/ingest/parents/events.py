"""Events that markets name, fetched when the database does not have them.

A placeholder is the last resort, for an event that the exchange does not return; `healing` fills it later.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.ingest.run.documents import EVENT
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Reject
from kalshi_pipeline.store.writing.runs import add_page
from kalshi_pipeline.store.writing.tally import Tally

UNLIMITED = 1_000_000_000
"""The budget of runs that nothing waits for."""


def iter_events(session: Session, report: Report, tickers: Sequence[str]) -> Iterator[ListedPage[Event]]:
    """Look up events as `KalshiClient.iter_events`, and count what came beside them as out of the run's scope."""
    for page in session.client.iter_events(tickers):
        if count := page.out_of_scope.total():
            unasked = Tally(received=count, out_of_scope=count)
            with session.database.begin() as connection:
                add_page(connection, report.run, unasked)
            report.tally += unasked
        session.documents.add_answers(EVENT, page.sources, page.received_at)
        yield page


class EventLookup:
    """Fetches the events that pages name, within a budget of requests, so that new parents never delay the quotes.

    The budget is KALSHI_EVENT_LOOKUPS, or `requests` for runs that nothing waits for.
    """

    def __init__(self, session: Session, report: Report, requests: int | None = None) -> None:
        self._session = session
        self._report = report
        self._requests_left = session.settings.event_lookups if requests is None else requests

    def fetch(self, tickers: Sequence[str]) -> "FetchedEvents":
        """Fetch events, as far as the budget goes."""
        fetched = FetchedEvents([], [], [])
        for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
            if self._requests_left <= 0:
                break
            asked = tickers[start : start + TICKERS_PER_LOOKUP]
            found: set[str] = set()
            try:
                for page in iter_events(self._session, self._report, asked):
                    self._requests_left -= 1
                    found.update(event.ticker for event in page.records)
                    fetched.rows.extend(page.records)
                    fetched.rejects.extend(page.rejects)
            except ExchangeError as error:
                # The quotes of this page have been fetched and matter more: their events become placeholders.
                self._requests_left = 0
                self._report.notes.append(f"this run stopped looking up events: {error}")
                break
            fetched.missing.extend(ticker for ticker in asked if ticker not in found)
        return fetched


class FetchedEvents(NamedTuple):
    """Events that the exchange returned, requested tickers that it did not return, and what could not be read."""

    rows: list[Event]
    missing: list[str]
    rejects: list[Reject]
