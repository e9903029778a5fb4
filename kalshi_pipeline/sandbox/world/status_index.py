"""Which markets a status filter finds: sorted positions per kind and shelf, so that no page scans the world."""

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from kalshi_pipeline.sandbox.world.states import SHELF_OF_STATE

SHELVES = (*dict.fromkeys(SHELF_OF_STATE), "paused")


class Shelves:
    """Ascending market positions by (is it a combo, shelf). Newborn markets stand at the end, so adding is cheap."""

    def __init__(self) -> None:
        self._rows = {(combo, shelf): array("i") for combo in (False, True) for shelf in SHELVES}

    def rows(self, shelf: str, *, combo: bool) -> "array[int]":
        return self._rows[combo, shelf]

    def put(self, position: int, shelf: str, *, combo: bool) -> None:
        rows = self._rows[combo, shelf]
        if not rows or rows[-1] < position:
            rows.append(position)
        else:
            rows.insert(bisect_left(rows, position), position)

    def take(self, position: int, shelf: str, *, combo: bool) -> None:
        rows = self._rows[combo, shelf]
        del rows[bisect_left(rows, position)]

    def walk_down(
        self, shelves: Iterable[str], combos: Iterable[bool], below: int, at_least: int = 0
    ) -> Iterator[int]:
        """Positions of several shelves, highest first, from under `below` down to `at_least`."""
        runs = [
            self._descend(rows, below, at_least)
            for combo in combos
            for shelf in shelves
            if (rows := self._rows[combo, shelf])
        ]
        return runs[0] if len(runs) == 1 else heapq.merge(*runs, reverse=True)

    @staticmethod
    def _descend(rows: "array[int]", below: int, at_least: int) -> Iterator[int]:
        for index in range(bisect_left(rows, below) - 1, -1, -1):
            if rows[index] < at_least:
                return
            yield rows[index]
