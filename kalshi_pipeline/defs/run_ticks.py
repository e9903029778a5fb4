"""Tags of runs: the job, of which one run starts at a time, and the tick. Sensors and schedules set them."""

import dagster as dg

from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.units import instant_of, iso_of, parse_instant

BACKFILL_POOL = "kalshi_backfill"  # dagster.yaml allows three of its runs at a time
JOB_TAG = "kalshi/job"  # dagster.yaml allows one run of each job at a time
COLLECT_JOB = "collect"
TICK_TAG = "kalshi/tick"
PERIOD_TAG = "kalshi/period_seconds"


def tags_of(tick: Tick) -> dict[str, str]:
    """Return a tick as tags of its run, which retries of the run keep."""
    tags = {TICK_TAG: iso_of(tick.at)}
    return tags if tick.period_seconds is None else {**tags, PERIOD_TAG: f"{tick.period_seconds:g}"}


def id_of(run: dg.DagsterRun) -> str:
    """Return the id of a run; for a retry, the id of the first run."""
    return run.root_run_id or run.run_id


def tick_of(run: dg.DagsterRun, instance: dg.DagsterInstance) -> Tick:
    """Return a run's tick, from its tags or else its creation time. A retry has the tick of the first run."""
    if text := run.tags.get(TICK_TAG):
        at = parse_instant(text)
        if at is None:
            raise ValueError(f"the tag {TICK_TAG}={text} is not a tick")
        period = run.tags.get(PERIOD_TAG)
        return Tick(at, None if period is None else float(period))
    record = instance.get_run_record_by_id(id_of(run))
    if record is None:
        raise LookupError(f"run {run.run_id} has no record in its own instance")
    return Tick(instant_of(record.create_timestamp))
