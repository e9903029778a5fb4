"""Documents: all fields of series, events, markets, and of subjects without a table, as the exchange sent them."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, func, select

from kalshi_pipeline.store.document_blocks import fields_in, json_of, line_in
from kalshi_pipeline.store.schema.tables import (
    DOCUMENTS_OF,
    document_blocks,
    document_dictionaries,
    document_fields,
    document_key,
    document_subjects,
    subject_documents,
    texts,
)


@dataclass(frozen=True)
class Details:
    """The document of a record from an instant on, without the fields that change with every quote.

    `json` has the exchange's own fields, sorted, with numbers as the exchange wrote them. `seen_at` is when this
    document was first seen (microseconds since 1970).
    """

    kind: str
    ticker: str
    seen_at: int
    json: str

    @property
    def fields(self) -> dict[str, Any]:
        """The fields as Python values, with fractions as `Decimal`. A number that is too large for Python is text."""
        fields: dict[str, Any] = json.loads(self.json, parse_float=_fraction, parse_int=_integer)
        return fields

    @property
    def indented_json(self) -> str:
        """The JSON with one line for each value."""
        return msgspec.json.format(self.json, indent=2)


def _fraction(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def _integer(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


class Subject(NamedTuple):
    """The subject of documents: its kind and ticker, the table of its documents, and the key of its row."""

    kind: str
    ticker: str
    table: Table
    row_id: int


def subjects_of(connection: Connection, ticker: str) -> list[Subject]:
    """Return the subjects with a ticker: a market, an event, a series, then those without tables."""
    found: list[Subject] = []
    for kind, (parent, table) in DOCUMENTS_OF.items():
        row_id = connection.execute(select(parent.c.id).where(parent.c.ticker == ticker)).scalar()
        if row_id is not None:
            found.append(Subject(kind, ticker, table, row_id))
    other = document_subjects.c
    others = select(other.kind, other.id).where(other.ticker == ticker).order_by(other.kind)
    for kind, row_id in connection.execute(others):
        found.append(Subject(kind, ticker, subject_documents, row_id))
    return found


def kinds_of_documents(connection: Connection) -> list[str]:
    """Return the kinds of documents: market, event, series, then others that are stored."""
    kind = document_subjects.c.kind
    return [*DOCUMENTS_OF, *connection.execute(select(kind).distinct().order_by(kind)).scalars()]


def details(connection: Connection, subject: Subject, at: int | None = None) -> Details | None:
    """Return the newest document of a subject, or the one in force at an instant; None if there is none.

    Raises StoreError if it differs from what was stored.
    """
    table, block = subject.table, document_blocks.c
    query = (
        select(table.c.seen_at, table.c.digest, table.c.line, block.body, document_dictionaries.c.body)
        .join(document_blocks, block.id == table.c.block_id)
        .outerjoin(document_dictionaries, document_dictionaries.c.id == block.dictionary_id)
        .where(document_key(table) == subject.row_id)
        .order_by(table.c.seen_at.desc())
        .limit(1)
    )
    if at is not None:
        query = query.where(table.c.seen_at <= at)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    seen_at, digest, number, body, dictionary = row
    fields, keys = fields_in(line_in(body, dictionary, number, digest))
    shared = dict(
        connection.execute(select(texts.c.id, texts.c.body).where(texts.c.id.in_(keys.values()))).all()
    )
    named = {name: shared[text_key] for name, text_key in keys.items()}
    return Details(subject.kind, subject.ticker, seen_at, json_of(fields, named))


def oldest_details(connection: Connection, subject: Subject) -> int | None:
    """Return the time of a subject's oldest document; None if there is none."""
    table = subject.table
    query = select(func.min(table.c.seen_at)).where(document_key(table) == subject.row_id)
    oldest: int | None = connection.execute(query).scalar_one()
    return oldest


class FieldChange(NamedTuple):
    """A field of a kind of documents that differs from the weeks before: its JSON types then and now.

    A new field had no types before; a vanished one has none now.
    """

    kind: str
    field: str
    before: tuple[str, ...]
    now: tuple[str, ...]


class FieldComparison(NamedTuple):
    """The reference of a comparison of fields; `documents` is the number counted in that week, or 0 before it."""

    week_at: int | None
    documents: int
    changes: list[FieldChange]


# A field that is rare may be absent in a week by chance.
_LEAST_EXPECTED = 20


def compare_fields(connection: Connection) -> FieldComparison:
    """Compare the fields of the documents listed in the newest week with those of the weeks before.

    Nulls are ignored if a field also has other values.
    """
    counted = document_fields.c
    rows = connection.execute(
        select(counted.kind, counted.week_at, counted.field, counted.type, counted.documents)
    ).all()
    week_at: int | None = max((row.week_at for row in rows), default=None)
    totals: dict[tuple[str, bool], int] = defaultdict(int)
    types: dict[tuple[str, str, bool], Counter[str]] = defaultdict(Counter)
    for kind, at, name, json_type, documents in rows:
        if name:
            types[kind, name, at == week_at][json_type] += documents
        else:
            totals[kind, at == week_at] += documents
    changes: list[FieldChange] = []
    for kind, name in sorted({(kind, name) for kind, name, _ in types}):
        all_before, all_now = totals[kind, False], totals[kind, True]
        if not (all_before and all_now):
            continue
        before, now = types[kind, name, False], types[kind, name, True]
        expected = before.total() / all_before * all_now
        has_vanished = not now and expected >= _LEAST_EXPECTED
        has_new_type = bool({*now} - {*before, "null"}) and {*before} != {"null"}
        if has_vanished or has_new_type or (now and not before):
            changes.append(FieldChange(kind, name, tuple(sorted(before)), tuple(sorted(now))))
    return FieldComparison(week_at, sum(count for (_, is_now), count in totals.items() if is_now), changes)
