"""Every table and column has a description, and the reference pages match."""

from pathlib import Path

import kalshi_pipeline
from kalshi_pipeline.store.dialects.sqlite import Sqlite
from kalshi_pipeline.store.schema.columns import columns_of, reference
from kalshi_pipeline.store.schema.tables import metadata
from kalshi_pipeline.store.schema.view_notes import VIEW_NOTES
from kalshi_pipeline.store.schema.view_reference import view_reference
from kalshi_pipeline.store.schema.views import definitions


def test_every_table_and_column_says_what_it_means() -> None:
    assert [name for name, table in metadata.tables.items() if not table.comment] == []
    silent = [
        f"{name}.{note.name}" for name in metadata.tables for note in columns_of(name) if not note.description
    ]
    assert silent == []


def test_every_view_says_what_a_row_is() -> None:
    words = Sqlite("sqlite:///scratch.db").words
    assert list(VIEW_NOTES) == list(definitions(words))


def test_reference_is_that_of_the_tables() -> None:
    """`uv run poe docs` writes it."""
    docs = Path(kalshi_pipeline.__file__).parents[1] / "docs"
    assert (docs / "tables.md").read_text(encoding="utf-8") == reference()
    assert (docs / "views.md").read_text(encoding="utf-8") == view_reference(Sqlite("sqlite:///scratch.db"))
