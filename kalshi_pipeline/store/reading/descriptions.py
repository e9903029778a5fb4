"""What the exchange said of a series, an event or a market, as it is known now and as it was known at an instant.

The logs of changes have no first rows: a field had at an instant what it was before its first change after that, or
else what it has now.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Table, func, select

from kalshi_pipeline.records import Event, Field, Market, Series, fields_of
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
    """A kind of record: what it is made of, where it is stored, and the parent that it names by ticker."""

    record: type[NamedTuple]
    table: Table
    changes: Table
    parent: tuple[str, Table] | None = None


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
    """Return the fields of a series, an event or a market by their names, at an instant or as they are known now.

    Prices are micro-dollars, factors millionths, instants microseconds. None if it is not stored, or was first seen
    after that; KeyError for another kind than series, event and market.
    """
    found = KINDS[kind]
    table, key = found.table, next(iter(found.changes.foreign_keys)).parent
    row = connection.execute(select(table).where(table.c.ticker == ticker)).mappings().one_or_none()
    if row is None or (at is not None and row["first_seen_at"] > at):
        return None
    now = dict(row)
    if found.parent is not None:
        name, parent = found.parent
        (parent_key,) = (column.name for column in table.columns if column.references(parent.c.id))
        ticker_of = select(parent.c.ticker).where(parent.c.id == now[parent_key])
        now[name] = connection.execute(ticker_of).scalar_one_or_none()
    before: dict[str, str | None] = {}
    if at is not None:
        log = found.changes.c
        first = (
            select(func.min(log.id, type_=Integer))
            .where(key == row["id"], log.seen_at > at)
            .group_by(log.field)
        )
        before = dict(connection.execute(select(log.field, log.before).where(log.id.in_(first))).all())
    is_shared = frozenset(shared_fields(found.record))
    return {
        field.name: _value(connection, field, now, before, is_shared=field.name in is_shared)
        for field in fields_of(found.record)
        if not field.is_record and field.name not in UNSTORED
    }


def _value(
    connection: Connection,
    field: Field,
    now: dict[Any, Any],
    before: dict[str, str | None],
    *,
    is_shared: bool,
) -> object:
    if field.name in before:
        text = before[field.name]
        value = None if text is None else (int if is_shared else _FROM_TEXT[field.type])(text)
    else:
        value = now[text_key(field.name) if is_shared else field.name]
    if not is_shared or value is None:
        return value
    return connection.execute(select(texts.c.body).where(texts.c.id == value)).scalar_one()
