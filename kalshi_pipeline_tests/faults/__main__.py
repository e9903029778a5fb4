"""Runs the campaign: `python -m kalshi_pipeline_tests.faults [--quick] [--seed N] [part…]`.

The results of the default seed go to docs/faults.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from kalshi_pipeline_tests.faults import (
    channels,
    clocks,
    crowd,
    dagster_processes,
    disks,
    files,
    full_homes,
    interruptions,
    mixed,
    phases,
    published,
    records,
    upgrades,
)
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, today

_TICKS: list[float] = []
_PUBLISHED_SEED = 1


class Part(NamedTuple):
    """A kind of fault: the number in full and quick runs, and the function that injects them, in its own folder, drawn
    from a seed.
    """

    name: str
    full: int
    quick: int
    run: Callable[[Path, int, int], Sequence[Outcome]]


class _Drawn(Protocol):
    def __call__(self, folder: Path, count: int, /, *, seed: int) -> Outcome: ...


def _drawn(run: _Drawn) -> Callable[[Path, int, int], Sequence[Outcome]]:
    return lambda folder, count, seed: [run(folder, count, seed=seed)]


def _fixed(run: Callable[[Path, int], Outcome]) -> Callable[[Path, int, int], Sequence[Outcome]]:
    """Return a part whose faults are the same for every seed."""
    return lambda folder, count, _: [run(folder, count)]


def _mixed(folder: Path, count: int, seed: int) -> Sequence[Outcome]:
    return [
        mixed.mix(folder / "ticks", count, seed, on_tick=lambda _, seconds: _TICKS.append(seconds)),
        mixed.disturb(folder / "commands", count // 2, seed),
    ]


def _dagster(folder: Path, count: int, _: int) -> Sequence[Outcome]:
    return dagster_processes.lose(folder, dagster_processes.VICTIMS[:count])


def _signals(folder: Path, count: int, seed: int) -> Sequence[Outcome]:
    return [
        interruptions.stop(folder / "anywhere", count, seed=seed),
        phases.stop(folder / "phases", max(len(phases.PHASES), count // 5)),
        upgrades.stop(folder / "upgrades", count // 5, seed=seed),
    ]


PARTS = (
    Part("kills", 160, 24, _drawn(interruptions.kill)),
    Part("upgrades", 40, 8, _drawn(upgrades.kill)),
    Part("signals", 100, 20, _signals),
    Part("mixed", 100, 40, _mixed),
    Part("records", 10_000, 1_000, records.send),
    Part("channels", 60, 10, _fixed(channels.close)),
    Part("disks", 40, 6, _fixed(disks.fill)),
    Part("files", 60, 12, _drawn(files.disturb)),
    Part("homes", 3, 0, _fixed(full_homes.fill_home)),
    Part("clocks", 40, 6, _drawn(clocks.step)),
    Part("crowd", 20, 4, _fixed(crowd.gather)),
    Part("dagster", len(dagster_processes.VICTIMS), 0, _dagster),
)


def main() -> int:
    """Run the named parts, or all. Return 1 if a fault was not survived."""
    parser = argparse.ArgumentParser(prog="poe faults", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", help=f"of {', '.join(part.name for part in PARTS)}; by default all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer faults of each kind: ten minutes instead of forty"
    )
    parser.add_argument(
        "--seed", type=int, default=_PUBLISHED_SEED, help="draw other faults, and publish nothing"
    )
    parser.add_argument("--keep", type=Path, help="keep the stores of all parts in this folder")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - {part.name for part in PARTS}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    counts = {part.name: part.quick if arguments.quick else part.full for part in PARTS}
    parts = [part for part in PARTS if counts[part.name]]
    parts = [part for part in parts if not arguments.parts or part.name in arguments.parts]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as temporary:
        for part in parts:
            watch = Stopwatch()
            folder = (arguments.keep or Path(temporary)) / part.name
            folder.mkdir(parents=True)
            found = part.run(folder, counts[part.name], arguments.seed)
            outcomes += found
            for outcome in found:
                _say(f"{watch.seconds:6.0f} s  {'  '.join(outcome.row)}")
                for line in [*outcome.notes, *outcome.problems]:
                    _say(f"          {line}")
            if arguments.seed == _PUBLISHED_SEED:
                rows = published.rows_of(found, part.name, today(), is_quick=arguments.quick)
                published.publish({part.name: rows}, [part.name for part in PARTS])
    if _TICKS and arguments.seed == _PUBLISHED_SEED:
        published.draw(_TICKS)
    return int(any(outcome.problems or outcome.survived < outcome.injected for outcome in outcomes))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
