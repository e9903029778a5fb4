"""Decides which runs are really in flight, because Dagster still shows a run as started after its process was killed.

A run whose process is known is in flight while that process lives, even if it is suspended. Any other run, such as one
on another machine, is in flight until it has reported nothing for too long.
"""

import os

import dagster as dg

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.processes import Process
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND

_IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# The prefix of Dagster's own tags: the UI's list of runs hides them.
PROCESS_TAG = "dagster/kalshi_process"
ENDED = "its process ended without reporting: it was killed, or its machine stopped"
# Additional time for the process to start, and to wait for another writer of the database.
_START_AND_LOCK_SECONDS = 90.0


def longest_silence_seconds(settings: Settings) -> float:
    """Return how long a live run may report nothing: the longest request with all retries, and a wait for a lock."""
    return settings.timeout_seconds + settings.retry_seconds + _START_AND_LOCK_SECONDS


def live_run(instance: dg.DagsterInstance, job_name: str, silence_seconds: float, clock: Clock) -> str | None:
    """Return the run of a job that is in flight, and report dead runs as failed, so that they do not block others.

    Runs log their progress every few seconds, and the instance keeps it as events. Without this, Dagster would treat a
    killed run as alive for its maximum runtime, and miss every tick until then.
    """
    for record in instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=_IN_FLIGHT)):
        run = record.dagster_run
        if run.status is dg.DagsterRunStatus.QUEUED:
            return run.run_id
        is_alive, reason = is_process_alive(run), ENDED
        if is_alive is None:
            is_alive = _silent_seconds(instance, record, clock) <= silence_seconds
            reason = (
                f"it has reported nothing for {silence_seconds:.0f} s: it was killed, or its machine stopped"
            )
        if is_alive:
            return run.run_id
        now = instance.get_run_by_id(run.run_id)
        if now is not None and not now.is_finished:  # it may have ended since it was read
            instance.report_run_failed(now, reason)
    return None


def process_tag(run: dg.DagsterRun, process: Process | None) -> dict[str, str]:
    """Return the tag that records the process of a run, or that the process is unknown."""
    return {PROCESS_TAG: "" if process is None else f"{run.run_id} {process.text}"}


def record_process(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Record this process as that of a run, if no launcher has."""
    tag = process_tag(run, Process.of(os.getpid()))
    if run.tags.get(PROCESS_TAG, "") not in tag.values():
        instance.add_run_tags(run.run_id, tag)


def process_of(run: dg.DagsterRun) -> Process | None:
    """Return the process of a run; None if it is unknown. A retry has the tag of the first run until it begins."""
    run_id, _, text = run.tags.get(PROCESS_TAG, "").partition(" ")
    return Process.parse(text) if run_id == run.run_id else None


def is_process_alive(run: dg.DagsterRun) -> bool | None:
    """Return whether the process of a run exists, suspended or not; None if unknown."""
    process = process_of(run)
    return None if process is None else process.is_alive


def _silent_seconds(instance: dg.DagsterInstance, record: dg.RunRecord, clock: Clock) -> float:
    events = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    reported_at = events[0].timestamp if events else record.create_timestamp.timestamp()
    return clock.now() / MICROS_PER_SECOND - reported_at
