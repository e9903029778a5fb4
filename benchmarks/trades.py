"""How fast trades are stored: a whole run of `collect_trades`, its writes alone, and a raw executemany beside them.

The exchange is a transport in this process that answers with pages made beforehand, so that nothing else is
measured. `stored` trades of the days before are in the table already: its index is as large as in real life.
Times are CPU of this process: other programs on the machine do not count.
"""

import argparse
import json
import random
import resource
import sqlite3
import tempfile
import time
import uuid
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.trades import parse_trades
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.catalog import merge_markets
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.rows import MarketRow, TradeTuple
from kalshi_pipeline.store.trades import append_staged_trades, stage_trades, trade_key
from kalshi_pipeline.units import instant_of

_BLANK: dict[str, Any] = {**dict.fromkeys(MarketRow._fields), "is_combo": False}
_DAY = date(2026, 9, 1)
_PAGE = 1000
_MARKETS = 20_000
_DAY_MICROS = 86_400_000_000
_MIDNIGHT = instant_of(datetime(2026, 9, 1, tzinfo=UTC))


def _ticker(number: int) -> str:
    return f"KXBENCH{number % 400}-26SEP01-T{number}"


def _page_of(chance: random.Random, first: int, pages: int, page: int) -> bytes:
    """One page of a day that has so many, newest first; few markets have most of the trades."""
    moments = sorted((chance.random() for _ in range(_PAGE)), reverse=True)
    trades = []
    for moment in moments:
        at = first + round(_DAY_MICROS * (pages - 1 - page + moment) / pages)
        price = chance.randrange(1, 1000)
        trades.append(
            {
                "count_fp": f"{chance.randrange(1, 50_000) / 100:.2f}",
                "created_time": datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
                + f".{at % 1_000_000:06d}Z",
                "is_block_trade": False,
                "no_price_dollars": f"{(1000 - price) / 1000:.4f}",
                "taker_book_side": "bid",
                "taker_outcome_side": chance.choice(("yes", "no")),
                "taker_side": "yes",
                "ticker": _ticker(min(int(chance.paretovariate(0.4)), _MARKETS) - 1),
                "trade_id": str(uuid.UUID(int=chance.getrandbits(128))),
                "yes_price_dollars": f"{price / 1000:.4f}",
            }
        )
    return json.dumps({"trades": trades, "cursor": str(page + 1) if page + 1 < pages else ""}).encode()


class _Exchange(httpx.BaseTransport):
    """Answers with prepared pages, the cursor being the number of the page."""

    def __init__(self, pages: list[bytes]) -> None:
        self._pages = pages

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/historical/cutoff"):
            at = "2026-07-01T00:00:00Z"
            return httpx.Response(200, json={"market_settled_ts": at, "trades_created_ts": at})
        number = int(request.url.params.get("cursor", "0")) % len(self._pages)
        return httpx.Response(200, content=self._pages[number])


def _rows(page: bytes) -> list[TradeTuple]:
    return [
        (t.created_at, trade_key(t.trade_id), t.ticker, t.yes_price, t.contracts, t.taker_side, t.is_block)
        for t in parse_trades(page).records
    ]


def _raw(pages: list[list[TradeTuple]], path: Path) -> float:
    """CPU seconds of the floor: a bare table without any key, one executemany and one commit a page."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE trades (a, b, c, d, e, f, g)")
        started = time.process_time()
        for rows in pages:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
        return time.process_time() - started


def _written(pages: list[list[TradeTuple]], database: Database) -> float:
    """CPU seconds of staging and appending alone."""
    started = time.process_time()
    for rows in pages:
        with database.begin() as connection:
            stage_trades(connection, rows)
            append_staged_trades(connection)
    return time.process_time() - started


def _prepare(database: Database, stored: int) -> None:
    markets = [
        MarketRow(**{**_BLANK, "ticker": _ticker(number), "event_ticker": f"KXBENCH{number % 400}-26SEP01"})
        for number in range(_MARKETS)
    ]
    with database.begin() as connection:
        merge_markets(connection, markets, _MIDNIGHT)
    if stored:
        with database.begin() as connection:
            # Its index is made at the end, which is many times faster.
            (index,) = connection.exec_driver_sql(
                "SELECT sql FROM sqlite_schema WHERE name = 'ix_trades_market_id_created_at'"
            ).one()
            connection.exec_driver_sql("DROP INDEX ix_trades_market_id_created_at")
            connection.exec_driver_sql(_FILL, (_MIDNIGHT - 30 * _DAY_MICROS, stored, 30 * _DAY_MICROS))
            connection.exec_driver_sql(index)


# Trades of the month before, by the database itself: a quarter of the markets has half of them.
_FILL = f"""
WITH RECURSIVE n (i, at, step) AS (
    SELECT 1, ?1, ?3 / ?2 UNION ALL SELECT i + 1, at + step, step FROM n WHERE i < ?2
)
INSERT INTO trades (created_at, trade_id, market_id, yes_price, contracts, taker_side, is_block)
SELECT at, randomblob(16), 1 + (abs(random()) % {_MARKETS}) * (abs(random()) % {_MARKETS}) / {_MARKETS},
    abs(random()) % 1000 * 1000, abs(random()) % 50000, 'yes', 0
FROM n
"""


def measure(trades: int, folder: Path, stored: int = 0) -> dict[str, float]:
    """Trades a second of each way, how much slower than the floor they are, bytes a trade, and memory."""
    chance = random.Random(1)
    count = trades // _PAGE
    bodies = [_page_of(chance, _MIDNIGHT, count, page) for page in range(count)]
    rows = [_rows(body) for body in bodies]
    path = folder / "kalshi.db"
    settings = Settings(database_url=f"sqlite:///{path}", requests_per_second=1000)
    with closing(Database(settings.database_url)) as database:
        _prepare(database, stored)
        size = path.stat().st_size
        raw = _raw(rows, folder / "raw.db")
        with KalshiClient("http://bench", requests_per_second=1000, transport=_Exchange(bodies)) as client:
            started = time.process_time()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            report = collect_trades(Session(client, database, settings, lambda _: None), _DAY)
            collected = time.process_time() - started
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert (report.is_complete, report.part_rows) == (True, trades), report
        grown = path.stat().st_size - size
        moved = [[(row[0] + _DAY_MICROS, *row[1:]) for row in page] for page in rows]
        written = _written(moved, database)
    return {
        "raw executemany, trades/s": trades / raw,
        "written, trades/s": trades / written,
        "collected, trades/s": trades / collected,
        "written, x raw": written / raw,
        "collected, x raw": collected / raw,
        "bytes a trade": grown / trades,
        "memory grown, MB": (after - before) / 1024,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=200_000)
    parser.add_argument("--stored", type=int, default=0, help="trades in the table before")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(arguments.trades, Path(folder), arguments.stored)
    for name, value in costs.items():
        print(f"{name:28} {value:12,.1f}")


if __name__ == "__main__":
    main()
