"""Writes of order books: one row for each book, and one for each of its levels."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, and_, bindparam, exists, insert, select

from kalshi_pipeline.store.schema.tables import markets, order_book_levels, order_books
from kalshi_pipeline.store.writing.merging import Staging


class BookRow(NamedTuple):
    """A book, by its market, which is stored."""

    ticker: str


class LevelRow(NamedTuple):
    """A level of a book: bids that rest for YES, else for NO; micro-dollars, hundredths of a contract."""

    ticker: str
    is_yes: bool
    price: int
    size: int


def append_order_books(
    connection: Connection, tickers: Sequence[str], levels: Sequence[LevelRow], received_at: int
) -> int:
    """Store books that were received at an instant, one for each ticker; return how many. An empty one has no level."""
    _staged_books.fill(connection, [(ticker,) for ticker in tickers])
    _staged_levels.fill(connection, levels)
    bound = {"received_at": received_at}
    appended = connection.execute(_append_books, bound).rowcount
    connection.execute(_append_levels, bound)
    return appended


_staged_books = Staging("staged_books", BookRow)
_staged_levels = Staging("staged_levels", LevelRow)
_received_at = bindparam("received_at", type_=BigInteger)
_level = _staged_levels.table.c
_is_stored = exists().where(
    order_books.c.market_id == markets.c.id, order_books.c.received_at == _received_at
)
_append_books = insert(order_books).from_select(
    ["market_id", "received_at"],
    select(markets.c.id, _received_at)
    .select_from(_staged_books.table)
    .join(markets, markets.c.ticker == _staged_books.table.c.ticker)
    .where(~_is_stored),
)
_has_levels = exists().where(order_book_levels.c.order_book_id == order_books.c.id)
_append_levels = insert(order_book_levels).from_select(
    ["order_book_id", "is_yes", "price", "size"],
    select(order_books.c.id, _level.is_yes, _level.price, _level.size)
    .select_from(_staged_levels.table)
    .join(markets, markets.c.ticker == _level.ticker)
    .join(
        order_books,
        and_(order_books.c.market_id == markets.c.id, order_books.c.received_at == _received_at),
    )
    .where(~_has_levels),
)
