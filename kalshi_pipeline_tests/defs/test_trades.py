"""Trades as a partitioned asset, on real instances against a real exchange."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.days import UTC_DAYS
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL, JOB_TAG
from kalshi_pipeline.defs.trades import trades, trades_schedule
from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.resources import PipelineAt

ROOT = Path(__file__).parents[2]
Materialize = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def materialize(instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path) -> Materialize:
    """Materialize one day at the exchange's present, as a backfill over a range does with each of its days."""
    overrides = {
        "api_url": sandbox.url,
        "database_url": f"sqlite:///{database_path}",
        "requests_per_second": "1000",
        "retry_seconds": "0",
    }

    def run(day: str, at: str = "2026-10-08T12:00:00Z", **changes: str) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [trades],
            partition_key=day,
            instance=instance,
            resources={"pipeline": PipelineAt(overrides={**overrides, **changes}, at=at)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            selection=[trades],
            raise_on_error=False,
        )

    return run


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (materialization,) = result.asset_materializations_for_node("trades")
    return {name: value.value for name, value in materialization.metadata.items()}


def test_partitions_go_from_the_first_trades_to_today() -> None:
    keys = UTC_DAYS.get_partition_keys(current_time=datetime(2026, 11, 22, 0, 30, tzinfo=UTC))
    assert (keys[0], keys[-1], len(keys)) == ("2021-07-01", "2026-11-22", 1971)


def test_days_are_materialized_one_by_one_and_again(
    materialize: Materialize, instance: dg.DagsterInstance, query: Query
) -> None:
    for day in ("2026-10-03", "2026-10-04"):
        result = materialize(day)
        assert result.success
        metadata = metadata_of(result)
        rows = query("SELECT count(*) FROM trade_history WHERE created_at LIKE ? || '%'", day)[0][0]
        assert metadata["dagster/partition_row_count"] == metadata["inserted"] == rows > 100
        assert (metadata["state"], metadata["complete"]) == ("complete", True)
        assert metadata["scope"] == f"{day}, all series, no combos"
        assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    assert metadata["dagster/row_count"] == query("SELECT count(*) FROM trades")[0][0]
    assert instance.get_materialized_partitions(dg.AssetKey("trades")) == {"2026-10-03", "2026-10-04"}

    again = metadata_of(materialize("2026-10-04"))
    assert (again["requests"], again["inserted"], again["complete"]) == (0, 0, True)
    assert again["dagster/row_count"] == metadata["dagster/row_count"]
    assert query("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("at", ["2026-10-08T00:00:00Z", "2026-10-08T12:00:00Z", "2026-10-09T00:04:59Z"])
def test_present_day_is_green_and_visibly_partial(materialize: Materialize, at: str) -> None:
    """It is over five minutes after its midnight."""
    result = materialize("2026-10-08", at)
    assert result.success
    metadata = metadata_of(result)
    assert (metadata["state"], metadata["complete"]) == ("partial", False)
    assert metadata["reason"].startswith("the day is not over")
    failed = {found.check_name for found in result.get_asset_check_evaluations() if not found.passed}
    assert failed == {"listing_complete"}


def test_wrong_address_makes_a_red_run(sandbox: Sandbox, materialize: Materialize, query: Query) -> None:
    """R52: refused for good, so that nothing is tried again."""
    result = materialize("2026-10-04", api_url=sandbox.url.replace("/trade-api/v2", "/nowhere"))
    assert not result.success
    assert query("SELECT state FROM listings") == [("failed",)]


def test_backfills_leave_room_for_snapshots() -> None:
    """Three runs of the pool at a time, of the five that the instance lets go; no tag of a job narrows that."""
    concurrency = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]
    assert concurrency["pools"] == {"granularity": "run", "default_limit": 3}
    assert concurrency["runs"]["max_concurrent_runs"] == 5
    assert trades.op.pool == BACKFILL_POOL
    assert JOB_TAG not in defs.resolve_job_def("collect_trades").tags


def test_schedule_is_off_and_asks_for_the_day_before(instance: dg.DagsterInstance) -> None:
    """An exchange-wide day has thousands of pages: whoever wants them every day switches it on."""
    assert trades_schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    at = datetime(2026, 11, 22, 1, 23, tzinfo=UTC)
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
    )
    (request,) = trades_schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.run_key) == ("2026-11-21", "2026-11-21")
