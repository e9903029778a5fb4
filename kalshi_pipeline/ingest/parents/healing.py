"""Fills placeholders of events and series from the exchange."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from kalshi_pipeline.errors import ExchangeError, NotFoundError, RefusedError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.parents.events import iter_events, note_failed_events
from kalshi_pipeline.ingest.run.documents import EVENT, SERIES
from kalshi_pipeline.ingest.run.failures import FailuresInARow
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.ticker_batches import TickerBatches
from kalshi_pipeline.ingest.run.unreadable import keep_unreadable
from kalshi_pipeline.records import Event, Reject, Series
from kalshi_pipeline.store.reading.parents import open_placeholder_events, open_placeholder_series
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.parents import merge_events, merge_series
from kalshi_pipeline.store.writing.runs import add_page
from kalshi_pipeline.store.writing.tally import Tally

# Below this number of combo events, fetching each is cheaper than walking their listing, which has no filter.
_WORTH_A_WALK = 20
# Events that are fetched one by one are stored in groups of this size.
_STORED_TOGETHER = 50
# After this many consecutive pages that fill nothing, the rest is fetched one by one.
_FRUITLESS_PAGES = 10
# After this many consecutive failures, the exchange counts as down.
_FAILED_REQUESTS = 5
_MOST_NAMED = 5

Fetched = TypeVar("Fetched", Event, Series)


def heal_placeholders(session: Session, report: Report) -> None:
    """Fill placeholders within KALSHI_HEALING_REQUESTS: first in batches and in bulk, then one by one.

    A failure does not stop the others: it is noted, and later runs request the item last. Several consecutive failures
    end the run's filling. Later runs fill the rest.
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
            report.notes.append(f"the exchange refuses one way of filling placeholders: {error}")
        except ExchangeError as error:
            healing.failures.add()
            report.notes.append(f"one way of filling placeholders failed: {error}")
        if healing.failures.are_too_many:
            report.notes.append("stopped filling placeholders: the exchange keeps failing")
            break
    healing.note_failed()


class _Healing:
    """Fills the placeholders of one run.

    Documents are stored first: if the run is killed in between, the placeholders remain, and a later run completes
    them.
    """

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._last_request = session.client.requests + session.settings.healing_requests
        self.failures = FailuresInARow(_FAILED_REQUESTS)
        self._failed: dict[str, ExchangeError] = {}

    @property
    def _requests_left(self) -> int:
        return max(0, self._last_request - self._session.client.requests)

    def events_by_ticker(self) -> None:
        batches = TickerBatches(self._open_events(of_combos=False))
        for asked in batches:
            if not self._requests_left:
                return  # the others are requested one by one, or by later runs
            try:
                for page in iter_events(self._session, self._report, asked):
                    self._store_events(page.records, page.rejects)
            except ExchangeError as error:
                batches.fail(asked, error)
                if not isinstance(error, RefusedError):
                    self.failures.add()
                continue
            batches.succeed()
            self.failures.clear()
        note_failed_events(self._report, batches)

    def combo_events_in_bulk(self) -> None:
        wanted = set(self._open_events(of_combos=True))
        pages_left = self._requests_left // 2
        if len(wanted) < _WORTH_A_WALK or not pages_left:
            return
        fruitless = 0
        listing = self._session.client.list_combo_events(
            max_pages=pages_left, walk_seconds=self._session.settings.walk_seconds
        )
        for page in listing:
            found = [event for event in page.records if event.ticker in wanted]
            self._session.documents.add_page(EVENT, page, {event.ticker for event in found})
            self._store_events(found, page.rejects)
            wanted.difference_update(event.ticker for event in found)
            fruitless = 0 if found else fruitless + 1
            self._session.report_progress(f"healing: {len(wanted):,} combo events are left")
            if not wanted or fruitless >= _FRUITLESS_PAGES:
                return

    def events_one_by_one(self) -> None:
        tickers = self._open_events(self._requests_left)
        for start in range(0, len(tickers), _STORED_TOGETHER):
            asked = tickers[start : start + min(_STORED_TOGETHER, self._requests_left)]
            found: dict[str, Event] = {}
            done = 0
            for done, ticker in enumerate(asked, 1):  # noqa: B007  (how many were asked for)
                page = self._tried(self._session.client.fetch_event, ticker)
                if page is not None:
                    self._session.documents.add_page(EVENT, page)
                    found[ticker] = page.record
                self._session.report_progress(f"healing: fetched {ticker}")
                if self.failures.are_too_many:
                    break
            self._store_events(list(found.values()), [])
            with self._session.database.begin() as connection:
                record_event_lookups(
                    connection,
                    [ticker for ticker in asked[:done] if ticker not in found],
                    self._session.clock.now(),
                )
            if self.failures.are_too_many:
                return

    def series_in_bulk(self) -> None:
        """Fetch all series in a few requests if many are missing, as before the first `collect`."""
        wanted = set(self._open_series())
        if len(wanted) < _WORTH_A_WALK or not self._requests_left:
            return
        for page in self._session.client.list_series(walk_seconds=self._session.settings.walk_seconds):
            self._session.documents.add_page(SERIES, page, wanted)
            self._store_series([series for series in page.records if series.ticker in wanted])

    def series_one_by_one(self) -> None:
        for ticker in self._open_series(self._requests_left):
            if not self._requests_left or self.failures.are_too_many:
                return
            page = self._tried(self._session.client.fetch_series, ticker)
            if page is not None:
                self._session.documents.add_page(SERIES, page)
                self._store_series(page.records)

    def note_failed(self) -> None:
        """Note in the run's report which events and series failed individually."""
        if self._failed:
            named = ", ".join([*self._failed][:_MOST_NAMED])
            error = next(iter(self._failed.values()))
            self._report.notes.append(
                f"{len(self._failed):,} placeholders could not be fetched ({named}) and are requested last by later "
                f"runs: {error}"
            )

    def _tried(self, fetch: Callable[[str], ListedPage[Fetched]], ticker: str) -> ListedPage[Fetched] | None:
        """Fetch one event or series. Return None if the exchange does not know it, or fails, which is noted."""
        try:
            page = fetch(ticker)
        except NotFoundError:
            page = None
        except ExchangeError as error:
            self.failures.add()
            self._failed[ticker] = error
            return None
        self.failures.clear()
        return page

    def _open_events(self, limit: int = 1_000_000, *, of_combos: bool | None = None) -> list[str]:
        with self._session.database.read() as connection:
            return open_placeholder_events(connection, limit, of_combos=of_combos)

    def _open_series(self, limit: int = 1_000_000) -> list[str]:
        with self._session.database.read() as connection:
            return open_placeholder_series(connection, limit)

    def _store_series(self, rows: Sequence[Series]) -> None:
        self._session.documents.store()
        with self._session.database.begin() as connection:
            self._count(merge_series(connection, rows, self._session.clock.now()).healed)

    def _store_events(self, rows: Sequence[Event], rejects: Sequence[Reject]) -> None:
        if not rows and not rejects:
            return
        self._session.documents.store()
        at, run = self._session.clock.now(), self._report.run
        with self._session.database.begin() as connection:
            tally = merge_events(connection, rows, at)
            keep_unreadable(self._session, self._report, connection, "events", rejects, at)
            add_page(connection, run, Tally(healed=tally.healed))
        self._count(tally.healed)

    def _count(self, healed: int) -> None:
        self._report.tally += Tally(healed=healed)
