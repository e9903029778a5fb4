"""The CPU time to start a command, beside the same command with everything imported first.

The store is small, so reading it adds little. Each command runs several times, and the least time counts, because other
programs only add to it.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.result import Aim, Options, Result, Row
from benchmarks.view_store import fill, ticker_of

_REPETITIONS, _QUICK_REPETITIONS = 7, 3
_ROWS = 20_000
_STARTING_SECONDS, _READING_SECONDS = 0.35, 1.3
_COMPLETION = {"_KALSHI_COMPLETE": "complete_bash", "COMP_WORDS": "kalshi data ", "COMP_CWORD": "2"}

_RUN = "import sys; sys.argv[0] = 'kalshi'; from kalshi_pipeline.cli.entry import main; main()"
_IMPORT_ALL = """
from importlib import import_module
from pkgutil import walk_packages
import kalshi_pipeline.cli, kalshi_pipeline.definitions
for found in walk_packages(kalshi_pipeline.cli.__path__, "kalshi_pipeline.cli."):
    if not found.name.endswith("__main__"):
        import_module(found.name)
"""


def measure(options: Options) -> Result:
    """Start commands that read nothing, and commands that read a small store, in both ways."""
    path = options.folder / "startup.db"
    fill(path, _ROWS)
    db = ("--db", str(path))
    starting: dict[str, tuple[Sequence[str], dict[str, str]]] = {
        "--version": (("--version",), {}),
        "--help": (("--help",), {}),
        "help of a command": (("market", "quotes", "--help"), {}),
        "completion": ((), _COMPLETION),
        "wrong option": (("quotes", "--lmit", "3"), {}),
        "wrong value": (("movers", "--window", "1 fortnight"), {}),
    }
    reading: dict[str, tuple[Sequence[str], dict[str, str]]] = {
        "quotes": (("quotes", *db), {}),
        "search": (("search", "market", *db), {}),
        "metrics": (("analysis", "metrics", ticker_of(1), *db), {}),
        "data status": (("data", "status", *db), {}),
    }
    groups = {"reads nothing": (starting, _STARTING_SECONDS), "reads": (reading, _READING_SECONDS)}
    times = _QUICK_REPETITIONS if options.is_quick else _REPETITIONS
    rows = []
    for group, (commands, limit) in groups.items():
        for label, (arguments, variables) in commands.items():
            options.report_progress(f"startup: {label}")
            seconds = min(_cpu_seconds(_RUN, arguments, variables) for _ in range(times))
            whole = min(_cpu_seconds(_IMPORT_ALL + _RUN, arguments, variables) for _ in range(times))
            rows.append(Row(group, label, seconds, "s CPU", Aim(limit), {"s, everything imported": whole}))
    path.unlink()
    return Result(f"Start of a command, least of {times}", rows)


def _cpu_seconds(program: str, arguments: Sequence[str], variables: dict[str, str]) -> float:
    """Return the user and system CPU time of a new process."""
    before = os.times()
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
