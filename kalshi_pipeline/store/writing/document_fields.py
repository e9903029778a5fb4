"""The fields of documents: the number of documents with each field and type, by week."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import Connection, and_, func, literal, select

from kalshi_pipeline.records import Document
from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.tables import document_fields
from kalshi_pipeline.store.writing.documents import DocumentKind
from kalshi_pipeline.store.writing.merging import Staging
from kalshi_pipeline.units import MICROS_PER_DAY

_WEEK = 7 * MICROS_PER_DAY
_FIRST_MONDAY = 4 * MICROS_PER_DAY  # 1970 began on a Thursday
_MOST_NESTED = 200
_WITH_DATA_AS_KEYS = frozenset({"custom_strike"})
_JSON_TYPES = {str: "text", bool: "boolean", type(None): "null", list: "list", dict: "object"}

_staged_fields = Staging("staged_fields", *document_fields.columns)
_before = document_fields.alias("before")
_field = _staged_fields.table.c
_add_fields = upsert(
    document_fields,
    ["kind", "week_at", "field", "type", "documents"],
    select(
        _field.kind,
        _field.week_at,
        _field.field,
        _field.type,
        _field.documents + func.coalesce(_before.c.documents, literal(0)),
    ).select_from(
        _staged_fields.table.outerjoin(
            _before,
            and_(
                *(
                    _before.c[column.name] == _field[column.name]
                    for column in document_fields.primary_key.columns
                )
            ),
        )
    ),
)


Layout: TypeAlias = tuple[str, tuple[str, ...], tuple[type, ...]]
"""The kind of a document, and the names and types of its fields."""


def layout_of(kind: DocumentKind, document: Document) -> Layout:
    """Return the layout of a document. Fields of nested objects, including those in lists, have dotted names.

    At most _MOST_NESTED nested fields are included, and none of objects whose keys are data.
    """
    fields = document.fields
    names, values = tuple(fields.keys()), tuple(fields.values())
    types = tuple(map(type, values))
    if dict in types or list in types:
        nested = dict.fromkeys(islice(_nested_in(zip(names, values, strict=True)), _MOST_NESTED))
        names += tuple(name for name, _ in nested)
        types += tuple(python_type for _, python_type in nested)
    return kind.name, names, types


def _nested_in(fields: Iterable[tuple[str, Any]], prefix: str = "") -> Iterator[tuple[str, type]]:
    for name, value in fields:
        if name in _WITH_DATA_AS_KEYS:
            continue
        inner = value if value.__class__ is list else (value,)
        for part in inner:
            if part.__class__ is dict:
                path = f"{prefix}{name}."
                yield from ((path + key, type(found)) for key, found in part.items())
                yield from _nested_in(part.items(), path)


def count_fields(connection: Connection, layouts: Mapping[Layout, int], at: int) -> None:
    """Add documents with these layouts to the counts of fields and types, in the week of an instant."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for (kind, names, types), count in layouts.items():
        counts[kind, "", ""] += count
        for name, python_type in zip(names, types, strict=True):
            counts[kind, name, _JSON_TYPES.get(python_type, "number")] += count
    week_at = _week_of(at)
    rows = [(kind, week_at, name, type_, count) for (kind, name, type_), count in counts.items()]
    _staged_fields.fill(connection, rows)
    connection.execute(_add_fields)


def _week_of(instant: int) -> int:
    return instant - (instant - _FIRST_MONDAY) % _WEEK
