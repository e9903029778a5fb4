"""The columns of tables that are made from records, and the conversion of records to rows."""

from collections.abc import Sequence

from kalshi_pipeline.api import Mover, Quote
from kalshi_pipeline.notebooks.parts import Row, middle_of
from kalshi_pipeline.store.reading.search import Found
from kalshi_pipeline.store.reading.streams import MARKET_COLUMNS, STATES, Kind, TableColumn

_PRICES = ("yes_bid", "yes_ask", "last_price")
MOVERS_TABLE = (
    *MARKET_COLUMNS,
    TableColumn("title", Kind.TEXT),
    *(TableColumn(name, Kind.INSTANT) for name in ("quoted_at", "base_quoted_at")),
    TableColumn("state", Kind.WORD, STATES),
    *(TableColumn(f"{base}{name}", Kind.DOLLARS) for base in ("", "base_") for name in _PRICES),
    *(TableColumn(name, Kind.HALF_DOLLARS) for name in ("midpoint", "base_midpoint", "midpoint_change")),
    TableColumn("last_price_change", Kind.DOLLARS),
    TableColumn("volume_change", Kind.CONTRACTS),
)
SEARCH_TABLE = tuple(TableColumn(name, Kind.TEXT) for name in Found._fields)
_NUMBER_OF = {state: number for number, state in enumerate(STATES)}


def quote_row(quote: Quote, texts: Sequence[str | None]) -> Row:
    """Return a quote as a row of `QUOTE_TABLE`, with the tickers of its market."""
    _, at, quoted_at, received_at, is_listed, state, _, is_tick_complete, confirmed_at, *numbers = quote
    return (
        *texts,
        *(at, quoted_at, received_at, int(is_listed), _NUMBER_OF[state], int(is_tick_complete), confirmed_at),
        *numbers,
        *middle_of(quote.yes_bid, quote.yes_ask),
    )


def mover_row(mover: Mover, texts: Sequence[str | None]) -> Row:
    """Return a mover as a row of `MOVERS_TABLE`, with the tickers of its market."""
    middle, _ = middle_of(mover.yes_bid, mover.yes_ask)
    base, _ = middle_of(mover.base_yes_bid, mover.base_yes_ask)
    return (
        *texts,
        *(mover.title, mover.quoted_at, mover.base_quoted_at, STATES.index(mover.state)),
        *(mover.yes_bid, mover.yes_ask, mover.last_price),
        *(mover.base_yes_bid, mover.base_yes_ask, mover.base_last_price),
        *(middle, base, None if middle is None or base is None else middle - base),
        *(mover.last_price_change, mover.volume_change),
    )
