"""Ticks: the nominal times of snapshots, in UTC."""

from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of

_LATE_SECONDS = 30.0


@dataclass(frozen=True)
class Tick:
    """A nominal time (an instant) and its cadence, which is None for a manual tick."""

    at: int
    period_seconds: float | None = None

    @classmethod
    def current(cls, at: int, period_seconds: float) -> Self:
        """Return the tick in force at an instant. Ticks are whole multiples of the period, in UTC."""
        period = round(period_seconds * MICROS_PER_SECOND)
        return cls(at // period * period, period_seconds)

    @property
    def next_at(self) -> int:
        """The tick after this one."""
        return self.at + round((self.period_seconds or 0) * MICROS_PER_SECOND)

    def is_too_late(self, at: int) -> bool:
        """Return whether a snapshot that starts at an instant is too late for this tick.

        Such a tick is recorded as missed, and never taken later.
        """
        late_seconds = (at - self.at) / MICROS_PER_SECOND
        return late_seconds > max(_LATE_SECONDS, (self.period_seconds or 0) / 2)


def new_run_id() -> str:
    """Return a new identifier for a run outside Dagster."""
    return uuid4().hex


def clock_time(at: int) -> str:
    """Return an instant as a time of day: 12:05:00 UTC."""
    return f"{datetime_of(at):%H:%M:%S} UTC"
