"""No finished day is lost or reported twice, in whatever order runs finish and whichever database is in use."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline_tests.defs.ledgers import DAYS, TRADES, CommandLine, days_of, evaluate, known_rows
from kalshi_pipeline_tests.defs.running import Runner


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small exchange, because only its trades matter."""
    with Sandbox(World(WorldConfig(markets=60, combos=0))) as running:
        yield running


def change(database_path: Path, statement: str) -> None:
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute(statement)


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
