"""Dagster's own history, kept level: old runs are deleted together with all that they leave in Dagster's storage.

Dagster deletes nothing by itself, and its `delete_run` leaves the run's event log file (about 160 KB), its captured
output and the rows of its asset checks where they are. What the pipeline has stored is not touched.
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
_RUNS_OF_A_BATCH = 100
_RUNS_OF_A_SWEEP = 5_000  # a backlog of months goes over several sweeps


@dataclass(frozen=True)
class Litter:
    """Runs to delete, oldest first, and the event log files, by run, of runs that were deleted without theirs."""

    run_ids: Sequence[str]
    orphans: Sequence[str]


def find_litter(instance: dg.DagsterInstance, before: datetime) -> Litter:
    """Find the runs that ended before an instant, but for those that are still looked at.

    Kept whatever their age: the newest run of each job, and the run of each asset's latest materialization.
    """
    shards = _run_ids_of_shards(instance)  # looked at first: a run is known before it has a file
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_FINISHED, updated_before=before), limit=_RUNS_OF_A_SWEEP, ascending=True
    )
    kept = set(_run_ids_still_looked_at(instance, {record.dagster_run.job_name for record in records}))
    run_ids = [record.dagster_run.run_id for record in records]
    return Litter(
        run_ids=[run_id for run_id in run_ids if run_id not in kept],
        orphans=sorted(shards.difference(instance.get_run_ids())),
    )


def size_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """Give the bytes of a run's own event log files; 0 where the runs of the instance share a database."""
    return sum(path.stat().st_size for path in _shard_files(instance, run_id) if path.exists())


def delete_runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete runs with their events, captured output, check results and event log files.

    Killed between two of them, it is made good by the next sweep.
    """
    _delete_check_results(instance, run_ids)  # nobody would look for those of a run that is not there
    for run_id in run_ids:
        instance.delete_run(run_id)
    delete_files(instance, run_ids)  # not before: to delete a run's events is to open, or to make, its file


def delete_files(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete the captured output and the event log files of runs that the instance has forgotten."""
    for run_id in run_ids:
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        for path in _shard_files(instance, run_id):
            path.unlink(missing_ok=True)


class Sweep(dg.Config):
    """How one sweep differs."""

    dry_run: bool = Field(default=False, description="Tell what would go, and delete nothing")


@dg.op
def delete_old_runs(context: dg.OpExecutionContext, config: Sweep, pipeline: Pipeline) -> None:
    """Delete what is left of runs that ended more than KALSHI_RUN_HISTORY_DAYS ago."""
    instance = context.instance
    days = pipeline.settings().run_history_days
    litter = find_litter(instance, datetime_of(SYSTEM_CLOCK.now()) - timedelta(days=days))
    size = sum(size_of(instance, run_id) for run_id in (*litter.run_ids, *litter.orphans))
    if not config.dry_run:
        for start in range(0, len(litter.run_ids), _RUNS_OF_A_BATCH):
            delete_runs(instance, litter.run_ids[start : start + _RUNS_OF_A_BATCH])
        delete_files(instance, litter.orphans)
    context.log.info(
        f"{'would delete' if config.dry_run else 'deleted'} {len(litter.run_ids)} runs older than {days:g} days "
        f"and {len(litter.orphans)} files without a run: {size:,} bytes"
    )
    context.add_output_metadata(
        {
            "runs": len(litter.run_ids),
            "orphans": len(litter.orphans),
            "bytes": size,
            "dry_run": config.dry_run,
        }
    )


@dg.job(tags={JOB_TAG: "housekeeping", dg.MAX_RUNTIME_SECONDS_TAG: "3600"})
def housekeeping() -> None:
    """Deletes runs older than KALSHI_RUN_HISTORY_DAYS from Dagster's own storage; the collected data stays."""
    delete_old_runs()


# Four times a day, so that each sweep is short; away from the full hour and from `collect`.
housekeeping_schedule = dg.ScheduleDefinition(
    job=housekeeping,
    cron_schedule="37 */6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


def _run_ids_still_looked_at(instance: dg.DagsterInstance, job_names: Set[str]) -> Iterator[str]:
    for job_name in job_names:
        newest = instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=_FINISHED), limit=1)
        yield from (record.dagster_run.run_id for record in newest)
    for asset_key in instance.get_asset_keys():
        if materialization := instance.get_latest_materialization_event(asset_key):
            yield materialization.run_id


def _run_ids_of_shards(instance: dg.DagsterInstance) -> set[str]:
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return set()
    # Events without a run have a file without a name, which belongs to no run and stays.
    return {run_id for run_id in storage.get_all_run_ids() if not run_id.startswith(".")}


def _shard_files(instance: dg.DagsterInstance, run_id: str) -> Sequence[Path]:
    """Where SQLite keeps the events of one run; empty for a storage that keeps those of all runs together."""
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
