"""Which runs are really in flight: Dagster shows a run as such even after its process was killed."""

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
# How long a run may wait, in addition, for its process to start and for another writer of the database.
_START_AND_LOCK_SECONDS = 90.0


def longest_silence_seconds(settings: Settings) -> float:
    """Return how long a live run may report nothing: its longest request with all retries, and a wait for a lock."""
    return settings.timeout_seconds + settings.retry_seconds + _START_AND_LOCK_SECONDS


def live_run(instance: dg.DagsterInstance, job_name: str, silence_seconds: float, clock: Clock) -> str | None:
    """Return the run of a job that is in flight; report silent ones as failed, so that they block no other run.

    Runs log their progress every few seconds, which the instance keeps as events. Without this, Dagster would take
    a killed run for alive until its maximum runtime is over, and every tick until then would be lost.
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
            f"it has reported nothing for {silence_seconds:.0f} s: its process was killed, or its machine stopped",
        )
    return None


def _silent_seconds(instance: dg.DagsterInstance, record: dg.RunRecord, clock: Clock) -> float:
    events = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    reported_at = events[0].timestamp if events else record.create_timestamp.timestamp()
    return clock.now() / MICROS_PER_SECOND - reported_at
