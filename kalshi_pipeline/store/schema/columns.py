"""What the columns of a table mean, as the UI shows it."""

from typing import NamedTuple

from kalshi_pipeline.store.schema.tables import metadata


class ColumnNote(NamedTuple):
    """A column as a person reads it."""

    name: str
    type: str
    is_nullable: bool
    description: str


def columns_of(table: str) -> list[ColumnNote]:
    """Return a description of every column of a table, in its order."""
    return [
        ColumnNote(column.name, str(column.type).lower(), bool(column.nullable), column.comment or "")
        for column in metadata.tables[table].columns
    ]
