"""Tags of runs: the job, of which one run starts at a time, and the tick. Sensors and schedules set them."""

import math

import dagster as dg

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.quoting import cut
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
    """Return a run's tick, from its tags or else its creation time. A retry has the tick of the first run.

    Raises ConfigurationError if a person has set the tags to something else.
    """
    if text := run.tags.get(TICK_TAG):
        return Tick(_instant_in(text), _period_in(run.tags.get(PERIOD_TAG)))
    record = instance.get_run_record_by_id(id_of(run))
    if record is None:
        raise LookupError(f"run {run.run_id} has no record in its own instance")
    return Tick(instant_of(record.create_timestamp))


def _instant_in(text: str) -> int:
    try:
        at = parse_instant(text)
    except ValueError:
        at = None
    if at is None:
        raise _odd_tag(TICK_TAG, text, "a time such as 2026-11-22T14:05:00Z")
    return at


def _period_in(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        period_seconds = float(text)
    except ValueError:
        period_seconds = math.nan
    if not 0 < period_seconds < math.inf:
        raise _odd_tag(PERIOD_TAG, text, "a number of seconds above 0")
    return period_seconds


def _odd_tag(name: str, text: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        [f"the tag {name}={cut(text)} is not {wanted}: launch the run again without this tag"]
    )
