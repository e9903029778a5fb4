"""Time as the pipeline reads it: the present instant, a count of seconds that never jumps, and a way to wait.

Code that reads time takes a `Clock`; only the ways in (the command line, Dagster's definitions) choose the system's.
"""

import time
from datetime import UTC, datetime
from typing import Protocol

from kalshi_pipeline.units import instant_of


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
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
