"""The columns and types of views. The database knows some types; the view definitions contain the others."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, inspect
from sqlalchemy.types import NullType

from kalshi_pipeline.store.dialects import ViewWords, view_words
from kalshi_pipeline.store.schema.views import definitions

_CAST = re.compile(r"AS (TEXT|REAL|INTEGER)\) AS (\w+)")


class ViewColumn(NamedTuple):
    """A column of a view."""

    name: str
    type: str
    is_computed: bool
    """Whether it is computed from several tables, so that the database does not know its type."""


def columns_of_views(connection: Connection) -> Iterator[tuple[str, list[ViewColumn]]]:
    """Yield each view of an up-to-date database with its columns, in order."""
    words = view_words(connection)
    computed = _computed_types(words)
    for view in definitions(words):
        columns = []
        for column in inspect(connection).get_columns(view):
            name, known = column["name"], column["type"]
            is_computed = isinstance(known, NullType)
            columns.append(ViewColumn(name, computed[name] if is_computed else str(known), is_computed))
        yield view, columns


def _computed_types(words: ViewWords) -> dict[str, str]:
    """Return the type of each column that is computed from several tables; it is the same in all views."""
    return {name: kind for query in definitions(words).values() for kind, name in _CAST.findall(query)}
