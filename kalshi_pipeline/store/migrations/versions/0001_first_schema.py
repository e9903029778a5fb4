"""The first tables, and the views for people: `latest_prices` and `price_history`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "listings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("placeholders", sa.Integer(), nullable=False),
        sa.Column("healed", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
    )
    op.create_index("ix_listings_asset", "listings", ["asset", "id"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_key", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("kind", "record_key", name=op.f("uq_quarantine_kind_record_key")),
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("frequency", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=True),
        sa.Column("is_placeholder", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("ticker", name=op.f("uq_series_ticker")),
    )
    op.create_table(
        "ticks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tick_at", sa.BigInteger(), nullable=False),
        sa.Column("period_seconds", sa.Float(), nullable=True),
        sa.Column("is_paused", sa.Boolean(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("placeholders", sa.Integer(), nullable=False),
        sa.Column("healed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticks")),
        sa.UniqueConstraint("tick_at", name=op.f("uq_ticks_tick_at")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("sub_title", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("mutually_exclusive", sa.Boolean(), nullable=True),
        sa.Column("strike_at", sa.BigInteger(), nullable=True),
        sa.Column("is_placeholder", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_events_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("ticker", name=op.f("uq_events_ticker")),
    )
    op.create_index(op.f("ix_events_series_id"), "events", ["series_id"], unique=False)
    op.create_table(
        "event_lookups",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_lookups_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_lookups")),
    )

    op.create_table(
        "markets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticker", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("yes_sub_title", sa.Text(), nullable=True),
        sa.Column("no_sub_title", sa.Text(), nullable=True),
        sa.Column("market_type", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("open_at", sa.BigInteger(), nullable=True),
        sa.Column("close_at", sa.BigInteger(), nullable=True),
        sa.Column("expected_expiration_at", sa.BigInteger(), nullable=True),
        sa.Column("occurrence_at", sa.BigInteger(), nullable=True),
        sa.Column("strike_type", sa.Text(), nullable=True),
        sa.Column("floor_strike", sa.Float(), nullable=True),
        sa.Column("cap_strike", sa.Float(), nullable=True),
        sa.Column("rules_primary", sa.Text(), nullable=True),
        sa.Column("is_provisional", sa.Boolean(), nullable=True),
        sa.Column("is_combo", sa.Boolean(), nullable=False),
        sa.Column("collection_ticker", sa.Text(), nullable=True),
        sa.Column("is_placeholder", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_markets_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_markets")),
        sa.UniqueConstraint("ticker", name=op.f("uq_markets_ticker")),
    )
    op.create_index(op.f("ix_markets_event_id"), "markets", ["event_id"], unique=False)

    op.create_table(
        "latest_quotes",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("tick_id", sa.Integer(), nullable=False),
        sa.Column("yes_bid", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask", sa.BigInteger(), nullable=True),
        sa.Column("yes_bid_size", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask_size", sa.BigInteger(), nullable=True),
        sa.Column("last_price", sa.BigInteger(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("open_interest", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_latest_quotes_market_id")),
        sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=op.f("fk_latest_quotes_tick_id")),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_latest_quotes")),
    )
    op.create_table(
        "price_snapshots",
        sa.Column("tick_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("yes_bid", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask", sa.BigInteger(), nullable=True),
        sa.Column("yes_bid_size", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask_size", sa.BigInteger(), nullable=True),
        sa.Column("last_price", sa.BigInteger(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("open_interest", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_price_snapshots_market_id")),
        sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=op.f("fk_price_snapshots_tick_id")),
        sa.PrimaryKeyConstraint("tick_id", "market_id", name=op.f("pk_price_snapshots")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_price_snapshots_market_id_tick_id", "price_snapshots", ["market_id", "tick_id"], unique=False
    )

    for parent in ("series", "events", "markets"):
        op.create_index(
            f"ix_{parent}_placeholder", parent, ["first_seen_at"], sqlite_where=sa.text("is_placeholder = 1")
        )

    op.execute(LATEST_PRICES)
    op.execute(PRICE_HISTORY)


def _instant(column: str) -> str:
    """ISO text of one length, so that it sorts, from microseconds since 1970."""
    return f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000, 'unixepoch') || printf('.%06dZ', {column} % 1000000)"


# A whole number of micro-dollars divided by 1000000.0 is the double nearest to the decimal that the exchange
# wrote, so it prints as that decimal and equals it.
QUOTE = """
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    q.last_price / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest
"""

LATEST_PRICES = f"""
CREATE VIEW latest_prices AS
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
    {_instant("t.tick_at")} AS tick_at,
    {_instant("q.received_at")} AS received_at,
    {QUOTE}
FROM latest_quotes AS q
JOIN markets AS m ON m.id = q.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id
JOIN ticks AS t ON t.id = q.tick_id
"""

PRICE_HISTORY = f"""
CREATE VIEW price_history AS
SELECT
    m.ticker AS ticker,
    {_instant("t.tick_at")} AS tick_at,
    {_instant("q.received_at")} AS received_at,
    {QUOTE}
FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id
"""
