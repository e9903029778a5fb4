"""The views of quotes: the newest, all, those in force at each tick, and what moved."""

from kalshi_pipeline.store.schema.tables import BLOCK_SIZE
from kalshi_pipeline.store.schema.view_parts import (
    IS_TAKEN,
    JOIN_PARENTS,
    JOIN_SERIES,
    MIDDLE,
    PARENTS,
    QUOTE,
    Parts,
    as_flag,
    as_integer,
    as_real,
    as_text,
    joined_market,
    missed,
)

# Both are always true. Tried on stores of 4,000 to 600 million quotes, without statistics, and with those of much
# smaller stores: with other numbers, SQLite goes through all ticks for one event somewhere, or through all markets for
# one tick.
_FEW_TICKS = "likelihood(t.state <> '', 0.2)"
_FEW_MARKETS = "likelihood(+m.is_combo >= 0, 0.3)"

# Of a row in `known`, as of `now`.
_STATE = """CASE
        WHEN q.is_terminal THEN 'unknown'
        WHEN (q.newest_at IS NULL OR q.newest_at = q.confirmed_at)
            AND now.tick_at - coalesce(q.newest_at, q.sent_at) < q.period THEN 'observed'
        WHEN now.tick_at - q.confirmed_at <= 2 * q.period THEN 'carried'
        ELSE 'stale'
    END"""


def _row_in_force(tick_id: str) -> str:
    """The tick of the newest row of market `l` at or before a tick; it is searched only where there is a newer one."""
    return (
        f"CASE WHEN l.tick_id <= {tick_id} THEN l.tick_id ELSE (SELECT max(p.tick_id) "
        f"FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= {tick_id}) END"
    )


class QuoteViews(Parts):
    """The queries of the views of quotes."""

    def latest_prices(self) -> str:
        """The newest quote of each market, as of the newest tick.

        The tick of a quote has seen its market, whatever its scope; later ones count where they cover it.
        """
        newest, complete = (
            f"(SELECT max(z.{name}) FROM standings AS z WHERE z.{name} > t.tick_at AND {self.confirms('t')})"
            for name in ("newest_at", "complete_at")
        )
        # The ticks of a market that was missed since its row are gone through one by one; such markets are few.
        missed_since = (
            "EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id "
            "AND (u.to_tick_id IS NULL OR u.to_tick_id > q.tick_id))"
        )
        each = (
            "(SELECT max(k.tick_at) FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id > q.tick_id "
            f"AND k.state = 'complete' AND {self.confirms('t')} AND NOT {missed('k.id')})"
        )
        earlier = (
            f"(SELECT max(z.complete_at) FROM standings AS z WHERE z.complete_at > o.tick_at "
            f"AND {self.confirms('o')})"
        )
        own = "CASE WHEN t.state = 'complete' THEN t.tick_at END"
        first = "CASE WHEN o.state = 'complete' THEN o.tick_at END"
        confirmed = (
            f"CASE WHEN {missed_since} THEN {self.newest(each, own, first)} "
            f"ELSE coalesce({complete}, {own}, {earlier}, {first}) END"
        )
        period = (
            "coalesce((SELECT z.period_seconds FROM standings AS z WHERE z.period_seconds IS NOT NULL "
            f"AND {self.confirms('t')} ORDER BY z.scheduled_id DESC LIMIT 1), 300) * 1000000"
        )
        last = self.repeat("q.market_id", "q.tick_id", "repeats.last_id")
        return f"""
WITH standings AS MATERIALIZED (
    SELECT s.*, of_scope.newest_at, of_scope.complete_at, of_scope.scheduled_id, p.period_seconds
    FROM (
        SELECT
            t.scope_id,
            max(t.tick_at) AS newest_at,
            max(CASE WHEN t.state = 'complete' THEN t.tick_at END) AS complete_at,
            max(CASE WHEN t.period_seconds IS NOT NULL THEN t.id END) AS scheduled_id
        FROM ticks AS t
        WHERE t.{IS_TAKEN}
        GROUP BY t.scope_id
    ) AS of_scope
    JOIN scopes AS s ON s.id = of_scope.scope_id
    LEFT JOIN ticks AS p ON p.id = of_scope.scheduled_id
),
repeats AS MATERIALIZED (
    SELECT max(tick_id) AS last_id FROM unchanged_blocks
),
now AS MATERIALIZED (
    SELECT max(tick_at) AS tick_at FROM ticks WHERE {IS_TAKEN}
),
known AS (
    SELECT
        m.ticker AS ticker,
        m.event_id AS event_id,
        m.shown_title AS title,
        m.status AS status,
        q.*,
        coalesce(g.received_ms, q.received_ms) AS sent_ms,
        t.tick_at AS sent_at,
        {newest} AS newest_at,
        {confirmed} AS confirmed_at,
        {period} AS period
    FROM repeats
    CROSS JOIN latest_quotes AS q
    JOIN markets AS m ON m.id = q.market_id
    LEFT JOIN unchanged_blocks AS g ON {self.is_unchanged("g", "q.market_id", last)}
    JOIN ticks AS t ON t.id = coalesce(g.tick_id, q.tick_id)
    JOIN ticks AS o ON o.id = q.tick_id
)
SELECT
    q.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    q.title AS title,
    q.status AS status,
    {self.iso_seconds("q.sent_at")} AS tick_at,
    {self.iso("(q.sent_at + q.sent_ms * 1000)")} AS received_at,
    {QUOTE},
    q.is_terminal AS is_terminal,
    {self.iso_seconds("q.confirmed_at")} AS confirmed_at,
    {as_flag("STATE = 'observed'")} AS is_observed,
    {as_flag("coalesce(coalesce(q.newest_at, q.sent_at) = q.confirmed_at, 0)")} AS is_tick_complete,
    {as_text("STATE")} AS state,
    q.sent_at AS tick_at_us,
    {MIDDLE}
FROM known AS q
CROSS JOIN now
JOIN events AS e ON e.id = q.event_id
{JOIN_SERIES}
""".replace("STATE", _STATE)

    def _of_tick(self, received: str) -> str:
        """The columns of a quote `q` at its tick `t`, which `received` says when it came."""
        return f"""    m.ticker AS ticker,
    t.tick_at_iso AS tick_at,
    {self.iso(f"(t.tick_at + {received}.received_ms * 1000)")} AS received_at,
    {QUOTE},
    q.is_terminal AS is_terminal,
    t.is_complete AS is_tick_complete,
    {PARENTS},
    t.id AS tick_id,
    t.tick_at AS tick_at_us,
    {MIDDLE}"""

    def stored_quotes(self) -> str:
        """The rows of price_snapshots, each with its tick and its market.

        The rows of a market lie far apart. So they are found in its index, and read when their tick and their market
        are known to be asked for.
        """
        return f"""
SELECT
{self._of_tick("q")}
FROM price_snapshots AS k
JOIN ticks AS t ON t.id = k.tick_id AND {_FEW_TICKS}
{joined_market("k")}
CROSS JOIN price_snapshots AS q
WHERE q.tick_id = k.tick_id AND q.market_id = k.market_id AND {_FEW_MARKETS}
"""

    def repeated_quotes(self) -> str:
        """Quotes that a tick found unchanged, where every quote is kept.

        The rows of `unchanged_blocks` are found from a tick by its blocks, or from a market by its own block: the
        conditions say both.
        """
        return f"""
SELECT
{self._of_tick("g")}
FROM ticks AS t
CROSS JOIN unchanged_blocks AS g
JOIN markets AS m ON likelihood(m.id >= g.block * {BLOCK_SIZE}, 0.01)
    AND likelihood(m.id < g.block * {BLOCK_SIZE} + {BLOCK_SIZE}, 0.01)
    AND {self.is_unchanged("g", "m.id", "t.id")}
{JOIN_PARENTS}
JOIN latest_quotes AS l ON l.market_id = m.id AND (t.id < l.tick_id OR NOT l.is_terminal)
JOIN price_snapshots AS q ON q.market_id = m.id AND q.tick_id = (
    SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = m.id AND p.tick_id < t.id
)
WHERE (SELECT min(tick_id) FROM unchanged_blocks) IS NOT NULL
    AND +t.id >= (SELECT min(tick_id) FROM unchanged_blocks)
    AND +t.id <= (SELECT max(tick_id) FROM unchanged_blocks)
"""

    def price_history(self) -> str:
        """Each quote that was stored, or found unchanged where every quote is kept."""
        return """
SELECT * FROM stored_quotes
UNION ALL
SELECT * FROM repeated_quotes
"""

    def quotes_by_tick(self) -> str:
        """Each quote that was in force at a tick which covers its market.

        SQLite is to find the tick first, then the market, and then the row in force: at most one. If it were not a LEFT
        JOIN, as conditions on it in plain sight would have it, SQLite would read all rows for a Bloom filter first.
        """
        last_id = "(SELECT max(tick_id) FROM unchanged_blocks WHERE tick_id <= t.id)"
        last = self.repeat("l.market_id", "q.tick_id", last_id)
        is_confirmed = f"t.state = 'complete' AND NOT {missed('t.id')}"
        covering = f"FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id <= t.id AND {self.confirms('r')}"
        by_others = (
            f"(SELECT max(k.tick_at) {covering} AND k.id >= q.tick_id AND k.state = 'complete' "
            f"AND NOT {missed('k.id')})"
        )
        by_own = (f"CASE WHEN {tick}.state = 'complete' THEN {tick}.tick_at END" for tick in ("r", "o"))
        confirmed_at = f"CASE WHEN {is_confirmed} THEN t.tick_at ELSE {self.newest(by_others, *by_own)} END"
        period = (
            f"coalesce(t.period_seconds, (SELECT k.period_seconds {covering} AND k.{IS_TAKEN} "
            "AND k.period_seconds IS NOT NULL ORDER BY k.id DESC LIMIT 1), 300) * 1000000"
        )
        state = (
            f"CASE WHEN r.id = t.id OR ({is_confirmed}) THEN 'observed' "
            f"WHEN t.tick_at - {confirmed_at} <= 2 * {period} THEN 'carried' ELSE 'stale' END"
        )
        return f"""
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    t.tick_at_iso AS tick_at,
    r.tick_at_iso AS quoted_at,
    {self.iso("(r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000)")} AS received_at,
    {QUOTE},
    {as_flag(f"r.id = t.id OR ({is_confirmed})")} AS is_observed,
    {as_flag(is_confirmed)} AS is_tick_complete,
    {as_text(state)} AS state,
    {self.iso_seconds(f"({confirmed_at})")} AS confirmed_at,
    {PARENTS},
    t.tick_at AS tick_at_us,
    {MIDDLE}
FROM ticks AS t
LEFT JOIN scopes AS z ON z.id = t.scope_id
CROSS JOIN markets AS m
JOIN latest_quotes AS l ON l.market_id = m.id AND (l.tick_id > t.id OR NOT l.is_terminal)
{JOIN_PARENTS}
LEFT JOIN price_snapshots AS q ON q.market_id = l.market_id AND q.tick_id = {_row_in_force("t.id")}
LEFT JOIN unchanged_blocks AS g ON {self.is_unchanged("g", "l.market_id", last)}
JOIN ticks AS r ON r.id = coalesce(g.tick_id, q.tick_id)
JOIN ticks AS o ON o.id = coalesce(q.tick_id, 0)
WHERE t.{IS_TAKEN} AND NOT coalesce(q.is_terminal, 1)
    AND (r.id = t.id OR {self.confirms("r")})
"""

    def unchanged_quotes(self, table: str = "unchanged_blocks") -> str:
        """The markets of `unchanged_blocks`, or of its voided rows, one by one: each remainder is looked for."""
        remainders = ", ".join(f"({remainder})" for remainder in range(BLOCK_SIZE))
        return f"""
WITH remainders (remainder) AS (VALUES {remainders})
SELECT
    b.tick_id AS tick_id,
    {as_integer(f"b.block * {BLOCK_SIZE} + r.remainder")} AS market_id,
    b.received_ms AS received_ms
FROM {table} AS b
CROSS JOIN remainders AS r
WHERE {self.words.holds("b.remainders", "r.remainder")}
"""

    def movers(self, hours: int) -> str:
        """What moved until the newest complete tick, from the last row at or before the start of the window.

        A terminal row has no numbers, so a market that was not listed at one of the two is left out.
        """
        base_at = f"(SELECT max(tick_at) - {hours} * 3600000000 FROM ticks WHERE state = 'complete')"
        return f"""
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
    m.shown_title AS title,
    t.tick_at_iso AS quoted_at,
    r.tick_at_iso AS base_quoted_at,
    q.midpoint_dollars AS midpoint,
    b.midpoint_dollars AS base_midpoint,
    {as_real("(q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0")} AS midpoint_change,
    q.last_price_dollars AS last_price,
    b.last_price_dollars AS base_last_price,
    {as_real("(nullif(q.last_price, 0) - nullif(b.last_price, 0)) / 1000000.0")} AS last_price_change,
    {as_real("(q.volume - b.volume) / 100.0")} AS volume_change,
    {PARENTS}
FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
{joined_market("f")}
WHERE q.yes_bid + q.yes_ask <> b.yes_bid + b.yes_ask
    OR nullif(q.last_price, 0) <> nullif(b.last_price, 0)
ORDER BY
    abs(q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) DESC NULLS LAST,
    abs(nullif(q.last_price, 0) - nullif(b.last_price, 0)) DESC NULLS LAST,
    m.ticker
"""
