"""`open_store`, and the store that it returns: what is known of each subject is in a module of its own."""

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
    """Open a database for reading: at a path, at an SQLAlchemy URL, or that of KALSHI_DATABASE_URL.

    It may be read-only, and collectors may write to it meanwhile: nothing is changed, and no writer waits. Raises
    StoreError where there is no database, or none that this version can read.
    """
    return Store(database_at(where))


def database_at(where: str | Path | None) -> ReadOnlyDatabase:
    """Return the database that `open_store` reads."""
    if where is None:
        return ReadOnlyDatabase(load_settings().database_url)
    is_url = isinstance(where, str) and _URL.match(where)
    return ReadOnlyDatabase(str(where) if is_url else url_of_file(Path(where)))


class Store(QuoteQueries, MarketQueries, DescriptionQueries, RunQueries, RowQueries):
    """What is stored, read-only. Each method reads what is committed when it is called."""

    @classmethod
    def of(cls, database: Database, clock: Clock = SYSTEM_CLOCK) -> Self:
        """Return the store in a database that is open already; closing the store leaves it open."""
        return cls(OpenDatabase(database), clock)

    def close(self) -> None:
        """Close the database, if `open_store` opened it."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def together(self, read: Callable[["Store"], Answer]) -> Answer:
        """Return what `read` returns. Everything that it reads from the store it is given belongs to one state.

        It should do nothing but read: it is called again where the database changes in a way that would mix states.
        """
        return self._source.ask(lambda connection: read(Store(OneState(connection), self._clock)))
