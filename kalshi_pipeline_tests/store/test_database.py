"""Opening, refusing, writing, waiting and locking, on real files and processes."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.database import Connection, Database
from kalshi_pipeline.store.schema.tables import series
from kalshi_pipeline_tests.store.samples import (
    LATER,
    NOON,
    contents,
    market,
    query,
    series_row,
    sqlite_url,
    store_markets,
    store_series,
)

_SCHEMA = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"


def test_database_enforces_foreign_keys_on_every_connection(database: Database) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(database.read()) for _ in range(4)]
        enforced = [connection.exec_driver_sql("PRAGMA foreign_keys").scalar() for connection in connections]
    assert enforced == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "INSERT INTO events (ticker, series_id, is_placeholder, first_seen_at, changed_at)"
            " VALUES ('E', 99, 0, 0, 0)",
            id="event_without_its_series",
        ),
        pytest.param(
            "INSERT INTO markets (ticker, event_id, is_combo, is_placeholder, first_seen_at, changed_at)"
            " VALUES ('M', 99, 0, 0, 0, 0)",
            id="market_without_its_event",
        ),
        pytest.param(
            "INSERT INTO price_snapshots (tick_id, market_id, received_ms, is_terminal) VALUES (99, 99, 0, 0)",
            id="snapshot_without_market_and_tick",
        ),
        pytest.param(
            "INSERT INTO latest_quotes (tick_id, market_id, received_ms, is_terminal) VALUES (99, 99, 0, 0)",
            id="latest_quote_without_market_and_tick",
        ),
    ],
)
def test_database_refuses_a_row_without_its_parent(database: Database, statement: str) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"), database.begin() as connection:
        connection.exec_driver_sql(statement)
    assert query(database, "PRAGMA foreign_key_check") == []


def test_database_keeps_a_parent_that_has_children(database: Database) -> None:
    store_markets(database, market("KXRAIN-26NOV23-T1"))
    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"), database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events")
    assert query(database, "SELECT count(*) FROM events") == [(1,)]


def test_optimize_replaces_the_statistics_of_a_store_that_was_small(database: Database) -> None:
    counted = "SELECT CAST(stat AS INTEGER) FROM sqlite_stat1 WHERE idx = 'sqlite_autoindex_markets_1'"
    store_markets(database, *(market(f"KXRAIN-26NOV23-T{number}") for number in range(2)))
    database.optimize()
    assert query(database, counted) == [(2,)]
    store_markets(database, *(market(f"KXRAIN-26NOV23-T{number}") for number in range(20)))
    database.optimize()
    assert query(database, counted) == [(20,)]


def test_database_is_in_wal_mode(database: Database, path: Path) -> None:
    assert query(database, "PRAGMA journal_mode") == [("wal",)]
    with closing(sqlite3.connect(path)) as other_program:
        assert other_program.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize(
    "name",
    ["kalshi.db", "missing/folders/kalshi.db", "with space.db", "50% off.db", "a#b.db", "prix-été.db"],
    ids=["plain", "missing_folders", "space", "percent", "hash", "accent"],
)
def test_opening_makes_the_schema_at_exactly_this_path(tmp_path: Path, name: str) -> None:
    with closing(Database(sqlite_url(tmp_path / name))) as database:
        assert database.place == str(tmp_path / name)
        assert query(database, "SELECT count(*) FROM price_snapshots") == [(0,)]
        files = {found for found in tmp_path.rglob("*.db*") if found.is_file()}
        assert {found.name.removesuffix("-wal").removesuffix("-shm") for found in files} == {Path(name).name}
        assert {found.parent for found in files} == {(tmp_path / name).parent}


def test_opening_takes_a_relative_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Database("sqlite:///data/kalshi.db")) as database:
        assert database.place == str(tmp_path / "data" / "kalshi.db")
        monkeypatch.chdir("/")
        assert query(database, "SELECT count(*) FROM series") == [(0,)]


def test_opening_fills_an_empty_file(path: Path) -> None:
    path.touch()
    with closing(Database(sqlite_url(path))) as database:
        assert query(database, "SELECT count(*) FROM series") == [(0,)]


def test_opening_again_changes_nothing(database: Database, path: Path) -> None:
    store_series(database, series_row("KXRAIN"))
    before, rows = query(database, _SCHEMA), contents(database, series)
    with closing(sqlite3.connect(path)) as other_program:
        version = other_program.execute("PRAGMA data_version").fetchone()
        for migrate in (False, True):
            with closing(Database(sqlite_url(path), migrate=migrate)) as again:
                assert query(again, _SCHEMA) == before
                assert contents(again, series) == rows
        assert other_program.execute("PRAGMA data_version").fetchone() == version


def test_processes_that_open_an_empty_database_at_once_find_its_schema(tmp_path: Path) -> None:
    """The file is in WAL mode already, and holds nothing."""
    everyone = 6
    for turn in range(5):
        path = tmp_path / f"{turn}.db"
        with closing(sqlite3.connect(path)) as other_program:
            other_program.execute("PRAGMA journal_mode = WAL")
        together = threading.Barrier(everyone)

        def open_and_read(_: int, path: Path = path, together: threading.Barrier = together) -> object:
            together.wait()
            with closing(Database(sqlite_url(path))) as database:
                return query(database, _SCHEMA)

        with ThreadPoolExecutor(everyone) as pool:
            schemas = list(pool.map(open_and_read, range(everyone)))
        with closing(Database(sqlite_url(path))) as database:
            assert schemas == [query(database, _SCHEMA)] * everyone
            assert query(database, "SELECT count(*) FROM alembic_version") == [(1,)]


def _text_file(path: Path) -> str:
    path.write_text("Dear diary, this is no database. " * 100)
    return sqlite_url(path)


def _tables_of_another_program(path: Path) -> str:
    with closing(sqlite3.connect(path)) as other_program, other_program:
        other_program.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, place TEXT)")
    return sqlite_url(path)


def _newer_schema(path: Path) -> str:
    Database(sqlite_url(path)).close()
    with closing(sqlite3.connect(path)) as newer_version, newer_version:
        newer_version.execute("UPDATE alembic_version SET version_num = '9999'")
    return sqlite_url(path)


def _folder(path: Path) -> str:
    path.mkdir()
    return sqlite_url(path)


def _folder_that_is_a_file(path: Path) -> str:
    path.touch()
    return sqlite_url(path / "data" / "kalshi.db")


def _no_file(_: Path) -> str:
    return "sqlite://"


@pytest.mark.parametrize(
    ("make", "fact", "problem"),
    [
        pytest.param(_text_file, "file is not a database", StoreProblem.NOT_USABLE, id="not_a_database"),
        pytest.param(
            _tables_of_another_program,
            "holds tables of another program",
            StoreProblem.NOT_USABLE,
            id="tables_of_another_program",
        ),
        pytest.param(
            _newer_schema,
            "was written by a newer version of kalshi-pipeline (schema 9999, this one knows ",
            StoreProblem.NEWER_SCHEMA,
            id="newer_schema",
        ),
        pytest.param(_folder, "unable to open database file", StoreProblem.NOT_USABLE, id="path_is_a_folder"),
        pytest.param(
            _folder_that_is_a_file, "cannot be created", StoreProblem.NOT_USABLE, id="folder_is_a_file"
        ),
        pytest.param(_no_file, "names no SQLite file", StoreProblem.ADDRESS, id="no_file"),
    ],
)
@pytest.mark.parametrize("migrate", [False, True], ids=["opened", "migrated"])
def test_opening_what_cannot_be_used_says_why(
    path: Path, make: Callable[[Path], str], fact: str, problem: StoreProblem, *, migrate: bool
) -> None:
    url = make(path)
    with pytest.raises(StoreError) as caught:
        Database(url, migrate=migrate)
    assert fact in str(caught.value)
    assert caught.value.problem is problem
    assert "\n" not in str(caught.value)


def test_opening_leaves_a_refused_file_as_it_was(path: Path) -> None:
    url = _text_file(path)
    before = path.read_bytes()
    with pytest.raises(StoreError):
        Database(url, migrate=True)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@contextmanager
def _read_only(path: Path) -> Iterator[None]:
    before = path.stat().st_mode
    path.chmod(before & ~0o222)
    try:
        if os.access(path, os.W_OK):
            pytest.skip("root may write what is read-only")
        yield
    finally:
        path.chmod(before)


@pytest.mark.parametrize("name", ["kalshi.db", "new/kalshi.db"], ids=["file", "folder_and_file"])
def test_opening_in_a_read_only_folder_says_why(tmp_path: Path, name: str) -> None:
    with _read_only(tmp_path), pytest.raises(StoreError) as caught:
        Database(sqlite_url(tmp_path / name))
    assert caught.value.problem is StoreProblem.NOT_USABLE


def test_read_only_file_is_read_and_says_why_it_is_not_written(database: Database, path: Path) -> None:
    store_series(database, series_row("KXRAIN"))
    with _read_only(path), closing(Database(sqlite_url(path))) as own:
        assert contents(own, series) == contents(database, series)
        with pytest.raises(StoreError) as caught:
            store_series(own, series_row("KXSNOW"))
    assert "attempt to write a readonly database" in str(caught.value)
    assert caught.value.problem is StoreProblem.NOT_USABLE


def test_begin_commits_at_the_end_of_the_block(database: Database, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other_program:
        with database.begin() as connection:
            connection.execute(
                series.insert().values(ticker="A", is_placeholder=True, first_seen_at=NOON, changed_at=NOON)
            )
            assert other_program.execute("SELECT count(*) FROM series").fetchone() == (0,)
        assert other_program.execute("SELECT ticker FROM series").fetchall() == [("A",)]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt], ids=["error", "interrupt"])
def test_begin_keeps_nothing_of_a_block_that_failed(database: Database, error: type[BaseException]) -> None:
    store_series(database, series_row("BEFORE"))
    before = contents(database, series)

    def fail_after_a_write() -> None:
        with database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM series")
            raise error

    with pytest.raises(error):
        fail_after_a_write()
    assert contents(database, series) == before


def test_begin_keeps_nothing_of_a_statement_that_failed_and_continues(database: Database) -> None:
    store_series(database, series_row("A"))
    with pytest.raises(StoreError, match="UNIQUE constraint failed"):
        store_series(database, series_row("B"), series_row("B"))
    store_series(database, series_row("C"))
    assert [row["ticker"] for row in contents(database, series)] == ["A", "C"]


def _hold(connection: Connection, *numbers: int) -> None:
    connection.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS held (number INTEGER)")
    for number in numbers:
        connection.exec_driver_sql("INSERT INTO held VALUES (?)", (number,))


def _held(database: Database) -> list[int]:
    with database.stage() as connection:
        return list(connection.exec_driver_sql("SELECT number FROM held").scalars())


def test_stage_and_begin_have_the_same_temporary_tables(database: Database) -> None:
    """Read transactions have none, and none is in the file."""
    for number, transaction in enumerate([database.stage, database.begin, database.stage, database.begin]):
        with transaction() as connection:
            _hold(connection, number)
    assert _held(database) == [0, 1, 2, 3]
    with pytest.raises(StoreError, match="no such table: held"):
        query(database, "SELECT * FROM held")


@pytest.mark.parametrize("transaction", ["stage", "begin"])
def test_temporary_tables_keep_nothing_of_a_block_that_failed(database: Database, transaction: str) -> None:
    """The notes of a failed page are rolled back with it."""
    with database.begin() as connection:
        _hold(connection, 1)

    def fail_after_a_write() -> None:
        with getattr(database, transaction)() as connection:
            _hold(connection, 2)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_a_write()
    assert _held(database) == [1]


def test_stage_holds_no_lock(database: Database, path: Path) -> None:
    """Rows are staged, and compared with what is stored, while others write."""
    store_series(database, series_row("A"))
    count = "SELECT count(*) FROM series"
    with closing(sqlite3.connect(path, timeout=0)) as other_program:
        with database.stage() as connection:
            _hold(connection, 1)
            assert connection.exec_driver_sql(count).scalar() == 1
            with other_program:
                other_program.execute("UPDATE series SET title = 'by another program'")
            _hold(connection, 2)
        with database.begin() as connection, pytest.raises(sqlite3.OperationalError, match="locked"):
            other_program.execute("DELETE FROM series")
    assert _held(database) == [1, 2]
    assert query(database, "SELECT title FROM series") == [("by another program",)]


def test_stage_continues_while_another_program_writes(database: Database, path: Path) -> None:
    store_series(database, series_row("A"))
    with closing(sqlite3.connect(path)) as other_program:
        other_program.execute("BEGIN IMMEDIATE")
        other_program.execute("DELETE FROM series")
        with database.stage() as connection:
            _hold(connection, 1)
            assert connection.exec_driver_sql("SELECT count(*) FROM series").scalar() == 1
        other_program.rollback()
    assert _held(database) == [1]


def test_begin_sees_what_was_written_since_the_stage(database: Database, path: Path) -> None:
    with closing(Database(sqlite_url(path))) as other:
        with database.stage() as connection:
            _hold(connection, 1)
            store_series(other, series_row("A"))
        store_series(database, series_row("B"))
        assert query(database, "SELECT ticker FROM series ORDER BY id") == [("A",), ("B",)]


@pytest.mark.parametrize("transaction", ["stage", "begin"])
def test_writer_continues_after_an_error(database: Database, transaction: str) -> None:
    with database.begin() as connection:
        _hold(connection, 1)

    def fail() -> None:
        with getattr(database, transaction)() as connection:
            connection.exec_driver_sql("INSERT INTO held VALUES (2)")
            connection.exec_driver_sql("INSERT INTO no_such_table VALUES (2)")

    for _ in range(2):
        with pytest.raises(StoreError, match="no such table: no_such_table"):
            fail()
    store_series(database, series_row("A"))
    assert query(database, "SELECT ticker FROM series") == [("A",)]
    assert _held(database) == [1]


def test_writer_reconnects_where_its_connection_was_lost(database: Database) -> None:
    store_series(database, series_row("A"))

    def lose_it_after_a_write() -> None:
        with database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM series")
            connection.invalidate()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lose_it_after_a_write()
    store_series(database, series_row("B"))
    assert [row["ticker"] for row in contents(database, series)] == ["A", "B"]


def test_read_sees_one_state_and_blocks_no_writer(database: Database) -> None:
    with database.read() as reader:
        count = "SELECT count(*) FROM series"
        assert reader.exec_driver_sql(count).scalar() == 0
        store_series(database, series_row("KXRAIN"))
        assert reader.exec_driver_sql(count).scalar() == 0
    assert query(database, count) == [(1,)]


def test_writers_wait_for_each_other(database: Database, path: Path) -> None:
    """Each reads before it writes, so a writer that took the lock late would fail or lose a count."""
    store_series(database, series_row("COUNTER", title="0"))
    writers, turns = 4, 25
    together = threading.Barrier(writers)

    def count_up(_: int) -> None:
        with closing(Database(sqlite_url(path))) as own:
            together.wait()
            for _turn in range(turns):
                with own.begin() as connection:
                    title = connection.exec_driver_sql("SELECT title FROM series").scalar_one()
                    connection.exec_driver_sql("UPDATE series SET title = ?", (str(int(title) + 1),))

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(count_up, range(writers)))
    assert query(database, "SELECT title FROM series") == [(str(writers * turns),)]


def test_writer_that_waited_too_long_says_who_holds_the_database(database: Database, path: Path) -> None:
    with database.stage() as connection:  # the writer's
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path)) as other_program:
        other_program.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            store_series(database, series_row("KXRAIN"))
    assert str(caught.value) == f"database {path}: database is locked; another program has held it for 60 s"
    assert caught.value.problem is StoreProblem.BUSY
    store_series(database, series_row("KXRAIN"))
    assert query(database, "SELECT count(*) FROM series") == [(1,)]


_FILL_THE_DISK = """
import sys
from contextlib import closing
from pathlib import Path
from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import query, series_row, sqlite_url, store_series

folder = Path(sys.argv[1])
with closing(Database(sqlite_url(folder / "kalshi.db"))) as database:
    page, committed = 0, 0
    try:
        while page < 1000:
            page += 1
            committed += store_series(
                database, *(series_row(f"S{page}-{n}", title="t" * 500) for n in range(100))
            ).inserted
    except StoreError as error:
        print(with_advice(error))
    kept = query(database, "SELECT count(*), count(DISTINCT ticker) FROM series")
    assert kept == [(committed, committed)], (kept, committed)
    assert committed > 0
    (folder / "ballast").unlink()
    store_series(database, series_row("AFTERWARDS"))
    assert query(database, "SELECT count(*) FROM series") == [(committed + 1,)]
    assert query(database, "PRAGMA integrity_check") == [("ok",)]
"""


def test_full_disk_says_so_and_keeps_what_was_committed(tmp_path: Path) -> None:
    """On a real file system of 1 MB, in its own mount namespace."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(disk)]
    if shutil.which("unshare") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no process mount a small disk")
    script = tmp_path / "fill.py"
    script.write_text(_FILL_THE_DISK)
    shell = (
        f"mount -t tmpfs -o size=1m tmpfs {disk} && head -c 100000 /dev/zero > {disk}/ballast"
        f" && exec {sys.executable} -W error {script} {disk}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"database {disk}/kalshi.db: database or disk is full; what was committed stays; "
        "free some space and run again\n"
    )


def test_full_database_says_so_and_keeps_what_was_committed(database: Database) -> None:
    store_series(database, series_row("BEFORE"))
    before = contents(database, series)
    with database.stage() as connection:  # the writer's
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreError) as caught:
        store_series(database, *(series_row(f"S{n}", title="t" * 500) for n in range(1000)), at=LATER)
    assert str(caught.value).endswith("database or disk is full; what was committed stays")
    assert caught.value.problem is StoreProblem.FULL
    assert contents(database, series) == before


_HOLD_THE_LOCK = """
import sys
from pathlib import Path
from kalshi_pipeline.store.database import Database

with Database(sys.argv[1]).snapshot_lock():
    print("held", flush=True)
    sys.stdin.readline()
    Path(sys.argv[2]).touch()
"""


@contextmanager
def _holder(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the snapshot lock until it is killed, or until it reads a line and writes
    `last_word`.
    """
    command = [sys.executable, "-c", _HOLD_THE_LOCK, sqlite_url(path), str(path.parent / "last_word")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def _is_free(path: Path) -> bool:
    try:
        with FileLock(f"{path}.snapshot.lock", timeout=0):
            return True
    except Timeout:
        return False


def test_snapshot_lock_excludes_snapshots_and_nothing_else(database: Database, path: Path) -> None:
    """Readers and other writers work beside a snapshot."""
    assert _is_free(path)
    with _holder(path):
        assert not _is_free(path)
        store_series(database, series_row("KXRAIN"))
        assert query(database, "SELECT ticker FROM series") == [("KXRAIN",)]


def test_snapshot_lock_waits_for_the_snapshot_before(database: Database, path: Path) -> None:
    with _holder(path) as process, ThreadPoolExecutor(1) as pool:
        asked = threading.Event()

        def enter() -> bool:
            asked.set()
            with database.snapshot_lock():
                return (path.parent / "last_word").exists()

        entered = pool.submit(enter)
        assert asked.wait(30)
        process.communicate("let go\n", timeout=30)
        assert entered.result(30)
    assert _is_free(path)


def test_snapshot_lock_is_released_when_its_holder_is_killed(database: Database, path: Path) -> None:
    with _holder(path) as process:
        assert not _is_free(path)
        process.kill()
        process.wait(30)
        with database.snapshot_lock():
            assert not _is_free(path)


def test_snapshot_lock_is_released_when_the_snapshot_fails(database: Database, path: Path) -> None:
    with pytest.raises(RuntimeError, match="a bad page"), database.snapshot_lock():
        raise RuntimeError("a bad page")
    assert _is_free(path)


def test_snapshot_lock_that_cannot_be_made_says_why(database: Database, path: Path) -> None:
    Path(f"{path}.snapshot.lock").mkdir()
    with pytest.raises(StoreError) as caught, database.snapshot_lock():
        pass
    assert caught.value.problem is StoreProblem.NOT_USABLE


def test_processes_that_open_a_missing_database_at_once_find_its_schema(tmp_path: Path) -> None:
    everyone = 6
    for turn in range(8):
        path, together = tmp_path / f"{turn}.db", threading.Barrier(everyone)

        def open_it(_: int, path: Path = path, together: threading.Barrier = together) -> None:
            together.wait()
            Database(sqlite_url(path)).close()

        with ThreadPoolExecutor(everyone) as pool:
            list(pool.map(open_it, range(everyone)))


def test_opening_leaves_another_programs_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as other_program, other_program:
        other_program.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, place TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="tables of another program"):
        Database(sqlite_url(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize("odd", ["what?", "a?b=c", "100%"])
def test_opening_from_a_folder_with_an_odd_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    folder = tmp_path / odd
    folder.mkdir()
    monkeypatch.chdir(folder)
    with closing(Database("sqlite:///kalshi.db")) as database:
        assert query(database, "SELECT count(*) FROM series") == [(0,)]
    assert [path.name for path in tmp_path.iterdir()] == [odd]
    assert (folder / "kalshi.db").exists()


@pytest.mark.usefixtures("database")
def test_reader_opens_while_a_writer_writes(path: Path) -> None:
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        Database(sqlite_url(path)).close()
        writer.rollback()
