"""What happened to markets: changes, settlements, trades, candlesticks, order books, and walks that go on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "walks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("since_at", sa.BigInteger(), nullable=True),
        sa.Column("newest_at", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_walks")),
        sa.UniqueConstraint("name", name=op.f("uq_walks_name")),
    )
    op.create_table(
        "candlesticks",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("period_minutes", sa.Integer(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("yes_bid_open", sa.BigInteger(), nullable=True),
        sa.Column("yes_bid_high", sa.BigInteger(), nullable=True),
        sa.Column("yes_bid_low", sa.BigInteger(), nullable=True),
        sa.Column("yes_bid_close", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask_open", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask_high", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask_low", sa.BigInteger(), nullable=True),
        sa.Column("yes_ask_close", sa.BigInteger(), nullable=True),
        sa.Column("price_open", sa.BigInteger(), nullable=True),
        sa.Column("price_high", sa.BigInteger(), nullable=True),
        sa.Column("price_low", sa.BigInteger(), nullable=True),
        sa.Column("price_close", sa.BigInteger(), nullable=True),
        sa.Column("price_mean", sa.BigInteger(), nullable=True),
        sa.Column("price_previous", sa.BigInteger(), nullable=True),
        sa.Column("volume", sa.BigInteger(), nullable=True),
        sa.Column("open_interest", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_candlesticks_market_id")),
        sa.PrimaryKeyConstraint("market_id", "period_minutes", "end_at", name=op.f("pk_candlesticks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "candlestick_days",
        sa.Column("day_at", sa.BigInteger(), nullable=False),
        sa.Column("period_minutes", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_candlestick_days_market_id")),
        sa.PrimaryKeyConstraint("day_at", "period_minutes", "market_id", name=op.f("pk_candlestick_days")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "market_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_market_changes_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_changes")),
    )
    op.create_index("ix_market_changes_market_id_id", "market_changes", ["market_id", "id"], unique=False)
    op.create_table(
        "order_books",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_order_books_market_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_books")),
        sa.UniqueConstraint("market_id", "received_at", name=op.f("uq_order_books_market_id_received_at")),
    )
    op.create_table(
        "settlements",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("settlement_value", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at_source", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("amended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_settlements_market_id")),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_settlements")),
    )
    op.create_index("ix_settlements_settled_at", "settlements", ["settled_at"], unique=False)
    op.create_index(
        "ix_settlements_without_value",
        "settlements",
        ["result", "settlement_value"],
        sqlite_where=sa.text("settlement_value IS NULL"),
    )
    op.create_table(
        "trades",
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("trade_id", sa.LargeBinary(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("yes_price", sa.BigInteger(), nullable=False),
        sa.Column("contracts", sa.BigInteger(), nullable=True),
        sa.Column("taker_side", sa.Text(), nullable=True),
        sa.Column("is_block", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_trades_market_id")),
        sa.PrimaryKeyConstraint("created_at", "trade_id", name=op.f("pk_trades")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_trades_market_id_created_at", "trades", ["market_id", "created_at"], unique=False)
    op.create_table(
        "order_book_levels",
        sa.Column("order_book_id", sa.Integer(), nullable=False),
        sa.Column("is_yes", sa.Boolean(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_book_id"], ["order_books.id"], name=op.f("fk_order_book_levels_order_book_id")
        ),
        sa.PrimaryKeyConstraint("order_book_id", "is_yes", "price", name=op.f("pk_order_book_levels")),
        sqlite_with_rowid=False,
    )
    op.add_column("markets", sa.Column("gone_at", sa.BigInteger(), nullable=True))
    op.add_column("listings", sa.Column("left_out", sa.Integer(), server_default="0", nullable=False))
    op.execute(TRADE_HISTORY)
    op.create_index(
        "ix_markets_unsettled",
        "markets",
        ["status", "is_combo", "gone_at"],
        sqlite_where=sa.text("status IS NOT 'finalized' AND gone_at IS NULL"),
    )
    op.create_table(
        "market_lookups",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_market_lookups_market_id")),
        sa.PrimaryKeyConstraint("market_id", name=op.f("pk_market_lookups")),
    )
    op.execute(MARKET_CHANGE_HISTORY)
    op.execute(SETTLEMENT_HISTORY)
    for view in (CANDLESTICK_HISTORY, CANDLESTICK_COVERAGE, ORDER_BOOK_HISTORY):
        op.execute(view)


def _instant(micros: str) -> str:
    """ISO text of one length, so that it sorts, from microseconds since 1970."""
    return f"strftime('%Y-%m-%dT%H:%M:%S', {micros} / 1000000, 'unixepoch') || printf('.%06dZ', {micros} % 1000000)"


def _shown(value: str) -> str:
    """A value of a change as people read it: times in ISO, money in dollars, words as they came."""
    number = f"CAST({value} AS INTEGER)"
    return (
        f"CASE c.field WHEN 'close_at' THEN {_instant(number)} "
        f"WHEN 'settlement_value' THEN CAST({number} / 1000000.0 AS TEXT) ELSE {value} END"
    )


MARKET_CHANGE_HISTORY = f"""
CREATE VIEW market_change_history AS
SELECT
    m.ticker AS ticker,
    {_instant("c.seen_at")} AS seen_at,
    c.field AS field,
    {_shown("c.before")} AS before,
    {_shown("c.after")} AS after
FROM market_changes AS c
JOIN markets AS m ON m.id = c.market_id
"""

SETTLEMENT_HISTORY = f"""
CREATE VIEW settlement_history AS
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.result AS result,
    s.settlement_value / 1000000.0 AS settlement_value,
    {_instant("s.settled_at")} AS settled_at,
    s.settled_at_source AS settled_at_source,
    s.tier AS tier,
    {_instant("s.first_seen_at")} AS first_seen_at,
    {_instant("s.amended_at")} AS amended_at
FROM settlements AS s
JOIN markets AS m ON m.id = s.market_id
JOIN events AS e ON e.id = m.event_id
"""

_UUID_PARTS = " || '-' || ".join(
    f"lower(hex(substr(t.trade_id, {first}, {count})))"
    for first, count in ((1, 4), (5, 2), (7, 2), (9, 2), (11, 6))
)
TRADE_HISTORY = f"""
CREATE VIEW trade_history AS
SELECT
    m.ticker AS ticker,
    CASE length(t.trade_id) WHEN 16 THEN {_UUID_PARTS} ELSE rtrim(CAST(t.trade_id AS TEXT)) END AS trade_id,
    strftime('%Y-%m-%dT%H:%M:%S', t.created_at / 1000000, 'unixepoch')
        || printf('.%06dZ', t.created_at % 1000000) AS created_at,
    t.yes_price / 1000000.0 AS yes_price,
    (1000000 - t.yes_price) / 1000000.0 AS no_price,
    t.contracts / 100.0 AS contracts,
    t.taker_side AS taker_side,
    t.is_block AS is_block
FROM trades AS t
JOIN markets AS m ON m.id = t.market_id
"""

_PRICES = (
    *(
        f"{side}_{name}"
        for side in ("yes_bid", "yes_ask", "price")
        for name in ("open", "high", "low", "close")
    ),
    "price_mean",
    "price_previous",
)
_DOLLARS = ",\n    ".join(f"c.{name} / 1000000.0 AS {name}" for name in _PRICES)

CANDLESTICK_HISTORY = f"""
CREATE VIEW candlestick_history AS
SELECT
    m.ticker AS ticker,
    c.period_minutes AS period_minutes,
    {_instant("c.end_at")} AS end_at,
    {_DOLLARS},
    c.volume / 100.0 AS volume,
    c.open_interest / 100.0 AS open_interest
FROM candlesticks AS c
JOIN markets AS m ON m.id = c.market_id
"""

CANDLESTICK_COVERAGE = f"""
CREATE VIEW candlestick_coverage AS
SELECT
    m.ticker AS ticker,
    strftime('%Y-%m-%d', d.day_at / 1000000, 'unixepoch') AS day,
    d.period_minutes AS period_minutes,
    d.state AS state,
    d.tier AS tier,
    d.reason AS reason,
    {_instant("d.asked_at")} AS asked_at
FROM candlestick_days AS d
JOIN markets AS m ON m.id = d.market_id
"""

ORDER_BOOK_HISTORY = f"""
CREATE VIEW order_book_history AS
SELECT
    m.ticker AS ticker,
    {_instant("b.received_at")} AS received_at,
    CASE l.is_yes WHEN 1 THEN 'yes' WHEN 0 THEN 'no' END AS side,
    l.price / 1000000.0 AS price,
    l.size / 100.0 AS size
FROM order_books AS b
JOIN markets AS m ON m.id = b.market_id
LEFT JOIN order_book_levels AS l ON l.order_book_id = b.id
"""
