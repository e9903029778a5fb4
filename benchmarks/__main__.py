"""Run all benchmarks, or the named ones, and print one table; write JSON and charts on request.

Compare ratios, because absolute times depend on the machine that the table names.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TypeAlias, cast

from rich.console import Console

from benchmarks.report import table_of, write_json
from benchmarks.result import Options, Result

# Each is a module with a function `measure`, imported when it runs.
_MODULES = {
    "ingest": "ingest",
    "memory": "memory",
    "listing": "listing",
    "size": "size",
    "reads": "reads",
    "views": "views",
    "streaming": "streaming",
    "trades": "trades",
    "startup": "startup",
    "dagster": "dagster_tick",
}
_WIDTH_OF_A_FILE = 150

Measure: TypeAlias = Callable[[Options], Result]


def main() -> None:
    """Run the benchmarks that the arguments name."""
    arguments = _arguments()
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM)
    )  # otherwise gigabytes would be left behind
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    progress = Console(stderr=True, style="dim", highlight=False)
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory(prefix="kalshi-benchmarks-") as folder:
        options = Options(
            arguments.markets,
            arguments.quick,
            Path(folder),
            lambda line: progress.print(line, soft_wrap=True),
        )
        for name in arguments.names or _MODULES:
            measure = cast("Measure", import_module(f"benchmarks.{_MODULES[name]}").measure)
            results[name] = measure(options)
            if arguments.json:
                write_json(arguments.json, results)
    console.print(table_of(results))
    if arguments.plots:
        from benchmarks.charts import draw  # matplotlib takes a second to import

        for path in draw(results, arguments.plots):
            console.print(f"{path}", soft_wrap=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(_MODULES))
    parser.add_argument(
        "--markets", type=int, help="number of markets, instead of each benchmark's own sizes"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes and few repetitions")
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--plots", type=Path, help="draw a chart of each into this folder")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(_MODULES):
        parser.error(f"unknown {', '.join(sorted(unknown))}: choose from {', '.join(_MODULES)}")
    return arguments


if __name__ == "__main__":
    main()
