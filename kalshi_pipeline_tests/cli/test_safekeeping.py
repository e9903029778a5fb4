"""The commands `backup` and `verify`, and what `status` reports about rows set aside and a growing log."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.conftest import by_another_program, query_of


def test_backup_is_a_whole_database_and_is_never_overwritten(
    run: Run, database_path: Path, tmp_path: Path
) -> None:
    assert run("snapshot").returncode == 0
    target = tmp_path / "backup.db"
    done = run("backup", str(target))
    assert (done.returncode, done.stderr) == (0, "")
    size = target.stat().st_size
    assert (
        done.stdout == f"{database_path} was copied to {target} ({size:,} bytes), and the copy was verified\n"
    )
    count = "SELECT count(*) FROM price_snapshots"
    assert query_of(target)(count) == query_of(database_path)(count) != [(0,)]

    again = run("backup", str(target))
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == f"{target} exists already: pass a path at which there is nothing\n"
    assert run("verify", DATABASE_URL=f"sqlite:///{target}").stdout == "the database is sound\n"


def test_snapshot_after_another_program_deleted_markets_reports_what_it_set_aside(
    run: Run, database_path: Path
) -> None:
    assert run("snapshot").returncode == 0
    by_another_program(database_path, "DELETE FROM markets WHERE id % 10 = 3")
    found = run("verify")
    assert found.returncode == 4
    line = (
        "latest_quotes: 12 rows refer to rows of markets that are missing; run `kalshi data verify --repair`"
    )
    assert line in found.stdout.splitlines()
    assert found.stderr.endswith(
        "faults were found in the database; restore a backup, or follow the lines above\n"
    )

    snapshot = run("snapshot")
    assert snapshot.returncode == 0
    assert "12 rows of latest_quotes were set aside" in snapshot.stderr
    assert "note: 36 rows were set aside" in run("status").stderr


def test_verify_repairs_what_it_can(run: Run, database_path: Path) -> None:
    assert run("snapshot").returncode == 0
    by_another_program(database_path, "DELETE FROM latest_quotes WHERE market_id % 2 = 1")
    found = run("verify")
    assert (found.returncode, found.stdout) == (
        4,
        "latest_quotes: 60 markets do not have the newest row of price_snapshots; "
        "run `kalshi data verify --repair`\n",
    )
    repaired = run("verify", "--repair")
    assert (repaired.returncode, repaired.stdout, repaired.stderr) == (0, "the database is sound\n", "")


@pytest.mark.parametrize("command", [("verify",), ("verify", "--repair"), ("backup", "b.db")])
def test_missing_database_is_not_created(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "missing" / "kalshi.db"
    done = run(*command, DATABASE_URL=f"sqlite:///{path}")
    assert done.returncode == 4
    assert done.stderr.startswith(f"there is no database at {path}; run `kalshi data collect --once`")
    assert not path.parent.exists()


def test_status_names_a_log_that_grows_because_of_a_long_reader(run: Run, database_path: Path) -> None:
    assert run("snapshot").returncode == 0
    with closing(sqlite3.connect(database_path)) as reader, closing(sqlite3.connect(database_path)) as writer:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM series").fetchone()
        writer.execute("INSERT INTO texts VALUES (1, hex(zeroblob(5000000)))")
        writer.commit()
        assert run("status").stderr == ""  # any long write has this effect
        merged = database_path.stat().st_mtime - 3600
        os.utime(database_path, (merged, merged))
        shown = run("status")
    assert shown.returncode == 0
    assert shown.stderr.startswith("note: the log beside the database has 1")
    assert "another program still reads; let it end its transaction" in shown.stderr
