"""`open_store`: the stored data as read-only tables. This module checks the arguments; the queries are in `store`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from kalshi_pipeline import api
from kalshi_pipeline.advice import advised
from kalshi_pipeline.api import Details
from kalshi_pipeline.api.arguments import check_text, check_word, counted
from kalshi_pipeline.api.store import database_at
from kalshi_pipeline.errors import ConfigurationError, UnknownTickerError
from kalshi_pipeline.notebooks.asking import (
    any_ticker,
    days_of,
    history_span,
    past,
    period_of,
    selected,
    span_of,
    within_history,
)
from kalshi_pipeline.notebooks.columns import MOVERS_TABLE, SEARCH_TABLE, mover_row
from kalshi_pipeline.notebooks.extras import imported
from kalshi_pipeline.notebooks.histories import histories, history_parts, quotes_in_force, texts_of
from kalshi_pipeline.notebooks.instants import Instant, Span, seconds_of
from kalshi_pipeline.notebooks.parts import HeldPart, Row
from kalshi_pipeline.notebooks.table import Table
from kalshi_pipeline.notebooks.values import Value
from kalshi_pipeline.notebooks.views import columns_of, streamed_table, view_table
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.reading import streams
from kalshi_pipeline.store.reading.duck import duck_statements
from kalshi_pipeline.store.reading.search import search
from kalshi_pipeline.store.reading.streams import QUOTE_TABLE, Selection, TableColumn
from kalshi_pipeline.tickers import check_ticker

if TYPE_CHECKING:
    import duckdb


def open_store(where: str | Path | None = None) -> "Store":
    """Open a database for reading, by path or SQLAlchemy URL; by default KALSHI_DATABASE_URL.

    The file may be read-only, and collectors may write to it meanwhile. Nothing is changed, and no writer is blocked.
    Raises StoreError if there is no database, or if this version cannot read it.
    """
    with advised():
        return Store(database_at(where))


class Store:
    """The stored data as tables.

    Select markets with one of `ticker`, `event` and `series`, or with none for all. Instants are aware datetimes, RFC
    3339 text or pandas Timestamps (InstantError otherwise). The end of a span is exclusive. Tickers may be in any case;
    UnknownTickerError names similar ones.
    """

    def __init__(self, database: ReadOnlyDatabase) -> None:
        self._database = database
        self.records = api.Store(database)
        """The same data as typed records in integers; the command line uses them."""

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Open the same database when a copy is unpickled, for example in a worker process."""
        return open_store, (self._database.place,)

    @advised()
    def quotes(
        self,
        at: Instant | None = None,
        *,
        ticker: str | None = None,
        event: str | None = None,
        series: str | None = None,
    ) -> Table:
        """Return the quote in force at an instant, by default now, for each market that was listed then.

        `state` is observed, carried or stale. Raises RangeError for an instant after now or before the first quote.
        """
        selection = selected(self._database, ticker, event, series)
        instant = within_history(self.records, at, "at")
        return _held(QUOTE_TABLE, quotes_in_force(self._database, selection, instant))

    @advised()
    def history(
        self,
        ticker: str | None = None,
        *,
        event: str | None = None,
        series: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        freq: Span | None = None,
    ) -> Table:
        """Return the quotes of [start, end), oldest first; by default from the first quote until now.

        The quotes in force at `start` come first, then each stored quote as of its tick. A row with the state unknown
        marks the end of a history. With `freq`, return the known quotes at regular steps, as `quotes_on_grid` does. The
        quotes of a series or of all markets are streamed. Raises RangeError for a span that is empty, ends after now,
        or ends before the first quote.
        """
        if freq is not None:
            return self.quotes_on_grid(ticker, event=event, series=series, start=start, end=end, freq=freq)
        selection = selected(self._database, ticker, event, series)
        first, last = history_span(self.records, start, end)
        return Table(QUOTE_TABLE, *history_parts(self._database, selection, first, last))

    @advised()
    def quotes_on_grid(
        self,
        ticker: str | None = None,
        *,
        event: str | None = None,
        series: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        freq: Span = "1h",
    ) -> Table:
        """Return the known quote of each market at start, start + freq, ... before the end, oldest first.

        Each instant has a row for every market, listed or not; `state` says how current the quote is. Raises RangeError
        as `history` does, and for a grid that is too fine.
        """
        selection = selected(self._database, ticker, event, series)
        first, last = history_span(self.records, start, end)
        return Table(QUOTE_TABLE, histories(self._database, selection, first, last, seconds_of(freq, "freq")))

    @advised()
    def state(self, ticker: str, at: Instant | None = None) -> dict[str, Value]:
        """Return one row like those of `quotes` for one market, listed or not, at an instant (by default now).

        Before the first quote of the market, its `state` is unknown.
        """
        check_ticker(ticker)
        market = Selection("market", any_ticker(self._database, ticker, "market"))
        instant = past(at, "at")
        return next(Table(QUOTE_TABLE, histories(self._database, market, instant, instant + 1, 1.0)).rows())

    @advised()
    def movers(self, window: Span = "1h", at: Instant | None = None, limit: int = 20) -> Table:
        """Return the listed markets that moved most in the window that ends at an instant, by default the newest
        complete tick.

        Markets are ranked by the absolute change of the midpoint, then of the last price. Raises RangeError for an
        empty window.
        """
        end = None if at is None else past(at, "at")
        found = self.records.movers(seconds_of(window, "window"), end, counted(limit))
        texts = texts_of(self._database, None).by_ticker() if found else {}
        return _held(MOVERS_TABLE, [mover_row(mover, texts[mover.ticker]) for mover in found])

    @advised()
    def trades(
        self,
        ticker: str | None = None,
        *,
        event: str | None = None,
        series: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> Table:
        """Return the stored trades of [start, end), oldest first. Rows are streamed."""
        selection, span = selected(self._database, ticker, event, series), span_of(start, end)
        return streamed_table(self._database, streams.stored_trades(selection, span), selection)

    @advised()
    def candlesticks(
        self,
        ticker: str | None = None,
        *,
        event: str | None = None,
        series: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        period_minutes: int | None = None,
    ) -> Table:
        """Return the stored candlesticks that end in [start, end), market by market, oldest first.

        `period_minutes` is 1, 60 or 1440, or None for all. Rows are streamed.
        """
        period = period_of(period_minutes)
        selection, span = selected(self._database, ticker, event, series), span_of(start, end)
        return streamed_table(self._database, streams.stored_candlesticks(selection, span, period), selection)

    @advised()
    def settlements(
        self,
        ticker: str | None = None,
        *,
        event: str | None = None,
        series: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> Table:
        """Return the settlements in force of the markets that settled in [start, end), from view
        `settlement_history`.
        """
        where = columns_of(selected(self._database, ticker, event, series))
        return view_table(
            self._database,
            "settlement_history",
            where,
            ("settled_at_us", "ticker"),
            settled_at_us=span_of(start, end),
        )

    @advised()
    def changes(
        self,
        ticker: str | None = None,
        *,
        event: str | None = None,
        series: str | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
    ) -> Table:
        """Return the changes of descriptions seen in [start, end), of a market, an event, a series or all.

        Each row has the field and both values as text, from view `change_history`: oldest first, then by ticker and
        field.
        """
        found = selected(self._database, ticker, event, series)
        where = {} if found is None else {"kind": found.kind, "ticker": found.ticker}
        order = ("seen_at_us", "ticker", "field")
        return view_table(self._database, "change_history", where, order, seen_at_us=span_of(start, end))

    @advised()
    def details(self, ticker: str, at: Instant | None = None, kind: str | None = None) -> Details:
        """Return everything that the exchange sent about a ticker, except its quote, as known at an instant or now.

        `.fields` has the exchange's own names. Pass `kind` (market, event, series, ...) if several have the ticker.
        """
        check_ticker(ticker)
        if kind is not None:
            check_text(kind, "kind", "market")
        instant = None if at is None else past(at, "at")
        try:
            return self.records.details(ticker, instant, kind)
        except UnknownTickerError as error:
            if type(error) is not UnknownTickerError:
                raise
        spelled = any_ticker(self._database, ticker, kind)
        return self.records.details(spelled, instant, kind)

    @advised()
    def catalogue(
        self,
        kind: str = "market",
        *,
        ticker: str | None = None,
        event: str | None = None,
        series: str | None = None,
    ) -> Table:
        """Return every market or event (`kind`) with its description, from `market_catalogue` or `event_catalogue`."""
        check_word(kind, "kind of catalogue", ("market", "event"))
        if kind == "event" and ticker is not None:
            raise ConfigurationError(["an event has no market's ticker: choose event=, or kind='market'"])
        return view_table(
            self._database, f"{kind}_catalogue", columns_of(selected(self._database, ticker, event, series))
        )

    @advised()
    def fees(self, *, event: str | None = None, series: str | None = None) -> Table:
        """Return the fees in force by time, each with its start and end, from view `fee_history`.

        For an event that never had its own fee, these are the fees of its series (`event_ticker` is None). The `state`
        of each is known, or unknown with a `reason`, as in `records.fee_at`.
        """
        where: dict[str, str | float | None] = {**columns_of(selected(self._database, None, event, series))}
        if event is not None and not view_table(self._database, "fee_history", where).head(1):
            (of_event,) = view_table(self._database, "event_catalogue", where).head(1)
            where = {"series_ticker": cast("str | None", of_event["series_ticker"]), "event_ticker": None}
        return view_table(
            self._database, "fee_history", where, ("from_at_us", "series_ticker", "event_ticker")
        )

    @advised()
    def coverage(self, start: Instant | None = None, end: Instant | None = None) -> Table:
        """Return the ticks by state and the longest gap of each UTC day in [start, end), from view
        `coverage_by_day`.
        """
        return view_table(self._database, "coverage_by_day", {}, ("day",), day=days_of(span_of(start, end)))

    @advised()
    def search(self, text: str, limit: int = 100) -> Table:
        """Return the series, then the events, then the plain markets that contain each word of a text.

        The search covers tickers, titles, subtitles (of a market, that of YES) and the tags of series. It ignores case
        and accents, and matches parts of words. One or two characters match only the beginning of a word. Within each
        kind, an exact ticker comes first, then open ones, whole-word matches, and the newest. Raises RangeError for a
        text without words.
        """
        check_text(text, "text", "'rain new york'")
        most = counted(limit)
        found = self._database.ask(lambda connection: search(connection, [text], most))
        return _held(SEARCH_TABLE, found)

    @advised()
    def view(self, name: str, **where: str | float | None) -> Table:
        """Return a view (docs/views.md), or its rows in which columns have these values; None for missing ones.

        Rows are streamed. Raises ConfigurationError for an unknown name.
        """
        return view_table(self._database, name, where)

    @advised()
    def export(self, what: str | Table, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a view (by name) or a table to a new file; .parquet, .csv or .jsonl selects the format.

        See `Table.export`.
        """
        return (what if isinstance(what, Table) else self.view(what)).export(path, overwrite=overwrite)

    @advised()
    def duckdb(self) -> "duckdb.DuckDBPyConnection":
        """Return a new in-memory DuckDB connection with every table and view, typed; close it after use.

        A view is read completely before it is filtered. Raises MissingExtraError without the extra `duckdb`.
        """
        connection: duckdb.DuckDBPyConnection = imported("duckdb").connect()
        try:
            for statement in duck_statements(self._database):
                connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection


def _held(columns: Sequence[TableColumn], rows: Iterable[Row]) -> Table:
    return Table(columns, HeldPart(columns, lambda: rows))
