"""Histories of many markets. They are followed tick by tick if their states require it, or else read as stored."""

from collections.abc import Iterator, Sequence

from kalshi_pipeline.api import Store
from kalshi_pipeline.errors import RangeError
from kalshi_pipeline.notebooks.columns import quote_row
from kalshi_pipeline.notebooks.parts import HeldPart, Part, QuotesPart, Row
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.reading.history import grid_of
from kalshi_pipeline.store.reading.in_force import newest_repeat
from kalshi_pipeline.store.reading.streams import (
    QUOTE_TABLE,
    MarketTexts,
    Selection,
    count_markets,
    histories_of,
    stored_quotes,
)
from kalshi_pipeline.store.reading.taken_ticks import newest_tick
from kalshi_pipeline.units import MICROS_PER_SECOND

_MOST_GRID_ROWS = 10_000_000


def texts_of(database: ReadOnlyDatabase, selection: Selection | None) -> MarketTexts:
    """Return the tickers of the selected markets."""
    return Store(database).market_texts(selection)


def quotes_in_force(database: ReadOnlyDatabase, selection: Selection | None, at: int) -> list[Row]:
    """Return the quotes in force at an instant of the markets that were listed then, in order of ticker."""
    found, texts = Store(database).together(
        lambda state: (state.quotes(at), state.market_texts(selection).by_ticker())
    )
    return [quote_row(quote, texts[quote.ticker]) for quote in sorted(found) if quote.ticker in texts]


def histories(
    database: ReadOnlyDatabase, selection: Selection | None, first: int, last: int, step_seconds: float | None
) -> Part:
    """Return the histories of markets in [first, last), or their known quotes at regular steps, oldest first.

    Rows are streamed: memory holds the ticks and one row of each market. Raises RangeError for a grid of more than ten
    million rows.
    """
    if step_seconds is not None:
        markets = database.ask(lambda connection: count_markets(connection, selection))
        _check_size(markets * ((last - first) / MICROS_PER_SECOND / step_seconds))
    grid = grid_of(first, last, step_seconds)

    def rows() -> Iterator[Row]:
        found = database.stream(lambda connection: histories_of(connection, selection, first, last, grid))
        return (quote_row(quote, texts) for texts, quote in found)

    return HeldPart(QUOTE_TABLE, rows)


def history_parts(
    database: ReadOnlyDatabase, selection: Selection | None, first: int, last: int
) -> Sequence[Part]:
    """Return the histories of markets in [first, last), oldest first.

    For one market or event, and if every quote is kept, markets are followed tick by tick: a tick that found a quote
    unchanged may or may not confirm it.
    """
    is_small = selection is not None and selection.kind != "series"
    if is_small or _keeps_every_quote(database, last):
        return [histories(database, selection, first, last, None)]
    return list(_streamed(database, selection, first, last))


def _streamed(
    database: ReadOnlyDatabase, selection: Selection | None, first: int, last: int
) -> Iterator[Part]:
    begins_at = Store(database).begins_at()
    is_from_beginning = begins_at is not None and first <= begins_at
    if not is_from_beginning:
        rows = quotes_in_force(database, selection, first)
        yield HeldPart(QUOTE_TABLE, lambda: rows)
    stream = stored_quotes(selection, first, last, with_first=is_from_beginning)
    yield QuotesPart(database, stream, lambda: texts_of(database, selection))


def _check_size(rows: float) -> None:
    if rows > _MOST_GRID_ROWS:
        raise RangeError(
            f"the grid makes about {rows:,.0f} rows, more than {_MOST_GRID_ROWS:,}: choose a longer step, a shorter "
            "span or fewer markets"
        )


def _keeps_every_quote(database: ReadOnlyDatabase, until: int) -> bool:
    tick = database.ask(lambda connection: newest_tick(connection, until))
    return tick is not None and database.ask(
        lambda connection: newest_repeat(connection, tick.id) is not None
    )
