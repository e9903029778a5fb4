"""Old runs go with all that they leave in Dagster's storage; what people still look at stays."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.housekeeping import housekeeping, housekeeping_schedule
from kalshi_pipeline.defs.run_ticks import JOB_TAG

NOW_OLD = "0.0000001"  # days: a run is old as soon as it has ended


@dg.asset(check_specs=[dg.AssetCheckSpec("sane", asset="quotes")])
def quotes() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows it by the bare class
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset
def trades() -> None:
    pass


quotes_job = dg.define_asset_job("quotes", selection=[quotes])
trades_job = dg.define_asset_job("trades", selection=[trades])
small = dg.Definitions(assets=[quotes, trades], jobs=[quotes_job, trades_job])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def run_of(instance: dg.DagsterInstance, job: str) -> str:
    return small.resolve_job_def(job).execute_in_process(instance=instance).run_id


def unfinished_run_of(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> str:
    return instance.create_run_for_job(small.resolve_job_def(job), status=status).run_id


def sweep(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    days: str = NOW_OLD,
    *,
    dry_run: bool = False,
) -> dict[str, object]:
    """Run the job as its schedule does, and give what it reports."""
    monkeypatch.setenv("KALSHI_RUN_HISTORY_DAYS", days)
    result = defs.resolve_job_def("housekeeping").execute_in_process(
        instance=instance, run_config={"ops": {"delete_old_runs": {"config": {"dry_run": dry_run}}}}
    )
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def files_of(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    """Every file and folder of the instance that is named after a run."""
    return [path for path in Path(instance.root_directory).rglob("*") if path.name.startswith(run_id)]


def test_old_runs_are_gone_with_their_files(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [run_of(instance, "quotes") for _ in range(3)]
    newest = run_of(instance, "quotes")
    assert len(files_of(instance, old[0])) >= 2, "an event log and captured output"

    report = sweep(instance, monkeypatch)

    assert report["runs"] == 3
    assert report["orphans"] == 0
    assert isinstance(report["bytes"], int)
    assert report["bytes"] > 3 * 100_000
    assert [run_id for run_id in old if instance.has_run(run_id) or files_of(instance, run_id)] == []
    assert instance.has_run(newest)
    assert instance.all_logs(newest) != []


def test_nothing_of_an_old_run_stays_in_the_databases(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that nobody deletes would grow for ever, a few kilobytes a run."""
    old = run_of(instance, "quotes")
    run_of(instance, "quotes")
    sweep(instance, monkeypatch)

    def rows_of(path: Path) -> str:
        with closing(sqlite3.connect(path)) as connection:
            return "\n".join(connection.iterdump())

    databases = list(Path(instance.root_directory).rglob("*.db"))
    assert {"runs.db", "index.db", "schedules.db"} <= {path.name for path in databases}
    assert [path.name for path in databases if old in rows_of(path)] == []


def test_newest_run_of_each_job_stays_whatever_its_age(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {run_of(instance, "trades")}
    run_of(instance, "quotes")
    kept.add(run_of(instance, "quotes"))
    sweep(instance, monkeypatch)
    assert {run_id for run_id in instance.get_run_ids() if run_id in kept} == kept


def test_latest_materialization_and_check_of_each_asset_stay(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where later runs of the job have failed before they came to the asset."""
    run_of(instance, "quotes")
    latest = run_of(instance, "quotes")
    failed = unfinished_run_of(instance, "quotes", dg.DagsterRunStatus.FAILURE)
    sweep(instance, monkeypatch)

    materialization = instance.get_latest_materialization_event(dg.AssetKey("quotes"))
    assert materialization is not None
    assert materialization.run_id == latest
    assert instance.has_run(latest)
    assert instance.has_run(failed)
    assert len(instance.fetch_materializations(dg.AssetKey("quotes"), limit=10).records) == 1
    key = dg.AssetCheckKey(dg.AssetKey("quotes"), "sane")
    checks = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert [check.run_id for check in checks] == [failed, latest]


@pytest.mark.parametrize(
    "status",
    [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ],
)
def test_run_in_flight_is_never_touched(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, status: dg.DagsterRunStatus
) -> None:
    in_flight = unfinished_run_of(instance, "quotes", status)
    run_of(instance, "quotes")
    assert sweep(instance, monkeypatch)["runs"] == 0
    assert instance.has_run(in_flight)


def test_young_runs_stay(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    young = {run_of(instance, "quotes") for _ in range(3)}
    assert sweep(instance, monkeypatch, "7")["runs"] == 0
    assert young <= set(instance.get_run_ids())


def test_dry_run_tells_and_deletes_nothing(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [run_of(instance, "quotes") for _ in range(3)]
    files = [files_of(instance, run_id) for run_id in runs]
    report = sweep(instance, monkeypatch, dry_run=True)

    assert (report["runs"], report["dry_run"]) == (2, True)
    assert set(runs) <= set(instance.get_run_ids())
    assert [files_of(instance, run_id) for run_id in runs] == files


def test_files_of_runs_that_were_deleted_by_hand_go_too(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's own deletion, which the UI calls, leaves them."""
    by_hand = run_of(instance, "quotes")
    run_of(instance, "quotes")
    instance.delete_run(by_hand)
    assert files_of(instance, by_hand) != []

    assert sweep(instance, monkeypatch)["orphans"] == 1
    assert files_of(instance, by_hand) == []


def test_job_takes_no_place_of_another_in_the_queue() -> None:
    tags = [defs.resolve_job_def(job).tags[JOB_TAG] for job in ("collect", "snapshot", "housekeeping")]
    assert len(set(tags)) == len(tags)


def test_schedule_tidies_up_without_a_click() -> None:
    assert housekeeping_schedule.job_name == housekeeping.name
    assert housekeeping_schedule.cron_schedule == "37 */6 * * *"
    assert housekeeping_schedule.default_status is dg.DefaultScheduleStatus.RUNNING
