"""CPU per market of `sync` and `snapshot`, beside the raw floor and the system that this one replaces.

Everything is measured in this process in one run on the same pages; the exchange runs in another and is not
counted, nor is any start-up. Carry the ratios: the absolute times are this machine's.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks import floor, seed
from benchmarks.exchange import serving
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import now


def cpu_micros(work: Callable[[], int]) -> float:
    """CPU microseconds of this process for each market that `work` says it handled."""
    started = time.process_time()
    count = work()
    return (time.process_time() - started) / count * 1e6


def fetch_pages(api_url: str) -> list[bytes]:
    """Every page of open markets, as bytes."""
    pages: list[bytes] = []
    query = {"status": "open", "mve_filter": "exclude", "limit": "1000"}
    while True:
        pages.append(httpx.get(f"{api_url}/markets", params=query, timeout=60).content)
        cursor = json.loads(pages[-1])["cursor"]
        if not cursor:
            return pages
        query["cursor"] = cursor


def measure(markets: int, folder: Path) -> dict[str, float]:
    """Every cost in CPU microseconds a market, by name."""
    costs: dict[str, float] = {}
    with serving(
        WorldConfig(markets=markets, change_share=0.1, births_per_step=0, closes_per_step=0)
    ) as exchange:
        pages = fetch_pages(exchange.url)
        settings = Settings(
            api_url=exchange.url, database_url=f"sqlite:///{folder / 'kalshi.db'}", requests_per_second=1000
        )
        costs["raw floor"] = cpu_micros(lambda: floor.store(pages, folder / "floor.db"))
        costs["seed system"] = cpu_micros(
            lambda: seed.store(pages[: max(1, len(pages) // 10)], folder / "seed.db")
        )
        with open_session(settings) as session:

            def sync() -> int:
                reports = [step(session) for step in (sync_series, sync_events, sync_markets)]
                return _received(reports[-1])

            def snapshot() -> int:
                return _received(take_snapshot(session, now()))

            costs["sync, cold"] = cpu_micros(sync)
            costs["sync, nothing changed"] = cpu_micros(sync)
            costs["snapshot, cold"] = cpu_micros(snapshot)
            costs["snapshot, nothing changed"] = cpu_micros(snapshot)
            exchange.step()
            costs["snapshot, 10 % changed"] = cpu_micros(snapshot)
    return costs


def _received(report: Report) -> int:
    return report.tally.received


def main() -> None:
    """Measure, print one table, and write the numbers as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="write the numbers there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(arguments.markets, Path(folder))
    table = Table("", "CPU µs a market", "x raw floor", "1/x of seed system")
    for name, micros in costs.items():
        table.add_row(
            name,
            f"{micros:.1f}",
            f"{micros / costs['raw floor']:.1f}",
            f"{costs['seed system'] / micros:.0f}",
        )
    Console().print(f"{arguments.markets:,} markets, HTTP and gzip included in sync and snapshot", table)
    if arguments.json:
        arguments.json.write_text(json.dumps(costs, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
