"""The tables as SQLAlchemy sees them, for building statements. The schema itself comes from `migrations` only."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

QUOTE_COLUMNS = (
    "yes_bid",
    "yes_ask",
    "yes_bid_size",
    "yes_ask_size",
    "last_price",
    "volume",
    "open_interest",
)
"""The numbers whose change makes a new snapshot; rolling ones such as a 24-hour volume are not among them."""


def _parent_columns() -> list[Column[Any]]:
    return [
        Column("is_placeholder", Boolean, nullable=False),
        Column("first_seen_at", BigInteger, nullable=False),
        Column("changed_at", BigInteger, nullable=False),
    ]


def _run_columns() -> list[Column[Any]]:
    counts = (
        "pages",
        "received",
        "inserted",
        "unchanged",
        "quarantined",
        "duplicates",
        "placeholders",
        "healed",
    )
    return [
        Column("scope", Text, nullable=False),
        Column("started_at", BigInteger),
        Column("finished_at", BigInteger),
        Column("state", Text, nullable=False),
        Column("reason", Text),
        *(Column(name, Integer, nullable=False) for name in counts),
        # How many walks went on at once; 1 is a serial listing.
        Column("windows", Integer, nullable=False, server_default="1"),
    ]


def _quote_columns() -> list[Column[Any]]:
    return [
        *(Column(name, BigInteger) for name in QUOTE_COLUMNS),
        # Milliseconds from the tick to the exchange's answer: two or three bytes where an instant takes eight.
        Column("received_ms", Integer, nullable=False),
        # The market was no longer listed at this tick: its history ends here, and its numbers are NULL.
        Column("is_terminal", Boolean, nullable=False),
    ]


series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticker", Text, nullable=False, unique=True),
    Column("title", Text),
    Column("category", Text),
    Column("frequency", Text),
    Column("tags", Text),
    *_parent_columns(),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticker", Text, nullable=False, unique=True),
    Column("series_id", ForeignKey("series.id"), index=True),
    Column("title", Text),
    Column("sub_title", Text),
    Column("category", Text),
    Column("mutually_exclusive", Boolean),
    Column("strike_at", BigInteger),
    *_parent_columns(),
)
# When the exchange was last asked for an event that it did not give: the next run asks for the others first.
event_lookups = Table(
    "event_lookups",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
)

markets = Table(
    "markets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticker", Text, nullable=False, unique=True),
    Column("event_id", ForeignKey("events.id"), nullable=False, index=True),
    Column("title", Text),
    Column("yes_sub_title", Text),
    Column("no_sub_title", Text),
    Column("market_type", Text),
    Column("status", Text),
    Column("result", Text),
    Column("created_at", BigInteger),
    Column("open_at", BigInteger),
    Column("close_at", BigInteger),
    Column("expected_expiration_at", BigInteger),
    Column("occurrence_at", BigInteger),
    Column("strike_type", Text),
    Column("floor_strike", Float),
    Column("cap_strike", Float),
    Column("rules_primary", Text),
    Column("is_provisional", Boolean),
    Column("is_combo", Boolean, nullable=False),
    Column("collection_ticker", Text),
    *_parent_columns(),
)

# Placeholders are few and asked for at every run: each table finds its own without being read.
for _parent in (series, events, markets):
    Index(
        f"ix_{_parent.name}_placeholder",
        _parent.c.first_seen_at,
        sqlite_where=_parent.c.is_placeholder == true(),
    )

# The ages of the markets that trade, without reading the table: the bounds of the windows in which they are listed.
# The status is in it too: older versions of SQLite look an index's own condition up in the table.
Index(
    "ix_markets_active_created_at",
    markets.c.is_combo,
    markets.c.created_at,
    markets.c.status,
    sqlite_where=markets.c.status == "active",
)

ticks = Table(
    "ticks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tick_at", BigInteger, nullable=False, unique=True),
    # The cadence of a scheduled tick, NULL for a manual one: it tells which ticks were missed in between.
    Column("period_seconds", Float),
    Column("is_paused", Boolean),
    *_run_columns(),
    # Of the inserted quotes, those that are unchanged and were written for their age; and rows that end a history.
    Column("keyframes", Integer, nullable=False, server_default="0"),
    Column("ended", Integer, nullable=False, server_default="0"),
)

listings = Table(
    "listings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asset", Text, nullable=False),
    *_run_columns(),
    Column("changed", Integer, nullable=False),
)
Index("ix_listings_asset", listings.c.asset, listings.c.id)

price_snapshots = Table(
    "price_snapshots",
    metadata,
    Column("tick_id", ForeignKey("ticks.id"), primary_key=True),
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    *_quote_columns(),
    # Clustered by tick: a tick appends at the end, whatever the table's size.
    sqlite_with_rowid=False,
)
Index("ix_price_snapshots_market_id_tick_id", price_snapshots.c.market_id, price_snapshots.c.tick_id)

# Where every quote is to be kept: a tick listed the market, and its quote was the one of the row before. What it was
# stands there; said again, it would take four times the space.
sightings = Table(
    "sightings",
    metadata,
    Column("tick_id", ForeignKey("ticks.id"), primary_key=True),
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("received_ms", Integer, nullable=False),
    sqlite_with_rowid=False,
)

latest_quotes = Table(
    "latest_quotes",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("tick_id", ForeignKey("ticks.id"), nullable=False),
    *_quote_columns(),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    # The ticker where it can be read, else a digest of the record: a record refused at every tick is one row.
    Column("record_key", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("error", Text, nullable=False),
    # The run that refused it last: a row of `listings`, or of `ticks`.
    Column("run", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    UniqueConstraint("kind", "record_key"),
)
