"""The interface of a database dialect."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import Enum, auto
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine, SelectBase, Table

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.store.dialects.search_index import SearchIndex

Answer = TypeVar("Answer")
Identity: TypeAlias = tuple[int, ...]
"""Distinguishes a database from another one in the same place."""

_HELD_OCTETS = 8 << 20
_HELD_MICROS = 120_000_000


class Purpose(Enum):
    """The purpose of a transaction, which decides how it begins."""

    WRITE = auto()
    """Writes. It waits for another writer at its beginning, instead of failing at its first write."""
    STAGE = auto()
    """Reads, and writes temporary tables only, so it locks nothing."""
    READ = auto()
    """Reads. It sees the state at its first query and does not block writers."""


class Part(NamedTuple):
    """A view, index or trigger: a part of the schema without rows of its own."""

    kind: str
    name: str
    create: str
    """The statement that makes it."""
    drop: str
    """The statement that removes it."""


class BrokenKey(NamedTuple):
    """The number of rows of a table that refer to missing rows of another one."""

    table: str
    parent: str
    rows: int


class Log(NamedTuple):
    """Writes that are not merged into the database yet; instants in microseconds since 1970."""

    octets: int
    written_at: int
    merged_at: int

    @property
    def is_held(self) -> bool:
        """Whether the log grows because another program reads an old state; otherwise it would have been merged long
        ago.
        """
        return self.octets >= _HELD_OCTETS and self.written_at - self.merged_at >= _HELD_MICROS


class Copy(Protocol):
    """A copy of a whole database."""

    def make(self) -> None:
        """Copy the committed state. Raises StoreError if that fails, for example without space."""
        ...

    def keep(self) -> None:
        """Rename the copy to its final, unique name."""
        ...

    @property
    def place(self) -> str | None:
        """The place of the copy, once it is kept."""
        ...


class Lock(Protocol):
    """A lock between processes, which is released when its holder dies."""

    def acquire(self, seconds: float) -> bool:
        """Wait at most this long, and return whether the lock is held. Raises StoreError if it cannot be requested."""
        ...

    def release(self) -> None:
        """Release it."""
        ...


class ViewWords(Protocol):
    """Expressions of views that differ between kinds of databases, as SQL text."""

    def iso(self, micros: str) -> str:
        """An instant (microseconds since 1970) as ISO text of constant length, so that it sorts."""
        ...

    def iso_seconds(self, micros: str) -> str:
        """An instant as ISO text in whole seconds; fractions are cut."""
        ...

    def day(self, micros: str) -> str:
        """The UTC day of an instant."""
        ...

    def uuid(self, octets: str) -> str:
        """Sixteen bytes as the text of a UUID."""
        ...

    def text(self, octets: str) -> str:
        """Bytes as text, without trailing blanks."""
        ...

    def lists(self, words: str, word: str) -> str:
        """Whether a word is in a comma-separated list; NULL if the word is unknown."""
        ...

    def greater(self, one: str, other: str) -> str:
        """The greater of two numbers."""
        ...

    def holds(self, octets: str, octet: str) -> str:
        """Whether one of some bytes has this value, below 128."""
        ...


class Dialect(Protocol):
    """A database at a URL, opened, filled and locked in the way of its kind."""

    kind: ClassVar[str]
    """The name of the kind, in URLs and in Dagster's UI."""
    words: ClassVar[ViewWords]
    """The expressions of its views."""

    def __init__(self, url: str) -> None:
        """Take a URL without a problem. Nothing is opened yet."""
        ...

    @staticmethod
    def url_problem(url: str) -> str | None:
        """Return why a URL of this kind cannot be used, without repeating it: it may contain a password."""
        ...

    @staticmethod
    def load(
        connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Append rows to a temporary table in the fastest way of the driver."""
        ...

    @property
    def place(self) -> str:
        """The place of the database, for messages."""
        ...

    @property
    def limit_file(self) -> Path:
        """The file through which all processes on this database share one request limit. It may be missing."""
        ...

    def make_limit_file(self) -> Path:
        """Create that file so that every user who may write to the database can use it, and return it."""
        ...

    @property
    def engine(self) -> Engine:
        """The engine, which configures each new connection."""
        ...

    def options(self, purpose: Purpose) -> Mapping[str, Any]:
        """Return the execution options of a connection for transactions with this purpose."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Translate errors of SQLAlchemy and the driver in a block into StoreError."""
        ...

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` on one state of the database, which need not be writable.

        Nothing is changed, in the database or beside it, and no writer waits. If another program changes the database
        in a way that would mix two states, the question is repeated. Raises StoreError if there is no database, if it
        cannot be read, and if it changes each time.
        """
        ...

    def ask_at_length(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return the result of `question` on one state, even if it takes minutes while others write.

        If the database is not writable, this is the same as `ask`.
        """
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Open one state of the database for a block. No writer waits for it.

        Raises StoreError at the end of the block if the database could only be read on the assumption that nothing
        changes it, and something did.
        """
        ...

    def arrow_batches(self, statement: SelectBase, batch_rows: int) -> Iterator[Any]:
        """Yield the rows of a statement as Arrow record batches: 64-bit integers, texts and bytes.

        If a column has no value in the first batch, it must be an integer column.
        """
        ...

    def duck_source(self) -> tuple[str, str]:
        """Return the file of DuckDB's extension for this kind of database, and the statement that attaches this
        database.

        Raises MissingExtraError if the extension is not installed.
        """
        ...

    def make_home(self) -> None:
        """Prepare so that connecting creates the database if it does not exist."""
        ...

    def identity(self) -> Identity | None:
        """Return what distinguishes the database from one that replaces it; None if it does not exist.

        Raises StoreError if that cannot be found out, for example without permission for its folder.
        """
        ...

    @staticmethod
    def log(connection: Connection) -> Log | None:
        """Return the state of a database's log; None if it has none, or an empty one."""
        ...

    @staticmethod
    def search_index(connection: Connection) -> SearchIndex:
        """Return the search index of a database, which may not exist yet."""
        ...

    def settle(self, clock: Clock) -> None:
        """Set the persistent settings of the database, once it has its schema."""
        ...

    @staticmethod
    def optimize(connection: Connection) -> None:
        """Update the statistics of all tables for the query planner."""
        ...

    @staticmethod
    def damages(connection: Connection) -> list[str]:
        """Return one line for each damage in the database, up to a maximum."""
        ...

    @staticmethod
    def broken_keys(connection: Connection) -> list[BrokenKey]:
        """Return the foreign keys of all tables, including those of other programs, that refer to missing rows."""
        ...

    def lock(self, name: str) -> Lock:
        """Return the database's lock of this name, not acquired yet."""
        ...

    def copying(self, name: str) -> AbstractContextManager[Copy]:
        """Open a copy to be kept beside the database under this name. It is not made yet.

        If the block fails or does not keep the copy, it is deleted.
        """
        ...

    def back_up(self, target: Path) -> None:
        """Copy the committed state to a new file and verify the copy; if that fails, nothing is left.

        Raises ConfigurationError if the target exists, or its folder cannot be written.
        """
        ...

    def scratch(self) -> AbstractContextManager[Connection]:
        """Open an empty database of this kind that is discarded after the block."""
        ...

    def parts(self, connection: Connection) -> list[Part]:
        """Return the views, indexes and triggers of a database in order of creation.

        Parts that belong to a table, such as the index of its primary key, are not included.
        """
        ...

    def check_parts(self, connection: Connection) -> None:
        """Raise an error if a view or trigger refers to a table or column that does not exist."""
        ...

    def remove(self) -> None:
        """Delete the database, if it exists."""
        ...
