"""What a store asks: a database that it opened, another owner's, or one state of either; and a clock."""

from collections.abc import Callable
from typing import Protocol

from kalshi_pipeline.api.instants import Instant, check_past, micros_of
from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.store.database import Answer, Connection, Database


class Source(Protocol):
    """What a store reads from."""

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Return what `question` returns of one state of the database."""
        ...

    def close(self) -> None:
        """Close what was opened for this store."""
        ...


class OpenDatabase:
    """A database that another owner closes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        return self._database.ask(question)

    def close(self) -> None:
        pass


class OneState:
    """A read transaction that is open, whose owner ends it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        return question(self._connection)

    def close(self) -> None:
        pass


class Queries:
    """Questions about one subject, asked of a source."""

    def __init__(self, source: Source, clock: Clock = SYSTEM_CLOCK) -> None:
        self._source = source
        self._clock = clock

    def _past(self, instant: Instant) -> int:
        """Return an instant as the store has it; RangeError for one after now."""
        micros = micros_of(instant)
        check_past(micros, self._clock.now())
        return micros
