"""Histories that end and look back a bounded way: terminal rows, keyframes, windows; and a cheaper `received_at`."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_QUOTE = ("yes_bid", "yes_ask", "yes_bid_size", "yes_ask_size", "last_price", "volume", "open_interest")


def upgrade() -> None:
    for view in ("latest_prices", "price_history"):
        op.execute(f"DROP VIEW {view}")
    for table in ("listings", "ticks"):
        op.add_column(table, sa.Column("windows", sa.Integer(), server_default="1", nullable=False))
    for count in ("keyframes", "ended"):
        op.add_column("ticks", sa.Column(count, sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_markets_active_created_at",
        "markets",
        ["is_combo", "created_at", "status"],
        sqlite_where=sa.text("status = 'active'"),
    )
    _remake_quotes("latest_quotes", ("market_id",), without_rowid=False)
    _remake_quotes("price_snapshots", ("tick_id", "market_id"), without_rowid=True)
    op.create_index(
        "ix_price_snapshots_market_id_tick_id", "price_snapshots", ["market_id", "tick_id"], unique=False
    )
    op.execute(LATEST_PRICES)
    op.execute(PRICE_HISTORY)


def _remake_quotes(table: str, key: tuple[str, ...], *, without_rowid: bool) -> None:
    """Write the instant of each answer as milliseconds after its tick, and say of each row that it ends nothing."""
    op.rename_table(table, f"{table}_before")
    if without_rowid:
        op.drop_index("ix_price_snapshots_market_id_tick_id", f"{table}_before")
    columns = {name: sa.Column(name, sa.BigInteger(), nullable=True) for name in _QUOTE}
    ids = key if "tick_id" in key else (*key, "tick_id")
    op.create_table(
        table,
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ids),
        *columns.values(),
        sa.Column("received_ms", sa.Integer(), nullable=False),
        sa.Column("is_terminal", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f(f"fk_{table}_market_id")),
        sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=op.f(f"fk_{table}_tick_id")),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
        sqlite_with_rowid=not without_rowid,
    )
    names = ", ".join((*ids, *_QUOTE))
    order = ", ".join(f"q.{name}" for name in key)
    op.execute(
        f"INSERT INTO {table} ({names}, received_ms, is_terminal) "
        f"SELECT {names}, (q.received_at - t.tick_at) / 1000, 0 "
        f"FROM {table}_before AS q JOIN ticks AS t ON t.id = q.tick_id ORDER BY {order}"
    )
    op.drop_table(f"{table}_before")


def _instant(micros: str) -> str:
    """ISO text of one length, so that it sorts, from microseconds since 1970."""
    return f"strftime('%Y-%m-%dT%H:%M:%S', {micros} / 1000000, 'unixepoch') || printf('.%06dZ', {micros} % 1000000)"


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
TICK_AT = _instant("t.tick_at")
RECEIVED_AT = _instant("(t.tick_at + q.received_ms * 1000)")

LATEST_PRICES = f"""
CREATE VIEW latest_prices AS
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
    {TICK_AT} AS tick_at,
    {RECEIVED_AT} AS received_at,
    {QUOTE},
    q.is_terminal AS is_terminal
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
    {TICK_AT} AS tick_at,
    {RECEIVED_AT} AS received_at,
    {QUOTE},
    q.is_terminal AS is_terminal
FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id
"""
