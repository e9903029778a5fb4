"""The wall-clock time to read quotes from a warm database of many markets and rows."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from benchmarks.filling import BEGINNING, END, LATEST_QUOTES
from benchmarks.result import Aim, Options, Result, Row
from benchmarks.timing import median_milliseconds
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.store.database import Connection, Database
from kalshi_pipeline.store.reading.history import history
from kalshi_pipeline.store.reading.movers import movers
from kalshi_pipeline.store.reading.quotes import latest, quotes_as_of
from kalshi_pipeline.store.scopes import scope_id
from kalshi_pipeline.store.writing.parents import merge_markets
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.store.samples import SCOPE, market

OfOne: TypeAlias = Callable[[Connection, str], object]
OfAll: TypeAlias = Callable[[Connection], object]

ONE, ALL = "one market", "all markets"

_MARKETS = (100_000,)
_ROWS, _QUICK_ROWS = 20_000_000, 1_000_000
_PERIOD = 300 * MICROS_PER_SECOND
_HOUR_SECONDS = 3600
_DAY = 24 * _HOUR_SECONDS * MICROS_PER_SECOND
_CLASSES = 16  # one market in a hundred has a row at every tick, the others at one in this many
_HOT = 100
_ONE_AIM, _ALL_AIM = Aim(5), Aim(1000)


def measure(options: Options) -> Result:
    """Fill a database and query it; each query is repeated, those of one market with another market each time."""
    (markets,) = options.sizes(_MARKETS, _MARKETS)
    rows = _QUICK_ROWS if options.is_quick else _ROWS
    path = options.folder / "reads.db"
    options.report_progress(f"reads: filling {rows:,} rows")
    with closing(Database(f"sqlite:///{path}")) as database:
        filled = _Filled(database, path, markets, rows)
        measured = list(_ask(database, filled, 3 if options.is_quick else 7, options))
    for file in options.folder.glob(f"{path.name}*"):
        file.unlink()
    title = f"Reading back from {filled.rows:,} rows of {markets:,} markets in {filled.ticks:,} ticks"
    return Result(title, measured)


def _ask(database: Database, filled: "_Filled", repetitions: int, options: Options) -> list[Row]:
    end = filled.newest_at
    middle = end - filled.ticks // 2 * _PERIOD
    day = max(end - _DAY, filled.oldest_at)
    of_one: dict[str, OfOne] = {
        "latest quote": latest,
        "24 hours": lambda connection, ticker: list(history(connection, ticker, day, end)),
        "24 hours, one point a minute": lambda connection, ticker: list(
            history(connection, ticker, day, end, resample_seconds=60)
        ),
    }
    of_all: dict[str, OfAll] = {
        "as of the middle of the history": lambda connection: list(quotes_as_of(connection, middle)),
        "as of now": lambda connection: list(quotes_as_of(connection, end)),
        "movers of an hour": lambda connection: movers(connection, _HOUR_SECONDS),
    }
    if end - filled.oldest_at > _DAY:
        of_all["movers of a day"] = lambda connection: movers(connection, 24 * _HOUR_SECONDS)
    rows = []
    with database.read() as connection:

        def of_hot(ask: OfOne) -> Callable[[int], object]:
            return lambda number: ask(connection, filled.hot_ticker(number))

        def of_any(ask: OfAll) -> Callable[[int], object]:
            return lambda _: ask(connection)

        for label, of_ticker in of_one.items():
            options.report_progress(f"reads: {label}")
            milliseconds, cpu = median_milliseconds(of_hot(of_ticker), 3 * repetitions)
            aim = None if "minute" in label else _ONE_AIM
            rows.append(Row(ONE, label, milliseconds, "ms", aim, {"ms CPU": cpu}))
        for label, of_everything in of_all.items():
            options.report_progress(f"reads: {label}")
            milliseconds, cpu = median_milliseconds(of_any(of_everything), repetitions)
            rows.append(Row(ALL, label, milliseconds, "ms", _ALL_AIM, {"ms CPU": cpu}))
    return rows


class _Filled:
    """A database with this many rows of quotes. The store writes its markets, SQL its quotes, for speed."""

    def __init__(self, database: Database, path: Path, markets: int, rows: int) -> None:
        self._markets = markets
        per_tick = markets // _HOT + (markets - markets // _HOT) // _CLASSES
        self.ticks = max(2, (rows - markets) // per_tick)
        self.newest_at = SYSTEM_CLOCK.now() // _PERIOD * _PERIOD
        self.oldest_at = self.newest_at - (self.ticks - 1) * _PERIOD
        with database.begin() as connection:
            for start in range(0, markets, 10_000):
                page = [market(_ticker(number)) for number in range(start, min(start + 10_000, markets))]
                merge_markets(connection, page, self.oldest_at)
            self._scope_id = scope_id(connection, SCOPE)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            self.rows = self._fill(connection)

    def hot_ticker(self, number: int) -> str:
        """Return a market that changed at every tick."""
        return _ticker((number * 37 % (self._markets // _HOT)) * _HOT)

    def _fill(self, connection: sqlite3.Connection) -> int:
        values = {
            "ticks": self.ticks,
            "oldest_at": self.oldest_at,
            "period": _PERIOD,
            "scope_id": self._scope_id,
        }
        for statement in _FILL:
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(statement, named)
        return int(connection.execute("SELECT count(*) FROM price_snapshots").fetchone()[0])


def _ticker(number: int) -> str:
    return f"KXREAD-26NOV23-T{number:06}"


# The keys of markets and ticks count from 1. The index is created at the end: row by row it would take minutes.
_FILL = (
    *BEGINNING,
    "DROP INDEX ix_price_snapshots_market_id_tick_id",
    """
    INSERT INTO ticks (id, tick_at, period_seconds, scope_id, started_at, finished_at, state, pages, received, inserted,
                       unchanged, quarantined, duplicates, placeholders, healed)
    WITH RECURSIVE number(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM number WHERE n < :ticks)
    SELECT n, :oldest_at + (n - 1) * :period, 300, :scope_id, :oldest_at + (n - 1) * :period,
           :oldest_at + n * :period - 1, 'complete', 0, 0, 0, 0, 0, 0, 0, 0
    FROM number
    """,
    "CREATE TEMP TABLE members (class INTEGER, market_id INTEGER, PRIMARY KEY (class, market_id)) WITHOUT ROWID",
    f"""
    INSERT INTO members
    WITH RECURSIVE class(c) AS (VALUES (0) UNION ALL SELECT c + 1 FROM class WHERE c < {_CLASSES - 1})
    SELECT c, id FROM class, markets
    WHERE (id - 1) % {_HOT} = 0 OR (id * 2654435761 >> 7) % {_CLASSES} = c
    """,
    f"""
    INSERT INTO price_snapshots
        (tick_id, market_id, yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume, open_interest,
         received_ms, is_terminal)
    SELECT t, m, price, price + 10000, (m * 31 + t * 17) % 50000 * 100, (m * 17 + t * 31) % 50000 * 100, price,
           m * 1000 + t * 100, m * 300 + t * 30, 1500, 0
    FROM (
        SELECT ticks.id AS t, markets.id AS m, ((markets.id * 37 + ticks.id * 7) % 97 + 1) * 10000 AS price
        FROM ticks CROSS JOIN markets WHERE ticks.id = 1
        UNION ALL
        SELECT ticks.id, market_id, ((market_id * 37 + ticks.id * 7) % 97 + 1) * 10000
        FROM ticks CROSS JOIN members ON class = ticks.id % {_CLASSES} WHERE ticks.id > 1
    )
    """,
    "CREATE INDEX ix_price_snapshots_market_id_tick_id ON price_snapshots (market_id, tick_id)",
    LATEST_QUOTES,
    *END,
)
