"""Disjoint windows of creation time, in which one long listing of markets is walked as several short ones.

Nobody has documented how the bounds of `min_created_ts` and `max_created_ts` are compared, only that they are whole
seconds and exclusive (kalshi/API.md, changelog of November 2025). So windows overlap, and a row that lies far from
its window shows that the exchange understands them in another way.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kalshi_pipeline.units import MICROS_PER_SECOND

# What each bound is moved outwards in a query, and how much further a row may lie, however seconds are rounded.
_OVERLAP_SECONDS = 1
_ROUNDING_SECONDS = 1


class Window(NamedTuple):
    """Markets created in [since, until), in Unix seconds; None is unbounded."""

    since: int | None
    until: int | None

    def params(self) -> dict[str, int]:
        """Give the window as query parameters, wider by the overlap."""
        given = {}
        if self.since is not None:
            given["min_created_ts"] = self.since - _OVERLAP_SECONDS
        if self.until is not None:
            given["max_created_ts"] = self.until + _OVERLAP_SECONDS
        return given

    def may_hold(self, created_at: int | None) -> bool:
        """Whether the exchange may answer so: False shows that it understands the window in another way."""
        if created_at is None:
            return True
        slack = (_OVERLAP_SECONDS + _ROUNDING_SECONDS) * MICROS_PER_SECOND
        return (self.since is None or created_at >= self.since * MICROS_PER_SECOND - slack) and (
            self.until is None or created_at < self.until * MICROS_PER_SECOND + slack
        )


def windows_between(bounds: Sequence[int]) -> list[Window]:
    """Give the windows that instants part from each other, newest first; none where the instants are one second."""
    seconds = sorted({bound // MICROS_PER_SECOND for bound in bounds}, reverse=True)
    if not seconds:
        return []
    return [Window(since, until) for since, until in zip([*seconds, None], [None, *seconds], strict=True)]
