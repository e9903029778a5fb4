"""Old runs are deleted with everything in Dagster's storage; runs that the UI still needs are kept."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.housekeeping import (
    delete_runs,
    find_expired_runs,
    housekeeping,
    housekeeping_schedule,
)
from kalshi_pipeline.defs.run_ticks import JOB_TAG
from kalshi_pipeline.units import datetime_of

pytestmark = pytest.mark.xdist_group("housekeeping")

NOW_OLD = "0.0000001"  # days: a run is old as soon as it has ended
IN_FLIGHT = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.asset(check_specs=[dg.AssetCheckSpec("sane", asset="quotes")])
def quotes() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows it by the bare class
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset
def trades() -> None:
    pass


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-11-01"))
def days() -> None:
    pass


quotes_job = dg.define_asset_job("quotes", selection=[quotes])
trades_job = dg.define_asset_job("trades", selection=[trades])
days_job = dg.define_asset_job("days", selection=[days])
small = dg.Definitions(assets=[quotes, trades, days], jobs=[quotes_job, trades_job, days_job])


def run_of(instance: dg.DagsterInstance, job: str) -> str:
    return small.resolve_job_def(job).execute_in_process(instance=instance).run_id


def unfinished_run_of(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> str:
    return instance.create_run_for_job(small.resolve_job_def(job), status=status).run_id


def files_of(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    """Every file and folder of the instance that is named after a run."""
    return [path for path in Path(instance.root_directory).rglob("*") if path.name.startswith(run_id)]


class Swept(NamedTuple):
    """What a sweep reported, and which runs and which of their files it left."""

    run_id: str
    report: Mapping[str, object]
    runs: set[str]
    files: dict[str, list[Path]]


@dataclass(frozen=True)
class History:
    """Runs by their fate, and three sweeps over them. Tests only read it, because runs on disk are slow."""

    instance: dg.DagsterInstance
    in_flight: dict[dg.DagsterRunStatus, str]
    deleted_by_hand: str
    trades: str
    old: list[str]
    materialized: str
    failed: str
    files: dict[str, list[Path]]
    young: Swept
    dry: Swept
    real: Swept

    @property
    def kept(self) -> set[str]:
        return {*self.in_flight.values(), self.trades, self.materialized, self.failed}


@pytest.fixture(scope="module")
def history() -> Iterator[History]:
    """Runs of two jobs, swept while all are young, then without deleting, and then in earnest."""
    with dg.instance_for_test(set_dagster_home=False) as instance:
        in_flight = {status: unfinished_run_of(instance, "trades", status) for status in IN_FLIGHT}
        deleted_by_hand = run_of(instance, "trades")
        trades = run_of(instance, "trades")
        old = [run_of(instance, "quotes") for _ in range(3)]
        materialized = run_of(instance, "quotes")
        failed = unfinished_run_of(instance, "quotes", dg.DagsterRunStatus.FAILURE)
        files = {run_id: files_of(instance, run_id) for run_id in (*old, deleted_by_hand)}

        def sweep(days: str = NOW_OLD, *, dry_run: bool = False) -> Swept:
            """Run the job as its schedule does."""
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("KALSHI_RUN_HISTORY_DAYS", days)
                result = defs.resolve_job_def("housekeeping").execute_in_process(
                    instance=instance,
                    run_config={"ops": {"delete_old_runs": {"config": {"dry_run": dry_run}}}},
                )
            (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
            return Swept(
                result.run_id,
                {name: value.value for name, value in output.step_output_data.metadata.items()},
                set(instance.get_run_ids()),
                {run_id: files_of(instance, run_id) for run_id in files},
            )

        young = sweep("7")
        dry = sweep(dry_run=True)
        instance.delete_run(deleted_by_hand)
        assert files_of(instance, deleted_by_hand) != [], "Dagster's own deletion leaves them"
        real = sweep()
        yield History(
            instance, in_flight, deleted_by_hand, trades, old, materialized, failed, files, young, dry, real
        )


def test_old_runs_are_deleted_with_their_files(history: History) -> None:
    """The first sweep is an old run too."""
    assert len(history.files[history.old[0]]) >= 2, "an event log and captured output"

    assert history.real.report["runs"] == len([*history.old, history.young.run_id])
    assert isinstance(history.real.report["bytes"], int)
    assert history.real.report["bytes"] > 3 * 100_000
    assert history.real.runs == {*history.kept, history.dry.run_id, history.real.run_id}
    assert [run_id for run_id in history.old if history.real.files[run_id]] == []


def test_nothing_of_an_old_run_stays_in_the_databases(history: History) -> None:
    """Otherwise the databases would grow forever, by a few kilobytes a run."""

    def rows_of(path: Path) -> str:
        with closing(sqlite3.connect(path)) as connection:
            return "\n".join(connection.iterdump())

    databases = {path: rows_of(path) for path in Path(history.instance.root_directory).rglob("*.db")}
    assert {"runs.db", "index.db", "schedules.db"} <= {path.name for path in databases}
    assert any(history.materialized in rows for rows in databases.values())
    for run_id in history.old:
        assert [path.name for path, rows in databases.items() if run_id in rows] == []


def test_newest_run_of_each_job_is_kept_at_any_age(history: History) -> None:
    assert {history.trades, history.failed, history.dry.run_id} <= history.real.runs


def test_latest_materialization_and_check_of_each_asset_stay(history: History) -> None:
    """Even if later runs of the job failed before they reached the asset."""
    instance = history.instance
    materialization = instance.get_latest_materialization_event(dg.AssetKey("quotes"))
    assert materialization is not None
    assert materialization.run_id == history.materialized
    assert instance.has_run(history.materialized)
    assert instance.all_logs(history.materialized) != []
    assert len(instance.fetch_materializations(dg.AssetKey("quotes"), limit=10).records) == 1
    key = dg.AssetCheckKey(dg.AssetKey("quotes"), "sane")
    checks = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert [check.run_id for check in checks] == [history.failed, history.materialized]


@pytest.mark.parametrize("status", IN_FLIGHT)
def test_run_in_flight_is_never_touched(history: History, status: dg.DagsterRunStatus) -> None:
    """Although it is older than the newest run of its job."""
    run = history.instance.get_run_by_id(history.in_flight[status])
    assert run is not None
    assert run.status is status


def test_young_runs_stay(history: History) -> None:
    assert history.young.report["runs"] == 0
    assert history.young.runs == {
        *history.kept,
        *history.old,
        history.deleted_by_hand,
        history.young.run_id,
    }


def test_dry_run_reports_and_deletes_nothing(history: History) -> None:
    assert history.dry.report["runs"] == len([*history.old, history.deleted_by_hand])
    assert history.dry.report["dry_run"] is True
    assert history.dry.runs == {*history.young.runs, history.dry.run_id}
    assert history.dry.files == history.young.files == history.files


def test_files_of_manually_deleted_runs_are_deleted_too(history: History) -> None:
    """Dagster's own deletion, which the UI calls, leaves them."""
    assert (history.dry.report["orphans"], history.real.report["orphans"]) == (0, 1)
    assert history.real.files[history.deleted_by_hand] == []


def test_materialized_partitions_stay_materialized() -> None:
    """A day that is complete in the store must not be shown as missing when its run is old."""
    with dg.instance_for_test(set_dagster_home=False) as instance:
        ran = [
            small.resolve_job_def("days").execute_in_process(instance=instance, partition_key=day).run_id
            for day in ("2026-11-02", "2026-11-03", "2026-11-02", "2026-11-04")
        ]
        expired = find_expired_runs(instance, datetime_of(SYSTEM_CLOCK.now()) + timedelta(days=1))
        assert [*expired.run_ids] == ran[:1], "a later run materialized the day again"
        delete_runs(instance, expired.run_ids)
        assert instance.get_materialized_partitions(dg.AssetKey("days")) == {
            "2026-11-02",
            "2026-11-03",
            "2026-11-04",
        }


def test_job_does_not_block_others_in_the_queue() -> None:
    tags = [defs.resolve_job_def(job).tags[JOB_TAG] for job in ("collect", "snapshot", "housekeeping")]
    assert len(set(tags)) == len(tags)


def test_cleanup_schedule_is_on_by_default() -> None:
    assert housekeeping_schedule.job_name == housekeeping.name
    assert housekeeping_schedule.cron_schedule == "37 */6 * * *"
    assert housekeeping_schedule.default_status is dg.DefaultScheduleStatus.RUNNING
