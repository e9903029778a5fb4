"""Parents of what a page names: series, events and their placeholders.

A placeholder is the last resort: an event that the exchange gives is fetched. What stays a placeholder is healed
by later runs.
"""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError, NotFoundError, RefusedError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.exchange.pages import Reject
from kalshi_pipeline.exchange.payloads import COMBO_PREFIX, EventPayload, SeriesPayload
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.reading.parents import open_placeholder_events, open_placeholder_series
from kalshi_pipeline.store.rows import EventRow, RejectRow, SeriesRow, Tally
from kalshi_pipeline.store.writing.parents import merge_events, merge_series
from kalshi_pipeline.store.writing.runs import add_page, add_to_quarantine, record_lookups

# Below this many combo events, asking for each is cheaper than walking their listing, which takes no filter.
_WORTH_A_WALK = 20
UNLIMITED = 1_000_000_000
"""The budget of runs that nobody waits for."""
# Events that are asked for one by one and then stored together.
_STORED_AT_ONCE = 50
# Pages of that listing in a row that fill nothing, after which the rest is asked for one by one.
_FRUITLESS_PAGES = 10


def series_row(payload: SeriesPayload) -> SeriesRow:
    """Give a series as the store takes it."""
    tags = ",".join(payload.tags) if payload.tags else None
    return SeriesRow(payload.ticker, payload.title, payload.category, payload.frequency, tags)


def event_row(payload: EventPayload) -> EventRow:
    """Give an event as the store takes it."""
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
    """Give unreadable records as the store takes them."""
    return [RejectRow(reject.ticker, reject.raw, reject.error) for reject in rejects]


class EventLookup:
    """Fetches events that pages name, within a budget of requests, so that new parents never delay the quotes.

    The budget is KALSHI_EVENT_LOOKUPS, or `requests` where nothing waits for the run.
    """

    def __init__(self, session: Session, report: Report, requests: int | None = None) -> None:
        self._session = session
        self._report = report
        self._requests_left = session.settings.event_lookups if requests is None else requests

    def fetch(self, tickers: Sequence[str]) -> "FetchedEvents":
        """Ask for the events; those that are not answered are not there, or the budget is spent.

        The events of combos are not asked for: `/events` never shows them (kalshi/API.md §1.3).
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
                # The quotes of this page are at hand and matter more: their events become placeholders.
                self._requests_left = 0
                self._report.notes.append(f"events are not looked up any more in this run: {error}")
                break
            fetched.missing.extend(ticker for ticker in asked if ticker not in found)
        return fetched


class FetchedEvents(NamedTuple):
    """Events that the exchange gave, tickers that it was asked for and did not give, and what could not be read."""

    rows: list[EventRow]
    missing: list[str]
    rejects: list[Reject]


def heal_placeholders(session: Session, report: Report) -> None:
    """Fill placeholders from the exchange within the budget: first by batches and in bulk, then one by one.

    A way that the exchange refuses is left out, one that fails ends the healing, both with a note; what is left is
    healed by a later run.
    """
    healing = _Healing(session, report)
    ways = (
        healing.events_by_ticker,
        healing.combo_events_in_bulk,
        healing.events_one_by_one,
        healing.series_in_bulk,
        healing.series_one_by_one,
    )
    for way in ways:
        try:
            way()
        except RefusedError as error:
            report.notes.append(f"one way of healing placeholders is refused: {error}")
        except ExchangeError as error:
            report.notes.append(f"the healing of placeholders stopped: {error}")
            return


class _Healing:
    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._last_request = session.client.requests + session.settings.healing_requests

    @property
    def _requests_left(self) -> int:
        return max(0, self._last_request - self._session.client.requests)

    def events_by_ticker(self) -> None:
        tickers = [ticker for ticker in self._open_events() if not ticker.startswith(COMBO_PREFIX)]
        for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
            if self._requests_left:
                for page in self._session.client.iter_events(tickers[start : start + TICKERS_PER_LOOKUP]):
                    self._store_events(page.records, page.rejects)

    def combo_events_in_bulk(self) -> None:
        wanted = {ticker for ticker in self._open_events() if ticker.startswith(COMBO_PREFIX)}
        pages_left = self._requests_left // 2
        if len(wanted) < _WORTH_A_WALK or not pages_left:
            return
        fruitless = 0
        listing = self._session.client.list_combo_events(
            max_pages=pages_left, walk_seconds=self._session.settings.walk_seconds
        )
        for page in listing:
            found = [payload for payload in page.records if payload.ticker in wanted]
            self._store_events(found, page.rejects)
            wanted.difference_update(payload.ticker for payload in found)
            fruitless = 0 if found else fruitless + 1
            self._session.tell_progress(f"healing: {len(wanted):,} combo events are open")
            if not wanted or fruitless >= _FRUITLESS_PAGES:
                return

    def events_one_by_one(self) -> None:
        tickers = self._open_events(self._requests_left)
        for start in range(0, len(tickers), _STORED_AT_ONCE):
            asked = tickers[start : start + min(_STORED_AT_ONCE, self._requests_left)]
            found: list[EventPayload] = []
            for ticker in asked:
                with contextlib.suppress(NotFoundError):
                    found.append(self._session.client.fetch_event(ticker))
                self._session.tell_progress(f"healing: asked for {ticker}")
            self._store_events(found, [])
            given = {payload.ticker for payload in found}
            with self._session.database.begin() as connection:
                record_lookups(
                    connection, [ticker for ticker in asked if ticker not in given], self._session.clock.now()
                )

    def series_in_bulk(self) -> None:
        """All series are one request, or a few: worth it where many are open, as before the first `collect`."""
        wanted = set(self._open_series())
        if len(wanted) < _WORTH_A_WALK or not self._requests_left:
            return
        for page in self._session.client.list_series(walk_seconds=self._session.settings.walk_seconds):
            self._store_series([payload for payload in page.records if payload.ticker in wanted])

    def series_one_by_one(self) -> None:
        for ticker in self._open_series(self._requests_left):
            if not self._requests_left:
                return
            with contextlib.suppress(NotFoundError):
                self._store_series([self._session.client.fetch_series(ticker)])

    def _open_events(self, limit: int = 1_000_000) -> list[str]:
        with self._session.database.read() as connection:
            return open_placeholder_events(connection, limit)

    def _open_series(self, limit: int = 1_000_000) -> list[str]:
        with self._session.database.read() as connection:
            return open_placeholder_series(connection, limit)

    def _store_series(self, payloads: Sequence[SeriesPayload]) -> None:
        with self._session.database.begin() as connection:
            self._count(
                merge_series(
                    connection, [series_row(payload) for payload in payloads], self._session.clock.now()
                ).healed
            )

    def _store_events(self, payloads: Sequence[EventPayload], rejects: Sequence[Reject]) -> None:
        if not payloads and not rejects:
            return
        at, run = self._session.clock.now(), self._report.run
        with self._session.database.begin() as connection:
            tally = merge_events(connection, [event_row(payload) for payload in payloads], at)
            add_to_quarantine(connection, run, "events", reject_rows(rejects), at)
            add_page(connection, run, Tally(healed=tally.healed))
        self._count(tally.healed)

    def _count(self, healed: int) -> None:
        self._report.tally += Tally(healed=healed)
