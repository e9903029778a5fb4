"""Trades as a partitioned asset, on real instances against a real exchange."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.days import UTC_DAYS
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL, JOB_TAG
from kalshi_pipeline.defs.trades import trades, trades_schedule
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of, observed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=2_200, combos=40))) as running:
        yield running


def test_partitions_go_from_the_first_trades_to_today() -> None:
    keys = UTC_DAYS.get_partition_keys(current_time=datetime(2026, 11, 22, 0, 30, tzinfo=UTC))
    assert (keys[0], keys[-1], len(keys)) == ("2021-07-01", "2026-11-22", 1971)


def test_days_are_materialized_one_by_one_and_again(run: Runner, query: Query) -> None:
    for day in ("2026-10-03", "2026-10-04"):
        result = run("collect_trades", partition=day)
        assert result.success
        metadata = metadata_of(result, "trades")
        rows = query("SELECT count(*) FROM trade_history WHERE created_at LIKE ? || '%'", day)[0][0]
        assert metadata["dagster/partition_row_count"] == metadata["inserted"] == rows > 100
        assert (metadata["state"], metadata["complete"]) == ("complete", True)
        assert metadata["scope"] == f"{day}, all markets of all series, no combos"
        assert all(evaluation.passed for evaluation in result.get_asset_check_evaluations())
    assert metadata["rows"] == query("SELECT count(*) FROM trades")[0][0]
    assert run.instance.get_materialized_partitions(dg.AssetKey("trades")) == {"2026-10-03", "2026-10-04"}

    again = metadata_of(run("collect_trades", partition="2026-10-04"), "trades")
    assert (again["requests"], again["inserted"], again["complete"]) == (1, 0, True)
    assert again["rows"] == metadata["rows"]
    assert query("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("at", ["2026-10-08T00:00:00Z", "2026-10-08T12:00:00Z", "2026-10-09T00:04:59Z"])
def test_present_day_is_green_and_says_that_it_is_not_over(run: Runner, at: str) -> None:
    """It is over five minutes after its midnight. Its listing is not cut short, so no check fails."""
    result = run.materialize(trades, "2026-10-08", at)
    assert result.success
    assert run.instance.get_materialized_partitions(trades.key) == set()
    metadata = observed(result)
    assert (metadata["partition"], metadata["state"]) == ("2026-10-08", "partial")
    assert metadata["reason"].startswith("the day is not over")
    assert failed_checks(result) == set()


def test_wrong_address_makes_a_red_run(sandbox: Sandbox, run: Runner, query: Query) -> None:
    """It refuses permanently, so nothing is retried."""
    result = run(
        "collect_trades", partition="2026-10-04", api_url=sandbox.url.replace("/trade-api/v2", "/nowhere")
    )
    assert not result.success
    assert query("SELECT state FROM listings") == [("failed",)]


def test_backfills_leave_room_for_snapshots() -> None:
    """The pool runs three at a time, of the five that the instance allows; no job tag lowers that."""
    concurrency = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]
    assert concurrency["pools"] == {"granularity": "run", "default_limit": 3}
    assert concurrency["runs"]["max_concurrent_runs"] == 5
    assert trades.op.pool == BACKFILL_POOL
    assert JOB_TAG not in defs.resolve_job_def("collect_trades").tags


def test_schedule_is_off_by_default_and_requests_the_previous_day(instance: dg.DagsterInstance) -> None:
    """A day of all markets has thousands of pages, so it is opt-in."""
    assert trades_schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    at = datetime(2026, 11, 22, 1, 23, tzinfo=UTC)
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
    )
    (request,) = trades_schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.run_key) == ("2026-11-21", "2026-11-21")
