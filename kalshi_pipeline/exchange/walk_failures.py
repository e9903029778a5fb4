"""The failed walks of a listing, and when to stop the others."""

from typing import Any

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.exchange.cursor_walk import CursorWalk

# This many consecutive failed walks are a fault of the exchange, not of single queries.
_FAILED_WALKS = 3
_MOST_NAMED = 5


class WalkFailures:
    """The failed walks of a listing."""

    def __init__(self, walks: int) -> None:
        self.in_a_row = 0
        self._walks = walks
        self._failed: dict[str, ExchangeError] = {}

    def add(self, walk: CursorWalk[Any], error: ExchangeError) -> None:
        """Set a failed walk aside, or raise the first error if the others are not worth requesting."""
        self.in_a_row += 1
        self._failed[walk.name] = error
        if self._walks == 1 or self.in_a_row >= _FAILED_WALKS:
            self.raise_first()

    def raise_first(self) -> None:
        """Raise the first error, if any, with a note about the other failures."""
        if not self._failed:
            return
        error = next(iter(self._failed.values()))
        if self._walks > 1:
            named = "; ".join(filter(None, [*self._failed][:_MOST_NAMED]))
            failed = f"{len(self._failed):,} of the {self._walks:,} parts of the listing failed"
            error.add_note(f"{failed} ({named})" if named else failed)
        raise error
