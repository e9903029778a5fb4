"""Events that markets name: as rows, and fetched when the database does not have them.

A placeholder is the last resort, for an event that the exchange does not return; `healing` fills it later.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.pages import Reject
from kalshi_pipeline.exchange.payloads import COMBO_PREFIX, EventPayload, SeriesPayload
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.rows import EventRow, RejectRow, SeriesRow

UNLIMITED = 1_000_000_000
"""The budget of runs that nothing waits for."""


def series_row(payload: SeriesPayload) -> SeriesRow:
    """Return a series as the store takes it."""
    tags = ",".join(payload.tags) if payload.tags else None
    return SeriesRow(payload.ticker, payload.title, payload.category, payload.frequency, tags)


def event_row(payload: EventPayload) -> EventRow:
    """Return an event as the store takes it."""
    return EventRow(
        ticker=payload.ticker,
        series_ticker=payload.series_ticker,
        title=payload.title,
        sub_title=payload.sub_title,
        category=payload.category,
        mutually_exclusive=payload.mutually_exclusive,
        strike_at=payload.strike_date,
    )


def reject_rows(rejects: Sequence[Reject]) -> list[RejectRow]:
    """Return unreadable records as the store takes them."""
    return [RejectRow(reject.ticker, reject.raw, reject.error) for reject in rejects]


class EventLookup:
    """Fetches the events that pages name, within a budget of requests, so that new parents never delay the quotes.

    The budget is KALSHI_EVENT_LOOKUPS, or `requests` for runs that nothing waits for.
    """

    def __init__(self, session: Session, report: Report, requests: int | None = None) -> None:
        self._session = session
        self._report = report
        self._requests_left = session.settings.event_lookups if requests is None else requests

    def fetch(self, tickers: Sequence[str]) -> "FetchedEvents":
        """Fetch events, as far as the budget goes.

        The events of combos are not requested: `/events` never returns them.
        """
        wanted = [ticker for ticker in tickers if not ticker.startswith(COMBO_PREFIX)]
        fetched = FetchedEvents([], [], [])
        for start in range(0, len(wanted), TICKERS_PER_LOOKUP):
            if self._requests_left <= 0:
                break
            asked = wanted[start : start + TICKERS_PER_LOOKUP]
            found: set[str] = set()
            try:
                for page in self._session.client.iter_events(asked):
                    self._requests_left -= 1
                    found.update(payload.ticker for payload in page.records)
                    fetched.rows.extend(event_row(payload) for payload in page.records)
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

    rows: list[EventRow]
    missing: list[str]
    rejects: list[Reject]
