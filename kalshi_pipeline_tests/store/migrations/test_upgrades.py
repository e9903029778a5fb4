"""Upgrades beyond the migrations: the copy, objects added by the user, and failures."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from filelock import FileLock

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.database import Database, ReadOnlyDatabase
from kalshi_pipeline.store.dialects import dialect_of
from kalshi_pipeline_tests.processes import next_line, python
from kalshi_pipeline_tests.store.migrations.next_release import next_release
from kalshi_pipeline_tests.store.migrations.stored import NEWEST, Stored, copies, load, stored, upgrade
from kalshi_pipeline_tests.store.samples import sqlite_url

COPY = f"kalshi.before-{NEWEST}.db"


@pytest.fixture
def older(path: Path) -> Path:
    """A database of an earlier release, with rows."""
    return load("0002", path)


def refusal(path: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        upgrade(path)
    assert "\n" not in str(caught.value)
    return caught.value


def change(path: Path, script: str) -> None:
    """Change the database as its user does with another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def counts(found: Stored, names: Stored) -> dict[str, int]:
    return {name: len(found.tables[name]) for name in names.tables}


# The copy


def test_copies_are_numbered_and_never_overwritten(older: Path) -> None:
    first, second = older.with_name(COPY), older.with_name(f"kalshi.before-{NEWEST}.2.db")
    first.write_text("the user's own")
    second.write_text("also")
    third = older.with_name(f"kalshi.before-{NEWEST}.3.db")
    before = stored(older)
    assert upgrade(older) == str(third)
    assert (first.read_text(), second.read_text()) == ("the user's own", "also")
    assert stored(third) == before


def test_copy_has_the_suffix_of_its_database(tmp_path: Path) -> None:
    path = load("0002", tmp_path / "prices.2026.sqlite")
    assert upgrade(path) == str(tmp_path / f"prices.2026.before-{NEWEST}.sqlite")


def test_leftovers_of_a_killed_upgrade_are_replaced(older: Path) -> None:
    """It had started to copy, and had reserved a name."""
    for name in (f"{older.name}.copying", f"{older.name}.copying-journal"):
        older.with_name(name).write_text("a part of a copy")
    older.with_name(COPY).touch()
    before = stored(older)
    assert upgrade(older) == str(older.with_name(COPY))
    assert copies(older) == [COPY]
    assert stored(older.with_name(COPY)) == before


def test_folder_in_the_place_of_the_copy_is_named(older: Path) -> None:
    folder = older.with_name(f"{older.name}.copying")
    folder.mkdir()
    before = stored(older)
    assert str(refusal(older)).startswith(f"{older} was not upgraded, because it could not be copied first (")
    assert stored(older) == before
    folder.rmdir()
    upgrade(older)


def test_copy_is_as_private_as_its_database(older: Path) -> None:
    older.chmod(0o600)
    place = upgrade(older)
    assert place is not None
    assert Path(place).stat().st_mode & 0o777 == 0o600


def test_upgrade_that_fails_leaves_no_copy(older: Path) -> None:
    change(older, "CREATE TABLE trades (number INTEGER)")
    before = stored(older)
    refusal(older)
    assert stored(older) == before
    assert copies(older) == []


def test_new_database_and_one_that_is_up_to_date_are_not_copied(path: Path) -> None:
    assert (upgrade(path), upgrade(path)) == (None, None)
    assert copies(path) == []


# Other processes


_UPGRADE_AT_A_SIGN = """
import sys
from contextlib import closing
import alembic.command, alembic.config
from kalshi_pipeline.store.database import Database

print("ready", flush=True)
sys.stdin.readline()
with closing(Database(sys.argv[1], migrate=True)) as database:
    print(database.copied_to, flush=True)
"""


def test_processes_that_upgrade_at_once_make_one_copy(older: Path, newest: Stored) -> None:
    before = stored(older)
    with ExitStack() as stack:
        processes = [stack.enter_context(python(_UPGRADE_AT_A_SIGN, sqlite_url(older))) for _ in range(3)]
        assert [next_line(process) for process in processes] == ["ready\n"] * 3
        for process in processes:
            assert process.stdin is not None
            print(file=process.stdin, flush=True)
        places = [next_line(process).strip() for process in processes]
    assert sorted(places) == sorted([str(older.with_name(COPY)), "None", "None"])
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert copies(older) == [COPY]
    after = stored(older)
    assert after.schema == newest.schema
    assert counts(after, before) == counts(before, before)


def test_upgrade_waits_for_a_snapshot_of_the_older_version(older: Path) -> None:
    order, asked = [], threading.Event()

    def upgrade_it() -> None:
        asked.set()
        upgrade(older)
        order.append("upgraded")

    with ThreadPoolExecutor(1) as pool:
        with FileLock(f"{older}.snapshot.lock"):
            upgraded = pool.submit(upgrade_it)
            assert asked.wait(30)
            change(older, "UPDATE series SET title = 'by the snapshot'")
            order.append("snapshot ended")
        upgraded.result(60)
    assert order == ["snapshot ended", "upgraded"]
    assert {row["title"] for row in stored(older.with_name(COPY)).tables["series"]} == {"by the snapshot"}


# Objects added by the user

_ADDED = """
CREATE TABLE notes (ticker TEXT, note TEXT);
INSERT INTO notes VALUES ('KXRAIN', 'wet');
CREATE TABLE seen (tick_id INTEGER);
CREATE INDEX notes_by_ticker ON notes (ticker);
CREATE INDEX quotes_by_bid ON price_snapshots (yes_bid);
CREATE VIEW spreads AS SELECT ticker, yes_ask - yes_bid AS spread FROM latest_prices;
CREATE VIEW raw_bids AS SELECT market_id, yes_bid FROM price_snapshots;
CREATE VIEW "wide spreads" AS SELECT * FROM spreads WHERE spread > 0.05;
CREATE TRIGGER note_quotes AFTER INSERT ON price_snapshots BEGIN INSERT INTO seen VALUES (new.tick_id); END;
CREATE TRIGGER note_bids INSTEAD OF INSERT ON spreads BEGIN INSERT INTO notes VALUES (new.ticker, 'bid'); END;
"""


def _added(found: Stored) -> list[tuple[str, str, str, str]]:
    return [part for part in found.schema if str(part[3]) in {f"{line[:-1]}" for line in _ADDED.splitlines()}]


def test_objects_added_by_the_user_are_kept(path: Path, newest: Stored) -> None:
    """The second revision recreates the table of quotes; its trigger does not run then, and is not lost."""
    before = stored(load("0001", path))
    change(path, _ADDED)
    with_added = stored(path)
    upgrade(path)
    after = stored(path)
    assert _added(after) == _added(with_added)
    assert len(_added(after)) == 9
    assert [part for part in after.schema if part not in _added(after)] == newest.schema
    for name in ("spreads", "raw_bids", "wide spreads"):
        assert sorted(map(repr, after.views[name])) == sorted(map(repr, with_added.views[name]))
    assert (after.tables["notes"], after.tables["seen"]) == ([{"ticker": "KXRAIN", "note": "wet"}], [])
    assert counts(after, before) == counts(before, before)


@pytest.mark.parametrize(
    ("migration", "added", "name", "fact"),
    [
        pytest.param(
            "op.execute('ALTER TABLE series RENAME COLUMN frequency TO theme')",
            "CREATE VIEW mine AS SELECT frequency FROM series",
            "view mine",
            "error in view mine: no such column: frequency",
            id="view_of_a_renamed_column",
        ),
        pytest.param(
            "op.execute('ALTER TABLE markets DROP COLUMN collection_ticker')",
            'CREATE VIEW "my rules" AS SELECT collection_ticker FROM markets',
            "view my rules",
            "error in view my rules: no such column: collection_ticker",
            id="view_of_a_dropped_column",
        ),
        pytest.param(
            "op.execute('ALTER TABLE markets DROP COLUMN collection_ticker')",
            "CREATE TRIGGER mine AFTER UPDATE ON markets BEGIN"
            " UPDATE series SET title = new.collection_ticker; END",
            "trigger mine",
            "error in trigger mine: no such column: new.collection_ticker",
            id="trigger",
        ),
        pytest.param(
            "op.execute('ALTER TABLE markets DROP COLUMN collection_ticker')",
            "CREATE INDEX mine ON markets (collection_ticker)",
            "index mine",
            "error in index mine after drop column: no such column: collection_ticker",
            id="index",
        ),
        pytest.param(
            "op.create_table('next_table', sa.Column('id', sa.Integer()))",
            "CREATE TABLE next_table (mine TEXT)",
            "table next_table",
            "table next_table already exists",
            id="table",
        ),
        pytest.param(
            "op.execute('CREATE VIEW next_view AS SELECT 1')",
            "CREATE VIEW next_view AS SELECT 2",
            "view next_view",
            "view next_view already exists",
            id="view",
        ),
    ],
)
def test_objects_added_by_the_user_that_do_not_fit_are_named(
    path: Path, migration: str, added: str, name: str, fact: str
) -> None:
    change(load("0004", path), added)
    upgrade(path)
    kept, before = copies(path), stored(path)
    with next_release(path.parent / "next", NEWEST, f"    {migration}\n", path) as ask:
        assert ask("migrate") == (
            f"database {path}: {name} conflicts with the new schema ({fact}); drop or rename it, run "
            "`kalshi data init`, then create it again"
        )
        assert stored(path) == before
        assert copies(path) == kept
        kind, own = name.split(" ", 1)
        change(path, f'DROP {kind} "{own}"')
        assert ask("migrate") == "opened"


_OTHER_TRIGGER = "CREATE TRIGGER other AFTER INSERT ON notes BEGIN SELECT 1; END;"


@pytest.mark.parametrize(
    ("trigger", "fact"),
    [
        pytest.param(
            "AFTER UPDATE OF left_out ON listings BEGIN INSERT INTO notes VALUES (1); END",
            "no change of listings runs it: a column that it names does not exist",
            id="of_a_renamed_column",
        ),
        pytest.param(
            "AFTER INSERT ON notes BEGIN INSERT INTO listings (left_out) VALUES (1); END",
            "table listings has no column named left_out",
            id="that_inserts_into_a_renamed_column",
        ),
        pytest.param(
            "AFTER DELETE ON notes BEGIN UPDATE listings SET left_out = 1; END",
            "no such column: left_out",
            id="that_sets_a_renamed_column",
        ),
        pytest.param(
            "INSTEAD OF UPDATE ON latest_notes BEGIN UPDATE ticks SET scope = 'mine'; END",
            "no such column: scope",
            id="of_a_view",
        ),
    ],
)
def test_trigger_that_could_not_run_is_named(path: Path, trigger: str, fact: str) -> None:
    """SQLite would keep it, but it would never run, or the user's statement would fail."""
    load("0004", path)
    change(
        path,
        "CREATE TABLE notes (listing_id INTEGER); CREATE VIEW latest_notes AS SELECT max(listing_id) AS id FROM notes;"
        f'{_OTHER_TRIGGER} CREATE TRIGGER "my own" {trigger};',
    )
    before = stored(path)
    error = refusal(path)
    assert str(error) == f"database {path}: trigger my own conflicts with the new schema ({fact})"
    assert error.problem is StoreProblem.IN_THE_WAY
    assert (stored(path), copies(path)) == (before, [])
    change(path, 'DROP TRIGGER "my own"')
    upgrade(path)


def test_triggers_of_every_kind_that_fit_are_kept(path: Path) -> None:
    """Triggers of a table with a generated column, of views, in sequence, and with a user-defined function."""
    load("0004", path)
    triggers = (
        "CREATE TRIGGER a AFTER UPDATE OF pages, state ON listings BEGIN INSERT INTO notes (note) VALUES (1); END",
        "CREATE TRIGGER b AFTER INSERT ON notes BEGIN INSERT INTO latest_notes (note) VALUES (new.note); END",
        "CREATE TRIGGER c INSTEAD OF INSERT ON latest_notes BEGIN DELETE FROM notes; END",
        "CREATE TRIGGER d BEFORE DELETE ON notes WHEN old.twice > 4 BEGIN SELECT RAISE(ABORT, 'kept'); END",
        "CREATE TRIGGER e AFTER UPDATE OF note ON notes BEGIN UPDATE listings SET pages = pages + 1; END",
        "CREATE TRIGGER f AFTER INSERT ON latest_quotes BEGIN INSERT INTO notes (note) VALUES (new.tick_id); END",
        "CREATE TRIGGER g AFTER INSERT ON other BEGIN SELECT my_function(new.id); END",
    )
    change(
        path,
        "CREATE TABLE notes (note INTEGER NOT NULL, twice AS (2 * note)); CREATE TABLE other (id INTEGER);"
        f"CREATE VIEW latest_notes AS SELECT max(note) AS note FROM notes; {';'.join(triggers)};",
    )
    upgrade(path)
    assert {part[3] for part in stored(path).schema if part[0] == "trigger"} == set(triggers)


# Databases that cannot be upgraded


def test_table_with_a_column_of_the_users_is_not_upgraded(older: Path) -> None:
    """A migration that recreates the table would lose it."""
    change(older, "ALTER TABLE markets ADD COLUMN note TEXT; ALTER TABLE markets DROP COLUMN cap_strike")
    before = stored(older)
    error = refusal(older)
    assert str(error) == (
        f"{older} says that it has schema 0002, but its table markets has no cap_strike; also has note"
    )
    assert error.problem is StoreProblem.ALTERED_SCHEMA
    assert (stored(older), copies(older)) == (before, [])


@pytest.mark.parametrize("migrate", [False, True], ids=["opened", "migrated"])
@pytest.mark.parametrize(
    ("script", "fact"),
    [
        pytest.param(
            "ALTER TABLE ticks DROP COLUMN gone; ALTER TABLE ticks ADD COLUMN went INTEGER",
            "its table ticks has no gone; also has went",
            id="column",
        ),
        pytest.param("DROP TABLE lost_markets", "its table lost_markets is missing", id="table"),
    ],
)
def test_newest_schema_of_a_development_version_is_not_called_ready(
    path: Path, migrated_template: Path, script: str, fact: str, *, migrate: bool
) -> None:
    shutil.copyfile(migrated_template, path)
    views = "".join(
        f"DROP VIEW {name};" for name in stored(path).views
    )  # SQLite drops no column that they name
    change(path, f"{views}{script}")
    before = stored(path)
    with pytest.raises(StoreError) as caught:
        Database(sqlite_url(path), migrate=migrate)
    assert str(caught.value) == f"{path} says that it has schema {NEWEST}, but {fact}"
    assert caught.value.problem is StoreProblem.ALTERED_SCHEMA
    with pytest.raises(StoreError, match="says that it has schema"):
        ReadOnlyDatabase(sqlite_url(path))
    assert (stored(path), copies(path)) == (before, [])


def test_views_and_indexes_of_the_newest_schema_are_made_again(
    path: Path, migrated_template: Path, newest: Stored
) -> None:
    """The user's own objects are kept, including a column of a table and a trigger of a view."""
    shutil.copyfile(migrated_template, path)
    trigger = "CREATE TRIGGER mine INSTEAD OF INSERT ON latest_prices BEGIN DELETE FROM notes; END"
    change(
        path,
        "DROP VIEW latest_prices; CREATE VIEW latest_prices AS SELECT scope FROM ticks; DROP VIEW movers_1h;"
        "DROP INDEX ix_unlisted_spans_open; CREATE INDEX ix_unlisted_spans_open ON ticks (id);"
        f"CREATE TABLE notes (id INTEGER); {trigger};",
    )
    assert upgrade(path) is None
    added = [part for part in stored(path).schema if part not in newest.schema]
    assert [part[1] for part in added] == ["notes", "mine"]
    assert [part for part in stored(path).schema if part not in added] == newest.schema
    assert copies(path) == []


_ALEMBIC = "CREATE TABLE alembic_version (version_num TEXT); INSERT INTO alembic_version VALUES ('{}');"


@pytest.mark.parametrize("migrate", [False, True], ids=["opened", "migrated"])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(_ALEMBIC.format("ae1027a6acf"), id="migrations_alone"),
        pytest.param(
            _ALEMBIC.format("ae1027a6acf") + "CREATE TABLE events (id INTEGER)", id="unknown_revision"
        ),
        pytest.param(
            _ALEMBIC.format("0001") + "CREATE TABLE users (id INTEGER)", id="revision_of_the_same_name"
        ),
        pytest.param(_ALEMBIC.format(NEWEST) + "CREATE TABLE users (id INTEGER)", id="newest_revision"),
    ],
)
def test_database_of_another_programs_migrations_is_said_to_be_its_own(
    path: Path, script: str, *, migrate: bool
) -> None:
    change(path, script)
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        Database(sqlite_url(path), migrate=migrate)
    assert with_advice(caught.value) == (
        f"{path} holds tables of another program; set KALSHI_DATABASE_URL to a file that this program may write"
    )
    assert path.read_bytes() == before
    assert copies(path) == []


@pytest.mark.parametrize(
    "script",
    ["DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('0001')"],
    ids=["none", "two"],
)
def test_database_without_one_revision_is_left_as_it_was(older: Path, script: str) -> None:
    change(older, script)
    before = stored(older)
    assert str(refusal(older)) == f"{older} holds tables of another program"
    assert (stored(older), copies(older)) == (before, [])


@pytest.mark.parametrize(
    ("revision", "added", "referred"),
    [
        pytest.param(
            "0001",
            "CREATE TABLE notes (tick_id, market_id, FOREIGN KEY (tick_id, market_id) REFERENCES price_snapshots);"
            "INSERT INTO notes SELECT tick_id, market_id FROM price_snapshots",
            "price_snapshots",
            id="made_anew",
        ),
        pytest.param("0001", "CREATE TABLE notes (id REFERENCES Latest_Quotes)", "latest_quotes", id="empty"),
        pytest.param(
            "0004",
            "CREATE TABLE notes (id REFERENCES walks (id) ON DELETE CASCADE);"
            "INSERT INTO notes SELECT id FROM walks",
            "walks",
            id="dropped",
        ),
        pytest.param(
            "0004",
            "CREATE TABLE notes (tick_id, market_id, FOREIGN KEY (tick_id, market_id) REFERENCES sightings);"
            "INSERT INTO notes SELECT tick_id, market_id FROM sightings",
            "sightings",
            id="renamed",
        ),
    ],
)
def test_table_that_refers_to_one_that_is_replaced_is_named(
    path: Path, revision: str, added: str, referred: str
) -> None:
    """SQLite deletes the rows of a table before it drops it, which may delete the rows that refer to them."""
    load(revision, path)
    change(path, added)
    before = stored(path)
    assert with_advice(refusal(path)) == (
        f"database {path}: table notes refers to {referred}, which the upgrade replaces; copy its rows to a table "
        "without that foreign key, drop it, then run `kalshi data init`"
    )
    assert (stored(path), copies(path)) == (before, [])


@pytest.mark.parametrize("revision", ["0001", "0002", "0004", "0006"])
def test_table_that_refers_to_others_keeps_its_rows(path: Path, revision: str) -> None:
    load(revision, path)
    change(
        path,
        "CREATE TABLE notes (market_id REFERENCES markets (id) ON DELETE CASCADE,"
        " tick_id REFERENCES ticks (id) ON DELETE SET NULL);"
        "INSERT INTO notes SELECT market_id, tick_id FROM latest_quotes",
    )
    before = stored(path)
    upgrade(path)
    after = stored(path)
    assert after.tables["notes"] == before.tables["notes"] != []
    assert [part for part in after.schema if part[1] == "notes"] == [
        part for part in before.schema if part[1] == "notes"
    ]


def test_table_of_a_later_revision_is_not_attributed_to_the_user(path: Path) -> None:
    change(load("0004", path), "UPDATE alembic_version SET version_num = '0003'")
    before = stored(path)
    assert with_advice(refusal(path)) == (
        f"{path} says that it has schema 0003, but it has table sightings of a later one; a development version made "
        "it, or another program changed it: keep it for that version, and set KALSHI_DATABASE_URL to a new file"
    )
    assert (stored(path), copies(path)) == (before, [])


def test_view_of_a_later_revision_becomes_that_of_releases(path: Path, newest: Stored) -> None:
    """It contains no data. A view of the user's with other columns is named."""
    load("0002", path)
    later = "CREATE VIEW trade_history AS SELECT 1 AS mine"
    change(path, later)
    assert str(refusal(path)).startswith(f"database {path}: view trade_history conflicts with the new schema")
    columns = ", ".join(f"1 AS {name}" for name in _columns_of(newest, "trade_history"))
    change(path, f"DROP VIEW trade_history; CREATE VIEW trade_history AS SELECT {columns}")
    upgrade(path)
    assert stored(path).schema == newest.schema


def _columns_of(found: Stored, view: str) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for kind, _, _, text in found.schema:
            if kind in ("table", "view") and text:
                connection.execute(text)
        return [row[1] for row in connection.execute(f"PRAGMA table_info({view})")]


def test_newer_database_is_left_as_it_was(older: Path) -> None:
    change(older, "UPDATE alembic_version SET version_num = '9999'")
    before = stored(older)
    assert with_advice(refusal(older)) == (
        f"{older} was written by a newer version of kalshi-pipeline (schema 9999, this one knows {NEWEST}); "
        "upgrade kalshi-pipeline, or set KALSHI_DATABASE_URL to another file"
    )
    assert (stored(older), copies(older)) == (before, [])


@pytest.mark.parametrize("label", ["0000", "abc", ""])
def test_schema_that_no_version_names_is_not_called_newer(older: Path, label: str) -> None:
    change(older, f"UPDATE alembic_version SET version_num = '{label}'")
    before = stored(older)
    error = refusal(older)
    assert str(error) == f"{older} says that it has schema {label}, but no version has a schema of that name"
    assert error.problem is StoreProblem.ALTERED_SCHEMA
    assert (stored(older), copies(older)) == (before, [])


def test_damaged_file_is_said_to_be_damaged(older: Path) -> None:
    change(older, "PRAGMA journal_mode = DELETE")
    content = older.read_bytes()
    older.write_bytes(content[: len(content) // 3] + bytes(len(content) - len(content) // 3))
    with pytest.raises(StoreError) as caught:
        upgrade(older)
    assert caught.value.problem is StoreProblem.DAMAGED
    assert with_advice(caught.value).endswith(
        "malformed; `sqlite3 FILE .recover` prints what can be read of it; restore a backup (docs/backups.md)"
    )


def test_link_to_a_database_has_the_locks_and_copies_of_its_file(older: Path, tmp_path: Path) -> None:
    link = tmp_path / "links" / "link.db"
    link.parent.mkdir()
    link.symlink_to(older)
    with FileLock(f"{older}.snapshot.lock"):
        assert not dialect_of(sqlite_url(link)).lock("snapshot").acquire(0.1)
    assert upgrade(link) == str(older.with_name(COPY))
    assert [found.name for found in link.parent.iterdir()] == ["link.db"]


def test_older_database_is_left_as_it_was_without_migrate(older: Path) -> None:
    before = stored(older)
    with pytest.raises(StoreError) as caught:
        Database(sqlite_url(older))
    assert with_advice(caught.value) == (
        f"{older} has the older schema 0002, this version needs {NEWEST}; run `kalshi data init`, which keeps a "
        "copy of it"
    )
    assert (stored(older), copies(older)) == (before, [])


# A full disk

_UPGRADE_ON_A_SMALL_DISK = """
import shutil
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.migrations.stored import copies, stored
from kalshi_pipeline_tests.store.samples import sqlite_url

older, folder = Path(sys.argv[1]), Path(sys.argv[2])
before = stored(older)
for free in range(10_000, 900_000, 30_000):
    for leftover in folder.iterdir():
        leftover.unlink()
    path = Path(shutil.copy(older, folder / "kalshi.db"))
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(max(0, shutil.disk_usage(folder).free - free)))
    try:
        Database(sqlite_url(path), migrate=True).close()
        line = "upgraded"
    except StoreError as error:
        line = with_advice(error)
    ballast.unlink()
    after = stored(path)
    print(line, len(copies(path)), after == before, [*map(len, map(after.tables.get, before.tables))] ==
          [*map(len, before.tables.values())])
"""


@pytest.mark.timeout(600)
def test_full_disk_says_so_and_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """On a real file system of 2 MB, in its own mount namespace, with increasing free space."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(disk)]
    if shutil.which("unshare") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets no process mount a small disk")
    older = load("0002", tmp_path / "older.db")
    change(older, "PRAGMA journal_mode = DELETE")
    script = tmp_path / "upgrade.py"
    script.write_text(_UPGRADE_ON_A_SMALL_DISK)
    shell = (
        f"mount -t tmpfs -o size=2m tmpfs {disk} && exec {sys.executable} -W error {script} {older} {disk}"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    place = f"{disk}/kalshi.db"
    without_room_for_the_copy = [line for line in lines if "could not be copied first" in line]
    assert without_room_for_the_copy
    for line in without_room_for_the_copy:
        assert line.startswith(
            f"{place} was not upgraded, because it could not be copied first (database or disk is full: the copy takes"
        )
        assert line.endswith(" are free); free some space and run again 0 True True")
    full = (
        f"database {place}: database or disk is full; what was committed stays; free some space and run again"
    )
    assert f"{full} 0 True True" in lines
    assert lines[-1] == "upgraded 1 False True"
    assert {line for line in lines if line not in without_room_for_the_copy} <= {
        f"{full} 0 True True",
        f"{full} 1 False True",  # the log did not fit after the upgrade
        "upgraded 1 False True",
    }


# Killed processes

_UPGRADE_AND_DIE = """
import os
import signal
import sys
from sqlalchemy import Engine, event
import alembic.command, alembic.config
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import sqlite_url

steps, last = 0, None

def step(*_):
    global steps
    steps += 1
    if steps == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0

@event.listens_for(Engine, "connect")
def count_instructions(connection, _):
    connection.set_progress_handler(step, 10)

@event.listens_for(Engine, "before_cursor_execute")
@event.listens_for(Engine, "commit")
def count_statements(*_):
    step()

def count_files(name, _):
    if name in FILES:
        step()

FILES = {"open", "os.remove", "os.rename", "os.chmod"}
sys.addaudithook(count_files)
for line in sys.stdin:
    place, number = line.split()
    child = os.fork()
    if not child:
        steps, last = 0, int(number)
        Database(sqlite_url(place), migrate=True).close()
        print(steps, flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("killed", flush=True)
"""


@pytest.mark.timeout(600)
def test_upgrade_that_is_killed_is_done_in_full_or_not_at_all(
    older: Path, newest: Stored, is_full: bool
) -> None:
    """It is killed at random statements, SQLite instructions and file openings, and then run again."""
    before = stored(older)
    chance = random.Random(7)
    folder = older.parent / "killed"
    with subprocess.Popen(
        [sys.executable, "-c", _UPGRADE_AND_DIE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def upgrade_until(step: int) -> tuple[Path, str]:
            folder.mkdir()
            path = Path(shutil.copy(older, folder / "kalshi.db"))
            assert process.stdin is not None
            assert process.stdout is not None
            print(path, step, file=process.stdin, flush=True)
            return path, process.stdout.readline().strip()

        _, steps = upgrade_until(0)
        shutil.rmtree(folder)
        assert int(steps) > 500
        kinds = set()
        for _ in range(200 if is_full else 8):
            path, answer = upgrade_until(chance.randint(1, int(steps)))
            assert answer == "killed"
            after = stored(path)
            kinds.add(after == before)
            assert after == before or after.schema == newest.schema
            assert counts(after, before) == counts(before, before)
            upgrade(path)
            assert stored(path).schema == newest.schema
            assert counts(stored(path), before) == counts(before, before)
            kept = copies(path)
            assert kept in ([COPY], [f"kalshi.before-{NEWEST}.2.db", COPY])
            assert [stored(path.with_name(name)) for name in kept] == [before] * len(kept)
            shutil.rmtree(folder)
        process.communicate(timeout=60)
    assert True in kinds
