"""Dagster's records match the tables: everything that runs and the command line store is reported exactly once."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.ledger import command_line_sensor
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.ledgers import (
    DAYS,
    ROWS,
    TRADES,
    CommandLine,
    evaluate,
    events_of,
    known_rows,
)
from kalshi_pipeline_tests.defs.running import Runner, metadata_of, observed_elsewhere
from kalshi_pipeline_tests.ingest.listed import open_markets

PARENTS = ("series", "events", "markets", "settlements")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=1_200, combos=30))) as running:
        yield running


@pytest.fixture
def sandbox(exchange: Sandbox) -> Iterator[Sandbox]:
    yield exchange
    exchange.faults = Faults()


def shown_rows(instance: dg.DagsterInstance, asset: str) -> object:
    """Return the row count at the top of an asset's page: the last materialization's, however old, if it has one."""
    key = dg.AssetKey(asset)
    materializations = instance.fetch_materializations(key, limit=1).records
    observation = instance.fetch_observations(key, limit=1).records[0].event_log_entry.asset_observation
    assert observation is not None
    newest = [found.asset_materialization for found in materializations]
    return {**observation.metadata, **(newest[0].metadata if newest and newest[0] else {})}[ROWS].value


def test_snapshot_observes_the_tables_that_it_fills(run: Runner, query: Query) -> None:
    result = run("snapshot")

    seen = observed_elsewhere(result)
    for table in ("events", "markets", "series"):
        ((rows,),) = query(f"SELECT count(*) FROM {table}")
        (values,) = seen[table]
        assert values[ROWS] == values["inserted"] == rows > 0
        assert known_rows(run.instance, table) == rows
        assert run.instance.get_latest_materialization_event(dg.AssetKey(table)) is None
    assert seen.keys() == {"events", "markets", "series"}
    assert observed_elsewhere(run("snapshot")) == {}


def test_after_collect_every_table_has_the_rows_that_dagster_shows(run: Runner, query: Query) -> None:
    """Settled markets are stored after `markets` has been materialized."""
    result = run("collect")

    assert result.success
    assert metadata_of(result, "markets")["rows"] < query("SELECT count(*) FROM markets")[0][0]
    for table in (*PARENTS, "price_snapshots"):
        assert query(f"SELECT count(*) FROM {table}") == [(known_rows(run.instance, table),)]
    for table in (*PARENTS, "price_snapshots"):
        assert shown_rows(run.instance, table) == known_rows(run.instance, table)


def test_change_of_a_row_is_counted(run: Runner, database_path: Path) -> None:
    run("snapshot")
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute("UPDATE markets SET title = 'Was this' WHERE id <= 3")
        connection.execute("UPDATE market_fingerprints SET fingerprint = 0 WHERE market_id <= 3")
    (values,) = observed_elsewhere(run("snapshot"))["markets"]
    assert (values["inserted"], values["changed"]) == (0, 3)


def test_days_of_the_command_line_become_partitions(
    run: Runner, command_line: CommandLine, sandbox: Sandbox
) -> None:
    run("collect_trades", partition=DAYS[0])
    command_line.trades(DAYS[1])
    sandbox.faults = Faults(server_errors=1, paths=("/markets/trades",))
    with pytest.raises(TransientExchangeError):
        command_line.trades(DAYS[2])
    sandbox.faults = Faults()

    first = evaluate(run.instance)
    assert [event for event in events_of(first) if event[1] == "trades"] == [
        ("AssetMaterialization", "trades", DAYS[1]),
        ("AssetObservation", "trades", DAYS[2]),
    ]
    assert run.instance.get_materialized_partitions(TRADES) == set(DAYS[:2])
    second = evaluate(run.instance, first.cursor)
    assert second.asset_events == []
    assert second.cursor == first.cursor

    command_line.trades(DAYS[2])
    third = evaluate(run.instance, second.cursor)
    assert ("AssetMaterialization", "trades", DAYS[2]) in events_of(third)
    assert run.instance.get_materialized_partitions(TRADES) == set(DAYS)


def test_day_of_a_smaller_selection_completes_no_partition(
    run: Runner, command_line: CommandLine, query: Query, sandbox: Sandbox
) -> None:
    run("snapshot")
    (series,) = query("SELECT ticker FROM series ORDER BY ticker LIMIT 1")[0]
    command_line.trades(DAYS[0], series=series)
    command_line.candlesticks(DAYS[0], candlestick_markets=min(open_markets(sandbox.url)))

    of_days = [event for event in events_of(evaluate(run.instance)) if event[2] is not None]
    assert of_days == [
        ("AssetObservation", "trades", DAYS[0]),
        ("AssetObservation", "candlesticks", DAYS[0]),
    ]


def test_rows_of_the_command_line_are_observed(run: Runner, command_line: CommandLine, query: Query) -> None:
    run("snapshot")
    command_line.collect()

    first = evaluate(run.instance)
    assert {event[0] for event in events_of(first)} == {"AssetObservation"}
    for table in (*PARENTS, "price_snapshots", "series_fee_changes", "event_fee_changes"):
        assert query(f"SELECT count(*) FROM {table}") == [(known_rows(run.instance, table),)]
    for kind, asset in (("milestone", "milestones"), ("event_metadata", "event_metadata")):
        rows = query("SELECT count(*) FROM document_subjects WHERE kind = ?", kind)
        assert rows == [(known_rows(run.instance, asset),)]
    assert evaluate(run.instance, first.cursor).asset_events == []


def test_days_of_the_command_line_report_the_rows_of_the_table(
    run: Runner, command_line: CommandLine, query: Query
) -> None:
    run("collect_trades", partition=DAYS[0])
    command_line.trades(*DAYS[1:])
    first = evaluate(run.instance)
    assert query("SELECT count(*) FROM trades") == [(known_rows(run.instance, "trades"),)]
    assert shown_rows(run.instance, "trades") == known_rows(run.instance, "trades")
    assert evaluate(run.instance, first.cursor).asset_events == []


@pytest.mark.parametrize("asset", ["price_snapshots", "milestones", "series_fee_changes"])
def test_top_of_the_page_has_the_rows_that_the_command_line_added(
    run: Runner, command_line: CommandLine, query: Query, sandbox: Sandbox, asset: str
) -> None:
    """Whichever asset Dagster has materialized before."""
    sandbox.faults = Faults(not_offered=("/milestones*", "/series/fee_changes*"))
    run("collect")
    before = shown_rows(run.instance, asset)
    sandbox.faults = Faults()
    sandbox.world.step()
    command_line.collect()
    evaluate(run.instance)
    kept_in = "document_subjects WHERE kind = 'milestone'" if asset == "milestones" else asset
    ((rows,),) = query(f"SELECT count(*) FROM {kept_in}")
    assert shown_rows(run.instance, asset) == rows != before


def test_run_of_several_days_observes_each_other_table_once(run: Runner, query: Query) -> None:
    """The observation has the sum of its days."""
    tags = {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[2]}
    result = run("collect_trades", tags=tags)
    assert len(result.asset_materializations_for_node("trades")) == 3
    seen = observed_elsewhere(result)
    assert seen.keys() == {*PARENTS}
    for table, found in seen.items():
        (values,) = found
        assert query(f"SELECT count(*) FROM {table}") == [(values[ROWS],)] == [(values["inserted"],)]
    assert query("SELECT count(*) FROM trades") == [(shown_rows(run.instance, "trades"),)]


def test_day_that_a_run_may_still_report_waits(run: Runner, command_line: CommandLine) -> None:
    """A day is finished in the store before the Dagster run that collected it reports it."""
    command_line.trades(DAYS[0])
    run.instance.create_run_for_job(
        defs.resolve_job_def("collect_trades"), status=dg.DagsterRunStatus.STARTED
    )
    first = evaluate(run.instance)
    assert first.asset_events == []
    later = evaluate(run.instance, first.cursor, seconds_later=90)
    assert events_of(later) == [("AssetMaterialization", "trades", DAYS[0])]
    assert evaluate(run.instance, later.cursor, seconds_later=90).asset_events == []


def test_failed_day_of_a_dagster_run_is_not_reported_as_the_command_lines(
    run: Runner, command_line: CommandLine, sandbox: Sandbox
) -> None:
    sandbox.faults = Faults(missing_key=True, paths=("/markets/trades",))
    assert not run("collect_trades", partition=DAYS[2]).success
    sandbox.faults = Faults()
    command_line.trades(DAYS[1])
    of_days = [event for event in events_of(evaluate(run.instance)) if event[2] is not None]
    assert of_days == [("AssetMaterialization", "trades", DAYS[1])]


def test_day_of_a_run_that_was_killed_before_it_reported_it_is_not_the_command_lines(
    run: Runner, command_line: CommandLine
) -> None:
    """It is reported with its run as the source. Another day collected meanwhile is the command line's."""
    of_dagster = run.instance.create_run_for_job(
        defs.resolve_job_def("collect_trades"), tags={"dagster/partition": DAYS[0]}
    )
    start = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, of_dagster.job_name)
    run.instance.report_dagster_event(start, of_dagster.run_id)
    command_line.trades(*DAYS[:2])
    run.instance.report_run_failed(of_dagster)
    command_line.trades(DAYS[2])
    found = evaluate(run.instance)
    sources = {
        event.partition: event.metadata["source"].value for event in found.asset_events if event.partition
    }
    assert sources == {
        DAYS[0]: f"run {of_dagster.run_id[:8]}, which ended before it reported this day",
        DAYS[1]: "command line",
        DAYS[2]: "command line",
    }
    assert {event for event in events_of(found) if event[2]} == {
        ("AssetMaterialization", "trades", day) for day in DAYS
    }


def test_pool_limit_is_shown_before_its_first_run(tmp_path: Path) -> None:
    """Dagster sets a pool's limit at its first run, and keeps a limit that a person has set."""
    pools = {"concurrency": {"pools": {"default_limit": 3}}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=pools) as instance:
        limits = instance.event_log_storage.get_pool_limits
        assert [*limits()] == []
        command_line_sensor(dg.build_sensor_context(instance, definitions=defs))
        assert [(pool.name, pool.limit, pool.from_default) for pool in limits()] == [(BACKFILL_POOL, 3, True)]
        instance.event_log_storage.set_concurrency_slots(BACKFILL_POOL, 1)
        command_line_sensor(dg.build_sensor_context(instance, definitions=defs))
        assert [pool.limit for pool in limits()] == [1]


def test_a_hundred_days_are_reported_at_a_time(
    run: Runner, command_line: CommandLine, database_path: Path
) -> None:
    command_line.trades(DAYS[0])
    with closing(sqlite3.connect(database_path)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(listings)")]
        others = ", ".join(name for name in names if name not in ("id", "day"))
        connection.executemany(
            f"INSERT INTO listings (day, {others}) SELECT ?, {others} FROM listings WHERE id = 1",
            [(str(date(2025, 1, 1) + timedelta(days=number)),) for number in range(120)],
        )

    first = evaluate(run.instance)
    second = evaluate(run.instance, first.cursor)
    third = evaluate(run.instance, second.cursor)
    days = [[event[2] for event in events_of(result) if event[2]] for result in (first, second, third)]
    assert [len(found) for found in days] == [100, 21, 0]
    assert len({*days[0], *days[1]}) == 121


def test_without_a_database_there_is_nothing_to_report(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    result = command_line_sensor(dg.build_sensor_context(instance, definitions=defs))
    assert isinstance(result, dg.SkipReason)
    assert not (tmp_path / "none.db").exists()
