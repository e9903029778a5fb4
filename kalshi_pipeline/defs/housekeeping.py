"""Deletes old runs with everything that they left in Dagster's storage.

Dagster itself deletes nothing, and its `delete_run` leaves the run's event log file (about 160 KB), captured output and
asset check rows. The collected data is not touched.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from pydantic import Field

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import JOB_TAG
from kalshi_pipeline.store.dialects.sqlite import files_of
from kalshi_pipeline.units import datetime_of

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_PER_BATCH = 100
_RUNS_PER_CLEANUP = 5_000  # a backlog of months takes several cleanups


@dataclass(frozen=True)
class ExpiredRuns:
    """Runs to delete, oldest first, and runs whose event log files outlived an earlier deletion."""

    run_ids: Sequence[str]
    orphans: Sequence[str]


def find_expired_runs(instance: dg.DagsterInstance, before: datetime) -> ExpiredRuns:
    """Return the runs that ended before an instant, except those that the UI shows as latest.

    These are the newest run of each job, and the run of the latest materialization of each asset and of each of its
    partitions: without its materialization, a complete day would be missing again.
    """
    # First, because a run is registered before its file exists.
    shards = _run_ids_of_shards(instance)
    kept = set(_run_ids_of_materializations(instance))
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_FINISHED, updated_before=before),
        limit=_RUNS_PER_CLEANUP + len(kept),
        ascending=True,
    )
    kept.update(_run_ids_of_jobs(instance, {record.dagster_run.job_name for record in records}))
    run_ids = [record.dagster_run.run_id for record in records]
    return ExpiredRuns(
        run_ids=[run_id for run_id in run_ids if run_id not in kept],
        orphans=sorted(shards.difference(instance.get_run_ids())),
    )


def size_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """Return the size of a run's event log files in bytes; 0 if the instance's runs share a database."""
    return sum(path.stat().st_size for path in _shard_files(instance, run_id) if path.exists())


def delete_runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete runs with their events, captured output, check results and event log files.

    If this is killed, the next cleanup completes it.
    """
    _delete_check_results(instance, run_ids)  # first, because captured output cannot be found without its run
    for run_id in run_ids:
        instance.delete_run(run_id)
    delete_files(instance, run_ids)  # last, because deleting a run's events opens or creates its file


def delete_files(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete the captured output and the event log files of runs that the instance no longer knows."""
    for run_id in run_ids:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        for path in _shard_files(instance, run_id):
            path.unlink(missing_ok=True)


class CleanupConfig(dg.Config):
    """Options of one cleanup."""

    dry_run: bool = Field(default=False, description="Log what would be deleted, and delete nothing")


@dg.op
def delete_old_runs(context: dg.OpExecutionContext, config: CleanupConfig, pipeline: Pipeline) -> None:
    """Delete everything left by runs that ended more than KALSHI_RUN_HISTORY_DAYS ago."""
    instance = context.instance
    days = pipeline.settings().run_history_days
    expired = find_expired_runs(instance, datetime_of(SYSTEM_CLOCK.now()) - timedelta(days=days))
    size = sum(size_of(instance, run_id) for run_id in (*expired.run_ids, *expired.orphans))
    if not config.dry_run:
        for start in range(0, len(expired.run_ids), _RUNS_PER_BATCH):
            delete_runs(instance, expired.run_ids[start : start + _RUNS_PER_BATCH])
        delete_files(instance, expired.orphans)
    context.log.info(
        f"{'would delete' if config.dry_run else 'deleted'} {len(expired.run_ids)} runs older than {days:g} days "
        f"and {len(expired.orphans)} files without a run: {size:,} bytes"
    )
    context.add_output_metadata(
        {
            "runs": len(expired.run_ids),
            "orphans": len(expired.orphans),
            "bytes": size,
            "dry_run": config.dry_run,
        }
    )


@dg.job(tags={JOB_TAG: "housekeeping", dg.MAX_RUNTIME_SECONDS_TAG: "3600"})
def housekeeping() -> None:
    """Deletes runs older than KALSHI_RUN_HISTORY_DAYS from Dagster's own storage; the collected data stays."""
    delete_old_runs()


# Four times a day, so that each cleanup is short; away from the full hour and from `collect`.
housekeeping_schedule = dg.ScheduleDefinition(
    job=housekeeping,
    cron_schedule="37 */6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

defs = dg.Definitions(jobs=[housekeeping], schedules=[housekeeping_schedule])


def _run_ids_of_jobs(instance: dg.DagsterInstance, job_names: Set[str]) -> Iterator[str]:
    """Yield the newest finished run of each job."""
    for job_name in job_names:
        newest = instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=_FINISHED), limit=1)
        yield from (record.dagster_run.run_id for record in newest)


def _run_ids_of_materializations(instance: dg.DagsterInstance) -> Iterator[str]:
    """Yield the runs of the latest materialization of each asset and of each of its partitions."""
    for asset_key in instance.get_asset_keys():
        if materialization := instance.get_latest_materialization_event(asset_key):
            yield materialization.run_id
        newest = instance.event_log_storage.get_latest_storage_id_by_partition(
            asset_key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        if newest:
            of_partitions = dg.AssetRecordsFilter(asset_key, storage_ids=[*newest.values()])
            found = instance.fetch_materializations(of_partitions, limit=len(newest))
            yield from (record.run_id for record in found.records)


def _run_ids_of_shards(instance: dg.DagsterInstance) -> set[str]:
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return set()
    # Events without a run are in a file without a name, which belongs to no run and is kept.
    return {run_id for run_id in storage.get_all_run_ids() if not run_id.startswith(".")}


def _shard_files(instance: dg.DagsterInstance, run_id: str) -> Sequence[Path]:
    """Return the files with the events of one run; none for a storage that keeps those of all runs together."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return ()
    return files_of(Path(storage.path_for_shard(run_id)))


def _delete_check_results(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id.in_(run_ids))
            )
