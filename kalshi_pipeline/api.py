"""The one way to read what is stored: `open_store`, and what it returns.

Everything else that shows, checks or analyses stored data reads through here. Writing, and what the flows look up
before they write, is not here. Instants are microseconds since 1970 in UTC; methods take aware datetimes, too.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import (
    InstantError,
    NoDetailsError,
    NoQuoteError,
    RangeError,
    UnknownKindError,
    UnknownTickerError,
)
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Answer, Connection, Database, ReadOnlyDatabase
from kalshi_pipeline.store.dialects import Log, log_of, url_of_file
from kalshi_pipeline.store.reading import (
    catalogue,
    changes,
    completeness,
    descriptions,
    documents,
    fees,
    gaps,
    history,
    in_force,
    ledger,
    market_lists,
    movers,
    order_books,
    quotes,
    tickers,
    trades,
)
from kalshi_pipeline.store.reading.catalogue import MarketDetails, SettledMarket, StoredSettlement
from kalshi_pipeline.store.reading.changes import Change
from kalshi_pipeline.store.reading.completeness import (
    ListingRun,
    Placeholders,
    QuoteFaults,
    StoredRun,
    TickRun,
)
from kalshi_pipeline.store.reading.documents import Details, FieldChange, FieldComparison
from kalshi_pipeline.store.reading.fees import Fee, FeeState
from kalshi_pipeline.store.reading.gaps import Gap, Timing
from kalshi_pipeline.store.reading.in_force import QuoteState
from kalshi_pipeline.store.reading.ledger import FinishedDay, Place
from kalshi_pipeline.store.reading.market_lists import EventView, ListedMarket
from kalshi_pipeline.store.reading.movers import Mover, Window
from kalshi_pipeline.store.reading.order_books import BookLevel, OrderBook
from kalshi_pipeline.store.reading.quotes import Quote
from kalshi_pipeline.store.reading.streams import MarketTexts, Selection
from kalshi_pipeline.store.reading.trades import StoredTrade
from kalshi_pipeline.store.writing.runs import Run
from kalshi_pipeline.units import MICROS_PER_SECOND, YEAR_10000, instant_of, iso_of

__all__ = [
    "BookLevel",
    "Change",
    "Details",
    "EventView",
    "Fee",
    "FeeState",
    "FieldChange",
    "FieldComparison",
    "FinishedDay",
    "Gap",
    "Instant",
    "ListedMarket",
    "ListingRun",
    "Log",
    "MarketDetails",
    "MarketView",
    "Mover",
    "OrderBook",
    "Place",
    "Placeholders",
    "Quote",
    "QuoteFaults",
    "QuoteState",
    "SettledMarket",
    "Store",
    "StoredRun",
    "StoredSettlement",
    "StoredTrade",
    "TickRun",
    "Timing",
    "Window",
    "open_store",
]

Instant: TypeAlias = int | datetime
"""Microseconds since 1970 in UTC, or an aware datetime."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True)
class MarketView:
    """A market with its parents as stored, its newest quote, and its settlement."""

    details: MarketDetails
    quote: Quote | None
    settlement: StoredSettlement | None = None


def open_store(where: str | Path | None = None) -> "Store":
    """Open a database for reading: at a path, at an SQLAlchemy URL, or that of KALSHI_DATABASE_URL.

    It may be read-only, and collectors may write to it meanwhile: nothing is changed, and no writer waits. Raises
    StoreError where there is no database, or none that this version can read.
    """
    return Store(database_at(where))


def database_at(where: str | Path | None) -> ReadOnlyDatabase:
    """Return the database that `open_store` reads."""
    if where is None:
        return ReadOnlyDatabase(load_settings().database_url)
    is_url = isinstance(where, str) and _URL.match(where)
    return ReadOnlyDatabase(str(where) if is_url else url_of_file(Path(where)))


class _Source(Protocol):
    """What a store reads from."""

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what `question` returns of one state of the database."""
        ...

    def close(self) -> None:
        """Close what was opened for this store."""
        ...


class Store:
    """What is stored, read-only. Each method reads what is committed when it is called."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    @classmethod
    def of(cls, database: Database) -> Self:
        """Return the store in a database that is open already; closing the store leaves it open."""
        return cls(_OpenDatabase(database))

    def close(self) -> None:
        """Close the database, if `open_store` opened it."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def together(self, read: Callable[["Store"], Answer]) -> Answer:
        """Return what `read` returns. Everything that it reads from the store it is given belongs to one state.

        It should do nothing but read: it is called again where the database changes in a way that would mix states.
        """
        return self._source.ask(lambda connection: read(Store(_OneState(connection))))

    def quotes(self, at: Instant) -> list[Quote]:
        """Return the quote in force at an instant of each market that was listed then, in no particular order.

        Raises RangeError for an instant after now, of which nothing can be known.
        """
        instant = _past(at)
        return self._source.ask(lambda connection: quotes.quotes_as_of(connection, instant))

    def market_texts(self, selection: Selection | None) -> MarketTexts:
        """Return the tickers of the markets that are selected, with those of their events and series."""
        return self._source.ask(lambda connection: MarketTexts(connection, selection))

    def latest_quotes(self) -> list[Quote]:
        """Return the quote of each listed market as of the newest tick, in no particular order."""
        return self._source.ask(quotes.latest)

    def history(
        self, ticker: str, start: Instant, end: Instant, resample_seconds: float | None = None
    ) -> list[Quote]:
        """Return the history of one market in [start, end), oldest first.

        The quote in force at `start`, if there is one; then each stored quote, as of its tick, and each tick that found
        the market gone. With `resample_seconds` what is known at start, start + step, ... instead, whether the market
        was listed then or not. Raises UnknownTickerError, and RangeError where the span or the grid is empty, the grid
        too fine, or the end after now.
        """
        first, last = _micros(start), _past(end)
        return self._source.ask(
            lambda connection: history.history(connection, ticker, first, last, resample_seconds)
        )

    def newest_history(self, ticker: str, limit: int) -> list[Quote]:
        """Return the end of a market's history, oldest first, and at most `limit` quotes; empty if none are stored."""
        return self._source.ask(lambda connection: history.newest_history(connection, ticker, limit))

    def movers(self, window_seconds: float, at: Instant | None = None, limit: int = 20) -> list[Mover]:
        """Return the listed markets that moved most in the window that ends `at` an instant (the newest complete tick).

        Ranked by the absolute change of the midpoint, then by that of the last price. Raises RangeError for a window
        that holds nothing.
        """
        end = None if at is None else _past(at)
        return self._source.ask(lambda connection: movers.movers(connection, window_seconds, end, limit))

    def market(self, ticker: str) -> MarketView:
        """Return a market with its event, its series, its newest quote and its settlement.

        Raises UnknownTickerError if it is not stored.
        """
        return self._source.ask(lambda connection: _market(connection, ticker))

    def find_ticker(self, text: str, kinds: Iterable[str] = ("market",)) -> tuple[str, str]:
        """Return the kind and the stored ticker of what is written as `text`, in any case; the first kind that has it.

        The kinds are market, event and series. Raises UnknownTickerError, which names similar tickers.
        """
        return self._source.ask(lambda connection: tickers.find_ticker(connection, text, kinds))

    def search(self, words: Sequence[str], limit: int = 100, *, is_open: bool = True) -> list[ListedMarket]:
        """Return the plain markets of which each word is in a title, its event's, its series' or a ticker.

        In any case, with or without accents, and as parts of words; those of one or two characters where a word begins.
        Open ones come first, or no others with `is_open`; of these, those with whole words, and the most traded ones.
        Raises RangeError without a word.
        """
        now = SYSTEM_CLOCK.now()
        return self._source.ask(
            lambda connection: market_lists.search_markets(connection, words, now, limit, is_open=is_open)
        )

    def event(self, ticker: str, at: Instant | None = None) -> EventView:
        """Return an event, by its ticker or that of one of its markets, with every market and its quote at an instant.

        The descriptions are those of now. Raises UnknownTickerError if it is not stored, and RangeError for an instant
        after now.
        """
        instant = SYSTEM_CLOCK.now() if at is None else _past(at)
        return self._source.ask(lambda connection: _event(connection, ticker, instant))

    def closing(self, within_seconds: float, limit: int = 1000) -> list[ListedMarket]:
        """Return the open markets that close within a span from now on, the first to close first.

        Raises RangeError for a span that holds nothing.
        """
        start = SYSTEM_CLOCK.now()
        end = start + within_seconds * MICROS_PER_SECOND
        if not start < end < YEAR_10000:
            raise RangeError(f"a span of {within_seconds:g} s holds nothing: choose a positive, shorter one")
        return self._source.ask(
            lambda connection: market_lists.closing_markets(connection, start, round(end), limit)
        )

    def settled(self, since: Instant, limit: int | None = None) -> list[SettledMarket]:
        """Return the markets that were settled since an instant, oldest first; the newest `limit` of them.

        Raises RangeError for an instant after now.
        """
        start = _past(since)
        return self._source.ask(lambda connection: catalogue.settled_since(connection, start, limit))

    def trades(
        self, ticker: str, start: Instant, end: Instant, limit: int | None = None
    ) -> list[StoredTrade]:
        """Return the stored trades of a market in [start, end), oldest first; the newest `limit` of them.

        Raises UnknownTickerError if the market is not stored, and RangeError if the span is empty.
        """
        first, last = _span(start, end)
        return self._source.ask(lambda connection: _trades(connection, ticker, first, last, limit))

    def order_book(self, ticker: str) -> OrderBook | None:
        """Return the newest stored order book of a market; None if there is none."""
        return self._source.ask(lambda connection: order_books.newest_book(connection, ticker))

    def changes(
        self, since: Instant, ticker: str | None = None, kind: str | None = None, limit: int | None = None
    ) -> list[Change]:
        """Return what was seen to change in descriptions since an instant, oldest first; the newest `limit` of it.

        Of all, or of one ticker; `kind` is market, event or series.
        """
        instant = _micros(since)
        return self._source.ask(
            lambda connection: changes.changes_since(connection, instant, kind, ticker, limit)
        )

    def gaps(self, since: Instant) -> list[Gap]:
        """Return the spans without a complete tick that end after an instant, oldest first; the last may be open.

        Raises RangeError for an instant after now.
        """
        instant, now = _past(since), SYSTEM_CLOCK.now()
        return self._source.ask(lambda connection: gaps.gaps_since(connection, instant, now))

    def timing(self) -> Timing:
        """Return when ticks were taken last, and when the next one is due."""
        return self._source.ask(gaps.timing)

    def description(self, kind: str, ticker: str, at: Instant | None = None) -> dict[str, object]:
        """Return what the exchange said of a series, an event or a market (`kind`), as known `at` an instant or now.

        The fields by their names in docs/tables.md, shared texts in place of their keys; prices in micro-dollars,
        factors in millionths. Raises UnknownTickerError if it is not stored, or was first seen after the instant.
        """
        if kind not in descriptions.KINDS:
            raise ValueError(f"{kind!r} is no kind: choose series, event or market")
        instant = None if at is None else _past(at)
        found = self._source.ask(
            lambda connection: descriptions.description(connection, kind, ticker, instant)
        )
        if found is None:
            raise UnknownTickerError(ticker)
        return found

    def details(self, ticker: str, at: Instant | None = None, kind: str | None = None) -> Details:
        """Return everything that the exchange said of a ticker, but for its quote, as known `at` an instant or now.

        `kind` is market, event or series, or another one that is kept; by default the first of these that has the
        ticker. Raises UnknownTickerError where it is not stored, NoDetailsError where no details of it are, and
        RangeError where none were known at the instant.
        """
        instant = None if at is None else _past(at)
        return self._source.ask(lambda connection: _details(connection, ticker, instant, kind))

    def details_kinds(self, ticker: str) -> list[str]:
        """Return the kinds of what is stored under a ticker: market, event, series, or another one that is kept."""
        subjects = self._source.ask(lambda connection: documents.subjects_of(connection, ticker))
        return [subject.kind for subject in subjects]

    def compare_fields(self) -> FieldComparison:
        """Compare the fields that the exchange sent in the newest week with those of the weeks before."""
        return self._source.ask(documents.compare_fields)

    def fee_at(self, series: str, event: str | None, market: str | None, at: Instant) -> Fee:
        """Return the fee in force at an instant: an event's override, or else the fee of the series.

        Its `state` is unknown, with the reason, where what is stored does not say it: before the first observation, for
        a type that is not known, where one of two overrides is missing. After now, it is what is scheduled so far.
        """
        instant = _micros(at)
        return self._source.ask(lambda connection: fees.fee_at(connection, series, event, market, instant))

    def movers_window(self, window_seconds: float) -> Window | None:
        """Return the span that `movers` looks at, up to the newest complete tick; None if there is no such tick."""
        return self._source.ask(lambda connection: movers.window_of(connection, window_seconds))

    def complete_tick(self, at: Instant) -> int | None:
        """Return the instant of the newest complete tick at or before one; None if there is none."""
        instant = _micros(at)
        tick = self._source.ask(
            lambda connection: in_force.newest_tick(connection, instant, is_complete=True)
        )
        return None if tick is None else tick.tick_at

    def begins_at(self) -> int | None:
        """Return the instant of the oldest tick with quotes; None if there is none."""
        return self._source.ask(in_force.history_begins_at)

    def latest_quote(self, ticker: str) -> tuple[Quote, str | None]:
        """Return a market's newest quote, as it is known now, and the market's status.

        Raises UnknownTickerError if the market is not stored, and NoQuoteError if no quote of it is.
        """
        view = self.market(ticker)
        if view.quote is None:
            raise NoQuoteError(ticker)
        return view.quote, view.details.status

    def busiest_market(self) -> str | None:
        """Return the market with the most stored two-sided quotes; None if there is none."""
        return self._source.ask(catalogue.busiest_market)

    def last_listing(self, asset: str) -> ListingRun | None:
        """Return the newest run of an asset other than the quotes; None if there is none."""
        return self._source.ask(lambda connection: completeness.last_listing(connection, asset))

    def runs(self, asset: str, limit: int = 100) -> list[ListingRun]:
        """Return the newest runs of an asset other than the quotes, newest first."""
        return self._source.ask(lambda connection: completeness.newest_listings(connection, asset, limit))

    def ticks(self, limit: int = 100) -> list[TickRun]:
        """Return the newest ticks, in any state, newest first."""
        return self._source.ask(lambda connection: completeness.newest_ticks(connection, limit))

    def last_tick(self) -> TickRun | None:
        """Return the newest tick, in any state; None if there is none."""
        return self._source.ask(completeness.last_tick)

    def last_complete_tick(self) -> TickRun | None:
        """Return the newest tick that saw every page; None if there is none."""
        return self._source.ask(completeness.last_complete_tick)

    def tick_states(self) -> dict[str, int]:
        """Count ticks by state."""
        return self._source.ask(completeness.tick_states)

    def ticks_by_hour(self, start: Instant, end: Instant) -> dict[int, dict[str, int]]:
        """Count the ticks in [start, end) by UTC hour, named by its first instant in microseconds, and by state."""
        first, last = _micros(start), _micros(end)
        return self._source.ask(lambda connection: completeness.ticks_by_hour(connection, first, last))

    def received_before(self, run: Run) -> int | None:
        """Return how many records the last complete run before this one received, of its asset and scope."""
        return self._source.ask(lambda connection: completeness.received_before(connection, run))

    def count_rows(self, table: str) -> int:
        """Count the rows of a table; ValueError where there is none of that name."""
        return self._source.ask(lambda connection: completeness.count_rows(connection, table))

    def added_rows(self, table: str) -> int:
        """Return how many rows were added to an asset's table, without reading it."""
        return self._source.ask(lambda connection: completeness.count_added_rows(connection, table))

    def count_subjects(self, kind: str) -> int:
        """Count what is kept as documents of a kind."""
        return self._source.ask(lambda connection: completeness.count_subjects(connection, kind))

    def finished_days(self, after: Place, limit: int) -> list[FinishedDay]:
        """Return the runs over days that finished after a place, in their order: as many as the limit, or fewer."""
        return self._source.ask(lambda connection: ledger.finished_days(connection, after, limit))

    def count_quarantined(self) -> dict[str, int]:
        """Count the records kept in quarantine by kind."""
        return self._source.ask(completeness.count_quarantined)

    def placeholders(self) -> dict[str, Placeholders]:
        """Return the open placeholders of each parent table, by its name, without those that nothing will ever fill."""
        return self._source.ask(completeness.placeholders)

    def count_dangling(self, tick_id: int | None = None) -> dict[str, int]:
        """Count the rows whose parent is missing, by foreign key: the quotes of one tick, or the tables of parents."""
        return self._source.ask(lambda connection: completeness.count_dangling(connection, tick_id))

    def log(self) -> Log | None:
        """Return the state of what is written and not merged into the database yet; None where there is nothing."""
        return self._source.ask(log_of)

    def count_set_aside(self) -> int:
        """Count the rows that were set aside because another program had deleted what they refer to."""
        return self._source.ask(completeness.count_set_aside)

    def quote_faults(self, tick_id: int) -> QuoteFaults:
        """Count the tick's rows whose bid is above the ask, and those with a price outside 0 to 1 dollar."""
        return self._source.ask(lambda connection: completeness.quote_faults(connection, tick_id))


class _OpenDatabase:
    """A database that another owner closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        return self._database.ask(question)

    def close(self) -> None:
        pass


class _OneState:
    """A read transaction that is open, whose owner ends it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        return question(self._connection)

    def close(self) -> None:
        pass


def _market(connection: Connection, ticker: str) -> MarketView:
    details = catalogue.market_details(connection, ticker)
    if details is None:
        raise UnknownTickerError(ticker)
    quote = next(iter(quotes.latest(connection, ticker, SYSTEM_CLOCK.now())), None)
    return MarketView(details, quote, catalogue.settlement_of(connection, ticker))


def _event(connection: Connection, ticker: str, at: int) -> EventView:
    found = market_lists.event_view(connection, ticker, at)
    if found is None and (of_market := market_lists.event_of_market(connection, ticker)) is not None:
        found = market_lists.event_view(connection, of_market, at)
    if found is None:
        raise UnknownTickerError(ticker)
    return found


def _trades(
    connection: Connection, ticker: str, start: int, end: int, limit: int | None
) -> list[StoredTrade]:
    if quotes.market_id_of(connection, ticker) is None:
        raise UnknownTickerError(ticker)
    return trades.trades_of(connection, ticker, start, end, limit)


def _details(connection: Connection, ticker: str, at: int | None, kind: str | None) -> Details:
    stored = documents.subjects_of(connection, ticker)
    subjects = [subject for subject in stored if kind in (None, subject.kind)]
    if not subjects:
        kinds = [subject.kind for subject in stored] or documents.kinds_of_documents(connection)
        if kind is None or (kind in kinds and not stored):
            raise UnknownTickerError(ticker, None if kind is None else f"no {kind} {ticker} is stored")
        raise UnknownKindError(ticker, kind, kinds)
    of_each = (documents.details(connection, subject, at) for subject in subjects)
    found = next(filter(None, of_each), None)
    if found is not None:
        return found
    began = (documents.oldest_details(connection, subject) for subject in subjects)
    oldest = next(filter(None, began), None)
    if oldest is None:
        raise NoDetailsError(ticker)
    raise RangeError(
        f"details of {ticker} are known from {iso_of(oldest)} on: choose that time or a later one"
    )


def _span(start: Instant, end: Instant) -> tuple[int, int]:
    """Return the bounds of a span; RangeError if it is empty."""
    first, last = _micros(start), _micros(end)
    if first >= last:
        raise RangeError(
            f"{iso_of(first)} is not before {iso_of(last)}: choose a start that is earlier than the end"
        )
    return first, last


def _past(instant: Instant) -> int:
    """Return an instant as the store has it; RangeError for one after now."""
    micros, now = _micros(instant), SYSTEM_CLOCK.now()
    if micros > now:
        raise RangeError(f"{iso_of(micros)} is after now ({iso_of(now)}): choose an earlier time")
    return micros


def _micros(instant: Instant) -> int:
    """Return an instant as the store has it; InstantError for a datetime without a time zone, and for other values."""
    if isinstance(instant, datetime):
        try:
            return instant_of(instant)
        except ValueError as error:
            raise InstantError(str(error)) from error
    if not isinstance(instant, int) or isinstance(instant, bool) or not 0 <= instant < YEAR_10000:
        raise InstantError(
            f"{instant!r} is no instant: pass microseconds since 1970 (UTC), or a datetime with a time zone"
        )
    return instant
