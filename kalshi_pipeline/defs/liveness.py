"""Which runs are really in flight: one whose process was killed, or whose machine stopped, looks so for ever."""

import dagster as dg

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND

_IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# Beside the exchange, a run may wait as long for its process to start, and for another writer of the database.
_START_AND_LOCK_SECONDS = 90.0


def longest_silence_seconds(settings: Settings) -> float:
    """Tell how long a run that lives may say nothing: its longest request with all retries, and a wait for a lock."""
    return settings.timeout_seconds + settings.retry_seconds + _START_AND_LOCK_SECONDS


def live_run(instance: dg.DagsterInstance, job_name: str, silence_seconds: float, clock: Clock) -> str | None:
    """Give the run of a job that is in flight; a silent one is reported as failed, so that it blocks nobody.

    Runs tell of their progress every few seconds, which the instance keeps as events. Without this, Dagster takes
    a killed run for alive until its maximal runtime is over, and every tick until then would be lost.
    """
    for record in instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=_IN_FLIGHT)):
        run = record.dagster_run
        if (
            run.status is dg.DagsterRunStatus.QUEUED
            or _silent_seconds(instance, record, clock) <= silence_seconds
        ):
            return run.run_id
        instance.report_run_failed(
            run,
            f"it has told nothing for {silence_seconds:.0f} s: its process was killed, or its machine stopped",
        )
    return None


def _silent_seconds(instance: dg.DagsterInstance, record: dg.RunRecord, clock: Clock) -> float:
    events = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    heard_at = events[0].timestamp if events else record.create_timestamp.timestamp()
    return clock.now() / MICROS_PER_SECOND - heard_at
