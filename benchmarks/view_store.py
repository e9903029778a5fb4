"""A store with millions of quotes, trades, candlesticks and changes, to query its views; filled by SQL for speed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.filling import BEGINNING, END, LATEST_QUOTES
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import BLOCK_SIZE
from kalshi_pipeline.store.scopes import scope_id
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.store.samples import NOON, SCOPE

PERIOD = 300 * MICROS_PER_SECOND
NEWEST_AT = NOON
_PER_EVENT, _PER_SERIES = 10, 20
_MOST_MARKETS = 100_000
_SMALLER_ROWS = 40_000  # of two series
_CLASSES = 40  # a market has a row at one tick in this many


def fill(path: Path, rows: int) -> None:
    """Make a store with about this many quotes, half as many trades and candlesticks, and a tenth as many changes."""
    markets = min(rows // 100, _MOST_MARKETS)
    ticks = (rows - markets) // max(1, markets // _CLASSES)
    with closing(Database(f"sqlite:///{path}")) as database, database.begin() as connection:
        scope = scope_id(connection, SCOPE)
    values = {
        "markets": markets,
        "ticks": ticks,
        "rows": rows,
        "scope": scope,
        "oldest_at": NEWEST_AT - (ticks - 1) * PERIOD,
        "span": (ticks - 1) * PERIOD,
    }
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in _FILL:
            connection.execute(
                statement, {name: value for name, value in values.items() if f":{name}" in statement}
            )


def have_statistics_of_a_smaller_store(connection: sqlite3.Connection, smaller: Path) -> None:
    """Replace the statistics of a store with those of a smaller one, for connections opened later.

    The smaller store is created at a path, which must not exist.
    """
    fill(smaller, _SMALLER_ROWS)
    with closing(sqlite3.connect(smaller)) as of_smaller:
        of_smaller.execute("ANALYZE")
        old = of_smaller.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
    smaller.unlink()
    connection.execute("ANALYZE sqlite_schema")  # makes the table, if there is none
    connection.execute("DELETE FROM sqlite_stat1")
    connection.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", old)
    connection.commit()


def list_unchanged(connection: sqlite3.Connection, ticks: int) -> None:
    """Let the newest ticks list every market without a row as unchanged, as in a store that keeps every quote."""
    ((markets, newest),) = connection.execute(
        "SELECT (SELECT max(id) FROM markets), (SELECT max(id) FROM ticks)"
    )
    for tick in range(newest - ticks + 1, newest + 1):
        blocks = []
        for block in range(markets // BLOCK_SIZE + 1):
            of_block = range(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)
            listed = [key for key in of_block if 0 < key <= markets and key % _CLASSES != tick % _CLASSES]
            blocks.append((tick, block, bytes(key % BLOCK_SIZE for key in listed)))
        connection.executemany(
            "INSERT INTO unchanged_blocks (tick_id, block, received_ms, remainders) VALUES (?, ?, 1500, ?)",
            blocks,
        )
    connection.commit()


def ticker_of(number: int) -> str:
    """Return the ticker of the market whose key is this number."""
    return f"KXS{(number - 1) // (_PER_EVENT * _PER_SERIES) + 1}-E{(number - 1) // _PER_EVENT + 1}-M{number}"


def _numbers(name: str) -> str:
    return f"WITH RECURSIVE number(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < {name})"


_EVENT = f"((n - 1) / {_PER_EVENT} + 1)"
_SERIES = f"((n - 1) / {_PER_EVENT * _PER_SERIES} + 1)"
# A multiplicative hash, because the numbers would otherwise be in order.
_ANY = "(n * 2654435761 >> 7)"
_FILL = (
    *BEGINNING,
    f"""
    INSERT INTO series (id, ticker, title, category, is_placeholder, first_seen_at, changed_at)
    {_numbers(f":markets / {_PER_EVENT * _PER_SERIES}")}
    SELECT n, 'KXS' || n, 'Series ' || n, 'Climate', 0, :oldest_at, :oldest_at FROM number
    """,
    f"""
    INSERT INTO events (id, ticker, series_id, title, is_placeholder, first_seen_at, changed_at)
    {_numbers(f":markets / {_PER_EVENT}")}
    SELECT n, 'KXS' || ((n - 1) / {_PER_SERIES} + 1) || '-E' || n, (n - 1) / {_PER_SERIES} + 1, 'Event ' || n, 0,
           :oldest_at, :oldest_at
    FROM number
    """,
    f"""
    INSERT INTO markets (id, ticker, event_id, title, status, is_combo, close_at, is_placeholder, first_seen_at,
                         changed_at)
    {_numbers(":markets")}
    SELECT n, 'KXS' || {_SERIES} || '-E' || {_EVENT} || '-M' || n, {_EVENT}, 'Market ' || n, 'active', 0,
           {NEWEST_AT} + n * 60000000, 0, :oldest_at, :oldest_at
    FROM number
    """,
    f"""
    INSERT INTO ticks (id, tick_at, period_seconds, scope_id, started_at, finished_at, state, pages, received, inserted,
                       unchanged, quarantined, duplicates, placeholders, healed)
    {_numbers(":ticks")}
    SELECT n, :oldest_at + (n - 1) * {PERIOD}, 300, :scope, :oldest_at + (n - 1) * {PERIOD},
           :oldest_at + n * {PERIOD} - 1, 'complete', 0, 0, 0, 0, 0, 0, 0, 0
    FROM number
    """,
    f"""
    INSERT INTO price_snapshots
        (tick_id, market_id, yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest,
         received_ms, is_terminal)
    SELECT t, m, price, price + 10000, (m * 31 + t * 17) % 50000 * 100, (m * 17 + t * 31) % 50000 * 100, price,
           m * 1000 + t * 100, m * 300 + t * 30, 1500, 0
    FROM (
        SELECT ticks.id AS t, markets.id AS m, ((markets.id * 37 + ticks.id * 7) % 97 + 1) * 10000 AS price
        FROM ticks CROSS JOIN markets ON markets.id % {_CLASSES} = ticks.id % {_CLASSES} OR ticks.id = 1
    )
    ORDER BY t, m
    """,
    LATEST_QUOTES,
    f"""
    INSERT INTO trades (created_at, trade_id, market_id, yes_price, contracts, taker_side, is_block)
    {_numbers(":rows / 2")}
    SELECT :oldest_at + CAST(n * 2.0 * :span / :rows AS INTEGER) + n % 7, CAST(printf('%016x', {_ANY}) AS BLOB),
           {_ANY} % :markets + 1, {_ANY} % 99 * 10000 + 10000, {_ANY} % 500 * 100 + 100, 'yes', 0
    FROM number ORDER BY n
    """,
    """
    INSERT INTO candlesticks (market_id, period_minutes, end_at, yes_bid_close, yes_ask_close, price_close, volume,
                              open_interest)
    SELECT m.id, 60, (:oldest_at / 3600000000 + n.value) * 3600000000, 400000, 410000, 400000, 100, 100
    FROM markets AS m CROSS JOIN (
        WITH RECURSIVE number(value) AS (
            VALUES (1) UNION ALL SELECT value + 1 FROM number WHERE value < :rows / 2 / :markets
        )
        SELECT value FROM number
    ) AS n
    """,
    f"""
    INSERT INTO market_changes (market_id, seen_at, field, before, after)
    {_numbers(":rows / 10")}
    SELECT {_ANY} % :markets + 1, :oldest_at + CAST(n * 10.0 * :span / :rows AS INTEGER), 'close_at',
           :oldest_at + n * 1000000, :oldest_at + n * 1000001
    FROM number
    """,
    """
    INSERT INTO settlements (market_id, result, settlement_value, settled_at, settled_at_source, tier, first_seen_at)
    SELECT id, 'yes', 1000000, :oldest_at + :span / :markets * id, 'settlement_ts', 'live', :oldest_at FROM markets
    """,
    """
    INSERT INTO order_books (id, market_id, received_at)
    SELECT t.id, t.id % :markets + 1, t.tick_at FROM ticks AS t WHERE t.id <= 5000
    """,
    """
    INSERT INTO order_book_levels (order_book_id, is_yes, price, size)
    SELECT b.id, v.y, l.p * 10000, 100 * l.p FROM order_books AS b
    CROSS JOIN (SELECT 1 AS y UNION ALL SELECT 0) AS v
    CROSS JOIN (
        WITH RECURSIVE level(p) AS (VALUES (1) UNION ALL SELECT p + 1 FROM level WHERE p < 10) SELECT p FROM level
    ) AS l
    """,
    *END,
)
