"""Which markets a status filter finds: sorted positions, so that no page needs to scan all markets."""

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from kalshi_pipeline.sandbox.world.states import FILTER_OF_STATE

STATUS_FILTERS = (*dict.fromkeys(FILTER_OF_STATE), "paused")


class StatusIndex:
    """Ascending market positions by status filter, combos apart. New markets come last, so adding them is cheap."""

    def __init__(self) -> None:
        self._rows = {(combo, word): array("i") for combo in (False, True) for word in STATUS_FILTERS}

    def rows(self, status_filter: str, *, combo: bool) -> "array[int]":
        return self._rows[combo, status_filter]

    def add(self, position: int, status_filter: str, *, combo: bool) -> None:
        rows = self._rows[combo, status_filter]
        if not rows or rows[-1] < position:
            rows.append(position)
        else:
            rows.insert(bisect_left(rows, position), position)

    def remove(self, position: int, status_filter: str, *, combo: bool) -> None:
        rows = self._rows[combo, status_filter]
        del rows[bisect_left(rows, position)]

    def iter_down(
        self, status_filters: Iterable[str], combos: Iterable[bool], below: int, at_least: int = 0
    ) -> Iterator[int]:
        """Yield the positions that any of the filters finds, highest first, from under `below` down to `at_least`."""
        runs = [
            self._iter_run_down(rows, below, at_least)
            for combo in combos
            for status_filter in status_filters
            if (rows := self._rows[combo, status_filter])
        ]
        return runs[0] if len(runs) == 1 else heapq.merge(*runs, reverse=True)

    @staticmethod
    def _iter_run_down(rows: "array[int]", below: int, at_least: int) -> Iterator[int]:
        for index in range(bisect_left(rows, below) - 1, -1, -1):
            if rows[index] < at_least:
                return
            yield rows[index]
