"""The place of a part of the campaign: an exchange, a folder with a store, and commands that use both."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests.faults.forked import Commands, commands
from kalshi_pipeline_tests.ingest.listed import open_markets

CONFIG = WorldConfig(
    markets=1_500,
    combos=60,
    change_share=0.1,
    births_per_step=5,
    closes_per_step=5,
    edits_per_step=6,
    trades_per_day=2_500,
    trade_days=2,
)
# One page of markets, for the suite's few faults, which do not concern pages.
SMALL = replace(
    CONFIG, markets=300, combos=20, births_per_step=2, closes_per_step=2, edits_per_step=2, trades_per_day=300
)
STORE = "kalshi.db"
_CANDLESTICK_MARKETS = 40
TRADE_DAYS = ("2026-10-06", "2026-10-07")
SETTINGS = {
    "database_url": f"sqlite:///{STORE}",
    "requests_per_second": "1000",
    "retry_seconds": "2",
    "timeout_seconds": "5",
    "combos": "include",
}


class Place:
    """An exchange, a folder, and the commands that collect from the exchange into the folder."""

    def __init__(self, exchange: Sandbox, folder: Path, run: Commands) -> None:
        self.exchange = exchange
        self.folder = folder
        self.commands = run

    @property
    def store(self) -> Path:
        """The database of its commands."""
        return self.folder / STORE

    def begin_with(self, store: Path | None) -> None:
        """Start with a copy of a store, or with none. An existing store is deleted."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if store is not None:
            shutil.copy(store, self.store)

    def collect(self) -> None:
        """Collect everything; this must succeed."""
        ended = self.commands.run("collect", "--once")
        if ended.code:
            raise AssertionError(f"an undisturbed collect ended with {ended.code}: {ended.output}")


@contextmanager
def place(folder: Path, config: WorldConfig = CONFIG, **settings: str) -> Iterator[Place]:
    """Open an exchange and a folder for commands."""
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    with Sandbox(World(config)) as exchange:
        charted = sorted(open_markets(exchange.url))[:_CANDLESTICK_MARKETS]
        chosen = {"api_url": exchange.url, "candlestick_markets": ",".join(charted)}
        with commands(work, **{**SETTINGS, **chosen, **settings}) as run:
            yield Place(exchange, work, run)
