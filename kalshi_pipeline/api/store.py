"""`open_store` and the store that it returns. Each subject has its own module."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Self

from kalshi_pipeline.api.descriptions import DescriptionQueries
from kalshi_pipeline.api.markets import MarketQueries
from kalshi_pipeline.api.quotes import QuoteQueries
from kalshi_pipeline.api.rows import RowQueries
from kalshi_pipeline.api.runs import RunQueries
from kalshi_pipeline.api.source import OneState, OpenDatabase
from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Answer, Database, ReadOnlyDatabase
from kalshi_pipeline.store.dialects import url_of_file

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def open_store(where: str | Path | None = None) -> "Store":
    """Open a database for reading, by path or SQLAlchemy URL; by default KALSHI_DATABASE_URL.

    The file may be read-only, and collectors may write to it meanwhile. Nothing is changed, and no writer is blocked.
    Raises StoreError if there is no database, or if this version cannot read it.
    """
    return Store(database_at(where))


def database_at(where: str | Path | None) -> ReadOnlyDatabase:
    """Return the database that `open_store` reads."""
    if where is None:
        return ReadOnlyDatabase(load_settings().database_url)
    is_url = isinstance(where, str) and _URL.match(where)
    return ReadOnlyDatabase(str(where) if is_url else url_of_file(Path(where)))


class Store(QuoteQueries, MarketQueries, DescriptionQueries, RunQueries, RowQueries):
    """The stored data, read-only. Each method reads the state that is committed when it is called."""

    @classmethod
    def of(cls, database: Database, clock: Clock = SYSTEM_CLOCK) -> Self:
        """Return a store for a database that is already open; closing the store leaves it open."""
        return cls(OpenDatabase(database), clock)

    def close(self) -> None:
        """Close the database, if `open_store` opened it."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def together(self, read: Callable[["Store"], Answer]) -> Answer:
        """Call `read` with a store in which everything belongs to one state, and return its result.

        `read` must only read: it is called again if the database changes in a way that would mix states.
        """
        return self._source.ask(lambda connection: read(Store(OneState(connection), self._clock)))
