"""The meanings of columns, as shown in the UI and in the reference in `docs/`."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kalshi_pipeline.store.dialects import Dialect, dialect_of, url_of_file
from kalshi_pipeline.store.schema.generated import generated_columns
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.schema.view_reference import view_reference

_BEGINNING = """# The tables

Written by `uv run poe docs` from `kalshi_pipeline/store/schema/tables/`. For reading, the views are the easier way:
they have tickers, ISO times and decimal dollars.

Instants are whole microseconds since 1970 (UTC), prices whole micro-dollars, counts of contracts whole hundredths.
Generated columns are computed when they are read, from others of their row; the views are made of them
([views.md](views.md)).
"""


class ColumnNote(NamedTuple):
    """A column and its description."""

    name: str
    type: str
    is_nullable: bool
    description: str


def columns_of(table: str) -> list[ColumnNote]:
    """Return the descriptions of a table's columns, in order."""
    return [
        ColumnNote(column.name, str(column.type).lower(), bool(column.nullable), column.comment or "")
        for column in metadata.tables[table].columns
    ]


def reference() -> str:
    """Return the description of every table, as Markdown."""
    return "\n".join([_BEGINNING, *_sections()])


def write_reference() -> None:
    """Write the description of every table and view into `docs/`."""
    Path("docs/tables.md").write_text(reference(), encoding="utf-8")
    Path("docs/views.md").write_text(view_reference(_dialect()), encoding="utf-8")


def _dialect() -> Dialect:
    """The kind of database that the reference describes; nothing is opened."""
    return dialect_of(url_of_file(Path("scratch.db")))


def _sections() -> Iterator[str]:
    for name, table in sorted(metadata.tables.items()):
        comment = table.comment or ""
        yield f"## {name}\n\n{comment[:1].upper()}{comment[1:]}.\n"
        yield "| Column | Type | Meaning |\n|---|---|---|"
        for column in columns_of(name):
            kind = f"{column.type} or NULL" if column.is_nullable else column.type
            yield f"| `{column.name}` | {kind} | {column.description} |"
        for generated in generated_columns(table, _dialect().words):
            yield f"| `{generated.name}` | {generated.type.lower()}, generated | {generated.meaning} |"
        yield ""
