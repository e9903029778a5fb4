"""Several days in one run, as a backfill in Dagster's UI starts them, on real instances."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from kalshi_pipeline.defs.candlesticks import candlesticks
from kalshi_pipeline.defs.days import UTC_DAYS
from kalshi_pipeline.defs.trades import trades
from kalshi_pipeline.monitoring.checks import QUARANTINE_SHARE, Finding, finding_of_days
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, failed_checks, failure_of, observed

DAYS = ("2026-10-04", "2026-10-05", "2026-10-06", "2026-10-07")
TRADES = trades.key
# An answer without its list is refused for good, and only days before the cutoff ask for it.
BROKEN = Faults(missing_key=True, paths=("/historical/trades",))


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    """Trades of the first two days are in the historical tier alone, those of the last in the live one."""
    with Sandbox(World(WorldConfig(markets=1_200, combos=0, cutoff_days=2.5))) as running:
        yield running


@pytest.fixture
def sandbox(exchange: Sandbox) -> Iterator[Sandbox]:
    yield exchange
    exchange.faults = Faults()


def collect(run: Runner, first: str, last: str, **overrides: str) -> dg.ExecuteInProcessResult:
    """Run a range of days as a backfill does."""
    tags = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    return run("collect_trades", tags=tags, **overrides)


def rows_by_day(result: dg.ExecuteInProcessResult) -> dict[str | None, object]:
    return {
        found.partition: found.metadata["dagster/partition_row_count"].value
        for found in result.asset_materializations_for_node("trades")
    }


@pytest.mark.parametrize("asset", [trades, candlesticks])
def test_backfill_takes_a_month_in_one_run(asset: dg.AssetsDefinition) -> None:
    assert asset.backfill_policy == dg.BackfillPolicy.multi_run(31)


def test_each_day_of_a_run_is_a_materialization_with_its_own_rows(run: Runner, query: Query) -> None:
    result = collect(run, DAYS[0], DAYS[-1])

    assert result.success
    assert rows_by_day(result) == dict(
        query("SELECT substr(created_at, 1, 10), count(*) FROM trade_history GROUP BY 1")
    )
    assert [*rows_by_day(result)] == [*DAYS]
    assert run.instance.get_materialized_partitions(TRADES) == {*DAYS}
    assert failed_checks(result) == set()
    evaluations = {found.check_name: found for found in result.get_asset_check_evaluations()}
    assert evaluations.keys() == {"listing_complete", "quarantine_share", "trades_sane"}
    assert evaluations["listing_complete"].description == "all of 4 days passed"
    received = evaluations["listing_complete"].metadata["received"].value
    assert received == query("SELECT sum(received) FROM listings WHERE asset = 'trades'")[0][0]


def test_failed_day_does_not_prevent_storing_the_others(run: Runner, sandbox: Sandbox, query: Query) -> None:
    """The days of one tier fail permanently; later days are still collected."""
    sandbox.faults = BROKEN
    result = collect(run, DAYS[0], DAYS[-1])

    assert not result.success
    stored = run.instance.get_materialized_partitions(TRADES)
    assert DAYS[-1] in stored
    assert DAYS[0] not in stored
    missing = [day for day in DAYS if day not in stored]
    lines = failure_of(result).split("\n")
    assert [line[:11] for line in lines[:-1]] == [f"{day}:" for day in missing]
    assert lines[-1].startswith(f"{len(missing)} of 4 days are missing; the others are stored")

    sandbox.faults = Faults()
    again = collect(run, missing[0], missing[-1])
    assert again.success
    assert run.instance.get_materialized_partitions(TRADES) == {*DAYS}
    assert query("SELECT count(DISTINCT substr(created_at, 1, 10)) FROM trade_history") == [(4,)]


def test_failed_days_are_what_missing_and_failed_selects(run: Runner, sandbox: Sandbox) -> None:
    """Dagster records which planned days of a run are missing, so no day of a failed run is lost."""
    sandbox.faults = BROKEN
    collect(run, DAYS[0], DAYS[-1])

    status = run.instance.get_status_by_partition(TRADES, DAYS, UTC_DAYS) or {}
    stored = run.instance.get_materialized_partitions(TRADES)
    assert {day for day, found in status.items() if found and found.name == "MATERIALIZED"} == stored
    assert {day for day, found in status.items() if found and found.name == "FAILED"} == {*DAYS} - stored


def test_finding_of_days_names_the_days_that_failed() -> None:
    def finding(share: float, quarantined: int, *, passed: bool) -> Finding:
        numbers = {"share": share, "quarantined": quarantined}
        return Finding(QUARANTINE_SHARE, passed, f"{quarantined} lost", numbers)

    one = finding(0.0, 2, passed=True)
    assert finding_of_days({"2026-10-01": one}) is one
    found = finding_of_days(
        {
            "2026-10-01": one,
            "2026-10-02": finding(0.5, 7, passed=False),
            "2026-10-03": finding(0.1, 1, passed=True),
        }
    )
    assert (found.passed, found.text) == (False, "2026-10-02: 7 lost")
    assert found.numbers == {"share": 0.5, "quarantined": 10}
    with pytest.raises(ValueError, match="no day"):
        finding_of_days({})


def test_run_without_a_partition_fails_in_one_line(run: Runner) -> None:
    result = run("collect_trades")
    assert failure_of(result) == "this run has no partition: materialize the days of the asset instead"


def test_range_that_ends_before_it_begins_fails_in_one_line(run: Runner) -> None:
    result = collect(run, DAYS[-1], DAYS[0])
    assert failure_of(result) == "the first day of this run is after its last: exchange them"


def test_days_of_fewer_markets_than_the_settings_are_only_observed(run: Runner, query: Query) -> None:
    """Otherwise 'missing' would never fetch the trades of the other markets."""
    run("snapshot")
    (series,) = query("SELECT ticker FROM series ORDER BY ticker LIMIT 1")[0]
    few = run("collect_trades", partition=DAYS[0], series=series)
    assert few.success
    assert run.instance.get_materialized_partitions(TRADES) == set()
    assert observed(few)["partition"] == DAYS[0]
    more = run("collect_trades", partition=DAYS[0], combos="include")
    assert more.success
    assert run.instance.get_materialized_partitions(TRADES) == {DAYS[0]}
