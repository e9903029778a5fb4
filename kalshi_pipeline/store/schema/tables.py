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
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    true,
)

from kalshi_pipeline.store.dialects.statements import clustered, partial

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
    # When it was found in neither of the exchange's tiers; NULL where it has not been missed.
    Column("gone_at", BigInteger),
    *_parent_columns(),
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
    **partial(markets.c.status == "active"),
)

# The markets whose end is not known yet: all that trade, and those that wait for their result.
Index(
    "ix_markets_unsettled",
    markets.c.status,
    markets.c.is_combo,
    markets.c.gone_at,
    **partial(and_(markets.c.status.is_distinct_from("finalized"), markets.c.gone_at.is_(None))),
)
# When the exchange was last asked for a market by its ticker, while its end is not known.
market_lookups = Table(
    "market_lookups",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
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
    # Records that the exchange gave and that were not asked for: outside of the scope, or of the day.
    Column("left_out", Integer, nullable=False, server_default="0"),
)
Index("ix_listings_asset", listings.c.asset, listings.c.id)

price_snapshots = Table(
    "price_snapshots",
    metadata,
    Column("tick_id", ForeignKey("ticks.id"), primary_key=True),
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    *_quote_columns(),
    # Clustered by tick: a tick appends at the end, whatever the table's size.
    **clustered(),
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
    **clustered(),
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

# What a market's details were before they changed, and what they became, as text.
market_changes = Table(
    "market_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("market_id", ForeignKey("markets.id"), nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("field", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
)
Index("ix_market_changes_market_id_id", market_changes.c.market_id, market_changes.c.id)

settlements = Table(
    "settlements",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("result", Text),
    # What one YES contract paid; NULL where the exchange does not say.
    Column("settlement_value", BigInteger),
    Column("settled_at", BigInteger),
    # Where that time is from: the field of the exchange, or `first_seen` where it told none.
    Column("settled_at_source", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("amended_at", BigInteger),
)
Index("ix_settlements_settled_at", settlements.c.settled_at)
# Settlements of which the exchange has not told what they paid: few, and counted after each run.
Index(
    "ix_settlements_without_value",
    settlements.c.result,
    settlements.c.settlement_value,
    **partial(settlements.c.settlement_value.is_(None)),
)

# Long walks that go on where they were stopped: one row for each, by a name such as `trades/2026-11-20/live`.
walks = Table(
    "walks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    # Where it goes on; NULL at its beginning and at its end.
    Column("cursor", Text),
    # The bound of its query, with which its cursor belongs; NULL where it has none.
    Column("since_at", BigInteger),
    # The newest instant that it has met: what the next walk may begin with.
    Column("newest_at", BigInteger),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    *(Column(name, Integer, nullable=False) for name in ("pages", "received", "inserted", "quarantined")),
)

trades = Table(
    "trades",
    metadata,
    # First the time, then the identifier: a day's trades come newest first, and are written side by side.
    Column("created_at", BigInteger, primary_key=True),
    # The exchange's UUID as its 16 bytes; where it is no UUID its text, padded by blanks to more than 16.
    Column("trade_id", LargeBinary, primary_key=True),
    Column("market_id", ForeignKey("markets.id"), nullable=False),
    Column("yes_price", BigInteger, nullable=False),
    Column("contracts", BigInteger),
    Column("taker_side", Text),
    Column("is_block", Boolean),
    **clustered(),
)
Index("ix_trades_market_id_created_at", trades.c.market_id, trades.c.created_at)

candlesticks = Table(
    "candlesticks",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("period_minutes", Integer, primary_key=True),
    # The inclusive end of the period.
    Column("end_at", BigInteger, primary_key=True),
    *(
        Column(f"{side}_{name}", BigInteger)
        for side in ("yes_bid", "yes_ask", "price")
        for name in ("open", "high", "low", "close")
    ),
    Column("price_mean", BigInteger),
    Column("price_previous", BigInteger),
    Column("volume", BigInteger),
    Column("open_interest", BigInteger),
    **clustered(),
)

# What came of asking for a market's candlesticks of a day: the next run asks for those that lack.
candlestick_days = Table(
    "candlestick_days",
    metadata,
    # The beginning of the UTC day in which the periods end.
    Column("day_at", BigInteger, primary_key=True),
    Column("period_minutes", Integer, primary_key=True),
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("tier", Text),
    Column("reason", Text),
    Column("asked_at", BigInteger, nullable=False),
    **clustered(),
)

order_books = Table(
    "order_books",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("market_id", ForeignKey("markets.id"), nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("market_id", "received_at"),
)

order_book_levels = Table(
    "order_book_levels",
    metadata,
    Column("order_book_id", ForeignKey("order_books.id"), primary_key=True),
    # Resting bids: for YES, else for NO. An ask is a bid for the other side at one dollar minus its price.
    Column("is_yes", Boolean, primary_key=True),
    Column("price", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    **clustered(),
)
