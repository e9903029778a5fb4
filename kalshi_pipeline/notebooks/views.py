"""Streamed tables: the rows of a view, and of a statement about markets."""

from collections.abc import Mapping, Sequence
from typing import Any

from kalshi_pipeline.api.arguments import check_word
from kalshi_pipeline.notebooks.asking import value_of
from kalshi_pipeline.notebooks.histories import texts_of
from kalshi_pipeline.notebooks.parts import StreamedPart, ViewPart
from kalshi_pipeline.notebooks.table import Table
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.reading.streams import Selection, Stream, rows_of_view, view_columns


def view_table(
    database: ReadOnlyDatabase,
    name: str,
    where: Mapping[str, str | float | None],
    order: Sequence[str] = (),
    **spans: tuple[Any, Any],
) -> Table:
    """Return the rows of a view whose columns have these values or are in these spans, in order.

    Raises ConfigurationError for an unknown view or column, and for a value of a wrong type.
    """
    views = database.ask(view_columns)
    check_word(name, "view", views)
    columns = views[name]
    for column in where:
        check_word(column, f"column of {name}", [found.name for found in columns])
    values = {column: value_of(column, value) for column, value in where.items()}
    stream = rows_of_view(name, columns, values, spans, order)
    return Table(columns, ViewPart(database, stream, is_ordered=bool(order)))


def streamed_table(database: ReadOnlyDatabase, stream: Stream, selection: Selection | None) -> Table:
    """Return the rows of a statement, each with the tickers of its market."""
    return Table(stream.columns, StreamedPart(database, stream, lambda: texts_of(database, selection)))


def columns_of(selection: Selection | None) -> dict[str, str]:
    """Return the column and the value that select the markets in a view."""
    if selection is None:
        return {}
    return {"ticker" if selection.kind == "market" else f"{selection.kind}_ticker": selection.ticker}
