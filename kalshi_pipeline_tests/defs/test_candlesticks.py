"""Candlesticks and order books in Dagster: partitions, backfills, metadata, schedules and sensors."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.candlesticks import candlesticks, candlesticks_schedule
from kalshi_pipeline.defs.days import UTC_DAYS
from kalshi_pipeline.defs.order_books import next_order_books, order_book_sensor
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.units import parse_instant
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of, observed
from kalshi_pipeline_tests.ingest.listed import open_markets

DAYS = ("2026-10-05", "2026-10-06", "2026-10-07")
CANDLESTICKS = dg.AssetKey("candlesticks")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=60, combos=0))) as running:
        yield running


@pytest.fixture
def run(instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path) -> Runner:
    """Run a job for twenty selected markets."""
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
    # A day's last hour ends at the next midnight.
    assert sum(count for _, count in days) == sum(metadata["inserted"] for metadata in stored)
    assert [metadata["scope"] for metadata in stored] == [
        f"{day}, 60 min, no series and 20 markets" for day in DAYS
    ]
    assert stored[-1]["rows"] == query("SELECT count(*) FROM candlesticks")[0][0]

    again = metadata_of(run("collect_candlesticks", partition=DAYS[0]), "candlesticks")
    assert (again["complete"], again["received"]) == (True, 0)


@pytest.mark.parametrize(
    ("at", "stored_up_to"),
    [
        ("2026-10-08T00:00:30Z", "00:00:00"),
        ("2026-10-08T12:00:00Z", "11:59:00"),
        ("2026-10-09T00:00:59Z", "23:59:59"),
    ],
    ids=["just begun", "noon", "not quite over"],
)
def test_today_is_green_and_says_that_it_is_not_over(run: Runner, at: str, stored_up_to: str) -> None:
    """A period counts as over a minute after its end."""
    result = run.materialize(candlesticks, "2026-10-08", at)
    assert result.success
    assert run.instance.get_materialized_partitions(candlesticks.key) == set()
    metadata = observed(result)
    assert (metadata["state"], metadata["reason"]) == (
        "partial",
        f"the day is not over: stored up to {stored_up_to} UTC",
    )
    assert failed_checks(result) == set()


def test_today_is_red_where_more_than_its_end_is_missing(run: Runner) -> None:
    run.overrides["candlestick_markets"] += ",KXTYPO"
    result = run.materialize(candlesticks, "2026-10-08", "2026-10-08T12:00:00Z")
    assert not result.success
    assert observed(result)["reason"].startswith("KXTYPO: ")
    assert ("candlesticks", "listing_complete") in failed_checks(result)


@pytest.mark.parametrize(
    ("job", "partition"), [("collect_candlesticks", DAYS[0]), ("take_order_books", None)]
)
def test_wrong_address_is_a_red_run(run: Runner, sandbox: Sandbox, job: str, partition: str | None) -> None:
    """A wrong address does not make markets unknown."""
    result = run(job, partition=partition, api_url=sandbox.url.replace("/trade-api/v2", "/nowhere"))
    assert not result.success


def test_large_backfills_leave_room_for_snapshots() -> None:
    node = defs.resolve_asset_graph().get(CANDLESTICKS)
    assert node.pools == {"kalshi_backfill"}


def test_schedule_requests_the_previous_day_and_is_stopped_by_default(
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
    assert metadata_of(results[1], "order_books")["rows"] == 40
    assert query("SELECT count(DISTINCT received_at) FROM order_book_history") == [(2,)]
    assert failed_checks(results[0]) == set()


Look = Callable[..., tuple[dg.RunRequest | str, str | None]]


@pytest.fixture
def look(instance: dg.DagsterInstance) -> Look:
    """Let the sensor decide at a time: return a run or the reason for none, and the cursor afterwards."""

    def decide(at: str, cursor: str | None = None) -> tuple[dg.RunRequest | str, str | None]:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
        decided = next_order_books(context, ManualClock(parse_instant(at) or 0))
        request = decided if isinstance(decided, dg.RunRequest) else str(decided.skip_message)
        return request, context.cursor

    return decide


def test_order_book_sensor_does_nothing_until_markets_are_selected(
    look: Look, instance: dg.DagsterInstance
) -> None:
    nothing = "no market is selected: set KALSHI_ORDER_BOOK_MARKETS"
    assert look("2026-11-22T12:00:00Z") == (nothing, None)
    context = dg.build_sensor_context(instance=instance, definitions=defs)
    assert order_book_sensor.evaluate_tick(context).skip_message == nothing
    assert order_book_sensor.default_status is dg.DefaultSensorStatus.STOPPED


@pytest.mark.parametrize(
    ("at", "tick", "next_tick"),
    [
        ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00.000000Z", "00:05:00"),
        ("2026-11-22T12:04:59.999999Z", "2026-11-22T12:00:00.000000Z", "12:05:00"),
        ("2026-11-22T23:59:59.999999Z", "2026-11-22T23:55:00.000000Z", "00:00:00"),
    ],
    ids=["at midnight", "at the end of its period", "just before midnight"],
)
def test_order_book_sensor_starts_one_run_for_a_tick(
    look: Look, monkeypatch: pytest.MonkeyPatch, at: str, tick: str, next_tick: str
) -> None:
    monkeypatch.setenv("KALSHI_ORDER_BOOK_MARKETS", "KXA")
    request, cursor = look(at)
    assert isinstance(request, dg.RunRequest)
    assert (request.run_key, request.tags["kalshi/tick"], cursor) == (tick, tick, tick)
    assert look(at, cursor) == (f"the next tick is at {next_tick} UTC", tick)


def test_order_book_sensor_waits_for_the_run_before(
    look: Look, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_ORDER_BOOK_MARKETS", "KXA")
    run_id = instance.create_run_for_job(
        defs.resolve_job_def("take_order_books"), status=dg.DagsterRunStatus.STARTED
    ).run_id
    waits = f"the order book run {run_id[:8]} is still in flight"
    assert look("2026-11-22T12:00:00Z") == (waits, None)
