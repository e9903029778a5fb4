"""Runs many lives of an exchange, for modules that are run manually; prints the differences, and finally the counts."""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import sqlite_url

_MOST_LINES = 4
_LONGEST_LINE = 1200


class Life(Protocol):
    """One life, with its counts."""

    counts: Counter[str]

    def live(self, ticks: int, /) -> Iterator[str]:
        """Take ticks, and yield the differences from the expected contents."""
        ...


def live_many(life_of: Callable[[int, Path, Path], Life], ticks: int) -> None:
    """Live the lives of the seeds below the argument, or from the first one to the second.

    `life_of` takes a seed, an empty database to copy, and a folder.
    """
    first, end = map(int, ["0", *sys.argv[1:]][-2:])
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        template = Path(name, "template.db")
        Database(sqlite_url(template)).close()
        for seed in range(first, end):
            with tempfile.TemporaryDirectory(dir=name) as folder:
                life = life_of(seed, template, Path(folder))
                for line, _ in zip(life.live(ticks), range(_MOST_LINES), strict=False):
                    sys.stdout.write(f"seed {seed}, {line[:_LONGEST_LINE]}\n")
            total += life.counts
            sys.stdout.flush()
    sys.stdout.write(f"{dict(total)}\n")
