"""Engines: opening and configuring connections, and beginning transactions."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.store.dialects.interface import Purpose
from kalshi_pipeline.store.dialects.sqlite.messages import BUSY_SECONDS
from kalshi_pipeline.store.dialects.statements import MATCH
from kalshi_pipeline.store.words import match

# The execution option that holds the BEGIN of a transaction; None leaves it to the driver.
BEGIN = "kalshi_begin"
BEGINNINGS = {
    Purpose.WRITE: "BEGIN IMMEDIATE",
    Purpose.STAGE: "BEGIN DEFERRED",
    Purpose.READ: "BEGIN DEFERRED",
}
READ = "mode=ro"
READ_AT_REST = "mode=ro&immutable=1"
CACHE = (
    "PRAGMA cache_size = -16384"  # kilobytes; four times as much makes no difference that could be measured
)
_READER_PRAGMAS = ("PRAGMA temp_store = MEMORY",)  # and nothing that opens the log
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = NORMAL",  # with its log a crash loses no committed page; a power cut may lose the last ones
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 67108864",  # bytes of a log that a long reader made grow, once it is merged
    CACHE,
)

_MOMENT_MS = 100
_PRIMARY_CODE = 0xFF  # the part of an error code that is not its reason


class SharedDialect(SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect, shared by all engines, so that a statement compiled for one database serves others.

    SQLAlchemy would otherwise compile every statement again for each engine, which costs some 10 ms in each run.
    """

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.shared", __name__, SharedDialect.__name__)
_compiled: LRUCache[Any, Any] = LRUCache(500)  # as many as an engine keeps by itself


def writing_engine(path: Path) -> Engine:
    """Return the engine of a file that may be written."""
    engine = create_engine(
        URL.create("sqlite+shared", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS},
        execution_options={"compiled_cache": _compiled},
    )
    _configure(engine, _PRAGMAS)
    return engine


def reading_engine(path: Path, mode: str) -> Engine:
    """Return an engine of read-only connections, each for one read."""
    # The log of an idle connection would stay when the last writer closes.
    engine = create_engine(
        "sqlite+shared://",
        creator=lambda: sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=BUSY_SECONDS),
        poolclass=NullPool,
        execution_options={"compiled_cache": _compiled, BEGIN: BEGINNINGS[Purpose.READ]},
    )
    _configure(engine, _READER_PRAGMAS)
    return engine


def scratch_engine() -> Engine:
    """Return the engine of a database in memory."""
    return create_engine(URL.create("sqlite+shared"))


def _is_no_signal(record: logging.LogRecord) -> bool:
    """Return whether a log line of the pool should be shown: a signal while closing is raised again anyway."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, StoppedError | KeyboardInterrupt)


def _configure(engine: Engine, pragmas: Sequence[str]) -> None:
    if isinstance(engine.pool.logger, logging.Logger):
        engine.pool.logger.addFilter(_is_no_signal)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:  # noqa: ANN401  (SQLAlchemy's record)
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in pragmas:
            connection.execute(pragma)
        connection.create_function(MATCH, -1, match, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get(BEGIN, BEGINNINGS[Purpose.WRITE])
        if statement == BEGINNINGS[Purpose.WRITE]:
            _begin_writing(connection, statement)
        elif statement is not None:
            connection.exec_driver_sql(statement)

    @event.listens_for(engine, "invalidate")
    def undo(connection: sqlite3.Connection, *_: Any) -> None:  # noqa: ANN401  (SQLAlchemy's record, and the error)
        # SQLAlchemy closes a connection in whose statement a signal came. The error still holds the statement, so that
        # SQLite would keep the transaction and its lock.
        connection.rollback()


def _begin_writing(connection: Connection, statement: str) -> None:
    """Begin a write transaction once no other program writes; errors are as if SQLite had waited.

    Python handles no signals while SQLite waits, so it waits for a moment at a time.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    if driver.in_transaction:  # a signal cut off its commit, after which SQLAlchemy does not roll back
        driver.rollback()
    (most_ms,) = driver.execute("PRAGMA busy_timeout").fetchone()
    ends = SYSTEM_CLOCK.monotonic() + most_ms / 1000
    driver.execute(f"PRAGMA busy_timeout = {min(_MOMENT_MS, most_ms)}")
    try:
        while SYSTEM_CLOCK.monotonic() < ends:
            try:
                driver.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                    break
            else:
                return
        connection.exec_driver_sql(statement)
    finally:
        driver.execute(f"PRAGMA busy_timeout = {most_ms}")
