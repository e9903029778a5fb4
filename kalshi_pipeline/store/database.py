"""The database file: how it is opened, migrated and locked, and how its errors read."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import LRUCache

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import StoreError

__all__ = ["Connection", "Database"]

_BUSY_SECONDS = 60
_AGAIN_SECONDS = 0.05
_TELL_SECONDS = 5
_SNAPSHOT_LOCK_SECONDS = 900
# The execution option that names the BEGIN of a transaction. A writer takes the lock at once: it waits for
# another writer then, instead of failing when it turns from reading to writing.
_BEGIN = "kalshi_begin"
_MIGRATIONS = Path(__file__).parent / "migrations"
# Read from the names of their files, which begin with them: Alembic runs every file to know its revision.
_REVISIONS = sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


class Database:
    """One SQLite file with its schema. Opening it makes both where there is none, unless told not to `create`.

    Raises StoreError where the file cannot be used: not writable, no database, older or newer than this version.
    """

    def __init__(
        self, url: str, *, create: bool = True, migrate: bool = False, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Open the database at an SQLAlchemy URL; `migrate` brings an older one with data up to date."""
        path = make_url(url).database
        if path is None:
            raise StoreError(f"{url} names no file: set KALSHI_DATABASE_URL to sqlite:///data/kalshi.db")
        self.path = Path(path).absolute()
        self._clock = clock
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
        self._writer: Connection | None = None
        try:
            with self.read() as connection:
                is_ready = _Schema(self.path, connection).is_current(migrate=migrate)
            if not is_ready:
                with self.begin() as connection:
                    _Schema(self.path, connection).prepare(migrate=migrate)
            self._use_write_ahead_log()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open one short write transaction; it commits at the end of the block, or not at all.

        Every one of them has the same connection, which keeps temporary tables from one to the next.
        """
        with self._translated(), self._written_by("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextlib.contextmanager
    def stage(self) -> Iterator[Connection]:
        """Open a transaction on the same connection that reads, and writes temporary tables only: it locks nothing."""
        with self._translated(), self._written_by("BEGIN DEFERRED") as connection:
            yield connection

    @contextlib.contextmanager
    def _written_by(self, begin: str) -> Iterator[Connection]:
        if self._writer is None or self._writer.invalidated:
            self._writer = self._engine.connect()
        self._writer.execution_options(**{_BEGIN: begin})
        with self._writer.begin():
            yield self._writer

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one read transaction, which sees the database as it was at its first query and blocks nobody."""
        with (
            self._translated(),
            self._engine.connect().execution_options(**{_BEGIN: "BEGIN DEFERRED"}) as connection,
        ):
            yield connection

    @contextlib.contextmanager
    def snapshot_lock(self, on_wait: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Let one snapshot at a time run on this database, across processes; a process that dies lets go.

        `on_wait` is told every few seconds while another one holds it.
        """
        lock = FileLock(f"{self.path}.snapshot.lock", poll_interval=0.1)
        ends = self._clock.monotonic() + _SNAPSHOT_LOCK_SECONDS
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_TELL_SECONDS)
            except Timeout as error:
                if self._clock.monotonic() > ends:
                    raise StoreError(
                        f"another snapshot has held {self.path} for {_SNAPSHOT_LOCK_SECONDS} s: wait for it or stop "
                        "it, then run again"
                    ) from error
                on_wait("another snapshot of this database is on its way: waiting for its end")
            except OSError as error:
                raise StoreError(
                    f"the lock file beside {self.path} cannot be written ({error}): {_SET_URL}"
                ) from error
        try:
            yield
        finally:
            lock.release()

    def _use_write_ahead_log(self) -> None:
        """Let readers and the writer not wait for each other. It stays with the file, and is set when it is ours.

        SQLite gives up at once where somebody else has the file open at that moment, whatever the time-out.
        """
        ends = self._clock.monotonic() + _BUSY_SECONDS
        with self._translated(), self._engine.connect().execution_options(**{_BEGIN: None}) as connection:
            while connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                except DBAPIError:
                    if self._clock.monotonic() > ends:
                        raise
                    self._clock.sleep(_AGAIN_SECONDS)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(_sentence(self.path, str(error.orig))) from error
        except sqlite3.Error as error:  # from the bulk call, which goes to the driver directly
            raise StoreError(_sentence(self.path, str(error))) from error


class _Schema:
    """The schema that a file has, against the one that this version needs."""

    def __init__(self, path: Path, connection: Connection) -> None:
        self._path = path
        self._connection = connection
        self._tables = inspect(connection).get_table_names()
        self._current: str | None = None
        if "alembic_version" in self._tables:
            self._current = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    def is_current(self, *, migrate: bool) -> bool:
        """Return whether nothing is to be done; StoreError where nothing can be."""
        newest = _REVISIONS[-1]
        if self._current is None:
            if self._tables:
                raise StoreError(f"{self._path} holds tables of another program: {_SET_URL}")
        elif self._current not in _REVISIONS:
            raise StoreError(
                f"{self._path} was written by a newer version of kalshi-pipeline (schema {self._current}, this one "
                f"knows {newest}): upgrade kalshi-pipeline, or set KALSHI_DATABASE_URL to another file"
            )
        elif self._current != newest and not migrate:
            raise StoreError(
                f"{self._path} has the older schema {self._current}, this version needs {newest}: back it up, "
                "then run `kalshi-pipeline init`"
            )
        return self._current == newest

    def prepare(self, *, migrate: bool) -> None:
        """Make or migrate the schema, unless another process has done so meanwhile."""
        if not self.is_current(migrate=migrate):
            _upgrade(self._connection)


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


class SharedDialect(SQLiteDialect_pysqlite):
    """SQLite's, and equal in all engines: what is compiled for one database is executed on those opened after it.

    SQLAlchemy would compile every statement again for each engine: some 10 ms in each run.
    """

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.shared", __name__, SharedDialect.__name__)
_compiled: LRUCache[Any, Any] = LRUCache(500)  # as many as an engine has of its own


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite+shared", database=str(path)),
        connect_args={"timeout": _BUSY_SECONDS},
        execution_options={"compiled_cache": _compiled},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:  # noqa: ANN401  (SQLAlchemy's record)
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            "foreign_keys = ON",
            "synchronous = NORMAL",  # with WAL a crash loses no committed page; a power cut may lose the last ones
            "temp_store = MEMORY",
            "cache_size = -16384",  # kilobytes; four times as much makes no difference that could be measured
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if (statement := connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE")) is not None:
            connection.exec_driver_sql(statement)

    return engine


def _upgrade(connection: Connection) -> None:
    """Run the migrations that the database has not seen."""
    # Importing Alembic takes a third of a second, and most processes find the schema up to date.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
