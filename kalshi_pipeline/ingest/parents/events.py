"""Fetches events that markets name and the database does not have.

An event that the exchange does not return becomes a placeholder, which `healing` fills later.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError, NotFoundError, RefusedError
from kalshi_pipeline.exchange.batches import can_be_listed
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.run.documents import EVENT
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.ticker_batches import TickerBatches
from kalshi_pipeline.records import Event, Reject
from kalshi_pipeline.store.writing.runs import add_page
from kalshi_pipeline.store.writing.tally import Tally

_FAILED_BATCHES = 3
# Quotes wait for the events of their page.
_MOST_SECONDS = 10.0

UNLIMITED = 1_000_000_000
"""The budget of runs that do not delay others."""


def iter_events(
    session: Session, report: Report, tickers: Sequence[str], seconds_left: float = float("inf")
) -> Iterator[ListedPage[Event]]:
    """Look up events like `KalshiClient.iter_events`, and count other events in the report as out of scope.

    An event whose ticker cannot be in a list is fetched alone; it is the only one of its batch.
    """
    pages = (
        session.client.iter_events(tickers, seconds_left)
        if can_be_listed(tickers[0])
        else [_fetch_alone(session, tickers[0], seconds_left)]
    )
    for page in pages:
        if count := page.out_of_scope.total():
            unasked = Tally(received=count, out_of_scope=count)
            with session.database.begin() as connection:
                add_page(connection, report.run, unasked)
            report.tally += unasked
        session.documents.add_page(EVENT, page)
        yield page


def _fetch_alone(session: Session, ticker: str, seconds_left: float) -> ListedPage[Event]:
    try:
        return session.client.fetch_event(ticker, seconds_left)
    except NotFoundError:
        return ListedPage([], [], session.clock.now())


def iter_all_events(session: Session, report: Report, tickers: Sequence[str]) -> Iterator[ListedPage[Event]]:
    """Look up any number of events in batches. A failing event is noted and omitted, and does not stop the others."""
    batches = TickerBatches(tickers)
    for asked in batches:
        try:
            yield from iter_events(session, report, asked)
            batches.succeed()
        except ExchangeError as error:
            batches.fail(asked, error)
    note_failed_events(report, batches)


def note_failed_events(report: Report, batches: TickerBatches) -> None:
    """Note in a run's report how many events could not be looked up, and why."""
    count = len(batches.failed) + len(batches.unasked)
    if count:
        reason = next(map(str, batches.failed.values()), "the limit of requests was reached")
        report.notes.append(f"{count:,} events could not be looked up and are left to later runs: {reason}")


class EventLookup:
    """Fetches the events that pages name, within a budget of requests so that new parents do not delay quotes.

    The budget is KALSHI_EVENT_LOOKUPS, or `requests` for runs without quotes. In runs with quotes, a failure of the
    exchange ends the lookups.
    """

    def __init__(self, session: Session, report: Report, requests: int | None = None) -> None:
        self._session = session
        self._report = report
        self._requests_left = session.settings.event_lookups if requests is None else requests
        self._are_quotes_waiting = requests is None

    def fetch(self, tickers: Sequence[str]) -> "FetchedEvents":
        """Fetch events within the budget."""
        fetched = FetchedEvents([], [], [])
        batches = TickerBatches(tickers, failed_batches=1 if self._are_quotes_waiting else _FAILED_BATCHES)
        most_seconds = _MOST_SECONDS if self._are_quotes_waiting else float("inf")
        for asked in batches:
            if self._requests_left <= 0:
                batches.stop(asked)
                break
            found: set[str] = set()
            has_others = False
            try:
                for page in iter_events(self._session, self._report, asked, most_seconds):
                    self._requests_left -= 1
                    found.update(event.ticker for event in page.records)
                    fetched.rows.extend(page.records)
                    fetched.rejects.extend(page.rejects)
                    has_others |= bool(page.out_of_scope)
            except ExchangeError as error:
                # The fetched quotes of this page matter more, so their events become placeholders.
                self._requests_left -= 1
                batches.fail(asked, error)
                continue
            batches.succeed()
            missing = [ticker for ticker in asked if ticker not in found]
            if has_others and missing:
                self._report.notes.append(
                    f"the exchange returned other events than requested, so {len(missing):,} missing "
                    "ones may exist, and are left to later runs"
                )
            else:
                fetched.missing.extend(missing)
        if batches.failed:
            note_failed_events(self._report, batches)
            if self._are_quotes_waiting and not all(map(_is_refusal, batches.failed.values())):
                self._requests_left = 0
        return fetched


def _is_refusal(error: ExchangeError) -> bool:
    return isinstance(error, RefusedError)


class FetchedEvents(NamedTuple):
    """The returned events, the requested tickers that the exchange does not have, and the unreadable records."""

    rows: list[Event]
    missing: list[str]
    rejects: list[Reject]
