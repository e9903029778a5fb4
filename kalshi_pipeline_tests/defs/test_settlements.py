"""Settlements in Dagster: hourly with `collect`, and all older ones by one job."""

from collections.abc import Iterator

import dagster as dg
import pytest

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of, observed

SETTLED = "SELECT count(*) FROM settlements WHERE tier = ?"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    world = World(WorldConfig(markets=150, past_share=0.5, births_per_step=0, closes_per_step=0))
    with Sandbox(world) as running:
        yield running


def test_collect_stores_new_settlements_and_a_job_stores_all(run: Runner, query: Query) -> None:
    collected = run("collect")
    assert collected.success
    assert failed_checks(collected) == set()
    assert metadata_of(collected, "settlements")["rows"] == query(SETTLED, "live")[0][0] > 0
    assert query(SETTLED, "historical") == [(0,)]

    backfilled = run("backfill_settlements")
    assert backfilled.success
    assert query(SETTLED, "historical")[0][0] > 0
    own = run.instance.get_latest_materialization_event(dg.AssetKey("settlements"))
    assert own is not None
    assert own.run_id == collected.run_id
    assert query("SELECT count(*) FROM settlements") == [(observed(backfilled)["dagster/row_count"],)]


def test_scalar_without_a_value_fails_its_check(run: Runner, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(scalar_without_value=True)
    try:
        without = run("collect", assets=["settlements"])
    finally:
        sandbox.faults = Faults()
    assert ("settlements", "scalars_have_value") in failed_checks(without)
    assert failed_checks(run("collect", assets=["settlements"])) == set()


def test_backfill_leaves_places_for_snapshots_and_collect() -> None:
    """The job is in the backfill pool; the asset itself is in no pool."""
    job = defs.resolve_job_def("backfill_settlements")
    assert {node.definition.pool for node in job.nodes} == {"kalshi_backfill"}  # type: ignore[attr-defined]
    collect = defs.resolve_job_def("collect")
    assert {node.definition.pool for node in collect.nodes} == {None}  # type: ignore[attr-defined]
