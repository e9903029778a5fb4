"""Undoing logged changes: the log and the rows are as if the changes had never been seen."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, and_, bindparam, delete, func, select, update

from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.reading.descriptions import Kind
from kalshi_pipeline.store.schema.tables import markets
from kalshi_pipeline.store.writing.fingerprints import forget_fingerprints

_key = bindparam("row_id", type_=Integer)


class _Change(NamedTuple):
    """A row of a log; `is_undone` if it is undone."""

    id: int
    row_id: int
    field: str
    before: str | None
    after: str | None
    is_undone: bool


class _Undone(NamedTuple):
    """The effect on a log: values that rows get back by field, changes with a new beginning, and changes
    that are none.
    """

    restored: dict[str, dict[int, str | None]]
    rebased: dict[int, str | None]
    dropped: list[int]


def undo_changes(
    connection: Connection, kind: Kind, is_undone: ColumnElement[bool], bound: Mapping[str, int]
) -> None:
    """Undo the changes of a log that meet a condition.

    A field gets the value that it had before. If a later change is kept, it begins with this value. Markets whose
    description is then different are compared in full by the next listing.
    """
    undone = _without(_changes(connection, kind, is_undone, bound))
    log = kind.changes
    connection.execute(delete(log).where(is_undone), bound)
    for some in in_parts(undone.dropped):
        connection.execute(delete(log).where(log.c.id.in_(some)))
    if undone.rebased:
        rebase = update(log).where(log.c.id == _key).values(before=bindparam("value"))
        connection.execute(rebase, [{"row_id": key, "value": text} for key, text in undone.rebased.items()])
    for field, texts in undone.restored.items():
        _restore(connection, kind, field, texts)
    if kind.table is markets:
        for some in in_parts(sorted({key for texts in undone.restored.values() for key in texts})):
            connection.execute(forget_fingerprints(select(markets.c.id).where(markets.c.id.in_(some))))


def _changes(
    connection: Connection, kind: Kind, is_undone: ColumnElement[bool], bound: Mapping[str, int]
) -> list[_Change]:
    """Return the undone changes, and the later ones of the same rows, ordered by row and field."""
    log = kind.changes
    key = kind.key
    undone = select(key, func.min(log.c.id).label("first_id")).where(is_undone).group_by(key).subquery()
    query = (
        select(log.c.id, key, log.c.field, log.c.before, log.c.after, is_undone)
        .join(undone, and_(undone.c[key.name] == key, log.c.id >= undone.c.first_id))
        .order_by(key, log.c.field, log.c.id)
    )
    return [_Change(*row) for row in connection.execute(query, bound)]


def _without(changes: Sequence[_Change]) -> _Undone:
    found = _Undone(defaultdict(dict), {}, [])
    for (row_id, field), chain in groupby(changes, key=lambda change: (change.row_id, change.field)):
        first: _Change | None = None
        for change in chain:
            if change.is_undone:
                first = first or change
            elif first is not None:
                if first.before == change.after:
                    found.dropped.append(change.id)
                else:
                    found.rebased[change.id] = first.before
                first = None
        if first is not None:
            found.restored[field][row_id] = first.before
    return found


def _restore(connection: Connection, kind: Kind, field: str, texts: Mapping[int, str | None]) -> None:
    column = kind.column_of(field)
    value: Any = bindparam("value")
    if kind.parent is not None and field == kind.parent[0]:
        parent = kind.parent[1]
        value = select(parent.c.id).where(parent.c.ticker == value).scalar_subquery()
    rows = [
        {"row_id": row_id, "value": kind.logged_value(field, text)}
        for row_id, text in texts.items()
        if text is not None or column.nullable
    ]
    if rows:
        connection.execute(update(kind.table).where(kind.table.c.id == _key).values({column: value}), rows)
