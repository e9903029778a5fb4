"""Voided ticks, with their quotes: rows that `void-ticks` moved here."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Table

from kalshi_pipeline.store.dialects.statements import clustered
from kalshi_pipeline.store.schema.tables.columns import instant_column, metadata
from kalshi_pipeline.store.schema.tables.quotes import price_snapshots, unchanged_blocks
from kalshi_pipeline.store.schema.tables.runs import ticks


def _void_of(
    name: str,
    table: Table,
    meaning: str,
    *added: Column[Any],
    **options: Any,  # noqa: ANN401  (those of Table)
) -> Table:
    """Return the table for voided rows of another one: the same columns, with references to voided ticks.

    Keys of markets are not foreign keys here, because no index would support them.
    """
    new_targets = {"ticks.id": "void_ticks.id", "scopes.id": "scopes.id"}
    columns = [
        Column(
            column.name,
            column.type,
            *(
                ForeignKey(new_targets[key.target_fullname])
                for key in column.foreign_keys
                if key.target_fullname in new_targets
            ),
            primary_key=column.primary_key,
            nullable=column.nullable,
            comment=column.comment,
        )
        for column in table.columns
    ]
    return Table(name, metadata, *columns, *added, comment=meaning, **options)


void_ticks = _void_of(
    "void_ticks",
    ticks,
    "ticks that `void-ticks` removed, such as those taken while the clock was ahead",
    instant_column("voided_at", "when it was moved, with its rows"),
)

void_snapshots = _void_of(
    "void_snapshots", price_snapshots, "rows of price_snapshots of voided ticks", **clustered()
)

void_unchanged_blocks = _void_of(
    "void_unchanged_blocks", unchanged_blocks, "rows of unchanged_blocks of voided ticks", **clustered()
)
