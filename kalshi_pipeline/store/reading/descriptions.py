"""Descriptions of series, events and markets, as known now or at an instant.

The logs of changes contain no initial values: at an instant, a field had the `before` of its first later change, or its
present value if there is none.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Integer, Table, func, select

from kalshi_pipeline.record_fields import Field, fields_of
from kalshi_pipeline.records import Event, Market, Series
from kalshi_pipeline.store.schema.from_records import shared_fields, text_key
from kalshi_pipeline.store.schema.tables import (
    UNSTORED,
    event_changes,
    events,
    market_changes,
    markets,
    series,
    series_changes,
    texts,
)


class Kind(NamedTuple):
    """A kind of record: its type, its table, and its reference to a parent by ticker."""

    record: type[NamedTuple]
    table: Table
    changes: Table
    parent: tuple[str, Table] | None = None

    @property
    def key(self) -> Column[Any]:
        """The foreign key in the log of its changes."""
        return next(iter(self.changes.foreign_keys)).parent

    @property
    def fields(self) -> dict[str, Field]:
        """The stored and logged fields, by name."""
        return _stored_fields(self.record)

    def column_of(self, field: str) -> Column[Any]:
        """Return the column of a field; for a parent or a shared text, the column with its key."""
        if self.parent is not None and field == self.parent[0]:
            return next(column for column in self.table.columns if column.references(self.parent[1].c.id))
        return self.table.c[text_key(field) if field in shared_fields(self.record) else field]

    def logged_value(self, field: str, text: str | None) -> object:
        """Return the logged form of a field: the key of a shared text, the ticker of a parent."""
        if text is None:
            return None
        return int(text) if field in shared_fields(self.record) else _FROM_TEXT[self.fields[field].type](text)


@cache
def _stored_fields(record: type[NamedTuple]) -> dict[str, Field]:
    fields = fields_of(record)
    return {field.name: field for field in fields if not field.is_record and field.name not in UNSTORED}


KINDS = {
    "series": Kind(Series, series, series_changes),
    "event": Kind(Event, events, event_changes, ("series_ticker", series)),
    "market": Kind(Market, markets, market_changes, ("event_ticker", events)),
}
_FROM_TEXT: dict[type, Callable[[str], object]] = {
    str: str,
    int: int,
    float: float,
    bool: lambda text: text == "1",
}


def description(
    connection: Connection, kind: str, ticker: str, at: int | None = None
) -> dict[str, object] | None:
    """Return the fields of a series, event or market by name, as known now or at an instant.

    Prices are in micro-dollars, factors in millionths, instants in microseconds. None if it is not stored, or was first
    seen later; KeyError for another kind than series, event and market.
    """
    found = KINDS[kind]
    table = found.table
    row = connection.execute(select(table).where(table.c.ticker == ticker)).mappings().one_or_none()
    if row is None or (at is not None and row["first_seen_at"] > at):
        return None
    known = {name: row[found.column_of(name).name] for name in found.fields}
    if found.parent is not None:
        name, parent = found.parent
        ticker_of = select(parent.c.ticker).where(parent.c.id == known[name])
        known[name] = connection.execute(ticker_of).scalar_one_or_none()
    if at is not None:
        log = found.changes.c
        first = (
            select(func.min(log.id, type_=Integer))
            .where(found.key == row["id"], log.seen_at > at)
            .group_by(log.field)
        )
        before = dict(connection.execute(select(log.field, log.before).where(log.id.in_(first))).all())
        known |= {name: found.logged_value(name, before[name]) for name in known.keys() & before.keys()}
    for name in shared_fields(found.record):
        if known[name] is not None:
            known[name] = connection.execute(
                select(texts.c.body).where(texts.c.id == known[name])
            ).scalar_one()
    return known
