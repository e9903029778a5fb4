"""The database in DuckDB: every table and view, with the types that SQLite does not know of its views."""

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
    """Yield what makes an empty DuckDB show a database. MissingExtraError where its extension is not installed."""
    extension, attach = database.duck_source()
    yield f"LOAD '{extension.replace(chr(39), chr(39) * 2)}'"
    yield attach.format(name=_ATTACHED)
    yield "SET TimeZone = 'UTC'"
    for table in metadata.tables.values():
        yield f"CREATE VIEW {table.name} AS FROM {_ATTACHED}.{table.name} WHERE {_any_of(table)} IS NOT NULL"
    yield from _typed_views(database.ask(view_columns))


def _any_of(table: Table) -> str:
    """Return a column of a table that is never NULL.

    A query of no column, such as count(*), reads one then: DuckDB asks for the row's number otherwise, which not every
    table has.
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
