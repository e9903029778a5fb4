"""The pipeline's resource with its own clock."""

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.units import parse_instant
from kalshi_pipeline_tests.clock import ManualClock


class PipelineAt(Pipeline):
    """A resource whose sessions begin at a fixed time, as `2026-10-08T12:00:00Z`."""

    at: str

    def clock(self) -> Clock:
        """Return a new clock at that time."""
        return clock_at(self.at)


def clock_at(time: str) -> ManualClock:
    """Return a clock at a time as `2026-10-08T12:00:00Z`."""
    instant = parse_instant(time)
    assert instant is not None
    return ManualClock(instant)
