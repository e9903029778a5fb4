"""Databases of earlier versions, from their text in `landed`, and the complete contents of a file."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import kalshi_pipeline
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import Row, sqlite_url

LANDED = Path(__file__).parent / "landed"
MIGRATIONS = Path(kalshi_pipeline.__file__).parent / "store" / "migrations"
NEWEST = max(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9]*"))


def load(name: str, path: Path) -> Path:
    """Create the database of a text, with its log, as in use."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((LANDED / f"{name}.sql").read_text(encoding="utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return path


def empty_at(revision: str, path: Path) -> Path:
    """Create an empty database with the schema of a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = create_engine(sqlite_url(path))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    return path


def upgrade(path: Path) -> str | None:
    """Upgrade a database, and return the path of its copy."""
    with closing(Database(sqlite_url(path), migrate=True)) as database:
        return database.copied_to


_TICK_TIMES = {"tick_at", "quoted_at", "base_quoted_at", "confirmed_at", "quote_at"}


class Stored(NamedTuple):
    """The contents of a database: the text of its schema, and the rows of its tables and views."""

    schema: list[tuple[str, str, str, str]]
    tables: dict[str, list[Row]]
    views: dict[str, list[Row]]


def stored(path: Path) -> Stored:
    """Read a sound database file completely."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        schema = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
        ).fetchall()
        connection.row_factory = sqlite3.Row

        def rows(kind: str) -> dict[str, list[Row]]:
            return {
                name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')]
                for found, name, *_ in schema
                if found == kind
            }

        return Stored(schema, rows("table"), rows("view"))


def in_whole_seconds(row: Row) -> Row:
    """A row of an earlier version's view, with times of ticks as written since schema 0017."""
    times: Row = {name: row[name] and f"{str(row[name])[:19]}Z" for name in _TICK_TIMES & row.keys()}
    return {**row, **times}


def copies(path: Path) -> list[str]:
    """The other files beside a database, its log and its locks."""
    own = {path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}.snapshot.lock"}
    return sorted({found.name for found in path.parent.iterdir() if found.is_file()} - own)
