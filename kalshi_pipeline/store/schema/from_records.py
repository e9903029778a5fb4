"""Columns derived from the fields of records: type, nullability and meaning."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, LargeBinary, Text
from sqlalchemy.types import TypeEngine

from kalshi_pipeline.record_fields import Field, fields_of

# Prices, sizes and instants all have more than 32 bits.
_TYPES: dict[type, type[TypeEngine[Any]]] = {
    str: Text,
    int: BigInteger,
    float: Float,
    bool: Boolean,
    bytes: LargeBinary,
}


def record_columns(record: type[NamedTuple], *, without: Collection[str] = ()) -> list[Column[Any]]:
    """Return a column for each field of a record, in order. The fields of a nested record replace it."""
    return [_column(field) for field in _flat_fields(record) if field.name not in without]


def record_column(record: type[NamedTuple], name: str, **options: Any) -> Column[Any]:  # noqa: ANN401  (SQLAlchemy's)
    """Return the column of one field, with options for `Column`."""
    (field,) = (field for field in _flat_fields(record) if field.name == name)
    return _column(field, **options)


def text_key(name: str) -> str:
    """Return the name of the column with the key of a shared text."""
    return f"{name}_id"


@cache
def shared_fields(record: type[NamedTuple]) -> tuple[str, ...]:
    """Return the fields whose texts are stored once and shared."""
    return tuple(
        field.name for field in _flat_fields(record) if field.note is not None and field.note.is_shared
    )


def first_read_in(record: type[NamedTuple]) -> dict[str, int]:
    """Return the version of parsing from which each column of a record is known."""
    columns = zip(_flat_fields(record), record_columns(record), strict=True)
    return {column.name: 1 if field.note is None else field.note.since for field, column in columns}


def _flat_fields(record: type[NamedTuple]) -> Iterator[Field]:
    for field in fields_of(record):
        if field.is_record:
            yield from _flat_fields(field.type)
        else:
            yield field


def _column(field: Field, **options: Any) -> Column[Any]:  # noqa: ANN401  (SQLAlchemy's)
    comment = None if field.note is None else str(field.note)
    if field.note is not None and field.note.is_shared:
        options = {
            "type_": BigInteger,
            "nullable": field.is_optional,
            "comment": f"{comment}: a key of texts",
        }
        return Column(text_key(field.name), ForeignKey("texts.id"), **options)
    options = {"type_": _TYPES[field.type], "nullable": field.is_optional, "comment": comment, **options}
    return Column(field.name, **options)
