"""What a walk over pages has seen, and so whether it still shows something new."""

from collections import deque
from collections.abc import Sequence

from kalshi_pipeline.units import MICROS_PER_SECOND

# How much newer than the page before a page may be: the exchange may round the times by which it sorts.
_DISORDER = MICROS_PER_SECOND


class WalkMemory:
    """The keys of a walk's pages, or of the last `remembered_pages` that had any, and how far back in time it came.

    Keys are hashes instead of tickers: a set of half a million strings would be several times as large.
    """

    def __init__(self, remembered_pages: int | None = None) -> None:
        self.keys: set[int] = set()
        self.repeated_pages = 0
        """How many pages in a row, up to the last one, had nothing new; empty ones have nothing."""
        self._last_pages: deque[set[int]] | None = (
            None if remembered_pages is None else deque(maxlen=remembered_pages)
        )
        self._descent = _Descent()

    def add(self, keys: set[int], times: Sequence[int] = ()) -> None:
        """Add a page: its keys and, in a walk from the newest to the oldest, its times."""
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
    """Whether a walk that shows the newest first still goes down.

    A page that goes back up, above where the page before ended and not below any page's beginning, begins a rise. It
    lasts until a page begins lower than all before: a circle longer than the walk's memory never does.
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
