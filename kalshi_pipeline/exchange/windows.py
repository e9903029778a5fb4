"""Windows of creation time, which split one long listing of markets into several short walks.

The exchange documents that the bounds of `min_created_ts` and `max_created_ts` are whole seconds and exclusive, but not
how they are compared. Windows therefore overlap, and a market far outside its window shows that the exchange treats the
bounds differently.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kalshi_pipeline.units import MICROS_PER_SECOND

# How far a query extends each bound, and how much further outside a market may be because of rounding.
_OVERLAP_SECONDS = 1
_ROUNDING_SECONDS = 1


class Window(NamedTuple):
    """Markets created in [since, until), in Unix seconds; None means no bound."""

    since: int | None
    until: int | None

    def params(self) -> dict[str, int]:
        """Return the query parameters of the window, extended by the overlap."""
        given = {}
        if self.since is not None:
            given["min_created_ts"] = self.since - _OVERLAP_SECONDS
        if self.until is not None:
            given["max_created_ts"] = self.until + _OVERLAP_SECONDS
        return given

    def may_hold(self, created_at: int | None) -> bool:
        """Return whether this window may list a market created then. If not, the exchange treats the bounds
        differently.
        """
        if created_at is None:
            return True
        slack = (_OVERLAP_SECONDS + _ROUNDING_SECONDS) * MICROS_PER_SECOND
        return (self.since is None or created_at >= self.since * MICROS_PER_SECOND - slack) and (
            self.until is None or created_at < self.until * MICROS_PER_SECOND + slack
        )


def windows_between(bounds: Sequence[int]) -> list[Window]:
    """Return the windows between instants, newest first, with open outer bounds; none without instants."""
    seconds = sorted({bound // MICROS_PER_SECOND for bound in bounds}, reverse=True)
    if not seconds:
        return []
    return [Window(since, until) for since, until in zip([*seconds, None], [None, *seconds], strict=True)]
