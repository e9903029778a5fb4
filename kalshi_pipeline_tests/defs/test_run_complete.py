"""A partial asset does not block its dependents, and the run fails at its last asset."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.execution.execution_result import ExecutionResult

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import TICK_TAG
from kalshi_pipeline.defs.snapshots import next_snapshot
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, tick_iso_of
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of, observed
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.store.samples import take

ROOT = Path(__file__).parents[2]
COLLECTED = [
    "series",
    "events",
    "markets",
    "price_snapshots",
    "settlements",
    "collections",
    "event_fee_changes",
    "event_metadata",
    "incentive_programs",
    "milestones",
    "series_fee_changes",
    "structured_targets",
]
# The sandbox's cutoff is at noon of this day, so both tiers have trades of it.
SPLIT_DAY = "2026-08-09"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    """The markets are three pages, the events several."""
    with Sandbox(World(WorldConfig(markets=2_200, combos=0))) as running:
        yield running


@pytest.fixture
def sandbox(exchange: Sandbox) -> Iterator[Sandbox]:
    yield exchange
    exchange.faults = Faults()


def why_failed(result: ExecutionResult, step: str = "run_complete") -> str:
    """Return why a step failed, as the UI shows it."""
    failure = result.failure_data_for_node(step)
    assert failure is not None
    assert failure.user_failure_data is not None
    return str(failure.user_failure_data.description)


def succeeded(result: ExecutionResult) -> list[str | None]:
    """Return the steps that succeeded, in their order."""
    return [event.step_key for event in result.all_events if event.is_step_success]


def retries(result: ExecutionResult) -> list[dg.DagsterEvent]:
    return [event for event in result.all_events if event.is_step_up_for_retry]


def test_every_job_that_collects_ends_with_it() -> None:
    graph = defs.resolve_asset_graph()
    parents = graph.get(dg.AssetKey("run_complete")).parent_keys
    unpartitioned = {key for key in graph.materializable_asset_keys if not graph.get(key).is_partitioned}
    assert parents == unpartitioned - {dg.AssetKey("run_complete")}
    for job in ("collect", "snapshot", "take_order_books"):
        assert defs.resolve_job_def(job).nodes_in_topological_order[-1].name == "run_complete"


def test_no_check_blocks_an_asset() -> None:
    graph = defs.resolve_asset_graph()
    assert [key for key in graph.asset_check_keys if graph.get_check_spec(key).blocking] == []


def test_partial_parents_are_named_and_the_snapshot_is_taken(
    run: Runner, sandbox: Sandbox, query: Query
) -> None:
    """The listing of events ends by an error after its first page."""
    sandbox.faults = Faults(unreachable_after=1, paths=("/events",))
    result = run("collect")

    assert not result.success
    assert succeeded(result) == COLLECTED
    assert failed_checks(result) == {
        ("events", "listing_complete"),
        ("event_fee_changes", "listing_complete"),
        ("event_metadata", "listing_complete"),
    }
    events = metadata_of(result, "events")
    assert (events["state"], events["complete"], events["pages"]) == ("partial", False, 1)
    assert "/events could not be reached" in events["reason"]
    assert metadata_of(result, "price_snapshots")["inserted"] == 2_200
    assert query("SELECT state FROM ticks") == [("complete",)]
    fees = metadata_of(result, "event_fee_changes")
    metadata = metadata_of(result, "event_metadata")
    assert why_failed(result) == (
        f"events is partial: {events['reason']}; event_fee_changes is partial: {fees['reason']}; event_metadata is "
        f"partial: {metadata['reason']}; what was received is stored, and the next run continues"
    )
    assert retries(result) == []


def test_partial_snapshot_is_stored_and_its_run_is_red(run: Runner, sandbox: Sandbox, query: Query) -> None:
    """Nothing is retried, because the next tick follows."""
    sandbox.faults = Faults(unreachable_after=1)
    result = run("snapshot")

    assert not result.success
    assert succeeded(result) == ["price_snapshots"]
    assert metadata_of(result, "price_snapshots")["inserted"] == 1_000
    assert query("SELECT state, inserted FROM ticks") == [("partial", 1_000)]
    assert ("price_snapshots", "listing_complete") in failed_checks(result)
    assert why_failed(result).startswith("price_snapshots is partial: ")
    assert retries(result) == []


def test_cap_names_every_listing_that_it_cuts(run: Runner) -> None:
    result = run("collect", max_pages="1")

    assert succeeded(result) == COLLECTED
    cut = "truncated: stopped at KALSHI_MAX_PAGES=1 with more to come"
    named = [line for line in why_failed(result).split("; ") if line.endswith(cut)]
    assert {f"{asset} is partial: {cut}" for asset in ("events", "markets", "price_snapshots")} <= {*named}


_CLOCK = ManualClock(NOON)


class _OnManualClock(Pipeline):
    def clock(self) -> Clock:
        return _CLOCK


def test_snapshot_past_its_deadline_keeps_its_pages_and_its_run_is_red(
    instance: dg.DagsterInstance, database_path: Path, query: Query
) -> None:
    """Each page takes two thirds of the time that the whole listing may take."""

    async def pause(seconds: float) -> None:
        _CLOCK.advance(seconds)

    with Sandbox(World(WorldConfig(markets=2_200, combos=0)), pause=pause, now=_CLOCK.seconds) as slow:
        slow.faults = Faults(latency_seconds=200, paths=("/markets",))
        overrides = Runner(instance, slow, database_path).overrides
        overrides |= {"walk_seconds": "300", "timeout_seconds": "600"}
        result = defs.resolve_job_def("snapshot").execute_in_process(
            resources={"pipeline": _OnManualClock(overrides=overrides)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            tags={TICK_TAG: tick_iso_of(NOON)},
            raise_on_error=False,
        )
    assert "price_snapshots is partial: /markets was not walked within KALSHI_WALK_SECONDS=300" in why_failed(
        result
    )
    assert query("SELECT state, pages FROM ticks") == [("partial", 1)]


def test_asset_that_has_stored_nothing_fails_by_itself(run: Runner, sandbox: Sandbox, query: Query) -> None:
    result = run("snapshot", api_url=sandbox.url.replace("/trade-api/v2", "/nowhere"))

    assert not result.success
    assert succeeded(result) == []
    assert "this run stored nothing of price_snapshots" in why_failed(result, "price_snapshots")
    assert result.asset_materializations_for_node("price_snapshots") == []
    assert query("SELECT state FROM ticks") == [("failed",)]


def test_other_runs_are_ignored(run: Runner) -> None:
    """An earlier partial run does not matter, and neither does an asset of another job."""
    assert not run("collect", max_pages="1", assets=["events", "run_complete"]).success
    assert run("snapshot").success
    assert run("collect", assets=["run_complete"]).success


def snapshot_job() -> dg.JobDefinition:
    return defs.resolve_job_def("snapshot")


def test_run_that_is_executed_again_from_its_failure_fails_until_the_partial_asset_is_too(
    sandbox: Sandbox, database_path: Path
) -> None:
    """The first two buttons of the UI: 'from failure', and 'all assets'."""
    with dg.instance_for_test(set_dagster_home=False) as instance:
        run = Runner(instance, sandbox, database_path)

        def execute(again: dg.ReexecutionOptions | None = None) -> dg.JobExecutionResult:
            job = dg.reconstructable(snapshot_job)
            with dg.execute_job(job, instance, run_config=run.config(), reexecution_options=again) as result:
                return result

        sandbox.faults = Faults(unreachable_after=1)
        first = execute()
        sandbox.faults = Faults()
        again = execute(dg.ReexecutionOptions.from_failure(first.run_id, instance))
        once_more = execute(dg.ReexecutionOptions.from_failure(again.run_id, instance))
        assert succeeded(first) == ["price_snapshots"]
        assert succeeded(again) == succeeded(once_more) == []
        assert why_failed(again) == why_failed(once_more) == why_failed(first)

        whole = execute(dg.ReexecutionOptions(once_more.run_id))
        assert (whole.success, succeeded(whole)) == (True, ["price_snapshots", "run_complete"])


def test_red_run_is_not_repeated_and_the_next_tick_is_taken(sandbox: Sandbox, database_path: Path) -> None:
    """With the retries of runs that `dagster.yaml` sets."""
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    retried = {"run_retries": settings["run_retries"]}
    with dg.instance_for_test(overrides=retried, set_dagster_home=False) as instance:
        sandbox.faults = Faults(unreachable_after=1)
        red = Runner(instance, sandbox, database_path)("snapshot", tags={"kalshi/tick": iso_of(NOON)})
        recorded = instance.get_run_by_id(red.run_id)
        assert recorded is not None
        assert recorded.status is dg.DagsterRunStatus.FAILURE
        assert recorded.tags["dagster/will_retry"] == "false"

        context = dg.build_sensor_context(instance=instance, cursor=iso_of(NOON), definitions=defs)
        clock = ManualClock(NOON)
        clock.advance(300)
        decided = next_snapshot(context, clock)
        assert isinstance(decided, dg.RunRequest)
        assert decided.run_key == iso_of(clock.now())


def test_order_books_that_could_not_be_fetched_are_named(run: Runner, sandbox: Sandbox) -> None:
    known = min(open_markets(sandbox.url))
    result = run("take_order_books", order_book_markets=f"{known},KXTYPO")
    assert metadata_of(result, "order_books")["inserted"] == 1
    assert why_failed(result).startswith("order_books is partial: KXTYPO: ")


def test_partial_day_is_observed_and_not_materialized(run: Runner, sandbox: Sandbox, query: Query) -> None:
    """The live tier's trades of the day are stored, the historical tier answers with errors."""
    sandbox.faults = Faults(server_errors=1, paths=("/historical/trades",))
    result = run("collect_trades", partition=SPLIT_DAY)

    assert not result.success
    ((rows,),) = query("SELECT count(*) FROM trades")
    seen = observed(result)
    assert (seen["asset"], seen["partition"], seen["state"]) == ("trades", SPLIT_DAY, "partial")
    assert seen["inserted"] == seen["dagster/partition_row_count"] == rows > 0
    assert run.instance.get_materialized_partitions(dg.AssetKey("trades")) == set()
    assert why_failed(result, "trades").startswith(f"trades of {SPLIT_DAY} is partial: {seen['reason']}")
    assert retries(result) == []

    sandbox.faults = Faults()
    assert run("collect_trades", partition=SPLIT_DAY).success
    assert run.instance.get_materialized_partitions(dg.AssetKey("trades")) == {SPLIT_DAY}


def test_day_of_which_a_market_is_missing_is_observed(run: Runner, sandbox: Sandbox) -> None:
    known = min(open_markets(sandbox.url))
    result = run("collect_candlesticks", partition="2026-10-06", candlestick_markets=f"{known},KXTYPO")

    assert not result.success
    seen = observed(result)
    assert (seen["asset"], seen["partition"], seen["failures"]) == ("candlesticks", "2026-10-06", 1)
    assert "candlesticks of 2026-10-06 is partial: KXTYPO: " in why_failed(result, "candlesticks")


def test_partial_backfill_of_settlements_is_observed(run: Runner, sandbox: Sandbox, query: Query) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/historical/markets",))
    result = run("backfill_settlements")

    assert not result.success
    seen = observed(result)
    assert (seen["asset"], seen["state"]) == ("settlements", "partial")
    assert query("SELECT count(*) FROM settlements") == [(seen["dagster/row_count"],)]
    assert why_failed(result, "all_settlements").startswith("settlements is partial: ")
    assert retries(result) == []


def stored_ahead(database_path: Path) -> int:
    """Store a tick half a minute ahead, as another computer's clock may, and return it."""
    ahead = SYSTEM_CLOCK.now() + 30 * MICROS_PER_SECOND
    with closing(Database(f"sqlite:///{database_path}")) as database:
        take(database, ahead, [])
    return ahead


def overtaken_by(tick_at: int) -> str:
    return f"the newer tick {tick_iso_of(tick_at)} had been taken before this one could start"


def test_tick_that_a_complete_newer_one_has_overtaken_is_only_noted(
    run: Runner, database_path: Path, query: Query
) -> None:
    """The newer one is the better result: nothing is missing."""
    reason = overtaken_by(stored_ahead(database_path))
    result = run("collect")
    assert result.success
    assert (observed(result)["asset"], observed(result)["state"]) == ("price_snapshots", "skipped")
    assert metadata_of(result, "run_complete")["notes"] == f"price_snapshots is skipped: {reason}"
    assert query("SELECT state FROM ticks ORDER BY tick_at") == [("skipped",), ("complete",)]


def test_skipped_tick_is_observed_and_fails_the_run_by_its_last_asset(
    run: Runner, database_path: Path, query: Query
) -> None:
    """Its dependents are still collected. The newer tick was of other markets, so quotes are missing."""
    reason = overtaken_by(stored_ahead(database_path))
    result = run("collect", combos="include")

    assert not result.success
    assert sorted(COLLECTED) == sorted(step for step in succeeded(result) if step)
    seen = observed(result)
    assert (seen["asset"], seen["state"], seen["reason"]) == ("price_snapshots", "skipped", reason)
    assert result.asset_materializations_for_node("price_snapshots") == []
    assert {"price_snapshots"} == set(COLLECTED) - {
        key.to_user_string()
        for key in run.instance.get_asset_keys()
        if run.instance.get_latest_materialization_event(key)
    }
    assert why_failed(result).startswith(f"price_snapshots is skipped: {reason}; ")
    assert query("SELECT state FROM ticks ORDER BY tick_at") == [("skipped",), ("complete",)]


def test_tick_keeps_the_id_of_its_run(run: Runner, query: Query) -> None:
    result = run("snapshot")
    assert query("SELECT run_id FROM ticks") == [(result.run_id,)]


def test_clock_that_is_wrong_fails_the_run_without_a_retry(
    run: Runner, sandbox: Sandbox, query: Query
) -> None:
    sandbox.faults = Faults(date_skew_seconds=86_400)
    result = run("snapshot")
    assert why_failed(result, "price_snapshots").startswith("this computer's clock says ")
    assert retries(result) == []
    assert query("SELECT count(*) FROM ticks") == [(0,)]
