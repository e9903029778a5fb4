"""Time as the pipeline reads it: the present instant, a count of seconds that never jumps, and a way to wait.

Code that reads time takes a `Clock`; only the ways in (the command line, Dagster's definitions) choose the system's.
"""

import select
import sys
import time
from datetime import UTC, datetime
from typing import Protocol

from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

# A count that continues while the computer is suspended, where the system has one; Python's own leaves that time out.
_CONTINUOUS: int | None = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)

MOST_OFFSET_SECONDS = 60
"""How far two clocks may differ that count as right: less than a period, and more than a slow answer takes."""


class Clock(Protocol):
    """A source of time."""

    def now(self) -> int:
        """Return the present instant, in microseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some fixed point. They never go back, even if the computer's time is set."""
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
        """Return seconds since some fixed point, the same for all processes since the computer was started."""
        return time.monotonic() if _CONTINUOUS is None else time.clock_gettime(_CONTINUOUS)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        if sys.platform == "win32":
            time.sleep(seconds)
        else:
            # `time.sleep` waits until an instant, which fails where libfaketime fakes the time of day alone.
            select.select([], [], [], seconds)


class SteadyClock:
    """Another clock as it was last read, plus the seconds since then: setting that clock in between has no effect.

    So the instants of a run are in order, and as exact at its end as at its beginning.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.read_again()

    def read_again(self) -> None:
        """Take over the present time of the other clock."""
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
