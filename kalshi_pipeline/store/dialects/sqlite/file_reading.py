"""Reading a SQLite file while other programs may write it, even without write permission.

If no program uses the file, it is read as immutable, and the result counts only if the file did not change. A read-only
connection would create the files of the log, for which the folder has to be writable, and could leave them with an
owner that the writer has no access to. If there is a log, a read-only connection reads it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, SelectBase
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.dialects.interface import Answer, Purpose
from kalshi_pipeline.store.dialects.sqlite.arrow_reading import arrow_batches
from kalshi_pipeline.store.dialects.sqlite.engines import (
    BEGIN,
    BEGINNINGS,
    CACHE,
    READ,
    READ_AT_REST,
    reading_engine,
)
from kalshi_pipeline.store.dialects.sqlite.files import Files
from kalshi_pipeline.store.dialects.sqlite.messages import error_of

_MOST_READS = 10
_READ_ONLY = {BEGIN: BEGINNINGS[Purpose.READ]}


class FileReading:
    """Reads one file; `engine` is that of the writer. See `Dialect` for the guarantees of each method."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self._path = path
        self._engine = engine
        self._reader = reading_engine(path, READ)
        self._reader_at_rest = reading_engine(path, READ_AT_REST)

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` on one state of the file."""
        for attempt in count(1):
            try:
                return self._ask_once(question)
            except _AgainError as error:
                if attempt == _MOST_READS:
                    raise StoreError(str(error), error.problem) from error
        raise AssertionError("the attempts are limited")

    def ask_at_length(self, question: Callable[[Connection], Answer]) -> Answer:
        """Read by a writing connection if possible: others then write to the log, however long this read takes.

        An immutable read would have to be repeated after each tick of a collector.
        """
        if not self._is_writable:
            return self.ask(question)
        with self._engine.connect().execution_options(**_READ_ONLY) as connection:
            return question(connection)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read the log if there is one; otherwise read by a writing connection if possible, or as immutable.

        With a writing connection, a collector that starts meanwhile does not change what is read.
        """
        found = Files.at(self._path)
        if not found.are_at_rest:
            with self._reader.connect() as connection:
                self._open_log(connection)
                yield connection
        elif self._is_writable:
            with self.disposed(), self._engine.connect().execution_options(**_READ_ONLY) as connection:
                yield connection
        else:
            with self._reader_at_rest.connect() as connection:
                connection.exec_driver_sql(CACHE)
                yield connection
            if Files.at(self._path) != found:
                raise self._changed()

    def arrow_batches(self, statement: SelectBase, batch_rows: int) -> Iterator[Any]:
        """Read in another process, under the same conditions as `reading`."""
        found = Files.at(self._path)
        is_at_rest = found.are_at_rest and not self._is_writable
        mode = READ_AT_REST if is_at_rest else "mode=rw" if found.are_at_rest else READ
        text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
        yield from arrow_batches(self._path, mode, text, batch_rows)
        if is_at_rest and Files.at(self._path) != found:
            raise self._changed()

    @property
    def _is_writable(self) -> bool:
        return all(os.access(place, os.W_OK) for place in (self._path, self._path.parent))

    def _ask_once(self, question: Callable[[Connection], Answer]) -> Answer:
        files = Files.at(self._path)
        if not files.are_at_rest:
            with self._reader.connect() as connection:
                self._open_log(connection)
                return question(connection)
        try:
            with self._reader_at_rest.connect() as connection:
                connection.exec_driver_sql(CACHE)
                answer = question(connection)
        except Exception as error:  # two states that are mixed can lead to any error
            if Files.at(self._path) != files:
                raise self._changed() from error
            raise
        if Files.at(self._path) != files:
            raise self._changed()
        return answer

    def _open_log(self, connection: Connection) -> None:
        if Files.at(self._path).are_at_rest:  # its writer has just closed it; this would make another log
            raise self._changed()
        try:
            connection.exec_driver_sql(CACHE)
            connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1")
        except DBAPIError as error:
            if error_of(self._path, str(error)).problem is not StoreProblem.NOT_USABLE:
                raise
            log = Files.at(self._path).log.name
            raise _AgainError(
                f"database {self._path}: the latest writes are in its log ({log}), which cannot be read",
                StoreProblem.UNREADABLE_LOG,
            ) from error

    def _changed(self) -> "_AgainError":
        return _AgainError(
            f"database {self._path}: another program changed it while it was read", StoreProblem.CHANGED
        )

    @contextlib.contextmanager
    def disposed(self) -> Iterator[None]:
        """Close all writing connections at the end of a block."""
        try:
            yield
        finally:
            self._engine.dispose()


class _AgainError(StoreError):
    """The question should be repeated: a program is just opening or closing the file."""
