"""What differs from one kind of database to another: each kind is a module here, behind one interface.

`statements` has what statements and tables of every kind are written with. Only code that is about one kind of file
(and no code of the store) names a kind's module.
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
    """Return why this version cannot use an address; None where it can. The address itself is not repeated."""
    # To another kind's address, the kind that this version has is what there is to say.
    return _KINDS.get(url.partition(":")[0], Sqlite).url_problem(url)


def dialect_of(url: str) -> Dialect:
    """Return the database at an SQLAlchemy URL, not opened yet; StoreError where the address cannot be used."""
    if problem := url_problem(url):
        raise StoreError(f"the database's address {problem}", StoreProblem.ADDRESS)
    return _KINDS[url.partition(":")[0]](url)


def view_words(connection: Connection) -> ViewWords:
    """Return what the views of a connection's kind of database are written with."""
    return _KINDS[connection.dialect.name].words


def load(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Append rows to a temporary table by the fastest call that the connection's driver has."""
    _KINDS[connection.dialect.name].load(connection, table, columns, rows)


def damages(connection: Connection) -> list[str]:
    """Return what is wrong with the database of a connection as its kind stores it, a line each."""
    return _KINDS[connection.dialect.name].damages(connection)


def broken_keys(connection: Connection) -> list[BrokenKey]:
    """Return the foreign keys of any table of a connection's database that refer to rows which are missing."""
    return _KINDS[connection.dialect.name].broken_keys(connection)


def log_of(connection: Connection) -> Log | None:
    """Return the state of the log of a connection's database, None where it has none or it is empty."""
    return _KINDS[connection.dialect.name].log(connection)


def search_index_of(connection: Connection) -> SearchIndex:
    """Return the index of the texts of a connection's database, which may not have been made yet."""
    return _KINDS[connection.dialect.name].search_index(connection)
