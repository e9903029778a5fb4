"""Sightings of quotes that are as before, where every quote is kept; and gaps that candlesticks fill."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "sightings",
        sa.Column("tick_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("received_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name=op.f("fk_sightings_market_id")),
        sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=op.f("fk_sightings_tick_id")),
        sa.PrimaryKeyConstraint("tick_id", "market_id", name=op.f("pk_sightings")),
        sqlite_with_rowid=False,
    )
    for view in ("latest_prices", "price_history", "quotes_by_tick"):
        op.execute(f"DROP VIEW {view}")
    for view in (LATEST_PRICES, PRICE_HISTORY, QUOTES_BY_TICK, PRICE_HISTORY_FILLED):
        op.execute(view)


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
IS_TAKEN = "state IN ('running', 'complete', 'partial')"


def _given(tick_at: str, received_ms: str) -> str:
    """When the exchange gave a quote last: the tick, and the answer."""
    return f"{_instant(tick_at)} AS tick_at,\n    {_instant(f'({tick_at} + {received_ms} * 1000)')} AS received_at"


# The newest sighting of a market after its row: the ticks are gone back one by one, from the newest with any.
def _sighting(market_id: str, row_tick_id: str, last_id: str) -> str:
    return (
        f"(SELECT i.id FROM ticks AS i WHERE i.id > {row_tick_id} AND i.id <= {last_id} AND EXISTS (SELECT 1 "
        f"FROM sightings AS j WHERE j.tick_id = i.id AND j.market_id = {market_id}) ORDER BY i.id DESC LIMIT 1)"
    )


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
),
sighted AS MATERIALIZED (
    SELECT max(tick_id) AS last_id FROM sightings
)
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    coalesce(m.title, m.yes_sub_title) AS title,
    m.status AS status,
    {_given("t.tick_at", "coalesce(g.received_ms, q.received_ms)")},
    {QUOTE},
    q.is_terminal AS is_terminal,
    (SELECT confirmed_at FROM standings WHERE scope = t.scope AND complete_at >= t.tick_at) AS confirmed_at,
    (SELECT newest_at = t.tick_at FROM standings WHERE scope = t.scope) AS is_observed,
    (SELECT newest_at IS complete_at FROM standings WHERE scope = t.scope) AS is_tick_complete
FROM sighted
CROSS JOIN latest_quotes AS q
JOIN markets AS m ON m.id = q.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id
LEFT JOIN sightings AS g
    ON g.market_id = q.market_id AND g.tick_id = {_sighting("q.market_id", "q.tick_id", "sighted.last_id")}
JOIN ticks AS t ON t.id = coalesce(g.tick_id, q.tick_id)
"""

# Sightings are sought from their market on, between its first row and its last: they have no index but their key.
PRICE_HISTORY = f"""
CREATE VIEW price_history AS
SELECT
    m.ticker AS ticker,
    {_given("t.tick_at", "q.received_ms")},
    {QUOTE},
    q.is_terminal AS is_terminal,
    t.state = 'complete' AS is_tick_complete
FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id
UNION ALL
SELECT
    m.ticker,
    {_given("t.tick_at", "g.received_ms")},
    {QUOTE},
    0,
    t.state = 'complete'
FROM (
    SELECT (SELECT min(tick_id) FROM sightings) AS first_id, (SELECT max(tick_id) FROM sightings) AS last_id
) AS sighted
CROSS JOIN markets AS m
CROSS JOIN latest_quotes AS l
CROSS JOIN ticks AS t
CROSS JOIN sightings AS g
CROSS JOIN price_snapshots AS q
WHERE sighted.first_id IS NOT NULL AND l.market_id = m.id
    AND t.id >= sighted.first_id AND t.id <= sighted.last_id
    AND t.id > (SELECT min(f.tick_id) FROM price_snapshots AS f WHERE f.market_id = m.id)
    AND (t.id < l.tick_id OR NOT l.is_terminal)
    AND g.tick_id = t.id AND g.market_id = m.id
    AND q.market_id = m.id AND q.tick_id = (
        SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = m.id AND p.tick_id < t.id
    )
"""

# The CROSS JOINs keep SQLite from reading the markets, or all their quotes, first and seeking the tick then.
QUOTES_BY_TICK = f"""
CREATE VIEW quotes_by_tick AS
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    {_instant("t.tick_at")} AS tick_at,
    {_instant("r.tick_at")} AS quoted_at,
    {_instant("(r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000)")} AS received_at,
    {QUOTE},
    r.id = t.id AS is_observed,
    t.state = 'complete' AS is_tick_complete
FROM ticks AS t
CROSS JOIN latest_quotes AS l
JOIN markets AS m ON m.id = l.market_id
CROSS JOIN price_snapshots AS q
LEFT JOIN sightings AS g
    ON g.market_id = l.market_id AND g.tick_id = {
    _sighting("l.market_id", "q.tick_id", "(SELECT max(tick_id) FROM sightings WHERE tick_id <= t.id)")
}
JOIN ticks AS r ON r.id = coalesce(g.tick_id, q.tick_id)
WHERE t.{IS_TAKEN} AND (l.tick_id > t.id OR NOT l.is_terminal)
    AND q.market_id = l.market_id AND q.tick_id = CASE WHEN l.tick_id <= t.id THEN l.tick_id ELSE (
        SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= t.id
    ) END
    AND NOT q.is_terminal
    AND r.scope = t.scope
"""

# Whether a tick listed a market at all: its scope is `<series or 'all series'>, <combos>`.
_LISTED = """
    (t.scope LIKE 'all series, %' OR instr(',' || replace(t.scope, ', ', ',') || ',', ',' || s.ticker || ',') > 0)
    AND (t.scope LIKE '%, with combos' OR t.scope LIKE iif(m.is_combo, '%, only combos', '%, no combos'))
"""

# A candlestick fills its period where the last complete tick before its end is older than the period, and older
# than that tick's own cadence. Of several that end at the same instant, the shortest counts. Without sizes, a side
# is quoted where its price lies strictly between 0 and 1 dollar.
PRICE_HISTORY_FILLED = f"""
CREATE VIEW price_history_filled AS
SELECT
    ticker,
    tick_at AS quote_at,
    yes_bid,
    yes_ask,
    no_bid,
    no_ask,
    last_price,
    yes_bid_size,
    yes_ask_size,
    volume,
    open_interest,
    is_terminal,
    'snapshot' AS source,
    NULL AS period_minutes
FROM price_history
UNION ALL
SELECT
    m.ticker,
    {_instant("c.end_at")},
    CASE WHEN c.yes_bid_close > 0 AND c.yes_bid_close < 1000000 THEN c.yes_bid_close / 1000000.0 END,
    CASE WHEN c.yes_ask_close > 0 AND c.yes_ask_close < 1000000 THEN c.yes_ask_close / 1000000.0 END,
    CASE WHEN c.yes_ask_close > 0 AND c.yes_ask_close < 1000000 THEN (1000000 - c.yes_ask_close) / 1000000.0 END,
    CASE WHEN c.yes_bid_close > 0 AND c.yes_bid_close < 1000000 THEN (1000000 - c.yes_bid_close) / 1000000.0 END,
    coalesce(c.price_close, c.price_previous) / 1000000.0,
    NULL,
    NULL,
    NULL,
    c.open_interest / 100.0,
    0,
    'candlestick',
    c.period_minutes
FROM candlesticks AS c
JOIN markets AS m ON m.id = c.market_id
JOIN events AS e ON e.id = m.event_id
LEFT JOIN series AS s ON s.id = e.series_id
WHERE c.end_at >= coalesce(
    (
        SELECT t.tick_at + max(c.period_minutes * 60000000, coalesce(t.period_seconds, 0) * 1000000)
        FROM ticks AS t
        WHERE t.state = 'complete' AND t.tick_at <= c.end_at AND {_LISTED}
        ORDER BY t.tick_at DESC
        LIMIT 1
    ),
    0
)
AND NOT EXISTS (
    SELECT 1 FROM candlesticks AS f
    WHERE f.market_id = c.market_id AND f.period_minutes IN (1, 60)
    AND +f.period_minutes < c.period_minutes AND f.end_at = c.end_at
)
"""
