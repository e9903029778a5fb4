"""Writes of fee changes, by the exchange's identifier. Rows are rewritten only if they differ."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, Table, bindparam, exists, insert, null, or_, select, update

from kalshi_pipeline.records import EventFeeChange, SeriesFeeChange
from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import event_fee_changes, series_fee_changes
from kalshi_pipeline.store.writing.merging import Staging
from kalshi_pipeline.store.writing.tally import Tally


class _FeeChanges:
    """The statements that merge one kind of fee change into its table."""

    def __init__(self, table: Table, record: type[NamedTuple]) -> None:
        self._staging = Staging(f"staged_{table.name}", *record_columns(record))
        stage, stored = self._staging.table.c, table.c
        seen_at = bindparam("seen_at", type_=BigInteger)
        is_same = stored.change_id == stage.change_id
        values = {name: stage[name] for name in record._fields if name != "change_id"}
        differs = [stored[name].is_distinct_from(value) for name, value in values.items()]
        self._update = (
            update(table)
            .values({**values, "changed_at": seen_at, "withdrawn_at": null()})
            .where(is_same, or_(stored.withdrawn_at.is_not(None), *differs))
        )
        self._insert = insert(table).from_select(
            ["change_id", *values, "first_seen_at", "changed_at"],
            select(
                stage.change_id, *values.values(), seen_at.label("first_seen_at"), seen_at.label("changed_at")
            ).where(~exists().where(is_same)),
        )

    def merge(
        self,
        connection: Connection,
        changes: Sequence[SeriesFeeChange] | Sequence[EventFeeChange],
        seen_at: int,
    ) -> Tally:
        self._staging.fill(connection, changes)
        at = {"seen_at": seen_at}
        changed = connection.execute(self._update, at).rowcount
        inserted = connection.execute(self._insert, at).rowcount
        return Tally(inserted=inserted, changed=changed, unchanged=len(changes) - inserted - changed)


_of_series = _FeeChanges(series_fee_changes, SeriesFeeChange)
_of_events = _FeeChanges(event_fee_changes, EventFeeChange)


def merge_series_fee_changes(
    connection: Connection, changes: Sequence[SeriesFeeChange], seen_at: int
) -> Tally:
    """Insert the changes that are new, and replace those that differ or had been withdrawn."""
    return _of_series.merge(connection, changes, seen_at)


def merge_event_fee_changes(connection: Connection, changes: Sequence[EventFeeChange], seen_at: int) -> Tally:
    """Insert the changes that are new, and replace those that differ or had been withdrawn."""
    return _of_events.merge(connection, changes, seen_at)


def withdraw_unlisted(
    connection: Connection, table_name: str, listed: Collection[str], *, after: int, seen_at: int
) -> int:
    """Mark unlisted changes that take effect after an instant as withdrawn; return their number."""
    table = {found.name: found for found in (series_fee_changes, event_fee_changes)}[table_name]
    upcoming = select(table.c.change_id).where(table.c.scheduled_at > after, table.c.withdrawn_at.is_(None))
    missing = [key for key in connection.execute(upcoming).scalars() if key not in listed]
    for part in in_parts(missing):
        connection.execute(
            update(table).where(table.c.change_id.in_(part)).values(withdrawn_at=seen_at, changed_at=seen_at)
        )
    return len(missing)
