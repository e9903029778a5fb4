"""The tick of a run: told by the sensor or schedule through tags, else the instant at which the run was created."""

from dataclasses import dataclass

import dagster as dg

from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, instant_of, iso_of, parse_instant

TICK_TAG = "kalshi/tick"
PERIOD_TAG = "kalshi/period_seconds"


@dataclass(frozen=True)
class Tick:
    """A nominal time (an instant), and the cadence it belongs to; None for a tick outside a cadence."""

    at: int
    period_seconds: float | None = None

    @classmethod
    def current(cls, at: int, period_seconds: float) -> "Tick":
        """Give the tick in force at an instant: ticks stand at whole multiples of the period, in UTC."""
        period = round(period_seconds * MICROS_PER_SECOND)
        return cls(at // period * period, period_seconds)

    @property
    def next_at(self) -> int:
        """The tick after this one."""
        return self.at + round((self.period_seconds or 0) * MICROS_PER_SECOND)

    @property
    def tags(self) -> dict[str, str]:
        """The tick as tags of its run; they survive its retries."""
        tags = {TICK_TAG: iso_of(self.at)}
        return tags if self.period_seconds is None else {**tags, PERIOD_TAG: f"{self.period_seconds:g}"}


def tick_of(run: dg.DagsterRun, instance: dg.DagsterInstance) -> Tick:
    """Give a run's tick. Every retry of a run has the tick of the first: its tags, or its root's creation time."""
    if text := run.tags.get(TICK_TAG):
        at = parse_instant(text)
        if at is None:
            raise ValueError(f"the tag {TICK_TAG}={text} is no tick")
        period = run.tags.get(PERIOD_TAG)
        return Tick(at, None if period is None else float(period))
    record = instance.get_run_record_by_id(run.root_run_id or run.run_id)
    if record is None:
        raise LookupError(f"run {run.run_id} has no record in its own instance")
    return Tick(instant_of(record.create_timestamp))


def spoken(at: int) -> str:
    """An instant for a person: 12:05:00 UTC."""
    return f"{datetime_of(at):%H:%M:%S} UTC"
