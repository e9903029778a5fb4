"""Measures and waits in real time, because the campaign's commands run in separate processes."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime

_POLL_SECONDS = 0.5


class Stopwatch:
    """Counts the seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How many have passed."""
        return time.monotonic() - self._began


def holds_within(seconds: float, condition: Callable[[], bool], meanwhile: Callable[[], None]) -> bool:
    """Poll a condition, calling `meanwhile` in between. Return whether it held in time."""
    watch = Stopwatch()
    while not condition():
        if watch.seconds > seconds:
            return False
        meanwhile()
        time.sleep(_POLL_SECONDS)
    return True


def today() -> date:
    """Return the day, in UTC."""
    return datetime.now(UTC).date()
