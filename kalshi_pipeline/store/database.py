"""The database file: how it is opened, migrated and locked, and how its errors read."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import DBAPIError

from kalshi_pipeline.errors import StoreError

__all__ = ["Connection", "Database"]

_BUSY_SECONDS = 60
_SNAPSHOT_LOCK_SECONDS = 900
# The execution option that names the BEGIN of a transaction. A writer takes the lock at once: it waits for
# another writer then, instead of failing when it turns from reading to writing.
_BEGIN = "kalshi_begin"


class Database:
    """One SQLite file with its schema. Opening it makes both where there is none, unless told not to `create`.

    Raises StoreError where the file cannot be used: not writable, no database, older or newer than this version.
    """

    def __init__(self, url: str, *, create: bool = True, migrate: bool = False) -> None:
        """Open the database at an SQLAlchemy URL; `migrate` brings an older one with data up to date."""
        path = make_url(url).database
        if path is None:
            raise StoreError(f"{url} names no file: set KALSHI_DATABASE_URL to sqlite:///data/kalshi.db")
        self.path = Path(path).absolute()
        if not create and not self.path.exists():
            raise StoreError(
                f"there is no database at {self.path}: run `kalshi-pipeline collect --once` to make it"
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {self.path.parent} cannot be made ({error.strerror}): {_SET_URL}"
            ) from error
        self._engine = _engine(self.path)
        try:
            with self.begin() as connection:
                self._prepare(connection, migrate=migrate)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open one short write transaction; it commits at the end of the block, or not at all."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one read transaction, which sees the database as it was at its first query and blocks nobody."""
        with (
            self._translated(),
            self._engine.connect().execution_options(**{_BEGIN: "BEGIN DEFERRED"}) as connection,
        ):
            yield connection

    @contextlib.contextmanager
    def snapshot_lock(self) -> Iterator[None]:
        """Let one snapshot at a time run on this database, across processes; a process that dies lets go."""
        lock = FileLock(f"{self.path}.snapshot.lock", timeout=_SNAPSHOT_LOCK_SECONDS, poll_interval=0.1)
        try:
            lock.acquire()
        except Timeout as error:
            raise StoreError(
                f"another snapshot has held {self.path} for {_SNAPSHOT_LOCK_SECONDS} s: wait for it or stop it, "
                "then run again"
            ) from error
        except OSError as error:
            raise StoreError(
                f"the lock file beside {self.path} cannot be written ({error}): {_SET_URL}"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _prepare(self, connection: Connection, *, migrate: bool) -> None:
        config = _alembic_config(connection)
        versions = ScriptDirectory.from_config(config)
        head = versions.get_current_head()
        current = MigrationContext.configure(connection).get_current_revision()
        if current == head:
            return
        if current is None:
            if inspect(connection).get_table_names():
                raise StoreError(f"{self.path} holds tables of another program: {_SET_URL}")
        elif current not in {script.revision for script in versions.walk_revisions()}:
            raise StoreError(
                f"{self.path} was written by a newer version of kalshi-pipeline (schema {current}, this one knows "
                f"{head}): upgrade kalshi-pipeline, or set KALSHI_DATABASE_URL to another file"
            )
        elif not migrate:
            raise StoreError(
                f"{self.path} has the older schema {current}, this version needs {head}: back it up, then run "
                "`kalshi-pipeline init`"
            )
        command.upgrade(config, "head")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(_sentence(self.path, str(error.orig))) from error


_SET_URL = "set KALSHI_DATABASE_URL to a file that this program may write"


def _sentence(path: Path, message: str) -> str:
    hints = {
        "is full": "the disk is full: free some space and run again; what was committed stays",
        "readonly": f"it cannot be written: {_SET_URL}",
        "unable to open": f"it cannot be opened: {_SET_URL}",
        "not a database": f"it is not a database: {_SET_URL}",
        "locked": f"another program has held it for {_BUSY_SECONDS} s: close that one and run again",
    }
    hint = next((text for words, text in hints.items() if words in message), "see the cause, then run again")
    return f"database {path}: {message}; {hint}"


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:  # noqa: ANN401  (SQLAlchemy's record)
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            "foreign_keys = ON",
            "journal_mode = WAL",
            "synchronous = NORMAL",  # with WAL a crash loses no committed page; a power cut may lose the last ones
            "temp_store = MEMORY",
            "cache_size = -65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))

    return engine


def _alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
