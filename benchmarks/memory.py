"""Peak memory of a run in a new process, and the longest time it blocks other writers.

The runs use the default settings (eight windows) and a sandbox in another process without a rate limit.
"""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.exchange import serving
from benchmarks.one_run import Taken
from benchmarks.result import Aim, Options, Result, Row

MEMORY, LOCK = "peak memory", "longest write lock"
IMPORTS = "imports and an empty database"
COLD, WARM = "first listing, with series and events", "6 % changed"

_LARGE = 200_000
_SMALL_AIM, _LARGE_AIM, _LOCK_AIM = Aim(180), Aim(250), Aim(0.2)
_FULL = (100_000, 500_000)
_QUICK = (20_000,)
_CHANGED_SHARE = 0.06


def measure(options: Options) -> Result:
    """Measure each size cold, then warm on the same database."""
    nothing = _taken("nothing", "http://127.0.0.1:9", options.folder / "memory-nothing.db")
    memory = [Row(MEMORY, IMPORTS, nothing.peak_megabytes, "MB")]
    lock = []
    for markets in options.sizes(_FULL, _QUICK):
        aim = _SMALL_AIM if markets <= _LARGE else _LARGE_AIM
        path = options.folder / f"memory-{markets}.db"
        with serving(markets) as exchange:
            for what, label in (("collect", COLD), ("snapshot", WARM)):
                options.report_progress(f"memory: {markets:,} markets, {label}")
                taken = _taken(what, exchange.url, path)
                exchange.move(_CHANGED_SHARE)
                of_run = f"{markets:,} markets, {label}"
                size = {"markets": float(markets), "s in all": taken.seconds}
                memory.append(Row(MEMORY, of_run, taken.peak_megabytes, "MB", aim, size))
                median = {"s at the median": taken.median_lock_seconds}
                lock.append(Row(LOCK, of_run, taken.longest_lock_seconds, "s", _LOCK_AIM, median))
        for file in options.folder.glob(f"{path.name}*"):
            file.unlink()
    return Result(
        "Peak memory of a fresh process, and the longest time that it holds the write lock", memory + lock
    )


def _taken(what: str, api_url: str, path: Path) -> Taken:
    command = [sys.executable, "-m", "benchmarks.one_run", what, api_url, f"sqlite:///{path}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Taken(**json.loads(output))
