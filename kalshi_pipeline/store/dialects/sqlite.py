"""SQLite: a file, with its write-ahead log, its locks and the shared request limit beside it."""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from stat import S_ISREG
from typing import Any, ClassVar, Self
from urllib.parse import quote

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, NullPool, Table, create_engine, event, insert, make_url
from sqlalchemy.dialects import registry, sqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import LRUCache

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.dialects.interface import Answer, Copy, Dialect, Lock, Part, Purpose, ViewWords

_SCHEME = "sqlite:///"
_BUSY_SECONDS = 60
_AGAIN_SECONDS = 0.05
_MOST_READS = 10
_LOCK_POLL_SECONDS = 0.1
# The execution option that holds the BEGIN of a transaction; None leaves it to the driver.
_BEGIN = "kalshi_begin"
_BEGINNINGS = {
    Purpose.WRITE: "BEGIN IMMEDIATE",
    Purpose.STAGE: "BEGIN DEFERRED",
    Purpose.READ: "BEGIN DEFERRED",
}
_CACHE = (
    "PRAGMA cache_size = -16384"  # kilobytes; four times as much makes no difference that could be measured
)
_READER_PRAGMAS = ("PRAGMA temp_store = MEMORY",)  # and nothing that opens the log
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = NORMAL",  # with its log a crash loses no committed page; a power cut may lose the last ones
    "PRAGMA temp_store = MEMORY",
    _CACHE,
)


class _ViewWords(ViewWords):
    def iso(self, micros: str) -> str:
        seconds = f"strftime('%Y-%m-%dT%H:%M:%S', {micros} / 1000000, 'unixepoch')"
        return f"{seconds} || printf('.%06dZ', {micros} % 1000000)"

    def day(self, micros: str) -> str:
        return f"strftime('%Y-%m-%d', {micros} / 1000000, 'unixepoch')"

    def uuid(self, octets: str) -> str:
        parts = ((1, 4), (5, 2), (7, 2), (9, 2), (11, 6))
        return " || '-' || ".join(f"lower(hex(substr({octets}, {first}, {count})))" for first, count in parts)

    def text(self, octets: str) -> str:
        return f"rtrim(CAST({octets} AS TEXT))"

    def lists(self, words: str, word: str) -> str:
        return f"instr(',' || {words} || ',', ',' || {word} || ',') > 0"

    def greater(self, one: str, other: str) -> str:
        return f"max({one}, {other})"


class Sqlite(Dialect):
    """A SQLite file."""

    kind: ClassVar[str] = "sqlite"
    words: ClassVar[ViewWords] = _ViewWords()

    def __init__(self, url: str) -> None:
        """Take an address such as `sqlite:///data/kalshi.db`; a relative path starts in the working directory."""
        path = make_url(url).database
        assert path, "an address has been checked before"
        self._path = Path(path).absolute()
        self._engine = _engine(self._path)
        self._reader = _reader(self._path, "mode=ro")
        self._reader_at_rest = _reader(self._path, "mode=ro&immutable=1")

    @staticmethod
    def url_problem(url: str) -> str | None:
        """Return why an address cannot be used: it must name a file."""
        if url.startswith(_SCHEME) and url not in (_SCHEME, f"{_SCHEME}:memory:"):
            return None
        return f"names no SQLite file, and this version stores into SQLite: {_SCHEME}data/kalshi.db"

    @staticmethod
    def load(
        connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        """Append rows by the driver's own call: half the cost of the way through SQLAlchemy."""
        driver = connection.connection.driver_connection
        assert driver is not None
        # It takes plain tuples fastest.
        plain = [row if type(row) is tuple else tuple(row) for row in rows]
        driver.executemany(_insert_text(table, tuple(columns)), plain)

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def limit_file(self) -> Path:
        """A file beside the database."""
        return self._beside(".limit")

    @property
    def engine(self) -> Engine:
        """The engine of the file."""
        return self._engine

    def options(self, purpose: Purpose) -> Mapping[str, Any]:
        """Return the BEGIN of the purpose: a writer takes the file's lock at once."""
        return {_BEGIN: _BEGINNINGS[purpose]}

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Raise as StoreError what SQLAlchemy raises, or the driver in `load`."""
        try:
            yield
        except DBAPIError as error:
            raise self._error(str(error.orig)) from error
        except sqlite3.Error as error:
            raise self._error(str(error)) from error

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what `question` returns of one state of the file.

        A file at rest is read as if it could not change, and the answer counts only if it did not. A read-only
        connection would make the log's files, for which the folder has to be writable, and leave them there, possibly
        with an owner whose files the writer may not write. While there is a log, a read-only connection reads it.
        """
        for attempt in count(1):
            try:
                return self._ask_once(question)
            except _AgainError as error:
                if attempt == _MOST_READS:
                    raise StoreError(str(error), error.problem) from error
        raise AssertionError("the attempts are limited")

    def _ask_once(self, question: Callable[[Connection], Answer]) -> Answer:
        files = _Files.at(self._path)
        if not files.are_at_rest:
            with self._reader.connect() as connection:
                self._open_log(connection)
                return question(connection)
        try:
            with self._reader_at_rest.connect() as connection:
                connection.exec_driver_sql(_CACHE)
                answer = question(connection)
        except Exception as error:  # two states that are mixed can lead to any error
            if _Files.at(self._path) != files:
                raise self._changed() from error
            raise
        if _Files.at(self._path) != files:
            raise self._changed()
        return answer

    def _open_log(self, connection: Connection) -> None:
        if _Files.at(self._path).are_at_rest:  # its writer has just closed it; this would make another log
            raise self._changed()
        try:
            connection.exec_driver_sql(_CACHE)
            connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1")
        except DBAPIError as error:
            if self._error(str(error)).problem is not StoreProblem.NOT_USABLE:
                raise
            log = _Files.at(self._path).log.name
            raise _AgainError(
                f"database {self._path}: what was written last is in its log ({log}), which cannot be read from here",
                StoreProblem.UNREADABLE_LOG,
            ) from error

    def _changed(self) -> "_AgainError":
        return _AgainError(
            f"database {self._path}: another program changed it while it was read", StoreProblem.CHANGED
        )

    def find(self, *, create: bool) -> None:
        """Raise StoreError where there is no file; with `create`, make the folder that connecting makes it in."""
        if not create and not self._path.exists():
            raise StoreError(f"there is no database at {self._path}", StoreProblem.MISSING)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {self._path.parent} cannot be created ({error.strerror})",
                StoreProblem.NOT_USABLE,
            ) from error

    def settle(self, clock: Clock) -> None:
        """Write ahead to a log, so that readers and the writer do not wait for each other. The file remembers it.

        SQLite refuses the change at once if another connection has the file open at that moment, without waiting for
        the time-out; so it is tried again.
        """
        ends = clock.monotonic() + _BUSY_SECONDS
        with self.translated(), self._engine.connect().execution_options(**{_BEGIN: None}) as connection:
            while connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                except DBAPIError:
                    if clock.monotonic() > ends:
                        raise
                    clock.sleep(_AGAIN_SECONDS)

    def lock(self, name: str) -> Lock:
        """Return the lock on a file of this name beside the database."""
        return _FileLock(self._beside(f".{name}.lock"))

    @contextlib.contextmanager
    def copying(self, name: str) -> Iterator[Copy]:
        """Open a copy beside the file: of kalshi.db, `before-0005` makes kalshi.before-0005.db, or .2.db, .3.db …"""
        copy = _FileCopy(self._engine, self._path, name)
        try:
            yield copy
        except Exception:  # an interrupt may come after the commit, so it leaves the copy
            copy.discard()
            raise
        finally:
            copy.discard_draft()

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Connection]:
        """Open a database in memory."""
        engine = create_engine(URL.create("sqlite+shared"))
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def parts(self, connection: Connection) -> list[Part]:
        """Return what the schema's own table has of them."""
        quote = connection.dialect.identifier_preparer.quote_identifier
        found = connection.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_schema "
            "WHERE type IN ('view', 'index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"
        )
        return [Part(kind, name, text, f"DROP {kind.upper()} {quote(name)}") for kind, name, text in found]

    def check_parts(self, connection: Connection) -> None:
        """Rename a table, at which SQLite resolves every name in every view and trigger."""
        for statement in (
            f"CREATE TABLE {_CHECKED} (id INTEGER)",
            f"ALTER TABLE {_CHECKED} RENAME TO {_CHECKED}_too",
            f"DROP TABLE {_CHECKED}_too",
        ):
            connection.exec_driver_sql(statement)

    def remove(self) -> None:
        """Delete the file with its log."""
        for path in files_of(self._path):
            path.unlink(missing_ok=True)

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(f"{self._path.name}{suffix}")

    def _error(self, message: str) -> StoreError:
        if found := _OBSTACLE.match(message):
            kind, name = filter(None, found.groups())
            return StoreError(
                f"database {self._path}: {kind} {name} is in the way of the new schema ({message})",
                StoreProblem.IN_THE_WAY,
            )
        problem, fact = _problem(message)
        return StoreError("; ".join(filter(None, (f"database {self._path}: {message}", fact))), problem)


_PROBLEMS = {
    "is full": (StoreProblem.FULL, "what was committed stays"),
    "No space left": (StoreProblem.FULL, "what was committed stays"),
    "readonly": (StoreProblem.NOT_USABLE, ""),
    "unable to open": (StoreProblem.NOT_USABLE, ""),
    "not a database": (StoreProblem.NOT_USABLE, ""),
    "locked": (StoreProblem.BUSY, f"another program has held it for {_BUSY_SECONDS} s"),
}
"""Words of messages, SQLite's and of the system: what is wrong, and what to add to the message."""
_OBSTACLE = re.compile(
    r"error in (view|trigger|index|table) (.+?)(?: after (?:rename|(?:add|drop) column))?: "
    r"|(view|trigger|index|table) (.+) already exists$"
)
"""SQLite's message where something in the schema does not fit what it would become."""
_CHECKED = "kalshi_pipeline_check"


def _problem(message: str) -> tuple[StoreProblem, str]:
    return next((found for words, found in _PROBLEMS.items() if words in message), (StoreProblem.OTHER, ""))


def url_of_file(path: Path) -> str:
    """Return the address of a file, whatever characters its path has."""
    return URL.create(Sqlite.kind, database=str(path)).render_as_string()


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the files that a SQLite database at a path has: its own, and those of its log while it is in use."""
    return path, Path(f"{path}-wal"), Path(f"{path}-shm")


class _FileCopy(Copy):
    """A copy of a file. It has a name of its own while it is made, so that a part of it is never taken for one."""

    def __init__(self, engine: Engine, path: Path, name: str) -> None:
        self._engine = engine
        self._path = path
        self._name = name
        self._draft = path.with_name(f"{path.name}.copying")
        self._kept: Path | None = None

    @property
    def place(self) -> str | None:
        return str(self._kept) if self._kept else None

    def make(self) -> None:
        try:
            self.discard_draft()  # of a process that was killed
            with self._engine.connect().execution_options(**{_BEGIN: None}) as connection:
                connection.exec_driver_sql("VACUUM INTO ?", (str(self._draft),))
            shutil.copymode(self._path, self._draft)
            _flush(self._draft)
        except (DBAPIError, OSError) as error:
            raise self._error(str(error.orig if isinstance(error, DBAPIError) else error)) from error

    def _error(self, fact: str) -> StoreError:
        problem, _ = _problem(fact)
        if problem is StoreProblem.FULL:
            needed, free = self._path.stat().st_size, shutil.disk_usage(self._path.parent).free
            fact = f"{fact}: the copy takes up to {needed:,} bytes, and {free:,} are free"
        return StoreError(
            f"{self._path} was not upgraded, because it could not be copied first ({fact})", problem
        )

    def keep(self) -> None:
        try:
            self._kept = self._reserved()
            self._draft.replace(self._kept)
            _flush(self._kept.parent)
        except OSError as error:
            raise self._error(str(error)) from error

    def _reserved(self) -> Path:
        """Return the first name that no file has, now that of an empty file."""
        for number in count(1):
            ending = f".{self._name}" + (f".{number}" if number > 1 else "")
            path = self._path.with_name(f"{self._path.stem}{ending}{self._path.suffix}")
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                if path.stat().st_size == 0:  # reserved by a process that was killed at this point
                    return path
            else:
                return path
        raise AssertionError("numbers do not end")

    def discard_draft(self) -> None:
        for path in (*files_of(self._draft), Path(f"{self._draft}-journal")):
            path.unlink(missing_ok=True)

    def discard(self) -> None:
        if self._kept:
            self._kept.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _AgainError(StoreError):
    """It may be over at once, because it happens while a program opens or closes the file: the question is repeated."""


@dataclass(frozen=True)
class _Files:
    """What a database's files look like from outside.

    They are not opened to learn it: closing a file releases every lock that this process has on it, SQLite's too.
    """

    log: Path
    version: tuple[int, int, int]
    log_bytes: int | None
    has_index: bool
    journal_bytes: int | None

    @classmethod
    def at(cls, path: Path) -> Self:
        """Look at the files; StoreError where there is no database, or where it cannot be seen."""
        file, log, index = files_of(
            path.resolve()
        )  # the log is beside the file itself, not beside a link to it
        try:
            found = file.stat()
            if not S_ISREG(found.st_mode):
                raise StoreError(
                    f"database {path}: unable to open database file (it is no file)", StoreProblem.NOT_USABLE
                )
            journal = Path(f"{file}-journal")  # the log of a file that is not in WAL mode
            log_bytes = _bytes_of(log)
            return cls(
                log=journal if log_bytes is None else log,
                version=(found.st_ino, found.st_size, found.st_mtime_ns),
                log_bytes=log_bytes,
                has_index=index.exists(),
                journal_bytes=_bytes_of(journal),
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoreError(f"there is no database at {path}", StoreProblem.MISSING) from error
        except OSError as error:
            raise StoreError(
                f"database {path}: unable to open database file ({error.strerror})", StoreProblem.NOT_USABLE
            ) from error

    @property
    def are_at_rest(self) -> bool:
        """Whether no program has the file open that has written it, and whether everything written is in it."""
        return not (self.log_bytes or self.journal_bytes or (self.log_bytes == 0 and self.has_index))


def _bytes_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


class _FileLock(Lock):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, poll_interval=_LOCK_POLL_SECONDS)

    def acquire(self, seconds: float) -> bool:
        try:
            self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"the lock file {self._path} cannot be written ({error})", StoreProblem.NOT_USABLE
            ) from error
        return True

    def release(self) -> None:
        self._lock.release()


@cache
def _insert_text(table: Table, columns: tuple[str, ...]) -> str:
    return str(insert(table).compile(dialect=sqlite.dialect(), column_keys=list(columns)))


class SharedDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect, equal in all engines: a statement compiled for one database serves the next ones too.

    SQLAlchemy would compile every statement again for each engine, which costs some 10 ms in each run.
    """

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.shared", __name__, SharedDialect.__name__)
_compiled: LRUCache[Any, Any] = LRUCache(500)  # as many as an engine keeps by itself


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite+shared", database=str(path)),
        connect_args={"timeout": _BUSY_SECONDS},
        execution_options={"compiled_cache": _compiled},
    )
    _configure(engine, _PRAGMAS)
    return engine


def _reader(path: Path, mode: str) -> Engine:
    """Return an engine whose connections cannot write, each of which is for one read."""
    # The log of an idle connection would stay when the last writer closes.
    engine = create_engine(
        "sqlite+shared://",
        creator=lambda: sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=_BUSY_SECONDS),
        poolclass=NullPool,
        execution_options={"compiled_cache": _compiled, _BEGIN: _BEGINNINGS[Purpose.READ]},
    )
    _configure(engine, _READER_PRAGMAS)
    return engine


def _configure(engine: Engine, pragmas: Sequence[str]) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:  # noqa: ANN401  (SQLAlchemy's record)
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in pragmas:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if (statement := connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE")) is not None:
            connection.exec_driver_sql(statement)
