"""Rows that are sorted in parts, in a temporary file."""

import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from operator import itemgetter

import pytest

from kalshi_pipeline.notebooks.sorted_rows import SortedRows

_BY_TIME = itemgetter(1, 0)
_MOST_BYTES = 30_000
_FULL_DISK = """
from kalshi_pipeline.errors import ExportError
from kalshi_pipeline.notebooks.sorted_rows import SortedRows
try:
    SortedRows(((f"MARKET-{n}", n) for n in range(10_000)), key=lambda row: row[1], held_rows=1_000)
except ExportError as error:
    print(error)
"""


def rows(count: int) -> list[tuple[str, int, int | None]]:
    chance = random.Random(1)
    return [
        (f"MARKET-{number % 7}", chance.randrange(count // 4), chance.choice((None, 3 << 60)))
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 5_000])
def test_rows_come_in_order_each_time(count: int) -> None:
    """In order of their keys; those of one key in the order in which they were given."""
    given = rows(count) if count > 3 else [("M", 1, None)] * count
    sorted_rows = SortedRows(given, key=_BY_TIME, held_rows=100)
    assert (
        [tuple(row) for row in sorted_rows]
        == sorted(given, key=_BY_TIME)
        == [tuple(row) for row in sorted_rows]
    )


def test_two_readers_do_not_disturb_each_other() -> None:
    given = rows(1_000)
    sorted_rows = SortedRows(given, key=_BY_TIME, held_rows=100)
    pairs = list(zip(sorted_rows, sorted_rows, strict=True))
    assert (
        [tuple(one) for one, _ in pairs]
        == [tuple(other) for _, other in pairs]
        == sorted(given, key=_BY_TIME)
    )


def test_rows_that_were_put_aside_are_not_held() -> None:
    """The rows that are given exist one part at a time."""
    living = set[int]()

    class Counted(tuple[int, ...]):
        def __init__(self, _: object) -> None:
            living.add(id(self))

        def __del__(self) -> None:
            living.discard(id(self))

    most = 0

    def given() -> Iterator[Counted]:
        nonlocal most
        for number in range(2_000):
            most = max(most, len(living))
            yield Counted((number,))

    kept = SortedRows(given(), key=itemgetter(0), held_rows=100)
    assert 90 < most < 110
    assert sum(1 for _ in kept) == 2_000


def test_full_temporary_folder_is_reported_with_what_to_do() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _FULL_DISK],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_BYTES, _MOST_BYTES)),
    ).stdout
    assert "free some space, or name another folder in TMPDIR" in found
