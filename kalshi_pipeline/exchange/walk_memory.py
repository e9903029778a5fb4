"""The memory of a walk over pages, to detect pages without new records."""

from collections import deque
from collections.abc import Sequence

from kalshi_pipeline.units import MICROS_PER_SECOND

# How much newer than the previous page a page may be, because the exchange may round its sort times.
_DISORDER = MICROS_PER_SECOND


class WalkMemory:
    """The keys of a walk's pages, or of the last `remembered_pages` non-empty ones, and how far back in time the walk
    is.

    Keys are hashes, because a set of half a million strings would take several times the memory.
    """

    def __init__(self, remembered_pages: int | None = None) -> None:
        self.keys: set[int] = set()
        self.repeated_pages = 0
        """The number of consecutive last pages without new records; empty pages count."""
        self._last_pages: deque[set[int]] | None = (
            None if remembered_pages is None else deque(maxlen=remembered_pages)
        )
        self._descent = _Descent()

    def add(self, keys: set[int], times: Sequence[int] = ()) -> None:
        """Add the keys of a page and, for a walk with the newest record first, its times."""
        if not keys:
            self.repeated_pages += 1
            return
        is_descending = self._descent.continues(times)
        is_new = is_descending and not keys <= self.keys
        self.repeated_pages = 0 if is_new else self.repeated_pages + 1
        if self._last_pages is None:
            self.keys |= keys
        else:
            self._last_pages.append(keys)
            self.keys = set().union(*self._last_pages)


class _Descent:
    """Whether a newest-first walk still goes back in time.

    A page that starts above the end of the previous page, and not below every earlier start, begins a rise. The rise
    lasts until a page starts lower than all before, which never happens in a circle longer than the walk's memory.
    """

    def __init__(self) -> None:
        self._lowest_start: int | None = None
        self._last_end = 0
        self._is_rising = False

    def continues(self, times: Sequence[int]) -> bool:
        if not times:
            return not self._is_rising
        start, end = max(times), min(times)
        if self._lowest_start is None or start < self._lowest_start:
            self._lowest_start, self._is_rising = start, False
        elif start > self._last_end + _DISORDER:
            self._is_rising = True
        self._last_end = end
        return not self._is_rising
