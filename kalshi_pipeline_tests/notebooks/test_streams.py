"""Streamed answers see one state, change nothing, and leave nothing running."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from kalshi_pipeline import Store, open_store
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.notebooks.histories import histories, quotes_in_force
from kalshi_pipeline.store.database import Answer, Connection, Database, ReadOnlyDatabase
from kalshi_pipeline.store.dialects.sqlite.arrow_reading import arrow_batches
from kalshi_pipeline.store.dialects.sqlite.engines import READ_AT_REST
from kalshi_pipeline.store.reading.streams import QUOTE_TABLE
from kalshi_pipeline_tests.store.samples import STEP, bid, sqlite_url, take, tick

_READER = 65534
_TICKER, _AT, _QUOTED_AT, _IS_LISTED = (
    [column.name for column in QUOTE_TABLE].index(name) for name in ("ticker", "at", "quoted_at", "is_listed")
)


def folder_of(path: Path) -> dict[str, str]:
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in path.parent.iterdir()}


def test_streaming_changes_nothing_at_rest(changing: Path) -> None:
    before = folder_of(changing)
    with open_store(changing) as store:
        assert store.history().arrow().num_rows == len(list(store.history())) == 12
    assert folder_of(changing) == before


def test_rows_are_of_one_state_while_another_program_writes(changing: Path) -> None:
    """The open answer does not see rows written after its first row; the next answer does."""
    with open_store(changing) as store, closing(Database(sqlite_url(changing))) as database:
        rows = store.history().rows()
        first = next(rows)
        take(database, tick(5), [bid(35, "MOVES"), bid(70, "OTHER", "KXRAIN-26NOV24")])
        assert len([first, *rows]) == 12
        assert len(list(store.history())) == store.history().arrow().num_rows == 14


class BusyDatabase(ReadOnlyDatabase):
    """A database into which a collector commits a tick with a new market between any two queries."""

    ticks = 0

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        answer = super().ask(question)
        self.ticks += 1
        with closing(Database(f"sqlite:///{self.place}")) as database:
            new = (bid(50, f"NEW{number}") for number in range(1, self.ticks + 1))
            take(database, tick(10 + self.ticks), [bid(70 + self.ticks, "MOVES"), *new])
        return answer


@pytest.mark.parametrize("is_grid", [False, True], ids=["history", "grid"])
def test_history_market_by_market_is_of_one_state(changing: Path, is_grid: bool) -> None:
    """It has either all markets of a tick or none."""
    with closing(BusyDatabase(sqlite_url(changing))) as database:
        step = 300.0 if is_grid else None
        database.ask(lambda _: None)
        part = histories(database, None, tick(11), tick(50), step)
        rows = part.rows()
        first = next(rows)
        for _ in range(3):
            database.ask(lambda _: None)
        quoted = [row for row in (first, *rows) if row[_IS_LISTED] and row[_QUOTED_AT] == row[_AT]]
        seen = max(row[_AT] for row in quoted)
        at_newest = {row[_TICKER] for row in quoted if row[_AT] == seen}
        assert at_newest == {"MOVES", f"NEW{(seen - tick(10)) // STEP}"}


def test_quotes_in_force_are_of_one_state(changing: Path) -> None:
    with closing(BusyDatabase(sqlite_url(changing))) as database:
        rows = quotes_in_force(database, None, tick(50))
        seen = (max(row[_QUOTED_AT] for row in rows) - tick(10)) // STEP
        assert {row[_TICKER] for row in rows} == {"MOVES", *(f"NEW{number}" for number in range(1, seen + 1))}


def test_answer_of_a_database_without_rows_of_it(store: Store) -> None:
    assert store.trades().arrow().num_rows == len(list(store.trades())) == 0


def test_process_that_reads_ends_with_the_iteration(full: Store) -> None:
    def running() -> int:
        return len([child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE])

    before = running()
    batches = full.trades().batches()
    next(batches)
    batches.close()
    assert running() == before


def test_database_that_vanished_is_an_error(changing: Path) -> None:
    with open_store(changing) as store:
        table = store.trades()
        changing.unlink()
        with pytest.raises(StoreError) as caught:
            table.arrow()
        assert caught.value.problem is StoreProblem.MISSING
        with pytest.raises(StoreError):
            list(table)


def test_damaged_database_is_an_error_of_the_store(changing: Path) -> None:
    """This includes the process that reads for Arrow."""
    with open_store(changing) as store:
        table = store.history()
        content = changing.read_bytes()
        changing.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
        for read in (lambda: table.arrow(), lambda: list(table)):  # noqa: PLW0108
            with pytest.raises(StoreError) as caught:
                read()
            assert caught.value.problem is StoreProblem.DAMAGED


@pytest.fixture
def many_rows(tmp_path: Path) -> Path:
    """A database with more rows than a pipe holds; the second half of its pages can be damaged."""
    path = tmp_path / "many.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", ((n, "x" * 100) for n in range(10_000)))
        connection.commit()
    return path


def test_damage_after_the_first_rows_is_an_error(many_rows: Path) -> None:
    content = many_rows.read_bytes()
    half = len(content) // 8192 * 4096
    many_rows.write_bytes(content[:half] + b"\xff" * (len(content) - half))
    batches = arrow_batches(many_rows, READ_AT_REST, "SELECT * FROM numbers", 100)
    assert next(batches).num_rows == 100
    with pytest.raises(StoreError) as caught:
        list(batches)
    assert caught.value.problem is StoreProblem.DAMAGED


def test_killed_reading_process_is_an_error(many_rows: Path) -> None:
    batches = arrow_batches(many_rows, READ_AT_REST, "SELECT * FROM numbers", 100)
    next(batches)
    for child in psutil.Process().children():
        child.kill()
    with pytest.raises(StoreError):
        list(batches)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_reader_who_may_not_write_streams(changing: Path) -> None:
    """The folder is open to every user, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = shutil.copyfile(changing, Path(folder) / "kalshi.db")
        code = f"""
import os
from kalshi_pipeline import open_store
os.setuid({_READER})
with open_store({str(path)!r}) as store:
    print(len(list(store.history())), len(list(store.view("price_history"))))
"""
        before = folder_of(path)
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.stdout.split() == ["12", "12"], done.stderr
        assert folder_of(path) == before


def test_closed_store_leaves_no_file_of_its_own(changing: Path) -> None:
    with closing(sqlite3.connect(changing)) as connection:
        connection.execute("SELECT count(*) FROM ticks")
        before = folder_of(changing).keys()
        with open_store(changing) as store:
            list(store.history())
            store.history().arrow()
        assert folder_of(changing).keys() == before


def test_file_that_cannot_change_is_read_without_a_log(changing: Path) -> None:
    """For example if neither the file nor its folder is writable."""
    before = folder_of(changing)
    batches = arrow_batches(changing, READ_AT_REST, "SELECT id FROM markets", 3)
    assert [batch.num_rows for batch in batches] == [3, 1]
    with pytest.raises(StoreError, match="no such table: absent"):
        list(arrow_batches(changing, READ_AT_REST, "SELECT * FROM absent", 3))
    assert folder_of(changing) == before
