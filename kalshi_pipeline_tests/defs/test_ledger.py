"""Dagster's records match the tables: everything that runs and the command line store is reported exactly once."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.ledger import command_line_sensor, report_command_line
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.collect import collect_steps
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.run.steps import run_steps
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.defs.running import Runner, metadata_of, observed_elsewhere
from kalshi_pipeline_tests.ingest.listed import open_markets

DAYS = ("2026-10-03", "2026-10-04", "2026-10-05")
PARENTS = ("series", "events", "markets", "settlements")
ROWS = "dagster/row_count"
TRADES = dg.AssetKey("trades")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=1_200, combos=30))) as running:
        yield running


@pytest.fixture
def sandbox(exchange: Sandbox) -> Iterator[Sandbox]:
    yield exchange
    exchange.faults = Faults()


class CommandLine:
    """Collects as the command line does, with the functions of `ingest` and without Dagster."""

    def __init__(self, run: Runner) -> None:
        self._overrides = run.overrides

    def collect(self) -> None:
        with open_session(load_settings(**self._overrides)) as session:
            run_steps(collect_steps(session), lambda _: None, lambda *_: pytest.fail("a step failed"))

    def trades(self, *days: str, **overrides: str) -> None:
        with open_session(load_settings(**{**self._overrides, **overrides})) as session:
            for day in days:
                collect_trades(session, date.fromisoformat(day))

    def candlesticks(self, day: str, **overrides: str) -> None:
        with open_session(load_settings(**{**self._overrides, **overrides})) as session:
            collect_candlesticks(session, date.fromisoformat(day))


@pytest.fixture
def command_line(run: Runner, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The sensor reads its settings from the environment."""
    for name, value in run.overrides.items():
        monkeypatch.setenv(f"KALSHI_{name.upper()}", value)
    return CommandLine(run)


def evaluate(
    instance: dg.DagsterInstance, cursor: str | None = None, *, seconds_later: float = 0
) -> dg.SensorResult:
    """Evaluate the sensor, and store its events as the daemon does."""
    context = dg.build_sensor_context(instance, cursor=cursor, definitions=defs)
    clock = ManualClock(SYSTEM_CLOCK.now())
    clock.advance(seconds_later)
    result = report_command_line(context, clock)
    assert isinstance(result, dg.SensorResult)
    for event in result.asset_events:
        instance.report_runless_asset_event(event)
    return result


def events_of(result: dg.SensorResult) -> list[tuple[str, str, str | None]]:
    return [
        (type(event).__name__, event.asset_key.to_user_string(), getattr(event, "partition", None))
        for event in result.asset_events
    ]


def known_rows(instance: dg.DagsterInstance, asset: str) -> object:
    """Return the row count of an asset's newest event."""
    key = dg.AssetKey(asset)
    records = [
        *instance.fetch_materializations(key, limit=1).records,
        *instance.fetch_observations(key, limit=1).records,
    ]
    outcomes = [
        record.asset_materialization or record.event_log_entry.asset_observation
        for record in sorted(records, key=lambda record: record.storage_id)
    ]
    return [found.metadata[ROWS].value for found in outcomes if found is not None and ROWS in found.metadata][
        -1
    ]


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


def change(database_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute(statement)


def days_of(result: dg.SensorResult) -> list[tuple[str, str | None]]:
    """The days among the events, as the type of the event and the day."""
    return [(event, day) for event, _, day in events_of(result) if day is not None]


def test_days_that_finish_in_another_order_than_they_started_are_all_reported(
    run: Runner, command_line: CommandLine, database_path: Path
) -> None:
    """Also if the later one has the earlier time, because the clock was set back or it waited for a lock."""
    command_line.trades(*DAYS[:2])
    change(database_path, "UPDATE listings SET state = 'running', finished_at = NULL WHERE id = 1")
    first = evaluate(run.instance)
    assert days_of(first) == [("AssetMaterialization", DAYS[1])]
    change(
        database_path,
        "UPDATE listings SET state = 'complete', "
        "finished_at = (SELECT finished_at - 5000000 FROM listings WHERE id = 2) WHERE id = 1",
    )
    second = evaluate(run.instance, first.cursor)
    assert days_of(second) == [("AssetMaterialization", DAYS[0])]
    assert days_of(evaluate(run.instance, second.cursor)) == []


def test_killed_run_is_no_longer_awaited(run: Runner, command_line: CommandLine, database_path: Path) -> None:
    """The next run of the asset closes its record without a finish."""
    command_line.trades(*DAYS[:2])
    change(database_path, "UPDATE listings SET state = 'running', finished_at = NULL WHERE id = 1")
    first = evaluate(run.instance)
    assert first.cursor is not None
    assert json.loads(first.cursor)["open_ids"] == [1]
    change(database_path, "UPDATE listings SET state = 'partial' WHERE id = 1")
    second = evaluate(run.instance, first.cursor)
    assert days_of(second) == []
    assert second.cursor is not None
    assert json.loads(second.cursor)["open_ids"] == []


def test_days_of_a_database_that_replaces_another_are_reported(
    run: Runner, command_line: CommandLine, database_path: Path, sandbox: Sandbox
) -> None:
    """Its runs may have the same ids as runs that failed in the other one."""
    sandbox.faults = Faults(server_errors=1, paths=("/markets/trades",))
    with pytest.raises(TransientExchangeError):
        command_line.trades(DAYS[0])
    sandbox.faults = Faults()
    command_line.trades(DAYS[1])
    first = evaluate(run.instance)
    database_path.rename(database_path.with_suffix(".before"))
    command_line.trades(*DAYS[:2])

    second = evaluate(run.instance, first.cursor)

    assert days_of(second) == [("AssetMaterialization", DAYS[0])]
    assert run.instance.get_materialized_partitions(TRADES) == set(DAYS[:2])


def test_days_after_a_restored_copy_are_reported(
    run: Runner, command_line: CommandLine, database_path: Path
) -> None:
    """The copy was written into the same file, and gives ids a second time."""
    command_line.trades(DAYS[0])
    copy = database_path.with_suffix(".copy")
    with closing(sqlite3.connect(database_path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    command_line.trades(DAYS[1], DAYS[0], DAYS[1])
    first = evaluate(run.instance)
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(database_path)) as target:
        source.backup(target)
    command_line.trades(DAYS[2])

    assert days_of(evaluate(run.instance, first.cursor)) == [("AssetMaterialization", DAYS[2])]


def test_two_databases_in_turn_are_each_reported_once(
    run: Runner, command_line: CommandLine, database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"sqlite:///{database_path}", f"sqlite:///{database_path.with_name('other.db')}"]
    command_line.trades(DAYS[0])
    command_line.trades(*DAYS[1:], database_url=urls[1])
    cursor, reported = None, []
    for url in (*urls, *urls):
        monkeypatch.setenv("KALSHI_DATABASE_URL", url)
        result = evaluate(run.instance, cursor)
        cursor = result.cursor
        reported.append([day for _, day in days_of(result)])
    assert reported == [[DAYS[0]], [*DAYS[1:]], [], []]


def test_cursor_of_an_earlier_version_reports_no_day_twice(run: Runner, command_line: CommandLine) -> None:
    command_line.trades(*DAYS[:2])
    evaluate(run.instance)
    command_line.trades(DAYS[2])
    assert days_of(evaluate(run.instance, "[1795000000000000, 2]")) == [("AssetMaterialization", DAYS[2])]


def test_table_that_became_empty_is_observed(
    run: Runner, command_line: CommandLine, database_path: Path
) -> None:
    """As in a database that replaced another one."""
    command_line.trades(DAYS[0])
    first = evaluate(run.instance)
    assert known_rows(run.instance, "trades") != 0
    database_path.unlink()
    with open_session(load_settings(**run.overrides)):
        pass
    second = evaluate(run.instance, first.cursor)
    assert known_rows(run.instance, "trades") == 0
    assert evaluate(run.instance, second.cursor).asset_events == []


def test_without_a_database_there_is_nothing_to_report(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    result = command_line_sensor(dg.build_sensor_context(instance, definitions=defs))
    assert isinstance(result, dg.SkipReason)
    assert not (tmp_path / "none.db").exists()
