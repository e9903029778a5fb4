"""The newest stored order book of a market."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from kalshi_pipeline.store.schema.tables import markets, order_book_levels, order_books


class BookLevel(NamedTuple):
    """Resting bids for YES or for NO at one price (micro-dollars), in hundredths of a contract."""

    is_yes: bool
    price: int
    size: int


class OrderBook(NamedTuple):
    """A market's order book, received at an instant; one without levels was empty."""

    ticker: str
    received_at: int
    levels: list[BookLevel]


def newest_book(connection: Connection, ticker: str) -> OrderBook | None:
    """Return the newest stored order book of a market, highest prices first; None if there is none."""
    newest = (
        select(order_books.c.id, order_books.c.received_at)
        .join(markets)
        .where(markets.c.ticker == ticker)
        .order_by(order_books.c.received_at.desc())
        .limit(1)
    )
    found = connection.execute(newest).one_or_none()
    if found is None:
        return None
    levels = (
        select(*(order_book_levels.c[name] for name in BookLevel._fields))
        .where(order_book_levels.c.order_book_id == found[0])
        .order_by(order_book_levels.c.price.desc())
    )
    return OrderBook(ticker, found[1], [BookLevel(*row) for row in connection.execute(levels)])
