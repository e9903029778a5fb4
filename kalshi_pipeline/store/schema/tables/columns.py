"""The registry of tables, and columns that many tables have."""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

from kalshi_pipeline.record_fields import INSTANT, Note
from kalshi_pipeline.store.schema.from_records import record_column

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UNSTORED = ("updated_time", "is_mirrored", "has_negative_size")
"""The fields of records that are not stored: runs count them."""


def id_column() -> Column[Any]:
    return Column("id", Integer, primary_key=True, comment="integer key")


def key_of_parent(
    record: type[NamedTuple], name: str, key: str, parent: str, *, index: bool = True
) -> Column[Any]:
    """Return the foreign key that replaces a parent's ticker in a record."""
    named = record_column(record, name)
    return Column(key, ForeignKey(parent), index=index, nullable=bool(named.nullable), comment=named.comment)


def instant_column(name: str, meaning: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable, comment=str(Note(meaning, INSTANT)))


def count_column(name: str, meaning: str, *, default: str | None = None) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=default, comment=meaning)


def seen_columns() -> list[Column[Any]]:
    return [
        instant_column(
            "first_seen_at",
            "when the exchange was first seen to have it; for a placeholder, when it was created",
        ),
        instant_column("changed_at", "when this row last changed"),
    ]
