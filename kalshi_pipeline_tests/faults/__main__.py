"""Runs the campaign: `python -m kalshi_pipeline_tests.faults [--quick]`. Its results go into docs/faults.md."""

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kalshi_pipeline_tests.faults import (
    clocks,
    crowd,
    dagster_processes,
    disks,
    full_homes,
    interruptions,
    mixed,
    records,
)
from kalshi_pipeline_tests.faults.outcome import Outcome, markdown
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, today

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "faults.md"
_PLOT = _ROOT / "docs" / "plots" / "faults.png"
_BEGIN, _END = "<!-- begin: poe faults -->", "<!-- end -->"
_ABOUT_THE_PLOT = f"""![Seconds per tick under faults](plots/{_PLOT.name})

The plot is of the ticks of mixed faults: 1,560 open markets, one to three kinds of faults at a time, a fifth of the
answers. The longest ones wait for retries (3 s for each request there, 30 s by default)."""
_TICKS: list[float] = []


class Part(NamedTuple):
    """A kind of fault: how many of them in full and quickly, and what injects so many into a folder of its own."""

    name: str
    full: int
    quick: int
    run: Callable[[Path, int], Sequence[Outcome]]


def _one(run: Callable[[Path, int], Outcome]) -> Callable[[Path, int], Sequence[Outcome]]:
    return lambda folder, count: [run(folder, count)]


def _mixed(folder: Path, count: int) -> Outcome:
    return mixed.mix(folder, count, on_tick=lambda _, seconds: _TICKS.append(seconds))


def _dagster(folder: Path, count: int) -> Sequence[Outcome]:
    return dagster_processes.lose(folder, dagster_processes.VICTIMS[:count])


PARTS = (
    Part("kills", 200, 40, _one(interruptions.kill)),
    Part("signals", 100, 20, _one(interruptions.stop)),
    Part("mixed", 100, 40, _one(_mixed)),
    Part("records", 10_000, 2_000, records.send),
    Part("disks", 40, 6, _one(disks.fill)),
    Part("homes", 3, 0, _one(full_homes.fill_home)),
    Part("clocks", 40, 6, _one(clocks.step)),
    Part("crowd", 20, 4, _one(crowd.gather)),
    Part("dagster", len(dagster_processes.VICTIMS), 0, _dagster),
)


def main() -> int:
    """Run the parts that are named, or all; return 1 if a fault was not survived."""
    parser = argparse.ArgumentParser(prog="poe faults", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", help=f"of {', '.join(part.name for part in PARTS)}; by default all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer faults of each kind: five minutes, not an hour"
    )
    parser.add_argument("--keep", type=Path, help="keep the stores of all parts in this folder")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - {part.name for part in PARTS}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    counts = {part.name: part.quick if arguments.quick else part.full for part in PARTS}
    parts = [part for part in PARTS if counts[part.name]]
    is_all = not arguments.parts
    parts = [part for part in parts if is_all or part.name in arguments.parts]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        for part in parts:
            watch = Stopwatch()
            folder = (arguments.keep or Path(temporary)) / part.name
            folder.mkdir(parents=True)
            found = part.run(folder, counts[part.name])
            outcomes += found
            for outcome in found:
                _say(f"{watch.seconds:6.0f} s  {'  '.join(outcome.row)}")
                for line in [*outcome.notes, *outcome.problems]:
                    _say(f"          {line}")
    if is_all:
        _write(outcomes, is_quick=arguments.quick)
    return int(any(outcome.problems or outcome.survived < outcome.injected for outcome in outcomes))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _write(outcomes: Sequence[Outcome], *, is_quick: bool) -> None:
    """Write the table into its page, with its date, and draw the plot of seconds per tick."""
    command = "uv run poe faults --quick" if is_quick else "uv run poe faults"
    heading = f"`{command}` on {today()}, Python {platform.python_version()}:"
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    text = f"{before}{_BEGIN}\n{heading}\n\n{markdown(outcomes)}\n\n{_ABOUT_THE_PLOT}\n{_END}{after}"
    _PAGE.write_text(text, encoding="utf-8")
    _draw(_TICKS)


def _draw(seconds: Sequence[float]) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 3))
    axes.bar(range(1, len(seconds) + 1), seconds, width=1.0)
    axes.set_xlabel("tick")
    axes.set_ylabel("seconds")
    axes.set_title("Seconds per tick while a fifth of the answers are faulty")
    _PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(_PLOT, dpi=100, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
