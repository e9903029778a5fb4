"""The speed of storing trades: the writes alone, beside a raw executemany of the same pages, and a whole run.

Earlier days are already in the table, so its index has a realistic size. The whole run is `collect_trades` in a new
process, because its memory is measured; its exchange is a transport in that process, which answers with pages from
files, so that no network is measured. Speeds and aims are by CPU time of the process. Wall-clock speeds, which include
waits for the disk and for other programs, are shown beside them.
"""

import json
import multiprocessing
import random
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx

from benchmarks.peak import peak_megabytes
from benchmarks.replay import SavedPages
from benchmarks.result import Aim, Options, Result, Row
from benchmarks.timing import cpu_seconds, wall_seconds
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.tiers import TRADES_PAGE
from kalshi_pipeline.exchange.trades import TRADES
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.trades import PAGES_AT_ONCE, collect_trades
from kalshi_pipeline.records import Row as PlainRow
from kalshi_pipeline.records import Trade
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.parents import merge_markets
from kalshi_pipeline.store.writing.trades import append_staged_trades, stage_trades, stored_values
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_SECOND, instant_of
from kalshi_pipeline_tests.store.samples import market

RAW = "raw executemany: a bare table, no key"
WRITTEN = "written, keys and foreign keys on"
COLLECTED = "a whole run, pages read and walked too"
MEMORY = "peak memory of the whole run"

_AIM = Aim(25_000, is_least=True)
_MARKETS = (20_000,)
_STORED, _QUICK_STORED = 4_000_000, 200_000
_TRADES, _QUICK_TRADES = 4_000_000, 100_000
_STORED_DAYS = 30
_DAY = date(2025, 9, 1)
_MIDNIGHT = instant_of(datetime(2025, 9, 1, tzinfo=UTC))
_CUTOFF = "2025-07-01T00:00:00Z"  # all of the day is in the live tier

Done = TypeVar("Done")


@dataclass
class Spent:
    """Total CPU and wall-clock seconds of this process."""

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0

    def on(self, work: Callable[[], Done]) -> Done:
        """Do some work, and add its time."""
        wall, (cpu, done) = wall_seconds(lambda: cpu_seconds(work))
        self.cpu_seconds += cpu
        self.wall_seconds += wall
        return done


class Collected(NamedTuple):
    """The time of a whole run, and its peak memory at the start, after a tenth of its pages, and at the end."""

    spent: Spent
    first_megabytes: float
    tenth_megabytes: float
    last_megabytes: float


def measure(options: Options) -> Result:
    """Store one day twice after the same earlier days: the writes alone, and in a whole run."""
    (markets,) = options.sizes(_MARKETS, _MARKETS)
    stored, trades = (_QUICK_STORED, _QUICK_TRADES) if options.is_quick else (_STORED, _TRADES)
    folder = options.folder / "trades"
    folder.mkdir()
    options.report_progress(f"trades: storing {stored:,}")
    prepared = folder / "kalshi.db"
    _prepare(prepared, markets, stored)
    bytes_before = prepared.stat().st_size
    options.report_progress(f"trades: making pages of {trades:,}")
    pages = _save_day(folder / "pages", markets, trades)
    options.report_progress(f"trades: writing {trades:,}")
    shutil.copy(prepared, folder / "written.db")
    raw, written = _write(pages, folder / "written.db", folder / "raw.db")
    options.report_progress(f"trades: collecting {trades:,}")
    with multiprocessing.get_context("spawn").Pool(1) as process:
        collected = process.apply(_collect, (pages, prepared, trades))
    bytes_after = prepared.stat().st_size
    shutil.rmtree(folder)

    def row(label: str, spent: Spent, aim: Aim | None = None, **also: float) -> Row:
        speed, on_clock = trades / spent.cpu_seconds, trades / spent.wall_seconds
        shown = {"x raw": spent.cpu_seconds / raw.cpu_seconds, "trades/s on the clock": on_clock}
        return Row(f"{stored:,} trades stored before", label, speed, "trades/s", aim, {**shown, **also})

    _, first, tenth, last = collected
    rows = [
        row(RAW, raw),
        row(WRITTEN, written, _AIM),
        row(COLLECTED, collected.spent, _AIM, **{"bytes per trade": (bytes_after - bytes_before) / trades}),
        Row(MEMORY, "grown in all", last - first, "MB", also={"MB at its end": last}),
        Row(MEMORY, "grown after the first tenth of its pages", last - tenth, "MB"),
    ]
    return Result(f"A day of {trades:,} trades of {markets:,} markets, by CPU of the process", rows)


def _write(pages: SavedPages, path: Path, raw_path: Path) -> tuple[Spent, Spent]:
    """Write each page raw, with one commit per page, and through the store, which commits several together; parsing is
    not counted.
    """
    raw, written = Spent(), Spent()
    with _raw_table(raw_path) as write_raw, closing(Database(f"sqlite:///{path}")) as database:

        def write(listed: list[Trade]) -> None:
            with database.begin() as connection:
                stage_trades(connection, listed)
                append_staged_trades(connection)

        waiting: list[Trade] = []
        for number, page in enumerate(pages, 1):
            listed = TRADES.parse(page).records
            raw.on(partial(write_raw, [stored_values(trade) for trade in listed]))
            waiting += listed
            if number % PAGES_AT_ONCE == 0 or number == len(pages.paths):
                written.on(partial(write, waiting))
                waiting = []
    return raw, written


@contextmanager
def _raw_table(path: Path) -> Iterator[Callable[[list[PlainRow]], None]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE trades (a, b, c, d, e, f, g)")

        def write(rows: list[PlainRow]) -> None:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")

        yield write


def _collect(pages: SavedPages, path: Path, trades: int) -> Collected:
    """Collect the day, and assert that it was all stored."""
    settings = Settings(database_url=f"sqlite:///{path}", requests_per_second=1000)
    spent, peaks = Spent(), []
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient("http://replayed", requests_per_second=1000, transport=_Exchange(pages)) as client,
    ):
        session = Session(client, database, settings, lambda _: peaks.append(peak_megabytes()))
        first = peak_megabytes()
        report = spent.on(lambda: collect_trades(session, _DAY))
        last = peak_megabytes()
    assert (report.is_complete, report.part_rows) == (True, trades), report
    return Collected(spent, first, peaks[len(peaks) // 10], last)


class _Exchange(httpx.BaseTransport):
    """Answers with saved pages of the live tier."""

    def __init__(self, pages: SavedPages) -> None:
        self._pages = pages

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, as httpx's transports do."""
        if request.url.path.endswith("/historical/cutoff"):
            return httpx.Response(200, json={"market_settled_ts": _CUTOFF, "trades_created_ts": _CUTOFF})
        return httpx.Response(200, content=self._pages.answer(request.url.params.get("cursor")))


def _ticker(number: int) -> str:
    return f"KXBENCH{number % 400}-25SEP01-T{number}"


def _save_day(folder: Path, markets: int, trades: int) -> SavedPages:
    """Save the pages of the day as files, newest trades first."""
    folder.mkdir()
    chance = random.Random(1)
    count = trades // TRADES_PAGE
    paths = [folder / f"{number:05}.json" for number in range(count)]
    for number, path in enumerate(paths):
        share = MICROS_PER_DAY / count
        begins = _MIDNIGHT + share * (count - 1 - number)
        moments = sorted((begins + share * chance.random() for _ in range(TRADES_PAGE)), reverse=True)
        listed = [_trade(chance, int(moment), markets) for moment in moments]
        cursor = str(number + 1) if number + 1 < count else ""
        path.write_bytes(json.dumps({"trades": listed, "cursor": cursor}).encode())
    return SavedPages(paths, {str(number) if number else None: number for number in range(count)})


def _trade(chance: random.Random, at: int, markets: int) -> dict[str, str | bool]:
    """Return a trade as the exchange sends it; few markets have most of them."""
    price = chance.randrange(1, 1000)
    created_at = datetime.fromtimestamp(at // MICROS_PER_SECOND, UTC)
    return {
        "count_fp": f"{chance.randrange(1, 50_000) / 100:.2f}",
        "created_time": f"{created_at:%Y-%m-%dT%H:%M:%S}.{at % MICROS_PER_SECOND:06}Z",
        "is_block_trade": False,
        "no_price_dollars": f"{(1000 - price) / 1000:.4f}",
        "taker_book_side": "bid",
        "taker_outcome_side": chance.choice(("yes", "no")),
        "taker_side": "yes",
        "ticker": _ticker(min(int(chance.paretovariate(0.4)), markets) - 1),
        "trade_id": str(uuid.UUID(int=chance.getrandbits(128))),
        "yes_price_dollars": f"{price / 1000:.4f}",
    }


def _prepare(path: Path, markets: int, stored: int) -> None:
    """Create a database; the store writes its markets, and SQL its trades, for speed."""
    with closing(Database(f"sqlite:///{path}")) as database:
        with database.begin() as connection:
            rows = (market(_ticker(number)) for number in range(markets))
            merge_markets(connection, list(rows), _MIDNIGHT)
        with database.begin() as connection:
            # The index is created at the end, because updating it row by row would take minutes.
            (index,) = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_schema WHERE name = 'ix_trades_market_id_created_at'"
            ).one()
            connection.exec_driver_sql("DROP INDEX ix_trades_market_id_created_at")
            span = _STORED_DAYS * MICROS_PER_DAY
            connection.exec_driver_sql(_FILL, (_MIDNIGHT - span, stored, span, markets))
            connection.exec_driver_sql(index)


# Spread over the days before; a fifth of the markets has half of them.
_FILL = """
WITH RECURSIVE n (i, at, step) AS (
    SELECT 1, ?1, ?3 / ?2 UNION ALL SELECT i + 1, at + step, step FROM n WHERE i < ?2
)
INSERT INTO trades (created_at, trade_id, market_id, yes_price, contracts, taker_side, is_block)
SELECT at, randomblob(16), 1 + (abs(random()) % ?4) * (abs(random()) % ?4) / ?4,
    abs(random()) % 1000 * 1000, abs(random()) % 50000, 'yes', 0
FROM n
"""
