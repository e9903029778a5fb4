"""The database in DuckDB: every table and view, with the column types of views, which SQLite does not know."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Table

from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.reading.streams import Kind, TableColumn, view_columns
from kalshi_pipeline.store.schema.tables import metadata

_ATTACHED = "stored"
_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.TIME: "TIMESTAMPTZ",
    Kind.DECIMAL: "DOUBLE",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
}


def duck_statements(database: ReadOnlyDatabase) -> Iterator[str]:
    """Yield the statements that show a database in an empty DuckDB. MissingExtraError without its extension."""
    extension, attach = database.duck_source()
    yield f"LOAD '{extension.replace(chr(39), chr(39) * 2)}'"
    yield attach.format(name=_ATTACHED)
    yield "SET TimeZone = 'UTC'"
    for table in metadata.tables.values():
        yield f"CREATE VIEW {table.name} AS FROM {_ATTACHED}.{table.name} WHERE {_any_of(table)} IS NOT NULL"
    yield from _typed_views(database.ask(view_columns))


def _any_of(table: Table) -> str:
    """Return a column of a table that is never NULL.

    Queries without columns, such as count(*), then read this column: by default DuckDB requests the row number, which
    some tables do not have.
    """
    return f'"{next(iter(table.primary_key)).name}"'


def _typed_views(views: Mapping[str, Sequence[TableColumn]]) -> Iterator[str]:
    for name, columns in views.items():
        chosen = ", ".join(_typed(column) for column in columns)
        yield f"CREATE VIEW {name} AS SELECT {chosen} FROM {_ATTACHED}.{name}"  # noqa: S608  (names of our own)


def _typed(column: TableColumn) -> str:
    # A flag is the text of a number there.
    value = (
        f'"{column.name}"::BIGINT::BOOLEAN'
        if column.kind is Kind.FLAG
        else f'"{column.name}"::{_TYPES[column.kind]}'
    )
    return f'{value} AS "{column.name}"'
