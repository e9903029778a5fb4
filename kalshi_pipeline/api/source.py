"""The source that a store reads: a database of its own or of another owner, or one state of it; and a clock."""

from collections.abc import Callable
from typing import Protocol

from kalshi_pipeline.api.instants import Instant, check_past, micros_of
from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.store.database import Answer, Connection, Database


class Source(Protocol):
    """A source of consistent reads."""

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what `question` returns for one state of the database."""
        ...

    def close(self) -> None:
        """Close the database if it was opened for this store."""
        ...


class OpenDatabase:
    """A database that its owner closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        return self._database.ask(question)

    def close(self) -> None:
        pass


class OneState:
    """An open read transaction that its owner ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        return question(self._connection)

    def close(self) -> None:
        pass


class Queries:
    """Base of the parts of a store: queries about one subject."""

    def __init__(self, source: Source, clock: Clock = SYSTEM_CLOCK) -> None:
        self._source = source
        self._clock = clock

    def _past(self, instant: Instant) -> int:
        """Return an instant in microseconds. Raises RangeError for an instant after now."""
        micros = micros_of(instant)
        check_past(micros, self._clock.now())
        return micros
