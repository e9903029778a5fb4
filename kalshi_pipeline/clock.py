"""Time in the pipeline: the present instant, monotonic seconds, and waiting.

Code that reads time takes a `Clock`; only the entry points (the command line, Dagster's definitions) choose the
system's clock.
"""

import select
import sys
import time
from datetime import UTC, datetime
from typing import Protocol

from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

# A clock that includes time in suspend, if the system has one; Python's monotonic clock excludes it.
_CONTINUOUS: int | None = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)

MOST_OFFSET_SECONDS = 60
"""The largest difference between two clocks that count as correct: below a period, above the time of a slow answer."""


class Clock(Protocol):
    """A source of time."""

    def now(self) -> int:
        """Return the present instant, in microseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Return seconds since a fixed point. They never go back, even if the computer's time is set."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The computer's own time."""

    def now(self) -> int:
        """Return the present instant, in microseconds since 1970."""
        return instant_of(datetime.now(UTC))

    def monotonic(self) -> float:
        """Return seconds since a fixed point that all processes share since the last boot."""
        return time.monotonic() if _CONTINUOUS is None else time.clock_gettime(_CONTINUOUS)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        if sys.platform == "win32":
            time.sleep(seconds)
        else:
            # `time.sleep` waits until an instant, which fails if libfaketime fakes only the time of day.
            select.select([], [], [], seconds)


class SteadyClock:
    """Another clock's last reading plus the seconds since then, so that setting that clock meanwhile has no effect.

    The instants of a run are therefore in order.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.read_again()

    def read_again(self) -> None:
        """Read the other clock again."""
        self._began = (self._clock.now(), self._clock.monotonic())

    def now(self) -> int:
        """Return the present instant, in microseconds since 1970."""
        at, seconds = self._began
        return at + round((self._clock.monotonic() - seconds) * MICROS_PER_SECOND)

    def monotonic(self) -> float:
        """Return the seconds of the other clock."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._clock.sleep(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
