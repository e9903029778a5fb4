"""The markets that trades name: unknown ones are looked up, and those in scope are stored before the trades."""

from collections.abc import Collection, Mapping, Sequence

from kalshi_pipeline.errors import ExchangeError, NotFoundError, PayloadError
from kalshi_pipeline.ingest.parents.events import UNLIMITED, iter_all_events
from kalshi_pipeline.ingest.parents.lookup import MarketLookup, store_looked_up
from kalshi_pipeline.ingest.parents.market_pages import MarketPages
from kalshi_pipeline.ingest.run.documents import EVENT
from kalshi_pipeline.ingest.run.failures import FailuresInARow
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Outcome
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.reading.parents import series_of_events
from kalshi_pipeline.store.writing.orphans import OrphanRow, insert_orphans
from kalshi_pipeline.store.writing.parents import merge_events
from kalshi_pipeline.units import MICROS_PER_DAY
from kalshi_pipeline.vocabulary import Tier

_LOOK_UP_AGAIN = MICROS_PER_DAY
_FAILED_EVENTS = 3


class TradedMarkets:
    """Stores the markets that pages of trades refer to, so that no trade in scope is lost because its market is
    missing.

    A market is in scope by the exchange's record of it and its event, not by its ticker.
    """

    def __init__(self, session: Session, report: Report, scope: Scope) -> None:
        self._session = session
        self._report = report
        self._scope = scope
        self._pages = MarketPages(session, report, UNLIMITED)
        self._series: dict[str, str | None] = {}
        self._unreadable_events: set[str] = set()
        self.out_of_scope: set[str] = set()
        """Looked-up markets that are out of scope, and therefore not stored."""
        self.undecided: set[str] = set()
        """Markets that may be in scope, because their record or their event's is unreadable."""
        # If the scope must be decided, a failed lookup of an earlier run does not count.
        self.asked_since = session.clock.now() - (_LOOK_UP_AGAIN if scope.is_everything else 0)
        """Placeholders looked up after this instant are not looked up again."""

    def ensure(self, tickers: Sequence[str], first: Tier) -> int:
        """Look up markets, in the likelier tier first, store those in scope, and return the number of new placeholders.

        A market that the exchange does not return becomes a placeholder; it is not a combo, and only in scopes of all
        series. Unless the scope is everything, a failed lookup raises its error, and a market with an unreadable record
        is undecided: its trades are neither stored nor dropped until its scope is known.
        """
        unknown = [ticker for ticker in tickers if ticker not in self.out_of_scope | self.undecided]
        if not unknown:
            return 0
        lookup = MarketLookup(self._session, unknown, first=first)
        placeholders, known = 0, set[str]()
        for answer in lookup:
            records = self._in_scope(answer.page.records)
            tally = store_looked_up(self._session, self._report, self._pages, answer, records)
            placeholders += tally.placeholders
            known.update(outcome.ticker for outcome in answer.page.records)
        is_down = bool(lookup.unasked) or not (known or lookup.gone or lookup.unreadable)
        if lookup.failed and is_down and not self._scope.is_everything:
            raise next(iter(lookup.failed.values()))
        lookup.note_failures(self._report)
        missing = [ticker for ticker in unknown if ticker not in known]
        return placeholders + self._store_orphans(missing, lookup)

    def learn_series(self, event_of: Mapping[str, str]) -> None:
        """Fetch and store the events of stored markets that have no series yet."""
        asked = {event for event in event_of.values() if event not in self._series}
        if fetched := self._fetch_events(asked):
            self._session.documents.store()
            with self._session.database.begin() as connection:
                merge_events(connection, fetched, self._session.clock.now())
        self.undecided.update(
            ticker for ticker, event in event_of.items() if event in self._unreadable_events
        )

    def _store_orphans(self, tickers: Sequence[str], lookup: MarketLookup) -> int:
        """Store placeholders of markets that were not found, and return the number of new rows."""
        gone = frozenset(lookup.gone)
        if not self._scope.is_everything:
            self.undecided |= lookup.unreadable | lookup.failed.keys()
            tickers = [ticker for ticker in tickers if ticker not in self.undecided]
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
        """Return the markets in scope, and remember the others."""
        of_kind = [outcome for outcome in outcomes if outcome.market.is_combo in self._scope.kinds]
        if self._scope.series:
            self._find_series({outcome.market.event_ticker for outcome in of_kind})
        undecided = {outcome.ticker for outcome in of_kind if self._is_undecided(outcome)}
        wanted = [
            outcome
            for outcome in of_kind
            if self._scope.covers_market(
                self._series.get(outcome.market.event_ticker), is_combo=outcome.market.is_combo
            )
        ]
        in_scope = {outcome.ticker for outcome in wanted}
        self.undecided |= undecided
        self.out_of_scope |= {outcome.ticker for outcome in outcomes} - in_scope - undecided
        return wanted

    def _is_undecided(self, outcome: Outcome) -> bool:
        """Return whether a market's event is unreadable, or the market names none."""
        event_ticker = outcome.market.event_ticker
        names_none = event_ticker == outcome.ticker and self._series.get(event_ticker) is None
        return event_ticker in self._unreadable_events or (bool(self._scope.series) and names_none)

    def _find_series(self, event_tickers: Collection[str]) -> None:
        """Find the series of events, in the store or else from the exchange, and store the events in scope."""
        unknown = [ticker for ticker in event_tickers if ticker not in self._series]
        with self._session.database.read() as connection:
            self._series |= series_of_events(connection, unknown)
        fetched = self._fetch_events([ticker for ticker in unknown if ticker not in self._series])
        in_scope = [event for event in fetched if event.series_ticker in self._scope.series]
        if in_scope:
            with self._session.database.begin() as connection:
                merge_events(connection, in_scope, self._session.clock.now())
            self._session.documents.store()

    def _fetch_event(self, ticker: str) -> Event:
        page = self._session.client.fetch_event(ticker)
        self._session.documents.add_page(EVENT, page)
        return page.record

    def _fetch_events(self, tickers: Collection[str]) -> list[Event]:
        """Fetch events in batches, and one by one those that `/events` does not list, such as combos' events.

        Remember their series, and the unreadable ones.
        """
        asked = sorted(tickers)
        found: dict[str, Event] = {}
        for page in iter_all_events(self._session, self._report, asked):
            found |= {event.ticker: event for event in page.records}
        failed: dict[str, ExchangeError] = {}
        failures = FailuresInARow(_FAILED_EVENTS)
        for ticker in asked:
            if ticker in found:
                continue
            try:
                found[ticker] = self._fetch_event(ticker)
                failures.clear()
            except (NotFoundError, PayloadError) as error:
                failures.clear()
                if isinstance(error, PayloadError):
                    self._unreadable_events.add(ticker)
            except ExchangeError as error:
                failures.add()
                failed[ticker] = error
                if failures.are_too_many or len(failed) == len(asked):
                    raise
        self._unreadable_events |= failed.keys()
        self._series |= dict.fromkeys(asked) | {event.ticker: event.series_ticker for event in found.values()}
        return list(found.values())
