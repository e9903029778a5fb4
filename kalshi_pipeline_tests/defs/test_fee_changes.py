"""Fee changes in Dagster: they come last and do not affect other assets."""

from collections.abc import Iterator

import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, metadata_of

FEES = ("series_fee_changes", "event_fee_changes")
OTHERS = ("series", "events", "markets", "price_snapshots", "settlements")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=120, combos=0))) as running:
        yield running


@pytest.fixture
def sandbox(exchange: Sandbox) -> Iterator[Sandbox]:
    yield exchange
    exchange.faults = Faults()


def test_failed_fees_neither_stop_nor_skip_other_assets(run: Runner, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/series/fee_changes", "/events/fee_changes"))
    result = run("collect")

    assert not result.success
    assert all(metadata_of(result, asset)["complete"] for asset in OTHERS)
    assert failed_checks(result) == {(asset, "listing_complete") for asset in FEES}
    failure = result.failure_data_for_node("run_complete")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert all(f"{asset} is partial: " in str(failure.user_failure_data.description) for asset in FEES)


def test_fees_are_collected_although_other_assets_fail(run: Runner, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/markets",))
    result = run("collect")
    assert not result.success
    assert all(metadata_of(result, asset)["complete"] for asset in FEES)


def test_exchange_without_the_endpoints_is_noted(run: Runner, query: Query) -> None:
    """In January 2026 there were no changes of events' fees."""
    with Sandbox(World(WorldConfig(markets=60, combos=0, shape="2026-01"))) as january:
        result = run("collect", assets=[*FEES, "run_complete"], api_url=january.url)
    assert result.success
    metadata = metadata_of(result, "event_fee_changes")
    assert (metadata["complete"], metadata["rows"]) == (True, 0)
    assert metadata["notes"].startswith(r"- the exchange does not offer /events/fee\_changes")
    assert query("SELECT count(*) > 5 FROM series_fee_changes") == [(1,)]
