"""Placeholders for markets that trades refer to, but that the exchange does not return."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    exists,
    false,
    func,
    update,
)

from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import (
    events,
    markets,
)
from kalshi_pipeline.store.writing.ids import InsertNew
from kalshi_pipeline.store.writing.merging import (
    PLACEHOLDER_COLUMNS,
    Staging,
    placeholder,
)


class OrphanRow(NamedTuple):
    """A market that a trade refers to, but that the exchange does not return; `gone_at` is set if it is in neither
    tier.

    It is stored as no combo, because the exchange has not said that it is one.
    """

    ticker: str
    gone_at: int | None


_staged_orphans = Staging("staged_orphans", *record_columns(OrphanRow))
_seen_at = bindparam("seen_at", type_=BigInteger)
_orphans = _staged_orphans.table
_is_stored = exists().where(markets.c.ticker == _orphans.c.ticker)
_insert_events_of_orphans = InsertNew(
    events,
    PLACEHOLDER_COLUMNS,
    placeholder(_orphans.c.ticker, _seen_at).where(
        ~_is_stored, ~exists().where(events.c.ticker == _orphans.c.ticker)
    ),
)
_insert_orphans = InsertNew(
    markets,
    [*PLACEHOLDER_COLUMNS, "event_id", "is_combo", "gone_at"],
    placeholder(_orphans.c.ticker, _seen_at)
    .add_columns(events.c.id.label("event_id"), false().label("is_combo"), _orphans.c.gone_at)
    .select_from(_orphans.join(events, events.c.ticker == _orphans.c.ticker))
    .where(~_is_stored),
)
_mark_asked = (
    update(markets)
    .values(changed_at=_seen_at, gone_at=func.coalesce(markets.c.gone_at, _orphans.c.gone_at))
    .where(markets.c.ticker == _orphans.c.ticker, markets.c.is_placeholder)
)


def insert_orphans(connection: Connection, rows: Sequence[OrphanRow], seen_at: int) -> int:
    """Insert placeholders for markets that do not exist; return the number of rows.

    A market needs an event, whose ticker is unknown. The placeholder event has the market's own ticker, so that two
    such markets are not taken for siblings. A later run that receives the market moves it to its event. Existing
    placeholders are marked as requested again.
    """
    _staged_orphans.fill(connection, rows)
    connection.execute(_mark_asked, {"seen_at": seen_at})
    inserted = _insert_events_of_orphans.run(connection, {"seen_at": seen_at})
    return inserted + _insert_orphans.run(connection, {"seen_at": seen_at})
