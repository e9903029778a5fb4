"""The dialect of SQLite: how a file is opened, filled, locked, copied and upgraded."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from sqlalchemy import Connection, Engine, SelectBase, Table, insert, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.errors import MissingExtraError, StoreError, StoreProblem
from kalshi_pipeline.store.dialects.interface import (
    Answer,
    BrokenKey,
    Copy,
    Dialect,
    Identity,
    Lock,
    Log,
    Part,
    Purpose,
    ViewWords,
)
from kalshi_pipeline.store.dialects.search_index import SearchIndex
from kalshi_pipeline.store.dialects.sqlite.backups import copy_pages, new_file
from kalshi_pipeline.store.dialects.sqlite.copying import FileCopy
from kalshi_pipeline.store.dialects.sqlite.engines import (
    BEGIN,
    BEGINNINGS,
    scratch_engine,
    writing_engine,
)
from kalshi_pipeline.store.dialects.sqlite.file_reading import FileReading
from kalshi_pipeline.store.dialects.sqlite.files import (
    MISSING,
    Files,
    LockFile,
    files_of,
    log_of,
    make_like,
    path_problem,
    real_path,
    unreachable,
)
from kalshi_pipeline.store.dialects.sqlite.messages import BUSY_SECONDS, UNDECODABLE, error_of, on_one_line
from kalshi_pipeline.store.dialects.sqlite.search_file import SearchFile
from kalshi_pipeline.store.dialects.sqlite.triggers import unfit_trigger
from kalshi_pipeline.store.dialects.sqlite.view_words import SqliteWords

_SCHEME = "sqlite:///"
_ANALYZED_ROWS = 1000  # of each index
_AGAIN_SECONDS = 0.05
_MOST_VALUES = 900  # of one statement: more is no faster
_MOST_DAMAGES = 20
_SEARCH = ".search"
_CHECKED = "kalshi_pipeline_check"


class Sqlite(Dialect):
    """A SQLite file."""

    kind: ClassVar[str] = "sqlite"
    words: ClassVar[ViewWords] = SqliteWords()

    def __init__(self, url: str) -> None:
        """Take a URL such as `sqlite:///data/kalshi.db`; a relative path starts in the working directory."""
        path = make_url(url).database
        assert path, "an address has been checked before"
        # Links are followed, because locks and copies are beside the file, for every name that it has.
        self._path = real_path(path)
        self._engine = writing_engine(self._path)
        self._reading = FileReading(self._path, self._engine)

    @staticmethod
    def url_problem(url: str) -> str | None:
        """Return why a URL cannot be used: it must name a file."""
        if url.startswith(_SCHEME) and url not in (_SCHEME, f"{_SCHEME}:memory:"):
            return path_problem(unquote(url))
        return f"names no SQLite file, and this version stores into SQLite: {_SCHEME}data/kalshi.db"

    @staticmethod
    def load(
        connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Append rows with many of them in a statement, at half the cost of the driver's `executemany`."""
        driver = connection.connection.driver_connection
        assert driver is not None
        at_once = max(1, _MOST_VALUES // len(columns))
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            values = list(chain.from_iterable(some))
            driver.execute(_insert_text(table, tuple(columns), len(some)), values)

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def limit_file(self) -> Path:
        """A file beside the database."""
        return self._beside(".limit")

    def make_limit_file(self) -> Path:
        """Create it with the database's permissions, and also its lock and the file of the learned rate."""
        for shared in (".limit", ".limit.lock", ".limit.rate"):
            make_like(self._beside(shared), self._path)
        return self.limit_file

    @property
    def engine(self) -> Engine:
        """The engine of the file."""
        return self._engine

    def options(self, purpose: Purpose) -> Mapping[str, Any]:
        """Return the BEGIN of the purpose: a writer takes the file's lock at once."""
        return {BEGIN: BEGINNINGS[purpose]}

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Raise as StoreError what SQLAlchemy raises, or the driver in `load`."""
        try:
            yield
        except DBAPIError as error:
            raise self._error(str(error.orig)) from error
        except sqlite3.Error as error:
            raise self._error(str(error)) from error
        except UnicodeDecodeError as error:  # the driver's, of a text in the file or in SQLite's own message
            raise self._error(f"{UNDECODABLE}: it contains text that is not UTF-8") from error

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` on one state of the file."""
        return self._reading.ask(question)

    def ask_at_length(self, question: Callable[[Connection], Answer]) -> Answer:
        """Read by a connection that may write, if the file is writable."""
        return self._reading.ask_at_length(question)

    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        """Read the file as it is at the beginning."""
        return self._reading.reading()

    def arrow_batches(self, statement: SelectBase, batch_rows: int) -> Iterator[Any]:
        """Read by a process of its own, as `reading` does."""
        return self._reading.arrow_batches(statement, batch_rows)

    def duck_source(self) -> tuple[str, str]:
        """Find the extension in its Python package, which needs no network."""
        try:
            folder = files("duckdb_extension_sqlite_scanner") / "extensions"
        except ModuleNotFoundError as error:
            raise MissingExtraError("duckdb-extension-sqlite-scanner", "duckdb") from error
        (extension,) = (found for version in folder.iterdir() for found in version.iterdir())
        place = str(self._path).replace("'", "''")
        return str(extension), f"ATTACH '{place}' AS {{name}} (TYPE sqlite, READ_ONLY)"

    def make_home(self) -> None:
        """Create the folder of the file."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {self._path.parent} cannot be created ({error.strerror})",
                StoreProblem.NOT_USABLE,
            ) from error

    def identity(self) -> Identity | None:
        """Return the device and inode of the file."""
        try:
            found = self._path.stat()
        except MISSING:
            return None
        except OSError as error:
            raise unreachable(self._path, error) from error
        return found.st_dev, found.st_ino

    @staticmethod
    def log(connection: Connection) -> Log | None:
        """Compare the times of the files: the database's own is written when its log is merged into it."""
        return log_of(_path_of(connection))

    @staticmethod
    def search_index(connection: Connection) -> SearchIndex:
        """Return the index in a file beside the database."""
        path = _path_of(connection)
        return SearchFile(path.with_name(f"{path.name}{_SEARCH}"), path)

    def settle(self, clock: Clock) -> None:
        """Switch to a write-ahead log, so that readers and the writer do not block each other. The file remembers it.

        SQLite refuses the switch immediately, without a time-out, if another connection has the file open at that
        moment; so it is retried.
        """
        ends = clock.monotonic() + BUSY_SECONDS
        with self.translated(), self._engine.connect().execution_options(**{BEGIN: None}) as connection:
            while connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                except DBAPIError:
                    if clock.monotonic() > ends:
                        raise
                    clock.sleep(_AGAIN_SECONDS)

    @staticmethod
    def optimize(connection: Connection) -> None:
        """Analyze a bounded part of each index: 0.01 s for 20 million quotes, 20 s without the bound.

        `PRAGMA optimize` would keep statistics until a table has 25 times as many rows, and views are slow with the
        statistics of such a small store.
        """
        connection.exec_driver_sql(f"PRAGMA analysis_limit = {_ANALYZED_ROWS}")
        connection.exec_driver_sql("ANALYZE")

    @staticmethod
    def damages(connection: Connection) -> list[str]:
        """Read every page, and compare each index with its table."""
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_DAMAGES})").scalars()
        return [on_one_line(line) for line in found if line != "ok"]

    @staticmethod
    def broken_keys(connection: Connection) -> list[BrokenKey]:
        """Look up the parent of every row."""
        found = connection.exec_driver_sql(
            'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2'
        )
        return [BrokenKey(*row) for row in found]

    def lock(self, name: str) -> Lock:
        """Return the lock on a file of this name beside the database."""
        return LockFile(self._beside(f".{name}.lock"), self._path)

    @contextlib.contextmanager
    def copying(self, name: str) -> Iterator[Copy]:
        """Open a copy beside the file: of kalshi.db, `before-0005` makes kalshi.before-0005.db, or .2.db, .3.db …"""
        copy = FileCopy(self._engine, self._path, name)
        try:
            yield copy
        except Exception:  # an interrupt may come after the commit, so it leaves the copy
            copy.discard()
            raise
        finally:
            # If it cannot be removed, making the copy has already failed for that reason.
            with contextlib.suppress(OSError):
                copy.discard_draft()

    def back_up(self, target: Path) -> None:
        """Copy the file and its log, in one consistent state, to a draft that gets its name once it is complete."""
        Files.at(self._path)  # raises an error if there is no database
        with self._reading.disposed(), new_file(target) as draft:
            self.ask_at_length(lambda connection: copy_pages(connection, draft, target))
            shutil.copymode(self._path, draft)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Connection]:
        """Open a database in memory."""
        engine = scratch_engine()
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def parts(self, connection: Connection) -> list[Part]:
        """Return them from SQLite's schema table."""
        quote = connection.dialect.identifier_preparer.quote_identifier
        found = connection.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_schema "
            "WHERE type IN ('view', 'index', 'trigger') AND sql IS NOT NULL ORDER BY rowid"
        )
        return [Part(kind, name, text, f"DROP {kind.upper()} {quote(name)}") for kind, name, text in found]

    def check_parts(self, connection: Connection) -> None:
        """Rename a table: SQLite then resolves all names in views, and most names in triggers."""
        for statement in (
            f"CREATE TABLE {_CHECKED} (id INTEGER)",
            f"ALTER TABLE {_CHECKED} RENAME TO {_CHECKED}_too",
            f"DROP TABLE {_CHECKED}_too",
        ):
            connection.exec_driver_sql(statement)
        if found := unfit_trigger(connection):
            name, fact = found
            raise StoreError(
                f"database {self._path}: trigger {name} conflicts with the new schema ({fact})",
                StoreProblem.IN_THE_WAY,
            )

    def remove(self) -> None:
        """Delete the file with its log."""
        SearchFile(self._beside(_SEARCH), self._path).remove()
        for path in files_of(self._path):
            path.unlink(missing_ok=True)

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(f"{self._path.name}{suffix}")

    def _error(self, message: str) -> StoreError:
        return error_of(self._path, message)


def _path_of(connection: Connection) -> Path:
    path = connection.exec_driver_sql("SELECT file FROM pragma_database_list WHERE name = 'main'").scalar()
    return Path(str(path))


@cache
def _insert_text(table: Table, columns: tuple[str, ...], rows: int) -> str:
    text = str(insert(table).compile(dialect=sqlite.dialect(), column_keys=list(columns)))
    of_one = text[text.rindex("(") :]
    return text + f", {of_one}" * (rows - 1)
