"""The views of changes, settlements, trades, candlesticks, order books and combos."""

from typing import NamedTuple

from kalshi_pipeline.record_fields import DOLLARS, INSTANT, MILLIONTHS, units_of
from kalshi_pipeline.records import Event, Market, Series
from kalshi_pipeline.store.schema.from_records import shared_fields
from kalshi_pipeline.store.schema.view_parts import (
    PARENTS,
    Parts,
    as_integer,
    as_real,
    as_text,
    joined_few,
    joined_market,
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
_CHANGED = {"series": ("series", Series), "event": ("events", Event), "market": ("markets", Market)}


class RecordViews(Parts):
    """The queries of these views."""

    def series_change_history(self) -> str:
        return self._changes("series")

    def event_change_history(self) -> str:
        return self._changes("event")

    def market_change_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    c.seen_at_iso AS seen_at,
    c.field AS field,
    {self._shown("c.before", Market)} AS before,
    {self._shown("c.after", Market)} AS after,
    {PARENTS},
    c.seen_at AS seen_at_us
FROM market_changes AS c
{joined_few("c")}
"""

    def _changes(self, kind: str) -> str:
        table, record = _CHANGED[kind]
        return f"""
SELECT
    p.ticker AS ticker,
    c.seen_at_iso AS seen_at,
    c.field AS field,
    {self._shown("c.before", record)} AS before,
    {self._shown("c.after", record)} AS after,
    c.seen_at AS seen_at_us
FROM {kind}_changes AS c
JOIN {table} AS p ON p.id = c.{kind}_id
"""

    def change_history(self) -> str:
        return "\nUNION ALL".join(
            f"""
SELECT CAST('{kind}' AS TEXT) AS kind, ticker, seen_at, field, before, after, seen_at_us
FROM {kind}_change_history"""
            for kind in _CHANGED
        )

    def _shown(self, value: str, record: type[NamedTuple]) -> str:
        """A value of a change for people: times in ISO, money in dollars, texts unchanged."""
        number = f"CAST({value} AS BIGINT)"
        units = units_of(record)
        fractions = [name for name, unit in units.items() if unit in (DOLLARS, MILLIONTHS)]
        cases = {
            self.words.iso(number): [name for name, unit in units.items() if unit is INSTANT],
            f"CAST({number} / 1000000.0 AS TEXT)": [*fractions, "settlement_value"],
            f"(SELECT t.body FROM texts AS t WHERE t.id = {number})": shared_fields(record),
        }
        whens = " ".join(
            f"WHEN c.field IN ({', '.join(repr(name) for name in names)}) THEN {shown}"
            for shown, names in cases.items()
            if names
        )
        return as_text(f"CASE {whens} ELSE {value} END")

    def settlement_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    r.result AS result,
    r.settlement_value_dollars AS settlement_value,
    r.settled_at_iso AS settled_at,
    r.settled_at_source AS settled_at_source,
    r.tier AS tier,
    r.first_seen_at_iso AS first_seen_at,
    r.amended_at_iso AS amended_at,
    m.status AS status,
    s.ticker AS series_ticker,
    r.settled_at AS settled_at_us
FROM settlements AS r
{joined_few("r")} AND r.withdrawn_at IS NULL
"""

    def settlement_amendment_history(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    a.seen_at_iso AS seen_at,
    a.result_before AS result_before,
    a.result_after AS result_after,
    a.value_before_dollars AS value_before,
    a.value_after_dollars AS value_after,
    {PARENTS},
    a.seen_at AS seen_at_us
FROM settlement_amendments AS a
{joined_few("a")}
"""

    def trade_history(self) -> str:
        octets = "t.trade_id"
        identifier = (
            f"CASE length({octets}) WHEN 16 THEN {self.words.uuid(octets)} ELSE {self.words.text(octets)} END"
        )
        return f"""
SELECT
    m.ticker AS ticker,
    {as_text(identifier)} AS trade_id,
    t.created_at_iso AS created_at,
    t.yes_price_dollars AS yes_price,
    t.no_price_dollars AS no_price,
    t.contracts_decimal AS contracts,
    t.taker_side AS taker_side,
    t.is_block AS is_block,
    {PARENTS},
    t.created_at AS created_at_us
FROM trades AS t
{joined_few("t")}
"""

    def candlestick_history(self) -> str:
        dollars = ",\n    ".join(f"c.{name}_dollars AS {name}" for name in _CANDLESTICK_PRICES)
        return f"""
SELECT
    m.ticker AS ticker,
    c.period_minutes AS period_minutes,
    c.end_at_iso AS end_at,
    {dollars},
    c.volume_contracts AS volume,
    c.open_interest_contracts AS open_interest,
    {PARENTS},
    c.end_at AS end_at_us
FROM candlesticks AS c
{joined_few("c")}
"""

    def candlestick_coverage(self) -> str:
        return f"""
SELECT
    m.ticker AS ticker,
    d.day AS day,
    d.period_minutes AS period_minutes,
    d.state AS state,
    d.tier AS tier,
    d.reason AS reason,
    d.asked_at_iso AS asked_at,
    {PARENTS},
    d.asked_at AS asked_at_us
FROM candlestick_days AS d
{joined_market("d")}
"""

    def order_book_history(self) -> str:
        return """
SELECT
    m.ticker AS ticker,
    b.received_at_iso AS received_at,
    l.side AS side,
    l.price_dollars AS price,
    l.size_contracts AS size,
    b.received_at AS received_at_us
FROM order_books AS b
JOIN markets AS m ON m.id = b.market_id
LEFT JOIN order_book_levels AS l ON l.order_book_id = b.id
WHERE likelihood(+b.market_id > 0, 0.2)
"""

    def order_book(self) -> str:
        """The levels of each book, numbered from the best bid of each side, with cumulative sizes."""
        better = "h.order_book_id = l.order_book_id AND h.is_yes = l.is_yes AND h.price >= l.price"
        return f"""
SELECT
    m.ticker AS ticker,
    b.received_at_iso AS received_at,
    l.side AS side,
    {as_integer(f"(SELECT count(h.price) FROM order_book_levels AS h WHERE {better})")} AS level,
    l.price_dollars AS price,
    l.size_contracts AS size,
    {as_real(f"(SELECT sum(h.size) FROM order_book_levels AS h WHERE {better}) / 100.0")} AS size_up_to_here,
    {PARENTS},
    b.received_at AS received_at_us
FROM order_books AS b
JOIN order_book_levels AS l ON l.order_book_id = b.id
{joined_few("b")}
"""

    def legs_of_combos(self) -> str:
        return f"""
SELECT
    c.ticker AS combo_ticker,
    l.position AS position,
    {as_text("coalesce(m.ticker, l.leg_ticker)")} AS leg_ticker,
    {as_text("coalesce(e.ticker, l.leg_event_ticker)")} AS leg_event_ticker,
    l.side AS side,
    l.settlement_value_dollars AS settlement_value
FROM combo_legs AS l
JOIN markets AS c ON c.id = l.market_id
LEFT JOIN markets AS m ON m.id = l.leg_market_id
LEFT JOIN events AS e ON e.id = m.event_id
"""
