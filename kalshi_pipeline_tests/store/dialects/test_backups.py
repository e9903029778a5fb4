"""Backups are complete files of one state, made while others write, or are absent."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.errors import ConfigurationError, StoreError, StoreProblem
from kalshi_pipeline.store.database import Database, back_up
from kalshi_pipeline_tests.store.samples import query, series_row, sqlite_url, store_series

ROWS = "SELECT ticker, title FROM series ORDER BY ticker"


def make_backup(path: Path, target: Path) -> None:
    assert back_up(sqlite_url(path), target) == str(path)


def fill(database: Database, name: str, rows: int = 1000) -> None:
    store_series(database, *(series_row(f"{name}-{number:04}", title="t" * 300) for number in range(rows)))


def test_backup_has_what_is_in_the_log_of_a_database_in_use(
    database: Database, path: Path, tmp_path: Path
) -> None:
    """A copy of the file alone would lose it, because a reader of an old state prevents the merge of the log."""
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM series").fetchone()
        fill(database, "S")
        shutil.copyfile(path, tmp_path / "copied.db")
        make_backup(path, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "copied.db")) as copied:
        assert copied.execute("SELECT count(*) FROM series").fetchall() == [(0,)]
    with closing(Database(sqlite_url(tmp_path / "backup.db"), create=False)) as backup:
        assert query(backup, ROWS) == query(database, ROWS) != []


@pytest.mark.parametrize("is_open", [True, False], ids=["in_use", "at_rest"])
def test_backup_leaves_one_file_with_the_permissions_of_the_database(
    database: Database, path: Path, tmp_path: Path, is_open: bool
) -> None:
    fill(database, "S")
    if not is_open:
        database.close()
    path.chmod(0o640)
    folder = tmp_path / "backups"
    folder.mkdir()
    make_backup(path, folder / "kalshi.db")
    assert [file.name for file in folder.iterdir()] == ["kalshi.db"]
    assert stat.S_IMODE((folder / "kalshi.db").stat().st_mode) == 0o640


@pytest.mark.usefixtures("database")
def test_backup_overwrites_nothing(path: Path, tmp_path: Path) -> None:
    target, link = tmp_path / "backup.db", tmp_path / "link.db"
    target.write_text("something")
    link.symlink_to(tmp_path / "nowhere")
    for taken in (target, link, path, tmp_path):
        with pytest.raises(ConfigurationError, match="exists already: pass a path at which there is nothing"):
            make_backup(path, taken)
    assert target.read_text() == "something"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("database")
def test_backup_makes_its_folder(path: Path, tmp_path: Path) -> None:
    make_backup(path, tmp_path / "missing" / "too" / "backup.db")
    assert (tmp_path / "missing" / "too" / "backup.db").exists()


@pytest.mark.usefixtures("database")
def test_backup_where_no_folder_can_be_says_so(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file cannot be written"):
        make_backup(path, tmp_path / "file" / "backup.db")


def test_backup_of_a_damaged_database_is_refused(database: Database, path: Path, tmp_path: Path) -> None:
    fill(database, "S", 3000)
    database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(os.urandom(8 * 4096))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreError) as caught:
        make_backup(path, tmp_path / "backup.db")
    assert caught.value.problem is StoreProblem.DAMAGED
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


_BACK_UP = """
import sys
from pathlib import Path
from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.database import back_up

source, disk = map(Path, sys.argv[1:])
try:
    back_up(f"sqlite:///{source}", disk / "backup.db")
except StoreError as error:
    print(with_advice(error))
print([file.name for file in disk.iterdir()])
"""


def test_backup_on_a_full_disk_leaves_nothing(database: Database, path: Path, tmp_path: Path) -> None:
    """On a real file system of 1 MB, in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(disk)]
    if shutil.which("unshare") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no process mount a small disk")
    fill(database, "S", 5000)
    script = tmp_path / "back_up.py"
    script.write_text(_BACK_UP)
    shell = f"mount -t tmpfs -o size=1m tmpfs {disk} && exec {sys.executable} -W error {script} {path} {disk}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{disk}/backup.db was not written (database or disk is full); free some space and run again\n[]\n"
    )


def test_backup_is_made_of_a_database_of_any_schema(database: Database, path: Path, tmp_path: Path) -> None:
    """For example before an upgrade."""
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    make_backup(path, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_missing_database_is_not_backed_up(tmp_path: Path) -> None:
    path = tmp_path / "kalshi.db"
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            back_up(sqlite_url(path), tmp_path / "backup.db")
        assert caught.value.problem is StoreProblem.MISSING
        assert not (tmp_path / "backup.db").exists()
        path.touch()
