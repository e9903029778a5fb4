"""Candlesticks and order books in Dagster: partitions, backfills, what they tell the UI, and what starts them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.candlesticks import candlesticks_schedule
from kalshi_pipeline.defs.days import UTC_DAYS
from kalshi_pipeline.defs.order_books import order_book_sensor
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.units import iso_of
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of
from kalshi_pipeline_tests.ingest.listed import open_markets

DAYS = ("2026-10-05", "2026-10-06", "2026-10-07")
CANDLESTICKS = dg.AssetKey("candlesticks")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=60, combos=0))) as running:
        yield running


@pytest.fixture
def run(instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path) -> Runner:
    """Run a job for twenty chosen markets."""
    tickers = ",".join(sorted(open_markets(sandbox.url))[:20])
    return Runner(instance, sandbox, database_path, candlestick_markets=tickers, order_book_markets=tickers)


def test_partitions_are_utc_days_up_to_today() -> None:
    keys = UTC_DAYS.get_partition_keys(current_time=datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC))
    assert (keys[0], keys[-1]) == ("2021-07-01", "2026-11-22")


def test_each_partition_stores_its_own_day(run: Runner, query: Query) -> None:
    results = [run("collect_candlesticks", partition=day) for day in DAYS]

    assert all(result.success for result in results)
    assert run.instance.get_materialized_partitions(CANDLESTICKS) == set(DAYS)
    assert [failed_checks(result) for result in results] == [set(), set(), set()]
    days = query("SELECT substr(end_at, 1, 10), count(*) FROM candlestick_history GROUP BY 1 ORDER BY 1")
    stored = [metadata_of(result, "candlesticks") for result in results]
    # A day's last hour ends as the next one begins.
    assert sum(count for _, count in days) == sum(metadata["inserted"] for metadata in stored)
    assert [metadata["scope"] for metadata in stored] == [
        f"{day}, 60 min, no series and 20 markets" for day in DAYS
    ]
    assert stored[-1]["dagster/row_count"] == query("SELECT count(*) FROM candlesticks")[0][0]

    again = metadata_of(run("collect_candlesticks", partition=DAYS[0]), "candlesticks")
    assert (again["complete"], again["received"]) == (True, 0)


def test_today_is_green_and_says_that_it_is_not_over(run: Runner) -> None:
    result = run("collect_candlesticks", partition=datetime.now(UTC).date().isoformat())
    assert result.success
    metadata = metadata_of(result, "candlesticks")
    assert (metadata["state"], metadata["reason"][:19]) == ("partial", "the day is not over")
    assert failed_checks(result) == {("candlesticks", "listing_complete")}


@pytest.mark.parametrize(
    ("job", "partition"), [("collect_candlesticks", DAYS[0]), ("take_order_books", None)]
)
def test_wrong_address_is_a_red_run(run: Runner, sandbox: Sandbox, job: str, partition: str | None) -> None:
    """No market is called unknown by an address that knows nothing."""
    result = run(job, partition=partition, api_url=sandbox.url.replace("/trade-api/v2", "/nowhere"))
    assert not result.success


def test_heavy_backfills_leave_places_for_snapshots() -> None:
    node = defs.resolve_asset_graph().get(CANDLESTICKS)
    assert node.pools == {"kalshi_backfill"}


def test_schedule_asks_for_the_day_before_and_is_stopped_until_somebody_starts_it(
    instance: dg.DagsterInstance,
) -> None:
    context = dg.build_schedule_context(
        instance=instance,
        repository_def=defs.get_repository_def(),
        scheduled_execution_time=datetime(2026, 11, 22, 0, 20, tzinfo=UTC),
    )
    (request,) = candlesticks_schedule.evaluate_tick(context).run_requests or []
    assert (request.partition_key, request.run_key) == ("2026-11-21", "2026-11-21")
    assert candlesticks_schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_order_books_are_taken_by_their_job(run: Runner, query: Query) -> None:
    results = [run("take_order_books") for _ in range(2)]
    assert all(result.success for result in results)
    assert [metadata_of(result, "order_books")["inserted"] for result in results] == [20, 20]
    assert metadata_of(results[1], "order_books")["dagster/row_count"] == 40
    assert query("SELECT count(DISTINCT received_at) FROM order_book_history") == [(2,)]
    assert failed_checks(results[0]) == set()


def test_order_book_sensor_starts_one_run_for_a_tick_where_markets_are_chosen(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(cursor: str | None = None) -> Any:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
        return order_book_sensor.evaluate_tick(context)

    assert evaluate().skip_message == "no market is selected: set KALSHI_ORDER_BOOK_MARKETS"
    monkeypatch.setenv("KALSHI_ORDER_BOOK_MARKETS", "KXA")
    monkeypatch.setenv("KALSHI_ORDER_BOOK_MINUTES", "1440")
    at = iso_of(Tick.current(SYSTEM_CLOCK.now(), 86_400).at)
    (request,) = evaluate().run_requests
    assert (request.run_key, request.tags["kalshi/tick"]) == (at, at)
    assert evaluate(at).skip_message == "the next tick is at 00:00:00 UTC"
    run_id = instance.create_run_for_job(
        defs.resolve_job_def("take_order_books"), status=dg.DagsterRunStatus.STARTED
    ).run_id
    assert evaluate().skip_message == f"the order book run {run_id[:8]} is still in flight"
    assert order_book_sensor.default_status is dg.DefaultSensorStatus.STOPPED
