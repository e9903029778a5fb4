"""Database dialects: everything that differs between kinds of databases, behind one interface.

`statements` has the parts of statements and tables that need a translation. Outside of the store, a dialect's module is
imported only by code about that kind of file.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table

from kalshi_pipeline.errors import StoreError, StoreProblem
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
from kalshi_pipeline.store.dialects.search_index import Addition, SearchIndex
from kalshi_pipeline.store.dialects.sqlite import Sqlite, url_of_file

__all__ = [
    "Addition",
    "Answer",
    "BrokenKey",
    "Copy",
    "Dialect",
    "Identity",
    "Lock",
    "Log",
    "Part",
    "Purpose",
    "SearchIndex",
    "ViewWords",
    "broken_keys",
    "damages",
    "dialect_of",
    "load",
    "log_of",
    "search_index_of",
    "url_of_file",
    "url_problem",
    "view_words",
]

_KINDS: dict[str, type[Dialect]] = {Sqlite.kind: Sqlite}


def url_problem(url: str) -> str | None:
    """Return why this version cannot use a database URL; None if it can. The URL itself is not repeated."""
    # The address of an unknown kind gets the message of the only known one.
    return _KINDS.get(url.partition(":")[0], Sqlite).url_problem(url)


def dialect_of(url: str) -> Dialect:
    """Return the dialect for an SQLAlchemy URL, without opening it; StoreError if the URL cannot be used."""
    if problem := url_problem(url):
        raise StoreError(f"the database's address {problem}", StoreProblem.ADDRESS)
    return _KINDS[url.partition(":")[0]](url)


def view_words(connection: Connection) -> ViewWords:
    """Return the expressions for views in a connection's kind of database."""
    return _KINDS[connection.dialect.name].words


def load(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows to a temporary table in the fastest way of the connection's driver."""
    _KINDS[connection.dialect.name].load(connection, table, columns, rows)


def damages(connection: Connection) -> list[str]:
    """Return one line for each damage in a connection's database."""
    return _KINDS[connection.dialect.name].damages(connection)


def broken_keys(connection: Connection) -> list[BrokenKey]:
    """Return the foreign keys in a connection's database that refer to missing rows."""
    return _KINDS[connection.dialect.name].broken_keys(connection)


def log_of(connection: Connection) -> Log | None:
    """Return the state of the log of a connection's database; None if it has none, or an empty one."""
    return _KINDS[connection.dialect.name].log(connection)


def search_index_of(connection: Connection) -> SearchIndex:
    """Return the search index of a connection's database, which may not exist yet."""
    return _KINDS[connection.dialect.name].search_index(connection)
