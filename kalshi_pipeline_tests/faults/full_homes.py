"""A full disk under Dagster's state, while the store's disk has room. It runs in its own mount namespace."""

import dataclasses
import json
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

from kalshi_pipeline_tests.faults.dagster_unit import (
    SECONDS_OF_A_TICK,
    await_tick,
    complete_ticks,
    problems_at_the_end,
    unit_of,
)
from kalshi_pipeline_tests.faults.disks import can_mount
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import place
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, holds_within
from kalshi_pipeline_tests.faults.stored import unsound

_DISK_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 12
_FULL_SECONDS = 3 * SECONDS_OF_A_TICK


def fill_home(folder: Path, count: int) -> Outcome:
    """Fill the disk of Dagster's state for some ticks, give it room again, and wait for the next complete tick."""
    outcome = Outcome("full disk under Dagster's state")
    if not can_mount(folder):
        outcome.notes.append("not tried: no process may mount a file system here")
        return outcome
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-m", __name__, str(folder), str(count)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Outcome(**json.loads(done.stdout))


def _fill(folder: Path, count: int) -> Outcome:
    outcome = Outcome("full disk under Dagster's state")
    home = folder / "home"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(home)], check=True)
    with place(folder) as here, unit_of(here, home) as unit:
        for _ in range(count):
            problems = []
            if not await_tick(here, unit, after=complete_ticks(here)):
                problems.append("no tick was complete before")
            ballast = home / "ballast"
            _write_until_full(ballast)
            before, starts = complete_ticks(here), unit.starts
            holds_within(_FULL_SECONDS, lambda: False, lambda: unit.step(here))
            outcome.notes.append(
                f"{complete_ticks(here) - before} ticks were complete in {_FULL_SECONDS} s of a full disk; "
                f"Dagster was started {unit.starts - starts} times"
            )
            ballast.unlink()
            watch, complete = Stopwatch(), complete_ticks(here)
            if not await_tick(here, unit, after=complete):
                problems.append("no tick was complete again")
            outcome.count(
                problems=[*problems, *unsound(here.store, may_be_running=True)], seconds_to_good=watch.seconds
            )
        unit.stop()
        outcome.problems += problems_at_the_end(here)
    return outcome


def _write_until_full(path: Path) -> None:
    """Write until nothing fits, even into space that others have freed meanwhile."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(_BLOCK_BYTES))
        except OSError as error:
            if error.errno != ENOSPC:
                raise


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dataclasses.asdict(_fill(Path(sys.argv[1]), int(sys.argv[2])))))
