"""The asset graph, materialized on real instances against a real exchange."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.monitoring.checks import CHECKS
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.resources import PipelineAt

ASSETS = ("series", "events", "markets", "price_snapshots", "settlements")
VOCABULARY = {
    "dagster/row_count",
    "scope",
    "state",
    "complete",
    "pages",
    "windows",
    "requests",
    "retries",
    "received",
    "inserted",
    "changed",
    "unchanged",
    "quarantined",
    "duplicates",
    "placeholders",
    "healed",
    "open_placeholders",
    "seconds",
}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


class Runner:
    """Runs a job as the UI's launchpad would, with the sandbox named in the resource's config."""

    def __init__(self, instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path) -> None:
        self.instance = instance
        self.overrides = {
            "api_url": sandbox.url,
            "database_url": f"sqlite:///{database_path}",
            "requests_per_second": "1000",
            "retry_seconds": "0",
        }

    def __call__(self, job: str, **overrides: str) -> dg.ExecuteInProcessResult:
        return self.run(job, {}, overrides)

    def run(self, job: str, tags: dict[str, str], overrides: dict[str, str]) -> dg.ExecuteInProcessResult:
        config = {"overrides": {**self.overrides, **overrides}}
        return defs.resolve_job_def(job).execute_in_process(
            run_config={
                "resources": {"pipeline": {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )


@pytest.fixture
def run(instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path) -> Runner:
    return Runner(instance, sandbox, database_path)


def metadata_of(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    materialization = result.asset_materializations_for_node(asset)[0]
    return {name: value.value for name, value in materialization.metadata.items()}


def failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    return {
        (evaluation.asset_key.to_user_string(), evaluation.check_name)
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }


def test_definitions_load_with_the_declared_lineage() -> None:
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    parents = {key.to_user_string(): graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
    assert parents == {
        "series": set(),
        "events": {dg.AssetKey("series")},
        "markets": {dg.AssetKey("events")},
        "price_snapshots": {dg.AssetKey("markets")},
        "settlements": {dg.AssetKey("price_snapshots")},
        "candlesticks": {dg.AssetKey("markets")},
        "order_books": {dg.AssetKey("markets")},
        "trades": {dg.AssetKey("markets")},
    }


@pytest.mark.parametrize("asset", [*ASSETS, "candlesticks", "order_books", "trades"])
def test_asset_tells_the_ui_what_it_is(asset: str) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(asset))
    assert node.description
    assert "row" in node.description
    assert node.owners == ["team:market-data"]
    assert node.kinds == {"python", "sqlite"}
    schema = node.metadata["dagster/column_schema"]
    columns = getattr(schema, "columns", None) or schema.value.columns
    assert all(column.description for column in columns)


def test_collect_materializes_parents_first_with_one_vocabulary(run: Runner, query: Query) -> None:
    result = run("collect")

    assert result.success
    order = [event.step_key for event in result.all_events if event.is_step_success]
    assert order == list(ASSETS)
    for asset in ASSETS:
        assert metadata_of(result, asset).keys() >= VOCABULARY
        assert metadata_of(result, asset)["seconds"] > 0
        assert metadata_of(result, asset)["requests"] > 0
        rows = query(f"SELECT count(*) FROM {asset}")[0][0]
        # Markets that settled before the first run, and their events, come in with their settlements.
        before = query("SELECT count(*) FROM settlements")[0][0] if asset in ("events", "markets") else 0
        assert rows - before <= metadata_of(result, asset)["dagster/row_count"] <= rows
    assert failed_checks(result) == set()
    assert {evaluation.check_name for evaluation in result.get_asset_check_evaluations()} == {
        check.name for check in CHECKS
    }


def test_listings_are_compared_by_a_job_of_their_own(run: Runner, query: Query) -> None:
    """The sandbox's 2,200 markets make two windows, of which the store knows after a run."""
    run("collect")
    markets = query("SELECT count(*) FROM markets")
    result = run("check_windows")

    (evaluation,) = result.get_asset_check_evaluations()
    numbers = {name: value.value for name, value in evaluation.metadata.items()}
    assert (evaluation.check_name, evaluation.passed) == ("windows_see_everything", True)
    assert numbers == {"serial": 2_200, "windowed": 2_200, "windows": 2, "lost": 0}
    assert query("SELECT count(*) FROM markets") == markets


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_collect_reads_every_shape_through_faults(
    shape: Shape, instance: dg.DagsterInstance, database_path: Path, query: Query
) -> None:
    """With pages that overlap, unknown words, and six of ten markets combos whose events are not listed."""
    world = World(WorldConfig(markets=200, combos=300, shape=shape))
    faults = Faults(overlap=5, unknown_words=True, too_many=0.1, server_errors=0.1)
    with Sandbox(world, faults=faults) as sandbox:
        overrides = Runner(instance, sandbox, database_path).overrides
        overrides |= {"combos": "include", "retry_seconds": "300"}
        result = defs.resolve_job_def("collect").execute_in_process(
            resources={"pipeline": PipelineAt(overrides=overrides, at="2026-10-08T12:00:00Z")},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            raise_on_error=False,
        )
    assert result.success
    assert query("SELECT count(*), sum(is_combo) FROM markets JOIN latest_quotes ON market_id = id") == [
        (500, 300)
    ]
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == [(0,)]
    assert query("PRAGMA foreign_key_check") == []


def test_snapshot_alone_on_an_empty_database_succeeds(run: Runner, query: Query) -> None:
    result = run("snapshot")

    assert result.success
    assert metadata_of(result, "price_snapshots")["inserted"] == 2_200
    assert query("PRAGMA foreign_key_check") == []


def test_tick_of_a_run_comes_from_its_tags(run: Runner, query: Query) -> None:
    at = iso_of(SYSTEM_CLOCK.now() - MICROS_PER_SECOND)
    tags = {"kalshi/tick": at, "kalshi/period_seconds": "300"}
    first, again = run.run("snapshot", tags, {}), run.run("snapshot", tags, {})

    assert query("SELECT DISTINCT tick_at FROM price_history") == [(at,)]
    assert query("SELECT count(*), max(period_seconds) FROM ticks") == [(1, 300.0)]
    assert [metadata_of(result, "price_snapshots")["inserted"] for result in (first, again)] == [2_200, 0]


def test_tick_of_a_manual_run_is_its_creation(run: Runner, query: Query) -> None:
    result = run("snapshot")
    record = run.instance.get_run_record_by_id(result.run_id)
    assert record is not None
    ((tick_at,),) = query("SELECT tick_at FROM ticks")
    assert tick_at == round(record.create_timestamp.timestamp() * 1_000_000)


def test_cap_shows_in_metadata_and_check_and_costs_no_price(run: Runner) -> None:
    """R4, R5: a truncated list is green, visibly truncated, and the next snapshot misses nothing."""
    capped = run("collect", max_pages="1")
    assert capped.success
    assert metadata_of(capped, "markets")["complete"] is False
    assert metadata_of(capped, "markets")["reason"].startswith("truncated: stopped at KALSHI_MAX_PAGES=1")
    assert ("markets", "listing_complete") in failed_checks(capped)

    whole = run("snapshot")
    assert whole.success
    assert metadata_of(whole, "price_snapshots")["dagster/row_count"] == 2_200
    assert failed_checks(whole) == set()


def test_walk_past_its_deadline_is_a_red_run_with_its_reason(
    run: Runner, sandbox: Sandbox, query: Query
) -> None:
    """R51, R52."""
    sandbox.faults = Faults(latency_seconds=0.2, paths=("/markets",))
    result = run("snapshot", walk_seconds="0.1")

    assert not result.success
    assert query("SELECT state, pages, inserted FROM ticks") == [("failed", 0, 0)]
    failure = result.failure_data_for_node("price_snapshots")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "KALSHI_WALK_SECONDS=0.1" in str(failure.user_failure_data.description)
    assert "0 pages of price_snapshots are stored" in str(failure.user_failure_data.description)


def test_wrong_setting_is_a_red_run_that_names_it(run: Runner) -> None:
    result = run("snapshot", combos="some", max_pages="0")

    failure = result.failure_data_for_node("price_snapshots")
    assert failure is not None
    assert failure.user_failure_data is not None
    lines = str(failure.user_failure_data.description).splitlines()
    assert [line.split(":")[0] for line in lines] == ["KALSHI_COMBOS=some", "KALSHI_MAX_PAGES=0"]


def test_listing_that_is_suddenly_empty_fails_its_check(
    instance: dg.DagsterInstance, database_path: Path
) -> None:
    """R20."""
    with Sandbox(World(WorldConfig(markets=50, combos=0))) as sandbox:
        assert failed_checks(Runner(instance, sandbox, database_path)("snapshot")) == set()
    with Sandbox(World(WorldConfig(markets=0, combos=0, births_per_step=0))) as empty:
        failed = failed_checks(Runner(instance, empty, database_path)("snapshot"))
    assert ("price_snapshots", "not_suddenly_empty") in failed


def test_unreadable_records_above_the_share_fail_their_check(run: Runner, sandbox: Sandbox) -> None:
    """R15."""
    sandbox.faults = Faults(unreadable=0.05)
    assert ("price_snapshots", "quarantine_share") in failed_checks(run("snapshot"))
    assert ("price_snapshots", "quarantine_share") not in failed_checks(
        run("snapshot", quarantine_share="0.5")
    )


def test_stale_placeholder_fails_its_check(run: Runner) -> None:
    """R3: the combos' events cannot be healed without a single request."""
    options = {"combos": "include", "healing_requests": "0"}
    assert ("markets", "no_stale_placeholder") not in failed_checks(run("collect", **options))
    assert ("markets", "no_stale_placeholder") in failed_checks(
        run("collect", placeholder_hours="0.0000001", **options)
    )
