"""What the store asks of every kind of database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import Enum, auto
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias, TypeVar

from sqlalchemy import Connection, Engine, Select, Table

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.store.dialects.search_index import SearchIndex

Answer = TypeVar("Answer")
Identity: TypeAlias = tuple[int, ...]
"""Tells one database from another in the same place."""

_HELD_OCTETS = 8 << 20
_HELD_MICROS = 120_000_000


class Purpose(Enum):
    """What a transaction is for, which decides how it begins."""

    WRITE = auto()
    """It waits for another writer at its beginning, instead of failing when it turns from reading to writing."""
    STAGE = auto()
    """It reads, and writes temporary tables only: it locks nothing."""
    READ = auto()
    """It sees the database as it was at its first query, and blocks no writer."""


class Part(NamedTuple):
    """A view, index or trigger: what a schema has besides tables. It holds no rows of its own."""

    kind: str
    name: str
    create: str
    """The statement that makes it."""
    drop: str
    """The statement that removes it."""


class BrokenKey(NamedTuple):
    """How many rows of a table refer to rows of another one that are missing."""

    table: str
    parent: str
    rows: int


class Log(NamedTuple):
    """What was written and is not merged into the database itself yet; instants in microseconds since 1970."""

    octets: int
    written_at: int
    merged_at: int

    @property
    def is_held(self) -> bool:
        """Whether it grows because another program reads an old state: else it would have been merged long ago."""
        return self.octets >= _HELD_OCTETS and self.written_at - self.merged_at >= _HELD_MICROS


class Copy(Protocol):
    """A copy of a whole database."""

    def make(self) -> None:
        """Copy what is committed. StoreError where that fails, as it does without room."""
        ...

    def keep(self) -> None:
        """Rename the copy to its final name, which is unique."""
        ...

    @property
    def place(self) -> str | None:
        """Where the copy is, once it is kept."""
        ...


class Lock(Protocol):
    """A lock among processes. It is released when its holder dies."""

    def acquire(self, seconds: float) -> bool:
        """Wait at most this long, and return whether it is held. Raise StoreError where it cannot be asked for."""
        ...

    def release(self) -> None:
        """Release it."""
        ...


class ViewWords(Protocol):
    """Expressions of views that each kind of database writes in its own way, as text."""

    def iso(self, micros: str) -> str:
        """An instant (microseconds since 1970) as ISO text of one length, so that it sorts."""
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
        """Bytes as text, without the blanks at its end."""
        ...

    def lists(self, words: str, word: str) -> str:
        """Whether a word is one of some that are separated by commas; NULL where it is unknown."""
        ...

    def greater(self, one: str, other: str) -> str:
        """The greater of two numbers."""
        ...

    def holds(self, octets: str, octet: str) -> str:
        """Whether a number below 128 is one of some bytes."""
        ...


class Dialect(Protocol):
    """A database at an address, opened, filled and locked the way of its kind."""

    kind: ClassVar[str]
    """The kind's name, as addresses and Dagster's UI have it."""
    words: ClassVar[ViewWords]
    """What its views are written with."""

    def __init__(self, url: str) -> None:
        """Take an address without a problem. Nothing is opened yet."""
        ...

    @staticmethod
    def url_problem(url: str) -> str | None:
        """Return why an address of this kind cannot be used. It is not repeated: it may hold a password."""
        ...

    @staticmethod
    def load(
        connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Append rows to a temporary table by the fastest call that the driver has."""
        ...

    @property
    def place(self) -> str:
        """The database as messages name it."""
        ...

    @property
    def limit_file(self) -> Path:
        """The file through which all processes on this database share one limit of requests. It may be missing."""
        ...

    def make_limit_file(self) -> Path:
        """Make that file, so that whoever may write to the database may use it, and return it."""
        ...

    @property
    def engine(self) -> Engine:
        """The engine, which configures each new connection."""
        ...

    def options(self, purpose: Purpose) -> Mapping[str, Any]:
        """Return the execution options of a connection whose transactions are for this purpose."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """Raise as StoreError what SQLAlchemy or the driver raises within the block."""
        ...

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what `question` returns of one state of the database, which need not be writable.

        Nothing is changed, neither the database nor what is beside it, and no writer waits. Where another program
        changes the database in a way that would mix two states, the question is asked again. Raises StoreError where
        there is no database, where it cannot be read, and where it changes each time.
        """
        ...

    def ask_at_length(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what `question` returns of one state, although it may take minutes and others write meanwhile.

        Where the database is not writable, it is asked as by `ask`.
        """
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Open one state of the database for as long as a block takes, which no writer waits for.

        Raises StoreError at the end of the block where the database could only be read as if nothing changed it, and
        something did.
        """
        ...

    def arrow_batches(self, statement: Select[Any], batch_rows: int) -> Iterator[Any]:
        """Yield the answer of a statement as record batches of Arrow: 64-bit integers, texts and bytes.

        A column without a value at its beginning must be one of integers.
        """
        ...

    def duck_source(self) -> tuple[str, str]:
        """Return the file of DuckDB's extension that reads databases of this kind, and how it attaches this one.

        Raises MissingExtraError where the extension is not installed.
        """
        ...

    def make_home(self) -> None:
        """Prepare so that connecting creates the database if it does not exist."""
        ...

    def identity(self) -> Identity | None:
        """Return what distinguishes the database from one that replaces it; None if it does not exist."""
        ...

    @staticmethod
    def log(connection: Connection) -> Log | None:
        """Return the state of a database's log, None where it has none or it is empty."""
        ...

    @staticmethod
    def search_index(connection: Connection) -> SearchIndex:
        """Return the index of a database's texts, which may not have been made yet."""
        ...

    def settle(self, clock: Clock) -> None:
        """Set what the database itself remembers, now that it has its schema. Later openings find it set."""
        ...

    @staticmethod
    def optimize(connection: Connection) -> None:
        """Bring the statistics of all tables up to date, by which queries are planned."""
        ...

    @staticmethod
    def damages(connection: Connection) -> list[str]:
        """Return what is wrong with the database as its kind stores it, a line each, and not more than some."""
        ...

    @staticmethod
    def broken_keys(connection: Connection) -> list[BrokenKey]:
        """Return the foreign keys of any table, the user's own too, that refer to rows which are missing."""
        ...

    def lock(self, name: str) -> Lock:
        """Return the database's lock of this name, not held yet."""
        ...

    def copying(self, name: str) -> AbstractContextManager[Copy]:
        """Open a copy that is to be kept beside the database under this name, not made yet.

        If the block fails or does not keep the copy, it is deleted.
        """
        ...

    def back_up(self, target: Path) -> None:
        """Copy what is committed, all at once, to a new file, and compare the copy; nothing is left where that fails.

        Raises ConfigurationError where there is something at the target already, or no folder that can be written.
        """
        ...

    def scratch(self) -> AbstractContextManager[Connection]:
        """Open an empty database of this kind that is gone after the block."""
        ...

    def parts(self, connection: Connection) -> list[Part]:
        """Return the views, indexes and triggers of a database in the order in which they were made.

        What a table brings with itself, such as the index of its key, is left out.
        """
        ...

    def check_parts(self, connection: Connection) -> None:
        """Raise an error where a view or trigger names a table or column that does not exist."""
        ...

    def remove(self) -> None:
        """Delete the database, if there is one."""
        ...
