"""Series, events and markets, with their changes, lookups and the legs of combos."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, and_, true

from kalshi_pipeline.records import Event, Leg, Market, Series
from kalshi_pipeline.store.dialects.statements import clustered, partial
from kalshi_pipeline.store.schema.from_records import record_column, record_columns
from kalshi_pipeline.store.schema.tables.columns import (
    UNSTORED,
    id_column,
    instant_column,
    key_of_parent,
    metadata,
    seen_columns,
)
from kalshi_pipeline.store.schema.tables.quotes import QUOTE_COLUMNS
from kalshi_pipeline.vocabulary import MarketStatus

texts = Table(
    "texts",
    metadata,
    Column(
        "id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="the first 64 bits of its BLAKE2b digest",
    ),
    Column("body", Text, nullable=False, comment="the text"),
    comment="texts that many rows share, such as secondary rules, each stored once",
)


def _changes(name: str, key: str, parent: str, subject: str, fields: str) -> Table:
    """Return the table with the changes of a parent's rows."""
    table = Table(
        name,
        metadata,
        id_column(),
        Column(key, ForeignKey(parent), nullable=False, comment=f"the {subject} that changed"),
        instant_column("seen_at", "when the change was seen"),
        Column("field", Text, nullable=False, comment="which of its columns changed"),
        Column("before", Text, comment="its value before, as text, or the key of a shared text"),
        Column("after", Text, comment="its value since then, as text, or the key of a shared text"),
        comment=f"changes of {fields}",
    )
    Index(f"ix_{name}_{key}_id", table.c[key], table.c.id)
    return table


def _parent_columns() -> list[Column[Any]]:
    """The columns that every parent has."""
    return [
        Column(
            "is_placeholder",
            Boolean,
            nullable=False,
            comment="created because a child needed it; its other values are NULL until a run fills it",
        ),
        Column(
            "reading",
            Integer,
            nullable=False,
            server_default="0",
            comment="the version of parsing that last read it; fields of later versions are unknown",
        ),
        *seen_columns(),
    ]


series = Table(
    "series",
    metadata,
    id_column(),
    record_column(Series, "ticker", unique=True),
    *record_columns(Series, without=("ticker",)),
    *_parent_columns(),
    comment="templates of events",
)

series_changes = _changes("series_changes", "series_id", "series.id", "series", "every field of series")

events = Table(
    "events",
    metadata,
    id_column(),
    record_column(Event, "ticker", unique=True),
    key_of_parent(Event, "series_ticker", "series_id", "series.id"),
    *record_columns(Event, without=("ticker", "series_ticker")),
    *_parent_columns(),
    comment="question sets with their markets",
)

event_changes = _changes(
    "event_changes", "event_id", "events.id", "event", "every field of events, including their series"
)

event_lookups = Table(
    "event_lookups",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True, comment="the event that is missing"),
    instant_column("asked_at", "when it was last requested"),
    comment="events that the exchange did not return; the next run requests others first",
)

markets = Table(
    "markets",
    metadata,
    id_column(),
    record_column(Market, "ticker", unique=True),
    key_of_parent(Market, "event_ticker", "event_id", "events.id"),
    *record_columns(Market, without=("ticker", "event_ticker", *QUOTE_COLUMNS, *UNSTORED)),
    instant_column(
        "gone_at",
        "when it was found in neither of the exchange's tiers; NULL while it is in one",
        nullable=True,
    ),
    *_parent_columns(),
    comment="yes-no contracts, each of an event",
)

market_fingerprints = Table(
    "market_fingerprints",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    Column(
        "version",
        Integer,
        nullable=False,
        comment="the version of the encoding; 0 before the first one, negative until the document is stored",
    ),
    Column(
        "fingerprint",
        BigInteger,
        comment="64-bit digest of the market's description in the last listing; NULL if it must be compared in full",
    ),
    comment="digests with which a snapshot finds the few markets of a page with a changed description",
)

# Placeholders are few and asked for at every run: each table finds its own without being read.
for _parent in (series, events, markets):
    Index(
        f"ix_{_parent.name}_placeholder",
        _parent.c.first_seen_at,
        **partial(_parent.c.is_placeholder == true()),
    )

# The ages of the markets that trade, without reading the table: the bounds of the windows in which they are listed.
# The status is in it too: older versions of SQLite look an index's own condition up in the table.
Index(
    "ix_markets_active_created_at",
    markets.c.is_combo,
    markets.c.created_at,
    markets.c.status,
    **partial(markets.c.status == MarketStatus.ACTIVE),
)

# The markets whose end is not known yet: all that trade, and those that wait for their result.
Index(
    "ix_markets_unsettled",
    markets.c.status,
    markets.c.is_combo,
    markets.c.gone_at,
    **partial(and_(markets.c.status.is_distinct_from(MarketStatus.FINALIZED), markets.c.gone_at.is_(None))),
)

# Those that vanished: asked for again, ever more rarely.
Index("ix_markets_gone", markets.c.gone_at, **partial(markets.c.gone_at.is_not(None)))

market_changes = _changes(
    "market_changes",
    "market_id",
    "markets.id",
    "market",
    "every field of markets, including their event, and of settlement_value",
)
Index("ix_market_changes_seen_at", market_changes.c.seen_at)

market_lookups = Table(
    "market_lookups",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    instant_column("asked_at", "when it was last requested by its ticker"),
    instant_column(
        "missing_at",
        "when it was first found in neither of the exchange's tiers; NULL if it is in one, or has long been gone",
        nullable=True,
    ),
    comment="markets that were looked up and whose end is not known yet",
)
Index(
    "ix_market_lookups_missing",
    market_lookups.c.missing_at,
    **partial(market_lookups.c.missing_at.is_not(None)),
)

combo_legs = Table(
    "combo_legs",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the combo"),
    record_column(Leg, "position", primary_key=True),
    Column("leg_market_id", ForeignKey("markets.id"), comment="the market of this leg, if it is stored"),
    Column("leg_ticker", Text, comment="that market's ticker, if it is not stored"),
    Column("leg_event_ticker", Text, comment="that market's event, if the market is not stored"),
    *record_columns(Leg, without=("position", "market_ticker", "event_ticker")),
    comment="the legs of combos, with the side that must win",
    **clustered(),
)
Index("ix_combo_legs_leg_market_id", combo_legs.c.leg_market_id)
