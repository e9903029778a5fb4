"""Order books are stored and read back."""

from kalshi_pipeline.records import OrderBook, OrderBookLevel
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.order_books import append_order_books
from kalshi_pipeline_tests.store.samples import NOON, SECOND, market, query, store_markets

LEVELS = [
    OrderBookLevel(is_yes=True, price=10_000, size=500),
    OrderBookLevel(is_yes=True, price=420_000, size=100_001),
    OrderBookLevel(is_yes=False, price=10_000, size=1),
]


def append(database: Database, received_at: int) -> int:
    with database.begin() as connection:
        return append_order_books(connection, [OrderBook("A", LEVELS), OrderBook("EMPTY", [])], received_at)


def test_books_are_stored_level_by_level_once_for_a_moment(database: Database) -> None:
    store_markets(database, market("A"), market("EMPTY"))
    assert [append(database, at) for at in (NOON, NOON, NOON + SECOND)] == [2, 0, 2]

    first = "2026-11-22T12:00:00.000000Z"
    history = "SELECT * FROM order_book_history ORDER BY received_at, ticker, side DESC, price"
    rows = query(database, history)
    assert rows[:4] == [
        ("A", first, "yes", 0.01, 5.0, NOON),
        ("A", first, "yes", 0.42, 1000.01, NOON),
        ("A", first, "no", 0.01, 0.01, NOON),
        ("EMPTY", first, None, None, None, NOON),
    ]
    assert [row[2:5] for row in rows[4:]] == [row[2:5] for row in rows[:4]]
    assert query(database, "PRAGMA foreign_key_check") == []
