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
    for view in (LATEST_PRICES, PRICE_HISTORY, QUOTES_BY_TICK, MOVERS_1H, MOVERS_24H):
        op.execute(view)


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

IS_TAKEN = "state IN ('running', 'complete', 'partial')"

# A tick vouches for the quotes of its own scope only: of each scope, its newest tick and its newest complete one.
LATEST_PRICES = f"""
CREATE VIEW latest_prices AS
WITH newest AS MATERIALIZED (
    SELECT
        scope,
        max(tick_at) AS newest_at,
        max(CASE WHEN state = 'complete' THEN tick_at END) AS complete_at
    FROM ticks
    WHERE {IS_TAKEN}
    GROUP BY scope
),
standings AS MATERIALIZED (
    SELECT scope, newest_at, complete_at, {_instant("complete_at")} AS confirmed_at FROM newest
)
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
    {TICK_AT} AS tick_at,
    {RECEIVED_AT} AS received_at,
    {QUOTE},
    q.is_terminal AS is_terminal,
    (SELECT confirmed_at FROM standings WHERE scope = t.scope AND complete_at >= t.tick_at) AS confirmed_at,
    (SELECT newest_at = t.tick_at FROM standings WHERE scope = t.scope) AS is_observed,
    (SELECT newest_at IS complete_at FROM standings WHERE scope = t.scope) AS is_tick_complete
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
    q.is_terminal AS is_terminal,
    t.state = 'complete' AS is_tick_complete
FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id
"""


def _row_in_force(tick_id: str) -> str:
    """The tick of the newest row of market `l` at or before a tick; it is searched only where there is a newer one."""
    return (
        f"CASE WHEN l.tick_id <= {tick_id} THEN l.tick_id ELSE (SELECT max(p.tick_id) "
        f"FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= {tick_id}) END"
    )


# The CROSS JOINs keep SQLite from reading the markets, or all their quotes, first and seeking the tick then.
QUOTES_BY_TICK = f"""
CREATE VIEW quotes_by_tick AS
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    {TICK_AT} AS tick_at,
    {_instant("r.tick_at")} AS quoted_at,
    {_instant("(r.tick_at + q.received_ms * 1000)")} AS received_at,
    {QUOTE},
    q.tick_id = t.id AS is_observed,
    t.state = 'complete' AS is_tick_complete
FROM ticks AS t
CROSS JOIN latest_quotes AS l
JOIN markets AS m ON m.id = l.market_id
CROSS JOIN price_snapshots AS q
CROSS JOIN ticks AS r
WHERE t.{IS_TAKEN} AND (l.tick_id > t.id OR NOT l.is_terminal)
    AND q.market_id = l.market_id AND q.tick_id = {_row_in_force("t.id")} AND NOT q.is_terminal
    AND r.id = q.tick_id AND r.scope = t.scope
"""


def _movers(name: str, hours: int) -> str:
    """What moved until the newest complete tick, from the last row at or before the start of the window.

    A terminal row has no numbers, so a market that was not listed at one of the two is left out.
    """
    base_at = f"(SELECT max(tick_at) - {hours} * 3600000000 FROM ticks WHERE state = 'complete')"
    return f"""
CREATE VIEW {name} AS
WITH ends AS MATERIALIZED (
    SELECT
        (SELECT id FROM ticks WHERE state = 'complete' ORDER BY tick_at DESC LIMIT 1) AS tick_id,
        (SELECT id FROM ticks WHERE {IS_TAKEN} AND tick_at <= {base_at} ORDER BY tick_at DESC LIMIT 1)
            AS base_tick_id
),
found AS MATERIALIZED (
    SELECT
        l.market_id AS market_id,
        {_row_in_force("ends.tick_id")} AS tick_id,
        {_row_in_force("ends.base_tick_id")} AS base_tick_id
    FROM ends
    JOIN latest_quotes AS l ON l.tick_id > ends.base_tick_id
)
SELECT
    m.ticker AS ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    {_instant("t.tick_at")} AS quoted_at,
    {_instant("r.tick_at")} AS base_quoted_at,
    (q.yes_bid + q.yes_ask) / 2000000.0 AS midpoint,
    (b.yes_bid + b.yes_ask) / 2000000.0 AS base_midpoint,
    (q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0 AS midpoint_change,
    q.last_price / 1000000.0 AS last_price,
    b.last_price / 1000000.0 AS base_last_price,
    (q.last_price - b.last_price) / 1000000.0 AS last_price_change,
    (q.volume - b.volume) / 100.0 AS volume_change
FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
JOIN markets AS m ON m.id = f.market_id
WHERE midpoint_change <> 0 OR last_price_change <> 0
ORDER BY abs(midpoint_change) DESC NULLS LAST, abs(last_price_change) DESC NULLS LAST, m.ticker
"""


MOVERS_1H = _movers("movers_1h", 1)
MOVERS_24H = _movers("movers_24h", 24)
