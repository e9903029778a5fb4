"""A clock that only a test moves."""

import threading
import time
from datetime import UTC, datetime

from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

NOON = instant_of(datetime(2026, 11, 22, 12, tzinfo=UTC))


class ManualClock:
    """Time that is frozen until a test advances it or code under test sleeps, and then jumps at once.

    `slept` has the seconds of every sleep, in order. Threads may share it: those that sleep at the same time wake
    together.
    """

    def __init__(self, at: int = NOON) -> None:
        self.slept: list[float] = []
        self._at = at
        self._seconds = 0.0
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return the present instant."""
        with self._lock:
            return self._at + round(self._seconds * MICROS_PER_SECOND)

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        with self._lock:
            return self._seconds

    def sleep(self, seconds: float) -> None:
        """Advance to that much later than now, and remember it."""
        with self._lock:
            self.slept.append(seconds)
            wakes_at = self._seconds + seconds
        time.sleep(0)  # other threads run meanwhile, and may sleep too
        with self._lock:
            self._seconds = max(self._seconds, wakes_at)

    def seconds(self) -> float:
        """Return the present instant in seconds since 1970, as servers date their answers."""
        return self.now() / MICROS_PER_SECOND

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._seconds += seconds


class SettableClock(ManualClock):
    """A manual clock whose time of day a test can set, as a person or NTP does; its seconds continue."""

    def set_back(self, seconds: float) -> None:
        """Set it back, or ahead if `seconds` are below zero."""
        with self._lock:
            self._at -= round(seconds * MICROS_PER_SECOND)
