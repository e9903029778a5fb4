"""The write path against the raw floor: CPU of this process per market, on the same pages in the same run.

Each state of the database is measured right after the floor on the same pages; the result is the median of their
ratios. The exchange and all start-up are not counted.
"""

import dataclasses
import shutil
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import floor, seed
from benchmarks.exchange import serving
from benchmarks.replay import Replay, SavedPages, replaying, save
from benchmarks.result import Aim, Options, Result, Row
from benchmarks.timing import cpu_seconds
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_series
from kalshi_pipeline.settings import SnapshotMode

FLOOR = "raw floor"
SEED = "row by row (ORM)"
COLD = "first listing"
WARM = "6 % changed"
SPEED = f"{WARM}, at a floor of 48,000 a second"

_OVER_HTTP = "nothing changed, over HTTP with gzip in 8 windows"
_WARM_AIM = Aim(1.2)
_AIMS = {
    COLD: Aim(3.0),
    "nothing changed": _WARM_AIM,
    WARM: _WARM_AIM,
    "50 % changed": Aim(1.6),
    _OVER_HTTP: Aim(1.5),
}
_SPEED_AIM = Aim(20_000, is_least=True)
_FLOOR_PER_SECOND = 48_000
_SEED_PAGES = 2
_FULL = (20_000, 100_000, 500_000)
_QUICK = (20_000,)


class Cost(NamedTuple):
    """CPU microseconds per market, of a state and of the floor just before; and the share of markets written."""

    micros: float
    floor_micros: float
    written_share: float

    @property
    def ratio(self) -> float:
        return self.micros / self.floor_micros


def measure(options: Options) -> Result:
    """Measure each size in rounds, each with its own database."""
    rows: list[Row] = []
    for markets in options.sizes(_FULL, _QUICK):
        options.report_progress(f"ingest: {markets:,} markets, saving pages")
        folder = options.folder / f"ingest-{markets}"
        folder.mkdir()
        rows += _measure_size(markets, folder, options)
        shutil.rmtree(folder)
    return Result("CPU of a snapshot's write path, page bytes to committed rows, against the raw floor", rows)


def _measure_size(markets: int, folder: Path, options: Options) -> list[Row]:
    costs: dict[str, list[Cost]] = defaultdict(list)
    with serving(markets) as exchange:
        replay = Replay(exchange.url, folder)
        moments = []
        for share in (0.0, 0.06, 0.5):
            exchange.move(share)
            moments.append(save(exchange.url, "/markets", folder / f"markets-{share:g}"))
        rounds = 2 if options.is_quick else max(2, min(5, 300_000 // markets))
        for number in range(rounds):
            options.report_progress(f"ingest: {markets:,} markets, round {number + 1} of {rounds}")
            database = folder / f"round-{number}"
            database.mkdir()
            for label, cost in _Round(markets, replay, moments, exchange.url, database).run():
                costs[label].append(cost)
            shutil.rmtree(database)
    return list(_rows(f"{markets:,} markets", costs))


class _Round:
    """One database from its first listing on; each state is measured right after the floor on the same pages."""

    def __init__(
        self, markets: int, replay: Replay, moments: list[SavedPages], api_url: str, folder: Path
    ) -> None:
        self._markets = markets
        self._replay = replay
        self._moments = moments
        self._api_url = api_url
        self._folder = folder

    def run(self) -> Iterable[tuple[str, Cost]]:
        first, moved, stirred = self._moments
        rows_written = partial(seed.store, path=self._folder / "seed.db")
        yield SEED, self._beside_floor(first, lambda: (rows_written(first.first(_SEED_PAGES)), 0))
        with replaying(self._replay, self._folder / "kalshi.db") as session:
            parents, _ = cpu_seconds(lambda: (sync_series(session), sync_events(session)))
            cold = self._snapshot(session, first)
            yield COLD, cold
            yield (
                f"{COLD}, with series and events before it",
                cold._replace(micros=cold.micros + parents / self._markets * 1e6),
            )
            yield "nothing changed", self._snapshot(session, first)
            yield WARM, self._snapshot(session, moved)
            yield "50 % changed", self._snapshot(session, stirred)
            every = session.settings.model_copy(update={"snapshot_mode": SnapshotMode.EVERY})
            yield (
                "every quote stored, changed or not",
                self._snapshot(dataclasses.replace(session, settings=every), stirred),
            )
            with KalshiClient(self._api_url, requests_per_second=1000) as client:
                windows = session.settings.model_copy(update={"windows": 8})
                over_http = dataclasses.replace(session, client=client, settings=windows)
                yield _OVER_HTTP, self._snapshot(over_http, stirred)

    def _snapshot(self, session: Session, pages: SavedPages) -> Cost:
        self._replay.markets = pages

        def take() -> tuple[int, int]:
            tally = take_snapshot(session, SYSTEM_CLOCK.now()).tally
            return tally.received - tally.duplicates, tally.inserted

        return self._beside_floor(pages, take)

    def _beside_floor(self, pages: SavedPages, work: Callable[[], tuple[int, int]]) -> Cost:
        path = self._folder / "floor.db"
        floor_seconds, stored = cpu_seconds(lambda: floor.store(pages, path))
        for file in self._folder.glob(f"{path.name}*"):
            file.unlink()
        seconds, (received, written) = cpu_seconds(work)
        return Cost(seconds / received * 1e6, floor_seconds / stored * 1e6, written / received)


def _rows(group: str, costs: dict[str, list[Cost]]) -> Iterable[Row]:
    floors = [cost.floor_micros for of_state in costs.values() for cost in of_state]
    yield Row(group, FLOOR, 1.0, "x floor", also=_speeds(statistics.median(floors)))
    for label, of_state in costs.items():
        micros = statistics.median(cost.micros for cost in of_state)
        ratio = statistics.median(cost.ratio for cost in of_state)
        also = _speeds(micros)
        if label not in (SEED, COLD):
            also["% written"] = statistics.median(cost.written_share for cost in of_state) * 100
        yield Row(group, label, ratio, "x floor", _AIMS.get(label), also)
        if label == WARM:
            yield Row(group, SPEED, _FLOOR_PER_SECOND / ratio, "markets/s", _SPEED_AIM)


def _speeds(micros: float) -> dict[str, float]:
    return {"µs CPU": micros, "markets/s": 1e6 / micros}
