"""Past and scheduled fee changes."""

from typing import Any

from sqlalchemy import Column, Index, Table

from kalshi_pipeline.records import EventFeeChange, SeriesFeeChange
from kalshi_pipeline.store.dialects.statements import clustered
from kalshi_pipeline.store.schema.from_records import record_column, record_columns
from kalshi_pipeline.store.schema.tables.columns import instant_column, metadata, seen_columns


def _fee_change_columns() -> list[Column[Any]]:
    return [
        *seen_columns(),
        instant_column(
            "withdrawn_at",
            "when a complete listing no longer had the change before it took effect; NULL if it was not withdrawn",
            nullable=True,
        ),
    ]


# Without foreign keys: a change is kept as it came, even where its series or its event is never listed.
series_fee_changes = Table(
    "series_fee_changes",
    metadata,
    record_column(SeriesFeeChange, "change_id", primary_key=True),
    *record_columns(SeriesFeeChange, without=("change_id",)),
    *_fee_change_columns(),
    comment="past and scheduled changes of series' fees",
    **clustered(),
)
Index(
    "ix_series_fee_changes_series_ticker",
    series_fee_changes.c.series_ticker,
    series_fee_changes.c.scheduled_at,
)

event_fee_changes = Table(
    "event_fee_changes",
    metadata,
    record_column(EventFeeChange, "change_id", primary_key=True),
    *record_columns(EventFeeChange, without=("change_id",)),
    *_fee_change_columns(),
    comment="past and scheduled changes of events' fee overrides; a change without values clears the override",
    **clustered(),
)
Index("ix_event_fee_changes_event_ticker", event_fee_changes.c.event_ticker, event_fee_changes.c.scheduled_at)
