"""The database: opening, migrating and locking it, and its transactions."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, SelectBase

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import StoppedError, StoreError, StoreProblem
from kalshi_pipeline.store.dialects import Answer, Identity, Purpose, dialect_of
from kalshi_pipeline.store.upgrade import NEWEST_REVISION, Schema
from kalshi_pipeline.store.writing.row_counts import TableChanges, changes_of

__all__ = ["Answer", "Connection", "Database", "Identity", "ReadOnlyDatabase", "back_up"]

_REPORT_SECONDS = 5
_SNAPSHOT_LOCK_SECONDS = 900


class Database:
    """One database with its schema, which are created if missing.

    Raises StoreError if the database cannot be used: not writable, another program's, older or newer than this version.
    """

    def __init__(
        self,
        url: str,
        *,
        migrate: bool = False,
        create: bool = True,
        expected: Identity | None = None,
        on_wait: Callable[[str], None] = lambda _: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Open the database at an SQLAlchemy URL; `migrate` upgrades an older one, keeps a copy, and restores changed
        views and indexes.

        Without `create`, or if a database with an `expected` identity is required, a missing one is not created: a
        program that had its database does not start another one. `on_wait` is called with a line every few seconds
        while the upgrade waits for a snapshot to end.
        """
        self.copied_to: str | None = None
        """The place of the copy that was kept before an upgrade."""
        self._dialect = dialect_of(url)
        self._clock = clock
        self._writer: Connection | None = None
        self._changes = TableChanges()
        self._is_settled = False
        if expected is not None and self._dialect.identity() != expected:
            raise self._vanished()
        if create and expected is None:
            self._dialect.make_home()
        elif self._dialect.identity() is None:
            raise StoreError(f"there is no database at {self.place}", StoreProblem.MISSING)
        try:
            self._prepare(on_wait, migrate=migrate)
            self._dialect.settle(clock)
            found = self._dialect.identity()
            if found is None:
                raise self._vanished()
            self.identity: Identity = found
            """What distinguishes it from a database that replaces it."""
            self._is_settled = True
        except BaseException:
            self.close()
            raise

    def _prepare(self, on_wait: Callable[[str], None], *, migrate: bool) -> None:
        """Create, upgrade or repair the schema; do nothing if it is that of this version."""
        with self.read() as connection:
            schema = Schema(self._dialect, connection)
            is_empty, is_current = schema.is_empty, schema.is_current(migrate=migrate)
            # Views and indexes are compared on demand only: knowing what they should be takes the migrations.
            is_whole = not (migrate and is_current) or schema.has_parts()
        if is_empty:
            with self.begin() as connection:
                Schema(self._dialect, connection).make()
        elif not is_current:
            self._upgrade(on_wait)
        elif not is_whole:
            with self.begin() as connection:
                Schema(self._dialect, connection).restore_parts()

    def _upgrade(self, on_wait: Callable[[str], None]) -> None:
        with (
            self.snapshot_lock(on_wait),
            self._dialect.copying(f"before-{NEWEST_REVISION}") as copy,
            self.begin() as connection,
        ):
            Schema(self._dialect, connection).upgrade(copy)
        self.copied_to = copy.place

    def _vanished(self) -> StoreError:
        fact = "has gone" if self._dialect.identity() is None else "is another one than before"
        return StoreError(
            f"database {self.place} {fact} since it was opened, and nothing was written",
            StoreProblem.VANISHED,
        )

    @property
    def place(self) -> str:
        """The place of the database, for messages."""
        return self._dialect.place

    @property
    def limit_file(self) -> Path:
        """The file through which all processes that use this database share one request limit."""
        return self._dialect.make_limit_file()

    def close(self) -> None:
        """Close every connection."""
        self.forget_writer()
        self._dialect.engine.dispose()

    def forget_writer(self) -> None:
        """Close the connection that writes, whatever state it is in: a signal may have come in any step of it.

        What was not committed is undone, and temporary tables are gone. The next transaction has a new connection.
        """
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.invalidate()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a short write transaction, which commits at the end of the block or is rolled back.

        All write transactions use one connection, which keeps temporary tables in between. Raises StoreError if the
        database file was moved or replaced, because writes to it would be lost.
        """
        if self._is_settled and self._dialect.identity() != self.identity:
            raise self._vanished()
        with self._dialect.translated():
            with self._written(Purpose.WRITE) as connection:
                changes = changes_of(connection)
                yield connection
            self._changes.add(changes)

    def take_changes(self) -> TableChanges:
        """Return the number of rows committed since the last call, for the tables whose rows are counted."""
        taken, self._changes = self._changes, TableChanges()
        return taken

    @contextlib.contextmanager
    def stage(self) -> Iterator[Connection]:
        """Open a transaction on the writing connection that only reads and writes temporary tables, so it locks
        nothing.
        """
        with self._dialect.translated(), self._written(Purpose.STAGE) as connection:
            yield connection

    @contextlib.contextmanager
    def _written(self, purpose: Purpose) -> Iterator[Connection]:
        writer = self._writer
        if writer is None or writer.invalidated:
            writer = self._writer = self._dialect.engine.connect()
        writer.execution_options(**self._dialect.options(purpose))
        try:
            with writer.begin():
                yield writer
        except AssertionError as error:
            # SQLAlchemy's own, where a signal came in the middle of its commit.
            if isinstance(error.__context__, StoppedError):
                raise error.__context__ from None
            raise

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction. It sees the state at its first query and does not block writers."""
        options = self._dialect.options(Purpose.READ)
        with (
            self._dialect.translated(),
            self._dialect.engine.connect().execution_options(**options) as connection,
        ):
            yield connection

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` in one read transaction."""
        with self.read() as connection:
            return question(connection)

    def optimize(self) -> None:
        """Update the statistics of the query planner, in less than a second."""
        with self.begin() as connection:
            self._dialect.optimize(connection)

    @contextlib.contextmanager
    def snapshot_lock(
        self,
        on_wait: Callable[[str], None] = lambda _: None,
        *,
        wait_seconds: float = _SNAPSHOT_LOCK_SECONDS,
    ) -> Iterator[None]:
        """Hold the snapshot lock, so that only one snapshot at a time runs on this database, across processes.

        `on_wait` is called with a line every few seconds while another process holds it. Raises StoreError after
        `wait_seconds`. The lock of a process that dies is released.
        """
        lock = self._dialect.lock("snapshot")
        ends = self._clock.monotonic() + wait_seconds
        while not lock.acquire(min(_REPORT_SECONDS, wait_seconds)):
            if self._clock.monotonic() >= ends:
                raise StoreError(
                    f"another snapshot has held {self.place} for {wait_seconds:g} s"
                    if wait_seconds
                    else f"a snapshot of {self.place} is running",
                    StoreProblem.BUSY,
                )
            on_wait("another snapshot of this database is running: waiting for its end")
        try:
            yield
        finally:
            lock.release()


class ReadOnlyDatabase:
    """One database, opened for reading: no file is created or changed, and none has to be writable.

    Raises StoreError if there is none that this version can read.
    """

    def __init__(self, url: str) -> None:
        """Open the database at an SQLAlchemy URL."""
        self._dialect = dialect_of(url)
        self._is_closed = False
        if not self.ask(lambda connection: Schema(self._dialect, connection).is_current(migrate=False)):
            raise StoreError(f"there is no database at {self.place}: it is empty", StoreProblem.MISSING)

    @property
    def place(self) -> str:
        """The place of the database, for messages."""
        return self._dialect.place

    def close(self) -> None:
        """Close every connection; later reads raise StoreError."""
        self._is_closed = True
        self._dialect.engine.dispose()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[None]:
        if self._is_closed:
            raise StoreError(f"database {self.place} was closed", StoreProblem.CLOSED)
        with self._dialect.translated():
            yield

    def ask_at_length(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` on one state, even if it takes minutes while others write."""
        with self._opened():
            return self._dialect.ask_at_length(question)

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` on one state. It is repeated if that state changes meanwhile."""
        with self._opened():
            return self._dialect.ask(question)

    def rows(self, statement: Select[Any], at_once: int = 10_000) -> Iterator[Sequence[tuple[Any, ...]]]:
        """Yield the rows of a statement in batches, as the driver returns them, all of one state."""

        def parts(connection: Connection) -> Iterator[Sequence[tuple[Any, ...]]]:
            cursor = connection.execute(statement).cursor
            while cursor is not None and (rows := cursor.fetchmany(at_once)):
                yield rows

        return self.stream(parts)

    def stream(self, question: Callable[[Connection], Iterator[Answer]]) -> Iterator[Answer]:
        """Yield the results of `question` on one state."""
        with self._opened(), self._dialect.reading() as connection:
            yield from question(connection)

    def arrow_batches(self, statement: SelectBase, at_once: int = 65_536) -> Iterator[Any]:
        """Yield the rows of a statement as Arrow record batches of one state; MissingExtraError without Arrow.

        If a column has no value in the first batch, it must be an integer column.
        """
        with self._opened():
            yield from self._dialect.arrow_batches(statement, at_once)

    def duck_source(self) -> tuple[str, str]:
        """Return the file of DuckDB's extension for this kind of database, and the statement that attaches this
        database.

        The statement has a placeholder `{name}`. Raises MissingExtraError if the extension is not installed.
        """
        with self._opened():
            return self._dialect.duck_source()


def back_up(url: str, target: Path) -> str:
    """Copy the committed state of a database with any schema to a new file, and return the place of the database.

    When this returns, the copy is verified and on the disk. Raises ConfigurationError if the target exists, or its
    folder cannot be written; StoreError if there is no database, or if it is damaged.
    """
    dialect = dialect_of(url)
    with dialect.translated():
        dialect.back_up(target)
    return dialect.place
