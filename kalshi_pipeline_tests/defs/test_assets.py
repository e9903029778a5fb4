"""The asset graph, materialized on real instances against a real exchange."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.pipeline_asset import pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.monitoring.checks import CANDLESTICKS_SANE, ORDER_BOOKS_SANE, RUN_CHECKS, TRADES_SANE
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.units import MICROS_PER_SECOND, tick_iso_of
from kalshi_pipeline_tests.conftest import Query, query_of
from kalshi_pipeline_tests.defs.resources import PipelineAt, clock_at
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of

# What is published beside events and kept as documents, by the kind of these.
DOCUMENTS = {
    "collections": "collection",
    "event_metadata": "event_metadata",
    "incentive_programs": "incentive_program",
    "milestones": "milestone",
    "structured_targets": "structured_target",
}
LAST = sorted(["event_fee_changes", "series_fee_changes", *DOCUMENTS])  # although no asset precedes them
ASSETS = ("series", "events", "markets", "price_snapshots", "settlements", *LAST)
VOCABULARY = {
    "database",
    "scope",
    "state",
    "complete",
    "pages",
    "windows",
    "requests",
    "retries",
    "too_many",
    "requests_per_second",
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


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    """One exchange for all: 2,200 markets are three pages, and two windows once they are known."""
    with Sandbox(World(WorldConfig(markets=2_200, combos=40))) as running:
        yield running


@pytest.fixture
def sandbox(exchange: Sandbox) -> Iterator[Sandbox]:
    yield exchange
    exchange.faults = Faults()


class Collected(NamedTuple):
    """A run of `collect` on an empty database, and a way to ask that database. Tests only read it."""

    result: dg.ExecuteInProcessResult
    database_path: Path
    query: Query


@pytest.fixture(scope="module")
def collected(
    in_memory: dg.DagsterInstance,
    exchange: Sandbox,
    migrated_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Collected:
    path = shutil.copyfile(migrated_template, tmp_path_factory.mktemp("collected") / "kalshi.db")
    return Collected(Runner(in_memory, exchange, path)("collect"), path, query_of(path))


def test_definitions_load_with_the_declared_lineage() -> None:
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    parents = {key.to_user_string(): graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
    assert parents == {
        "exchange": set(),
        "series": {dg.AssetKey("exchange")},
        "events": {dg.AssetKey("series")},
        "markets": {dg.AssetKey("events")},
        "price_snapshots": {dg.AssetKey("markets")},
        "settlements": {dg.AssetKey("markets")},
        **{asset: {dg.AssetKey("exchange")} for asset in LAST},
        "candlesticks": {dg.AssetKey("markets")},
        "order_books": {dg.AssetKey("markets")},
        "trades": {dg.AssetKey("markets")},
        "run_complete": {dg.AssetKey(asset) for asset in (*ASSETS, "order_books")},
    }


@pytest.mark.parametrize("asset", [*ASSETS, "candlesticks", "order_books", "trades"])
def test_asset_describes_itself_in_the_ui(asset: str) -> None:
    node = defs.resolve_asset_graph().get(dg.AssetKey(asset))
    assert node.description
    assert "row" in node.description
    assert node.owners == ["team:market-data"]
    assert node.kinds == {"python", "sqlite"}
    schema = node.metadata["dagster/column_schema"]
    columns = getattr(schema, "columns", None) or schema.value.columns
    assert all(column.description for column in columns)


def test_asset_without_a_table_is_declared_like_the_others(instance: dg.DagsterInstance) -> None:
    """A report keeps no table and has no endpoint: the UI shows neither."""

    @pipeline_asset(group=Group.MAINTENANCE, domain=Domain.RUNS, cadence=Cadence.WITH_EACH_RUN)
    def report() -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster knows it by the bare class
        """A report. It has no row."""
        return dg.MaterializeResult(metadata={"pages": 2})

    result = dg.materialize([report], instance=instance)
    assert metadata_of(result, "report") == {"pages": 2}
    spec = report.get_asset_spec()
    assert (spec.description, spec.group_name) == ("A report. It has no row.", "maintenance")
    assert spec.metadata.keys().isdisjoint({"dagster/table_name", "dagster/column_schema", "endpoint"})
    assert list(report.check_specs) == []


@pytest.mark.xdist_group("collected")
def test_collect_materializes_parents_first_with_one_vocabulary(collected: Collected) -> None:
    result, _, query = collected

    assert result.success
    order = [event.step_key for event in result.all_events if event.is_step_success]
    assert order == [*ASSETS, "run_complete"]
    for asset in ASSETS:
        assert metadata_of(result, asset).keys() >= VOCABULARY
        assert metadata_of(result, asset)["seconds"] > 0
        assert metadata_of(result, asset)["requests"] > 0
        table = f"document_subjects WHERE kind = '{DOCUMENTS[asset]}'" if asset in DOCUMENTS else asset
        rows = query(f"SELECT count(*) FROM {table}")[0][0]
        # Markets that settled before the first run, and their events, come in with their settlements.
        before = query("SELECT count(*) FROM settlements")[0][0] if asset in ("events", "markets") else 0
        metadata = metadata_of(result, asset)
        assert rows - before <= metadata["rows"] <= rows
    assert failed_checks(result) == set()
    assert {evaluation.check_name for evaluation in result.get_asset_check_evaluations()} == (
        RUN_CHECKS.keys() - {check.name for check in (TRADES_SANE, CANDLESTICKS_SANE, ORDER_BOOKS_SANE)}
    )


@pytest.mark.xdist_group("collected")
def test_listings_are_compared_by_a_job_of_their_own(
    collected: Collected, instance: dg.DagsterInstance, sandbox: Sandbox
) -> None:
    """It stores nothing."""
    markets = collected.query("SELECT count(*) FROM markets")
    result = Runner(instance, sandbox, collected.database_path)("check_windows")

    (evaluation,) = result.get_asset_check_evaluations()
    numbers = {name: value.value for name, value in evaluation.metadata.items()}
    assert (evaluation.check_name, evaluation.passed) == ("windows_see_everything", True)
    assert numbers == {"serial": 2_200, "windowed": 2_200, "windows": 2, "lost": 0}
    assert collected.query("SELECT count(*) FROM markets") == markets


@pytest.mark.xdist_group("collected")
def test_fields_are_compared_by_a_job_of_their_own(
    collected: Collected, instance: dg.DagsterInstance, sandbox: Sandbox
) -> None:
    result = Runner(instance, sandbox, collected.database_path)("check_fields")
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("fields_are_as_before", True)
    assert "no field is new, missing, or of another type" in (evaluation.description or "")


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_collect_reads_every_shape_through_faults(
    shape: Shape, instance: dg.DagsterInstance, database_path: Path, query: Query
) -> None:
    """Pages overlap, words are unknown, and six of ten markets are combos whose events are not listed."""
    world = World(WorldConfig(markets=200, combos=300, shape=shape))
    faults = Faults(overlap=5, unknown_words=True, too_many=0.1, server_errors=0.1)
    at = "2026-10-08T12:00:00Z"
    with Sandbox(world, faults=faults, now=clock_at(at).seconds) as sandbox:
        overrides = Runner(instance, sandbox, database_path).overrides
        overrides |= {"combos": "include", "retry_seconds": "300"}
        result = defs.resolve_job_def("collect").execute_in_process(
            resources={"pipeline": PipelineAt(overrides=overrides, at=at)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            tags={"kalshi/tick": at},  # the run itself is created later
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
    at = tick_iso_of(SYSTEM_CLOCK.now() - MICROS_PER_SECOND)
    tags = {"kalshi/tick": at, "kalshi/period_seconds": "300"}
    first, again = run("snapshot", tags=tags), run("snapshot", tags=tags)

    assert query("SELECT DISTINCT tick_at FROM price_history") == [(at,)]
    assert query("SELECT count(*), max(period_seconds) FROM ticks") == [(1, 300.0)]
    assert [metadata_of(result, "price_snapshots")["inserted"] for result in (first, again)] == [2_200, 0]


def test_tick_of_a_manual_run_is_the_second_of_its_creation(run: Runner, query: Query) -> None:
    result = run("snapshot")
    record = run.instance.get_run_record_by_id(result.run_id)
    assert record is not None
    ((tick_at,),) = query("SELECT tick_at FROM ticks")
    assert tick_at == int(record.create_timestamp.timestamp()) * 1_000_000


def test_cap_shows_in_metadata_and_check_without_losing_prices(run: Runner) -> None:
    """A truncated listing fails its run at the end, and the next snapshot misses nothing."""
    capped = run("collect", max_pages="1")
    assert not capped.success
    assert metadata_of(capped, "markets")["complete"] is False
    assert metadata_of(capped, "markets")["reason"].startswith("truncated: stopped at KALSHI_MAX_PAGES=1")
    assert ("markets", "listing_complete") in failed_checks(capped)

    whole = run("snapshot")
    assert whole.success
    assert metadata_of(whole, "price_snapshots")["rows"] == 2_200
    assert failed_checks(whole) == set()


def test_walk_past_its_deadline_is_a_red_run_with_its_reason(
    run: Runner, sandbox: Sandbox, query: Query
) -> None:
    sandbox.faults = Faults(latency_seconds=0.2, paths=("/markets",))
    result = run("snapshot", walk_seconds="0.1")

    assert not result.success
    assert query("SELECT state, pages, inserted FROM ticks") == [("failed", 0, 0)]
    failure = result.failure_data_for_node("price_snapshots")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "KALSHI_WALK_SECONDS=0.1" in str(failure.user_failure_data.description)
    assert "this run stored nothing of price_snapshots" in str(failure.user_failure_data.description)


def test_wrong_setting_is_a_red_run_that_names_it(run: Runner) -> None:
    result = run("snapshot", combos="some", max_pages="0")

    failure = result.failure_data_for_node("price_snapshots")
    assert failure is not None
    assert failure.user_failure_data is not None
    lines = str(failure.user_failure_data.description).splitlines()
    assert [line.split(":")[0] for line in lines] == ["KALSHI_COMBOS=some", "KALSHI_MAX_PAGES=0"]


def test_run_creates_no_new_database_where_its_asset_was_stored(run: Runner, database_path: Path) -> None:
    """Its file has vanished, and a new one would hide that. At another path, a new one may be created."""
    stored = run("snapshot")
    assert metadata_of(stored, "price_snapshots")["database"] == str(database_path)
    database_path.unlink()

    failed = run("snapshot")
    assert not failed.success
    (step,) = [event for event in failed.all_events if event.is_step_failure][:1]
    assert step.step_failure_data.error is not None
    assert f"there is no database at {database_path}" in step.step_failure_data.error.message
    assert not database_path.exists()

    elsewhere = database_path.with_name("elsewhere.db")
    assert run("snapshot", database_url=f"sqlite:///{elsewhere}").success
    assert elsewhere.exists()


def test_run_creates_no_new_database_where_an_asset_was_only_observed(
    run: Runner, database_path: Path
) -> None:
    """This also holds if another asset was stored there."""
    assert run("backfill_settlements").success
    database_path.unlink()
    for job in ("backfill_settlements", "snapshot", "check_fields"):
        assert not run(job).success
        assert not database_path.exists()


def test_replaced_file_is_noticed_once(run: Runner, database_path: Path) -> None:
    """The file is used, because it may be a restored backup."""

    def notes() -> list[str]:
        notes = metadata_of(run("snapshot"), "price_snapshots").get("notes", "")
        return [
            line
            for line in str(notes).splitlines()
            if "is not the file that this asset was stored in" in line
        ]

    assert notes() == notes() == []
    shutil.copyfile(database_path, database_path.with_name("restored.db"))
    database_path.with_name("restored.db").replace(database_path)
    (note,) = notes()
    assert database_path.name in note
    assert notes() == []


def test_listing_that_is_suddenly_empty_fails_its_check(
    instance: dg.DagsterInstance, database_path: Path
) -> None:
    with Sandbox(World(WorldConfig(markets=50, combos=0))) as sandbox:
        assert failed_checks(Runner(instance, sandbox, database_path)("snapshot")) == set()
    with Sandbox(World(WorldConfig(markets=0, combos=0, births_per_step=0))) as empty:
        failed = failed_checks(Runner(instance, empty, database_path)("snapshot"))
    assert ("price_snapshots", "not_suddenly_empty") in failed


def test_unreadable_records_above_the_share_fail_their_check(run: Runner, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(unreadable=0.05)
    assert ("price_snapshots", "quarantine_share") in failed_checks(run("snapshot"))
    assert ("price_snapshots", "quarantine_share") not in failed_checks(
        run("snapshot", quarantine_share="0.5")
    )


def test_stale_placeholder_fails_its_check(run: Runner) -> None:
    """The combos' events cannot be healed without a single request."""
    fresh = run("collect", assets=["markets"], combos="include", healing_requests="0")
    assert ("markets", "no_stale_placeholder") not in failed_checks(fresh)
    stale = run(
        "collect",
        assets=["markets"],
        combos="include",
        healing_requests="0",
        placeholder_hours="0.0000001",
    )
    assert ("markets", "no_stale_placeholder") in failed_checks(stale)
