"""Columns from the fields of records: type, whether NULL is allowed, and what the column means."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Float, LargeBinary, Text
from sqlalchemy.types import TypeEngine

from kalshi_pipeline.records import Field, fields_of

# Prices, sizes and instants all have more than 32 bits.
_TYPES: dict[type, type[TypeEngine[Any]]] = {
    str: Text,
    int: BigInteger,
    float: Float,
    bool: Boolean,
    bytes: LargeBinary,
}


def record_columns(record: type[NamedTuple], *, without: Collection[str] = ()) -> list[Column[Any]]:
    """Return a column for each field of a record, in their order; those of a nested record are in its place."""
    return [_column(field) for field in _flat_fields(record) if field.name not in without]


def record_column(record: type[NamedTuple], name: str, **options: Any) -> Column[Any]:  # noqa: ANN401  (SQLAlchemy's)
    """Return the column of one field, with options that `Column` takes."""
    (field,) = (field for field in _flat_fields(record) if field.name == name)
    return _column(field, **options)


def _flat_fields(record: type[NamedTuple]) -> Iterator[Field]:
    for field in fields_of(record):
        if field.is_record:
            yield from _flat_fields(field.type)
        else:
            yield field


def _column(field: Field, **options: Any) -> Column[Any]:  # noqa: ANN401  (SQLAlchemy's)
    comment = None if field.note is None else str(field.note)
    options = {"type_": _TYPES[field.type], "nullable": field.is_optional, "comment": comment, **options}
    return Column(field.name, **options)
