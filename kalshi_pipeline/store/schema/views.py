"""The views for people: tickers, ISO times, exact decimal dollars. An upgrade drops them all and makes these.

Money and counts are stored as whole numbers; divided by 1000000.0 or 100.0 they are the doubles nearest to the decimals
that the exchange wrote, so they print as those decimals and equal them.
"""

from typing import NamedTuple

from sqlalchemy import Connection, inspect

from kalshi_pipeline.records import DOLLARS, INSTANT, MILLIONTHS, Event, Market, Series, units_of
from kalshi_pipeline.store.dialects import ViewWords, view_words
from kalshi_pipeline.store.schema.from_records import shared_fields
from kalshi_pipeline.store.schema.tables import BLOCK_SIZE
from kalshi_pipeline.vocabulary import FeeType

FORMER: tuple[str, ...] = ()
"""Names of views of earlier versions, beginning with schema 0005, that are made no more."""

_QUOTE = """
    q.yes_bid / 1000000.0 AS yes_bid,
    q.yes_ask / 1000000.0 AS yes_ask,
    (1000000 - q.yes_ask) / 1000000.0 AS no_bid,
    (1000000 - q.yes_bid) / 1000000.0 AS no_ask,
    nullif(q.last_price, 0) / 1000000.0 AS last_price,
    q.yes_bid_size / 100.0 AS yes_bid_size,
    q.yes_ask_size / 100.0 AS yes_ask_size,
    q.volume / 100.0 AS volume,
    q.open_interest / 100.0 AS open_interest
"""
_IS_TAKEN = "state IN ('running', 'complete', 'partial')"
# Of a row in `known`, as of `now`.
_STATE = """CASE
        WHEN q.is_terminal THEN 'unknown'
        WHEN (q.newest_at IS NULL OR q.newest_at = q.confirmed_at)
            AND now.tick_at - coalesce(q.newest_at, q.sent_at) < q.period THEN 'observed'
        WHEN now.tick_at - q.confirmed_at <= 2 * q.period THEN 'carried'
        ELSE 'stale'
    END"""
_COUNTS = (
    "pages",
    "windows",
    "received",
    "inserted",
    "unchanged",
    "keyframes",
    "ended",
    "gone",
    "paused",
    "unconfirmed",
    "out_of_scope",
    "quarantined",
    "duplicates",
    "placeholders",
    "healed",
)
_CANDLESTICK_PRICES = (
    *(
        f"{side}_{name}"
        for side in ("yes_bid", "yes_ask", "price")
        for name in ("open", "high", "low", "close")
    ),
    "price_mean",
    "price_previous",
)


def definitions(words: ViewWords) -> dict[str, str]:
    """Return the query of each view by its name, in an order in which they can be made."""
    views = _Views(words)
    return {
        "latest_prices": views.latest_prices(),
        "price_history": views.price_history(),
        "quotes_by_tick": views.quotes_by_tick(),
        "unchanged_quotes": views.unchanged_quotes(),
        "tick_history": views.tick_history(),
        "movers_1h": views.movers(1),
        "movers_24h": views.movers(24),
        "market_change_history": views.market_change_history(),
        "change_history": views.change_history(),
        "settlement_history": views.settlement_history(),
        "settlement_amendment_history": views.settlement_amendment_history(),
        "trade_history": views.trade_history(),
        "candlestick_history": views.candlestick_history(),
        "candlestick_coverage": views.candlestick_coverage(),
        "order_book_history": views.order_book_history(),
        "price_history_filled": views.price_history_filled(),
        "fee_history": views.fee_history(),
        "legs_of_combos": views.legs_of_combos(),
        "void_unchanged_quotes": views.unchanged_quotes("void_unchanged_blocks"),
    }


def drop_views(connection: Connection) -> None:
    """Drop the views that are ours, of schema 0005 or later: migrations before that drop their own."""
    if "scopes" not in inspect(connection).get_table_names():
        return
    stored = set(inspect(connection).get_view_names())
    for name in (*reversed(definitions(view_words(connection))), *FORMER):
        if name in stored:
            connection.exec_driver_sql(f"DROP VIEW {name}")


def create_views(connection: Connection) -> None:
    """Create the views of this version."""
    for name, query in definitions(view_words(connection)).items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS{query}")


def _missed(tick_id: str) -> str:
    """Whether a tick is in an unlisted span of market `m`: it confirms nothing of it."""
    return (
        "EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id "
        f"AND u.from_tick_id <= {tick_id} AND (u.to_tick_id IS NULL OR u.to_tick_id > {tick_id}))"
    )


def _row_in_force(tick_id: str) -> str:
    """The tick of the newest row of market `l` at or before a tick; it is searched only where there is a newer one."""
    return (
        f"CASE WHEN l.tick_id <= {tick_id} THEN l.tick_id ELSE (SELECT max(p.tick_id) "
        f"FROM price_snapshots AS p WHERE p.market_id = l.market_id AND p.tick_id <= {tick_id}) END"
    )


class _Views:
    def __init__(self, words: ViewWords) -> None:
        self._words = words
        self._iso = words.iso
        # Whether ticks of scope `z` cover market `m`: by the series of its event and its kind. A listing of a narrower
        # status filter than `open` shows nothing of the markets that it does not list.
        of_market = "(SELECT y.ticker FROM events AS x JOIN series AS y ON y.id = x.series_id WHERE x.id = m.event_id)"
        self._covers = (
            "(z.status_filter IN ('open', 'all') "
            "AND (z.combos = 'include' OR (z.combos = 'only') = m.is_combo) "
            f"AND (z.series = '' OR {words.lists('z.series', of_market)}))"
        )

    def _is_unchanged(self, block: str, market_id: str, tick_id: str) -> str:
        """Whether a row of `unchanged_blocks` lists a market for a tick; at most one of a tick does."""
        is_listed = self._words.holds(f"{block}.remainders", f"{market_id} % {BLOCK_SIZE}")
        return f"{block}.tick_id = {tick_id} AND {block}.block = {market_id} / {BLOCK_SIZE} AND {is_listed}"

    def _repeat(self, market_id: str, row_tick_id: str, last_id: str) -> str:
        """The newest tick after a market's row that found its quote unchanged.

        The ticks are gone back one by one, from the newest that found any unchanged.
        """
        return (
            f"(SELECT i.id FROM ticks AS i WHERE i.id > {row_tick_id} AND i.id <= {last_id} AND EXISTS (SELECT 1 "
            f"FROM unchanged_blocks AS j WHERE {self._is_unchanged('j', market_id, 'i.id')}) "
            "ORDER BY i.id DESC LIMIT 1)"
        )

    def _confirms(self, row_tick: str) -> str:
        """Whether ticks of scope `z` confirm a row of market `m` and of a tick: where they cover the market.

        Ticks of former scopes, those before schema 0005, confirm what ticks of the same scope stored, and that only.
        """
        return f"CASE WHEN z.is_former THEN z.id = {row_tick}.scope_id ELSE {self._covers} END"

    def _newest(self, *instants: str) -> str:
        """The newest of some instants, any of which may be NULL."""
        newest = "0"
        for instant in instants:
            newest = self._words.greater(newest, f"coalesce({instant}, 0)")
        return f"nullif({newest}, 0)"

    def _quoted(self, tick_at: str, received_ms: str) -> str:
        """When a quote was sent last: the tick, and the answer."""
        received_at = f"({tick_at} + {received_ms} * 1000)"
        return f"{self._iso(tick_at)} AS tick_at,\n    {self._iso(received_at)} AS received_at"

    def latest_prices(self) -> str:
        """The newest quote of each market, as of the newest tick.

        The tick of a quote has seen its market, whatever its scope; later ones count where they cover it.
        """
        newest, complete = (
            f"(SELECT max(z.{name}) FROM standings AS z WHERE z.{name} > t.tick_at AND {self._confirms('t')})"
            for name in ("newest_at", "complete_at")
        )
        # The ticks of a market that was missed since its row are gone through one by one; such markets are few.
        missed_since = (
            "EXISTS (SELECT 1 FROM unlisted_spans AS u WHERE u.market_id = m.id "
            "AND (u.to_tick_id IS NULL OR u.to_tick_id > q.tick_id))"
        )
        each = (
            "(SELECT max(k.tick_at) FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id > q.tick_id "
            f"AND k.state = 'complete' AND {self._confirms('t')} AND NOT {_missed('k.id')})"
        )
        earlier = (
            f"(SELECT max(z.complete_at) FROM standings AS z WHERE z.complete_at > o.tick_at "
            f"AND {self._confirms('o')})"
        )
        own = "CASE WHEN t.state = 'complete' THEN t.tick_at END"
        first = "CASE WHEN o.state = 'complete' THEN o.tick_at END"
        confirmed = (
            f"CASE WHEN {missed_since} THEN {self._newest(each, own, first)} "
            f"ELSE coalesce({complete}, {own}, {earlier}, {first}) END"
        )
        period = (
            "coalesce((SELECT z.period_seconds FROM standings AS z WHERE z.period_seconds IS NOT NULL "
            f"AND {self._confirms('t')} ORDER BY z.scheduled_id DESC LIMIT 1), 300) * 1000000"
        )
        last = self._repeat("q.market_id", "q.tick_id", "repeats.last_id")
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
        WHERE t.{_IS_TAKEN}
        GROUP BY t.scope_id
    ) AS of_scope
    JOIN scopes AS s ON s.id = of_scope.scope_id
    LEFT JOIN ticks AS p ON p.id = of_scope.scheduled_id
),
repeats AS MATERIALIZED (
    SELECT max(tick_id) AS last_id FROM unchanged_blocks
),
now AS MATERIALIZED (
    SELECT max(tick_at) AS tick_at FROM ticks WHERE {_IS_TAKEN}
),
known AS (
    SELECT
        m.ticker AS ticker,
        m.event_id AS event_id,
        coalesce(m.title, m.yes_sub_title) AS title,
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
    LEFT JOIN unchanged_blocks AS g ON {self._is_unchanged("g", "q.market_id", last)}
    JOIN ticks AS t ON t.id = coalesce(g.tick_id, q.tick_id)
    JOIN ticks AS o ON o.id = q.tick_id
)
SELECT
    q.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    q.title AS title,
    q.status AS status,
    {self._quoted("q.sent_at", "q.sent_ms")},
    {_QUOTE},
    q.is_terminal AS is_terminal,
    {self._iso("q.confirmed_at")} AS confirmed_at,
    STATE = 'observed' AS is_observed,
    coalesce(coalesce(q.newest_at, q.sent_at) = q.confirmed_at, FALSE) AS is_tick_complete,
    STATE AS state
FROM known AS q
CROSS JOIN now
JOIN events AS e ON e.id = q.event_id
LEFT JOIN series AS s ON s.id = e.series_id
""".replace("STATE", _STATE)

    def price_history(self) -> str:
        # Unchanged quotes are sought from their market on, between its first row and its last: they have no index but
        # their key.
        return f"""
SELECT
    m.ticker AS ticker,
    {self._quoted("t.tick_at", "q.received_ms")},
    {_QUOTE},
    q.is_terminal AS is_terminal,
    t.state = 'complete' AS is_tick_complete
FROM price_snapshots AS q
JOIN markets AS m ON m.id = q.market_id
JOIN ticks AS t ON t.id = q.tick_id
UNION ALL
SELECT
    m.ticker,
    {self._quoted("t.tick_at", "g.received_ms")},
    {_QUOTE},
    FALSE,
    t.state = 'complete'
FROM (
    SELECT
        (SELECT min(tick_id) FROM unchanged_blocks) AS first_id,
        (SELECT max(tick_id) FROM unchanged_blocks) AS last_id
) AS repeats
CROSS JOIN markets AS m
CROSS JOIN latest_quotes AS l
CROSS JOIN ticks AS t
CROSS JOIN unchanged_blocks AS g
CROSS JOIN price_snapshots AS q
WHERE repeats.first_id IS NOT NULL AND l.market_id = m.id
    AND t.id >= repeats.first_id AND t.id <= repeats.last_id
    AND t.id > (SELECT min(f.tick_id) FROM price_snapshots AS f WHERE f.market_id = m.id)
    AND (t.id < l.tick_id OR NOT l.is_terminal)
    AND {self._is_unchanged("g", "m.id", "t.id")}
    AND q.market_id = m.id AND q.tick_id = (
        SELECT max(p.tick_id) FROM price_snapshots AS p WHERE p.market_id = m.id AND p.tick_id < t.id
    )
"""

    def quotes_by_tick(self) -> str:
        """Each quote that was in force at a tick which covers its market.

        The CROSS JOINs keep SQLite from reading the markets, or all their quotes, first and seeking the tick then.
        """
        last_id = "(SELECT max(tick_id) FROM unchanged_blocks WHERE tick_id <= t.id)"
        last = self._repeat("l.market_id", "q.tick_id", last_id)
        is_confirmed = f"t.state = 'complete' AND NOT {_missed('t.id')}"
        covering = f"FROM ticks AS k JOIN scopes AS z ON z.id = k.scope_id WHERE k.id <= t.id AND {self._confirms('r')}"
        by_others = (
            f"(SELECT max(k.tick_at) {covering} AND k.id >= q.tick_id AND k.state = 'complete' "
            f"AND NOT {_missed('k.id')})"
        )
        by_own = (f"CASE WHEN {tick}.state = 'complete' THEN {tick}.tick_at END" for tick in ("r", "o"))
        confirmed_at = f"CASE WHEN {is_confirmed} THEN t.tick_at ELSE {self._newest(by_others, *by_own)} END"
        period = (
            f"coalesce(t.period_seconds, (SELECT k.period_seconds {covering} AND k.{_IS_TAKEN} "
            "AND k.period_seconds IS NOT NULL ORDER BY k.id DESC LIMIT 1), 300) * 1000000"
        )
        return f"""
SELECT
    m.ticker AS ticker,
    t.id AS tick_id,
    {self._iso("t.tick_at")} AS tick_at,
    {self._iso("r.tick_at")} AS quoted_at,
    {self._iso("(r.tick_at + coalesce(g.received_ms, q.received_ms) * 1000)")} AS received_at,
    {_QUOTE},
    r.id = t.id OR ({is_confirmed}) AS is_observed,
    {is_confirmed} AS is_tick_complete,
    CASE
        WHEN r.id = t.id OR ({is_confirmed}) THEN 'observed'
        WHEN t.tick_at - {confirmed_at} <= 2 * {period} THEN 'carried'
        ELSE 'stale'
    END AS state,
    {self._iso(f"({confirmed_at})")} AS confirmed_at
FROM ticks AS t
LEFT JOIN scopes AS z ON z.id = t.scope_id
CROSS JOIN latest_quotes AS l
JOIN markets AS m ON m.id = l.market_id
CROSS JOIN price_snapshots AS q
LEFT JOIN unchanged_blocks AS g ON {self._is_unchanged("g", "l.market_id", last)}
JOIN ticks AS r ON r.id = coalesce(g.tick_id, q.tick_id)
JOIN ticks AS o ON o.id = q.tick_id
WHERE t.{_IS_TAKEN} AND (l.tick_id > t.id OR NOT l.is_terminal)
    AND q.market_id = l.market_id AND q.tick_id = {_row_in_force("t.id")}
    AND NOT q.is_terminal
    AND (r.id = t.id OR {self._confirms("r")})
"""

    def unchanged_quotes(self, table: str = "unchanged_blocks") -> str:
        """The markets of `unchanged_blocks`, or of its voided rows, one by one: each remainder is looked for."""
        return f"""
WITH RECURSIVE remainders (remainder) AS (
    SELECT 0 UNION ALL SELECT remainder + 1 FROM remainders WHERE remainder < {BLOCK_SIZE - 1}
)
SELECT
    b.tick_id AS tick_id,
    b.block * {BLOCK_SIZE} + r.remainder AS market_id,
    b.received_ms AS received_ms
FROM {table} AS b
CROSS JOIN remainders AS r
WHERE {self._words.holds("b.remainders", "r.remainder")}
"""

    def tick_history(self) -> str:
        return f"""
SELECT
    t.id AS tick_id,
    {self._iso("t.tick_at")} AS tick_at,
    t.period_seconds AS period_seconds,
    t.state AS state,
    t.reason AS reason,
    z.sentence AS scope,
    t.is_paused AS is_paused,
    t.inactive_shards AS inactive_shards,
    {self._iso("t.started_at")} AS started_at,
    {self._iso("t.finished_at")} AS finished_at,
    {", ".join(f"t.{name} AS {name}" for name in _COUNTS)}
FROM ticks AS t
LEFT JOIN scopes AS z ON z.id = t.scope_id
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
        (SELECT id FROM ticks WHERE {_IS_TAKEN} AND tick_at <= {base_at} ORDER BY tick_at DESC LIMIT 1)
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
    {self._iso("t.tick_at")} AS quoted_at,
    {self._iso("r.tick_at")} AS base_quoted_at,
    (q.yes_bid + q.yes_ask) / 2000000.0 AS midpoint,
    (b.yes_bid + b.yes_ask) / 2000000.0 AS base_midpoint,
    (q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) / 2000000.0 AS midpoint_change,
    nullif(q.last_price, 0) / 1000000.0 AS last_price,
    nullif(b.last_price, 0) / 1000000.0 AS base_last_price,
    (nullif(q.last_price, 0) - nullif(b.last_price, 0)) / 1000000.0 AS last_price_change,
    (q.volume - b.volume) / 100.0 AS volume_change
FROM found AS f
JOIN price_snapshots AS q ON q.tick_id = f.tick_id AND q.market_id = f.market_id
JOIN price_snapshots AS b ON b.tick_id = f.base_tick_id AND b.market_id = f.market_id
JOIN ticks AS t ON t.id = f.tick_id
JOIN ticks AS r ON r.id = f.base_tick_id
JOIN markets AS m ON m.id = f.market_id
WHERE q.yes_bid + q.yes_ask <> b.yes_bid + b.yes_ask OR nullif(q.last_price, 0) <> nullif(b.last_price, 0)
ORDER BY
    abs(q.yes_bid + q.yes_ask - b.yes_bid - b.yes_ask) DESC NULLS LAST,
    abs(nullif(q.last_price, 0) - nullif(b.last_price, 0)) DESC NULLS LAST,
    m.ticker
"""

    def market_change_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    {self._iso("c.seen_at")} AS seen_at,
    c.field AS field,
    {self._shown("c.before", Market)} AS before,
    {self._shown("c.after", Market)} AS after
FROM market_changes AS c
JOIN markets AS m ON m.id = c.market_id
"""

    def change_history(self) -> str:
        return "\nUNION ALL".join(
            f"""
SELECT
    '{kind}' AS kind,
    p.ticker AS ticker,
    {self._iso("c.seen_at")} AS seen_at,
    c.field AS field,
    {self._shown("c.before", record)} AS before,
    {self._shown("c.after", record)} AS after
FROM {kind}_changes AS c
JOIN {table} AS p ON p.id = c.{kind}_id
"""
            for kind, table, record in (
                ("series", "series", Series),
                ("event", "events", Event),
                ("market", "markets", Market),
            )
        )

    def _shown(self, value: str, record: type[NamedTuple]) -> str:
        """A value of a change as people read it: times in ISO, money in dollars, texts and words as they came."""
        number = f"CAST({value} AS BIGINT)"
        units = units_of(record)
        fractions = [name for name, unit in units.items() if unit in (DOLLARS, MILLIONTHS)]
        cases = {
            self._iso(number): [name for name, unit in units.items() if unit is INSTANT],
            f"CAST({number} / 1000000.0 AS TEXT)": [*fractions, "settlement_value"],
            f"(SELECT t.body FROM texts AS t WHERE t.id = {number})": shared_fields(record),
        }
        whens = " ".join(
            f"WHEN c.field IN ({', '.join(repr(name) for name in names)}) THEN {shown}"
            for shown, names in cases.items()
            if names
        )
        return f"CASE {whens} ELSE {value} END"

    def settlement_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.result AS result,
    s.settlement_value / 1000000.0 AS settlement_value,
    {self._iso("s.settled_at")} AS settled_at,
    s.settled_at_source AS settled_at_source,
    s.tier AS tier,
    {self._iso("s.first_seen_at")} AS first_seen_at,
    {self._iso("s.amended_at")} AS amended_at,
    m.status AS status
FROM settlements AS s
JOIN markets AS m ON m.id = s.market_id
JOIN events AS e ON e.id = m.event_id
WHERE s.withdrawn_at IS NULL
"""

    def settlement_amendment_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    {self._iso("a.seen_at")} AS seen_at,
    a.result_before AS result_before,
    a.result_after AS result_after,
    a.value_before / 1000000.0 AS value_before,
    a.value_after / 1000000.0 AS value_after
FROM settlement_amendments AS a
JOIN markets AS m ON m.id = a.market_id
"""

    def trade_history(self) -> str:
        words = self._words
        return f"""
SELECT
    m.ticker AS ticker,
    CASE length(t.trade_id) WHEN 16 THEN {words.uuid("t.trade_id")} ELSE {words.text("t.trade_id")} END AS trade_id,
    {self._iso("t.created_at")} AS created_at,
    t.yes_price / 1000000.0 AS yes_price,
    (1000000 - t.yes_price) / 1000000.0 AS no_price,
    t.contracts / 100.0 AS contracts,
    t.taker_side AS taker_side,
    t.is_block AS is_block
FROM trades AS t
JOIN markets AS m ON m.id = t.market_id
"""

    def candlestick_history(self) -> str:
        dollars = ",\n    ".join(f"c.{name} / 1000000.0 AS {name}" for name in _CANDLESTICK_PRICES)
        return f"""
SELECT
    m.ticker AS ticker,
    c.period_minutes AS period_minutes,
    {self._iso("c.end_at")} AS end_at,
    {dollars},
    c.volume / 100.0 AS volume,
    c.open_interest / 100.0 AS open_interest
FROM candlesticks AS c
JOIN markets AS m ON m.id = c.market_id
"""

    def candlestick_coverage(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    {self._words.day("d.day_at")} AS day,
    d.period_minutes AS period_minutes,
    d.state AS state,
    d.tier AS tier,
    d.reason AS reason,
    {self._iso("d.asked_at")} AS asked_at
FROM candlestick_days AS d
JOIN markets AS m ON m.id = d.market_id
"""

    def order_book_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    {self._iso("b.received_at")} AS received_at,
    CASE WHEN l.is_yes THEN 'yes' WHEN NOT l.is_yes THEN 'no' END AS side,
    l.price / 1000000.0 AS price,
    l.size / 100.0 AS size
FROM order_books AS b
JOIN markets AS m ON m.id = b.market_id
LEFT JOIN order_book_levels AS l ON l.order_book_id = b.id
"""

    def legs_of_combos(self) -> str:
        return """
SELECT
    c.ticker AS combo_ticker,
    l.position AS position,
    coalesce(m.ticker, l.leg_ticker) AS leg_ticker,
    coalesce(e.ticker, l.leg_event_ticker) AS leg_event_ticker,
    l.side AS side,
    l.settlement_value / 1000000.0 AS settlement_value
FROM combo_legs AS l
JOIN markets AS c ON c.id = l.market_id
LEFT JOIN markets AS m ON m.id = l.leg_market_id
LEFT JOIN events AS e ON e.id = m.event_id
"""

    def fee_history(self) -> str:
        """The fees of series, and of the events that have changes of their own: a row for each span of one fee.

        A span begins where a change of the series or of the event takes effect. Changes of one instant that differ
        leave the fee unknown, as do words that are not known and values that are missing.
        """

        def meanings(table: str, *columns: str) -> str:
            key, fee_type, fee_multiplier = columns
            return (
                f"SELECT {key}, scheduled_at, min({fee_type}) AS fee_type, min({fee_multiplier}) AS fee_multiplier, "
                f"count(*) AS meanings FROM (SELECT DISTINCT {', '.join(columns)}, scheduled_at FROM {table} "
                f"WHERE withdrawn_at IS NULL) AS c GROUP BY {key}, scheduled_at"
            )

        def newest(table: str, key: str) -> str:
            return (
                f"(SELECT max(c.scheduled_at) FROM {table} AS c WHERE c.{key} = s.{key} "
                "AND c.scheduled_at <= s.at AND c.withdrawn_at IS NULL)"
            )

        words = ", ".join(f"'{word}'" for word in FeeType)
        is_override = (
            "coalesce(o.meanings > 1 OR o.fee_type IS NOT NULL OR o.fee_multiplier IS NOT NULL, FALSE)"
        )
        values = {
            name: f"CASE WHEN {is_override} THEN o.{name} ELSE b.{name} END"
            for name in ("meanings", "fee_type", "fee_multiplier")
        }
        return f"""
WITH of_series AS MATERIALIZED (
    {meanings("series_fee_changes", "series_ticker", "fee_type", "fee_multiplier")}
),
of_events AS MATERIALIZED (
    {meanings("event_fee_changes", "event_ticker", "fee_type_override", "fee_multiplier_override")}
),
overridden AS MATERIALIZED (
    SELECT
        c.event_ticker,
        coalesce(
            max(c.series_ticker),
            (
                SELECT p.ticker FROM events AS e JOIN series AS p ON p.id = e.series_id
                WHERE e.ticker = c.event_ticker
            )
        ) AS series_ticker
    FROM event_fee_changes AS c
    WHERE c.withdrawn_at IS NULL
    GROUP BY c.event_ticker
),
starts AS (
    SELECT series_ticker, NULL AS event_ticker, scheduled_at AS at FROM of_series
    UNION
    SELECT e.series_ticker, e.event_ticker, c.scheduled_at
    FROM overridden AS e
    JOIN of_events AS c ON c.event_ticker = e.event_ticker
    UNION
    SELECT e.series_ticker, e.event_ticker, c.scheduled_at
    FROM overridden AS e
    JOIN of_series AS c ON c.series_ticker = e.series_ticker
),
spans AS (
    SELECT
        s.series_ticker,
        s.event_ticker,
        s.at,
        lead(s.at) OVER (PARTITION BY s.series_ticker, s.event_ticker ORDER BY s.at) AS end_at,
        {newest("series_fee_changes", "series_ticker")} AS base_at,
        {newest("event_fee_changes", "event_ticker")} AS override_at
    FROM starts AS s
)
SELECT
    s.series_ticker AS series_ticker,
    s.event_ticker AS event_ticker,
    {self._iso("s.at")} AS from_at,
    {self._iso("s.end_at")} AS until_at,
    CASE WHEN {values["meanings"]} = 1 THEN {values["fee_type"]} END AS fee_type,
    CASE WHEN {values["meanings"]} = 1 THEN {values["fee_multiplier"]} / 1000000.0 END AS fee_multiplier,
    {is_override} AS is_override,
    CASE
        WHEN {values["meanings"]} = 1 AND {values["fee_type"]} IN ({words})
            AND {values["fee_multiplier"]} IS NOT NULL THEN 'known'
        ELSE 'unknown'
    END AS state
FROM spans AS s
LEFT JOIN of_series AS b ON b.series_ticker = s.series_ticker AND b.scheduled_at = s.base_at
LEFT JOIN of_events AS o ON o.event_ticker = s.event_ticker AND o.scheduled_at = s.override_at
"""

    def price_history_filled(self) -> str:
        """Stored quotes, and the candlesticks of gaps between them.

        A candlestick fills its period where the last complete tick before its end that covers the market is older than
        the period, and older than that tick's own cadence. Of several that end at the same instant, the shortest
        counts. Without sizes, a side is quoted where its price lies strictly between 0 and 1 dollar.
        """
        bid, ask = "c.yes_bid_close", "c.yes_ask_close"
        is_bid, is_ask = (f"{price} > 0 AND {price} < 1000000" for price in (bid, ask))
        filled_from = self._words.greater(
            "c.period_minutes * 60000000", "coalesce(t.period_seconds, 0) * 1000000"
        )
        return f"""
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
    {self._iso("c.end_at")},
    CASE WHEN {is_bid} THEN {bid} / 1000000.0 END,
    CASE WHEN {is_ask} THEN {ask} / 1000000.0 END,
    CASE WHEN {is_ask} THEN (1000000 - {ask}) / 1000000.0 END,
    CASE WHEN {is_bid} THEN (1000000 - {bid}) / 1000000.0 END,
    coalesce(c.price_close, c.price_previous) / 1000000.0,
    NULL,
    NULL,
    NULL,
    c.open_interest / 100.0,
    FALSE,
    'candlestick',
    c.period_minutes
FROM candlesticks AS c
JOIN markets AS m ON m.id = c.market_id
WHERE c.end_at >= coalesce(
    (
        SELECT t.tick_at + {filled_from}
        FROM ticks AS t
        JOIN scopes AS z ON z.id = t.scope_id
        WHERE t.state = 'complete' AND t.tick_at <= c.end_at AND {self._covers} AND NOT {_missed("t.id")}
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
