"""The tick of a run: told by the sensor or the schedule through tags, else the instant at which it was created."""

import dagster as dg

from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.units import instant_of, iso_of, parse_instant

BACKFILL_POOL = "kalshi_backfill"  # dagster.yaml lets two of its runs go at a time
JOB_TAG = "kalshi/job"  # dagster.yaml lets one run of each job go at a time
TICK_TAG = "kalshi/tick"
PERIOD_TAG = "kalshi/period_seconds"


def tags_of(tick: Tick) -> dict[str, str]:
    """Give a tick as tags of its run; they survive the run's retries."""
    tags = {TICK_TAG: iso_of(tick.at)}
    return tags if tick.period_seconds is None else {**tags, PERIOD_TAG: f"{tick.period_seconds:g}"}


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
