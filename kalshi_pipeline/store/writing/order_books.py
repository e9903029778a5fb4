"""Writes of order books: one row for each book, and one for each level."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Connection, and_, bindparam, exists, insert, select

from kalshi_pipeline.records import OrderBook, OrderBookLevel
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import markets, order_book_levels, order_books
from kalshi_pipeline.store.writing.ids import InsertNew
from kalshi_pipeline.store.writing.merging import Staging


def append_order_books(connection: Connection, books: Sequence[OrderBook], received_at: int) -> int:
    """Store the books of different stored markets that were received at an instant; return the number of new ones."""
    _staged_books.fill(connection, [(book.ticker,) for book in books])
    _staged_levels.fill(connection, [(book.ticker, *level) for book in books for level in book.levels])
    bound = {"received_at": received_at}
    appended = _append_books.run(connection, bound)
    connection.execute(_append_levels, bound)
    return appended


_staged_books = Staging("staged_books", markets.c.ticker)
_staged_levels = Staging("staged_levels", markets.c.ticker, *record_columns(OrderBookLevel))
_received_at = bindparam("received_at", type_=BigInteger)
_level = _staged_levels.table.c
_is_stored = exists().where(
    order_books.c.market_id == markets.c.id, order_books.c.received_at == _received_at
)
_append_books = InsertNew(
    order_books,
    ["market_id", "received_at"],
    select(markets.c.id, _received_at)
    .select_from(_staged_books.table)
    .join(markets, markets.c.ticker == _staged_books.table.c.ticker)
    .where(~_is_stored),
)
_has_levels = exists().where(order_book_levels.c.order_book_id == order_books.c.id)
_append_levels = insert(order_book_levels).from_select(
    ["order_book_id", *OrderBookLevel._fields],
    select(order_books.c.id, *(_level[name] for name in OrderBookLevel._fields))
    .select_from(_staged_levels.table)
    .join(markets, markets.c.ticker == _level.ticker)
    .join(
        order_books,
        and_(order_books.c.market_id == markets.c.id, order_books.c.received_at == _received_at),
    )
    .where(~_has_levels),
)
