"""The markets that trades name: those not stored yet are looked up, and those in scope are stored before the trades."""

import contextlib
from collections.abc import Collection, Iterator, Sequence

from kalshi_pipeline.errors import NotFoundError
from kalshi_pipeline.exchange.client import TICKERS_PER_LOOKUP
from kalshi_pipeline.ingest.parents.events import UNLIMITED
from kalshi_pipeline.ingest.parents.lookup import MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Outcome
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.reading.parents import series_of_events
from kalshi_pipeline.store.writing.parents import OrphanRow, insert_orphans, merge_events
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import Tier

_LOOK_UP_AGAIN = 86_400 * MICROS_PER_SECOND


class TradedMarkets:
    """Stores the markets that pages of trades name, so that no trade in scope is lost because its market is missing.

    Whether a market is in scope is decided by what the exchange says of it and of its event, never by its ticker.
    """

    def __init__(self, session: Session, report: Report, scope: Scope) -> None:
        self._session = session
        self._report = report
        self._scope = scope
        self._pages = MarketPages(session, report, UNLIMITED)
        self._series: dict[str, str | None] = {}
        self.out_of_scope: set[str] = set()
        """Markets that were looked up, and are not stored because they are out of scope."""
        self.asked_since = session.clock.now() - _LOOK_UP_AGAIN
        """Placeholders that were looked up since then are not looked up again."""

    def ensure(self, tickers: Sequence[str], first: Tier) -> int:
        """Look up markets, in the likelier tier first; store those in scope; return how many placeholders this took.

        A market that the exchange does not return becomes a placeholder, which is in scopes of all series only. Where
        the scope is not everything, a lookup that fails raises its error: a trade is neither stored nor left out
        before it is known where it belongs.
        """
        unknown = [ticker for ticker in tickers if ticker not in self.out_of_scope]
        if not unknown:
            return 0
        lookup = MarketLookup(self._session, unknown, first=first)
        placeholders, known = 0, set[str]()
        for answer in lookup:
            records = self._in_scope(answer.page.records)
            tally = store_looked_up(self._session, self._report, self._pages, answer, records)
            placeholders += tally.placeholders
            known.update(outcome.ticker for outcome in answer.page.records)
        if not self._scope.is_everything and (lookup.failed or lookup.unasked):
            raise next(iter(lookup.failed.values()))
        lookup.note_failures(self._report)
        return placeholders + self._store_orphans(
            [ticker for ticker in unknown if ticker not in known], gone=set(lookup.gone)
        )

    def learn_series(self, event_tickers: Sequence[str]) -> None:
        """Fetch events that are stored without a series, and store what the exchange says of them."""
        asked = [ticker for ticker in event_tickers if ticker not in self._series]
        fetched = list(self._fetch_events(asked))
        self._series |= dict.fromkeys(asked) | {event.ticker: event.series_ticker for event in fetched}
        if fetched:
            with self._session.database.begin() as connection:
                merge_events(connection, fetched, self._session.clock.now())

    def _store_orphans(self, tickers: Sequence[str], gone: Collection[str]) -> int:
        """Store placeholders of markets that were not found; return how many rows this took."""
        if not self._scope.covers_market(None, is_combo=False):
            self.out_of_scope.update(tickers)
            return 0
        if not tickers:
            return 0
        at = self._session.clock.now()
        orphans = [OrphanRow(ticker, at if ticker in gone else None) for ticker in tickers]
        with self._session.database.begin() as connection:
            return insert_orphans(connection, orphans, at)

    def _in_scope(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the markets that are in scope, and remember the others."""
        of_kind = [outcome for outcome in outcomes if outcome.market.is_combo in self._scope.kinds]
        if self._scope.series:
            self._find_series({outcome.market.event_ticker for outcome in of_kind})
        wanted = [
            outcome
            for outcome in of_kind
            if self._scope.covers_market(
                self._series.get(outcome.market.event_ticker), is_combo=outcome.market.is_combo
            )
        ]
        self.out_of_scope.update(outcome.ticker for outcome in outcomes)
        self.out_of_scope.difference_update(outcome.ticker for outcome in wanted)
        return wanted

    def _find_series(self, event_tickers: Collection[str]) -> None:
        """Find the series of events: in the store, else from the exchange; its events that are in scope are stored."""
        unknown = [ticker for ticker in event_tickers if ticker not in self._series]
        with self._session.database.read() as connection:
            self._series |= series_of_events(connection, unknown)
        missing = [ticker for ticker in unknown if ticker not in self._series]
        fetched = list(self._fetch_events(missing))
        self._series |= dict.fromkeys(missing) | {event.ticker: event.series_ticker for event in fetched}
        in_scope = [event for event in fetched if event.series_ticker in self._scope.series]
        if in_scope:
            with self._session.database.begin() as connection:
                merge_events(connection, in_scope, self._session.clock.now())

    def _fetch_events(self, tickers: Sequence[str]) -> Iterator[Event]:
        """Fetch events in batches, and one by one those that `/events` does not list, such as the events of combos."""
        client, missing = self._session.client, set(tickers)
        for start in range(0, len(tickers), TICKERS_PER_LOOKUP):
            for page in client.iter_events(tickers[start : start + TICKERS_PER_LOOKUP]):
                missing.difference_update(event.ticker for event in page.records)
                yield from page.records
        for ticker in sorted(missing):
            with contextlib.suppress(NotFoundError):
                yield client.fetch_event(ticker)
