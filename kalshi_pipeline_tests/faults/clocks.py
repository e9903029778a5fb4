"""Wrong clocks, and clocks that jump: the exchange's and the computer's differ for a while."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from kalshi_pipeline.sandbox import Faults, WorldConfig
from kalshi_pipeline_tests.faults.compared import compare
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, Place, place
from kalshi_pipeline_tests.faults.stored import unsound

_DAY = 86_400.0
OFFSETS = (90.0, 3600.0, _DAY, 365 * _DAY)
# The allowed difference between the clocks.
_TOLERATED = 30.0
_COMMANDS = (("snapshot",), ("collect", "--once"))


def step(folder: Path, count: int, config: WorldConfig = CONFIG, *, seed: int = 1) -> Outcome:
    """Run commands while the clocks differ, when they must write nothing, and after the clocks agree again."""
    outcome, chance = Outcome("clocks that step"), random.Random(seed)
    with place(folder, config) as here:
        here.collect()
        for _ in range(count):
            here.exchange.world.step()
            offset = chance.choice((1, -1)) * chance.choice(OFFSETS)
            command = chance.choice(_COMMANDS)
            rows = _rows(here)
            here.exchange.faults = Faults(date_skew_seconds=offset)
            ended = here.commands.run(*command)
            here.exchange.faults = Faults()
            problems = [] if ended.code == 2 else [f"exit code {ended.code}: {ended.output[-300:]}"]
            if _rows(here) != rows:
                problems.append(f"it wrote rows: {rows} became {_rows(here)}")
            here.exchange.faults = Faults(date_skew_seconds=chance.uniform(-_TOLERATED, _TOLERATED))
            good = here.commands.run("snapshot")
            here.exchange.faults = Faults()
            if good.code:
                problems.append(f"then exit code {good.code}: {good.output[-300:]}")
            lost, wrong, differing = compare(here)
            problems += [*differing, *unsound(here.store)]
            where = f"{' '.join(command)}, clocks {offset:,.0f} s apart: "
            outcome.count(
                problems=[where + problem for problem in problems],
                rows_lost=lost,
                wrong_numbers=wrong,
                has_traceback=ended.has_traceback or good.has_traceback,
                seconds_to_good=good.seconds,
            )
    return outcome


def _rows(here: Place) -> dict[str, int]:
    """Count the rows of every table."""
    with closing(sqlite3.connect(here.store)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
