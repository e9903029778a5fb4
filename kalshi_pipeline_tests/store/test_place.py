"""A database is its file, not its name: if the file is gone or replaced, nothing is written."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.database import Connection, Database, ReadOnlyDatabase
from kalshi_pipeline_tests.store.samples import query, series_row, sqlite_url, store_series


def _move_away(path: Path) -> None:
    path.rename(path.with_name("away.db"))


def _put_a_copy(path: Path) -> None:
    """Replace the file with a copy, as some programs do when they save."""
    shutil.copyfile(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


CHANGES = [
    pytest.param(_move_away, "has gone", id="gone"),
    pytest.param(_put_a_copy, "is another one than before", id="replaced"),
]


@pytest.mark.parametrize(("change", "fact"), CHANGES)
def test_nothing_is_written_to_a_file_that_is_no_longer_in_its_place(
    database: Database, path: Path, change: Callable[[Path], None], fact: str
) -> None:
    change(path)
    with pytest.raises(StoreError) as caught:
        store_series(database, series_row("S"))
    assert caught.value.problem is StoreProblem.VANISHED
    assert str(caught.value) == f"database {path} {fact} since it was opened, and nothing was written"


@pytest.mark.parametrize(("change", "fact"), CHANGES)
def test_program_whose_database_vanished_creates_no_other(
    database: Database, path: Path, change: Callable[[Path], None], fact: str
) -> None:
    change(path)
    before = sorted(path.parent.iterdir())
    with pytest.raises(StoreError, match=fact):
        Database(sqlite_url(path), expected=database.identity)
    assert sorted(path.parent.iterdir()) == before


def test_folder_that_cannot_be_entered_is_no_lost_file(tmp_path: Path) -> None:
    """As without permission: the advice must not be to put the file back, or to create another one."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "kalshi.db"
    with closing(Database(sqlite_url(path))) as database:
        folder.rename(tmp_path / "away")
        folder.symlink_to(folder)  # no user can enter it, not even root
        error = "unable to open database file"
        for open_again in (
            lambda: store_series(database, series_row("S")),
            lambda: Database(sqlite_url(path), expected=database.identity),
            lambda: Database(sqlite_url(path), create=False),
        ):
            with pytest.raises(StoreError, match=error) as caught:
                open_again()
            assert caught.value.problem is StoreProblem.NOT_USABLE
        folder.unlink()
        (tmp_path / "away").rename(folder)


def test_database_that_is_back_is_used_again(database: Database, path: Path) -> None:
    path.rename(path.with_name("away.db"))
    path.with_name("away.db").rename(path)
    with closing(Database(sqlite_url(path), expected=database.identity)) as again:
        store_series(again, series_row("S"))
    assert query(database, "SELECT ticker FROM series") == [("S",)]


def test_link_that_leads_elsewhere_is_another_database(
    database: Database, path: Path, tmp_path: Path
) -> None:
    link, other = tmp_path / "link.db", tmp_path / "other.db"
    link.symlink_to(path)
    with closing(Database(sqlite_url(link))) as linked:
        assert (linked.place, linked.identity) == (str(path), database.identity)
        assert linked.limit_file == database.limit_file
    shutil.copyfile(path, other)
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(StoreError, match="is another one"):
        Database(sqlite_url(link), expected=database.identity)


@pytest.mark.parametrize("opened", [Database, ReadOnlyDatabase])
def test_circular_links_are_not_a_database(
    tmp_path: Path, opened: Callable[[str], Database | ReadOnlyDatabase]
) -> None:
    link = tmp_path / "kalshi.db"
    link.symlink_to(link)
    with pytest.raises(StoreError, match=r"kalshi\.db: unable to open database file"):
        opened(sqlite_url(link))


def test_missing_database_is_created_only_if_allowed(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "kalshi.db"
    with pytest.raises(StoreError) as caught:
        Database(sqlite_url(path), create=False)
    assert caught.value.problem is StoreProblem.MISSING
    assert not path.parent.exists()


@pytest.mark.parametrize("mode", [0o664, 0o660, 0o600, 0o644])
def test_files_beside_the_database_have_its_permissions(database: Database, path: Path, mode: int) -> None:
    """Every user who may write the database may hold its lock and share its limit, whoever created these files."""
    Path(f"{path}.limit").touch(0o600)
    path.chmod(mode)
    with database.snapshot_lock():
        limit = database.limit_file
    files = [Path(f"{path}.snapshot.lock"), limit, Path(f"{limit}.lock")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [mode] * 3


def test_files_beside_the_database_have_its_group(database: Database, path: Path) -> None:
    groups = [group for group in os.getgroups() if group != os.getgid()] or [4000]
    try:
        os.chown(path, -1, groups[0])
    except PermissionError:
        pytest.skip("this user is in no other group")
    with database.snapshot_lock():
        pass
    assert Path(f"{path}.snapshot.lock").stat().st_gid == groups[0]


def test_log_that_a_long_reader_holds_is_merged_after_it(database: Database, path: Path) -> None:
    """It is then cut to a small size."""
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM series").fetchone()
        store_series(database, *(series_row(f"S{n}", title="t" * 500) for n in range(1000)))
        assert Path(f"{path}-wal").stat().st_size > 0
    assert query(database, "PRAGMA journal_size_limit") == [(64 << 20,)]


def test_long_read_sees_one_state_and_is_asked_once_while_others_write(
    database: Database, path: Path
) -> None:
    """Each tick of a collector opens and closes the file."""
    database.close()
    asked = []

    def question(connection: Connection) -> list[int]:
        asked.append(1)
        counts = []
        for number in range(3):
            found = connection.exec_driver_sql("SELECT count(*) FROM series")
            counts.append(int(found.scalar_one()))
            with closing(Database(sqlite_url(path))) as other:
                store_series(other, series_row(f"S{number}"))
        return counts

    with closing(ReadOnlyDatabase(sqlite_url(path))) as reader:
        assert reader.ask_at_length(question) == [0, 0, 0]
    assert asked == [1]
    assert [file.name for file in path.parent.iterdir()] == ["kalshi.db"]
