"""The views `market_catalogue` and `event_catalogue`: every market and every event with its description."""

from kalshi_pipeline.store.schema.view_parts import (
    JOIN_PARENTS,
    JOIN_SERIES,
    Parts,
    as_flag,
    as_integer,
    as_text,
)

# A market is listed until its newest row ends its history, as `quotes()` has it: that no tick lists it is no proof.
_IS_LISTED = "coalesce((SELECT NOT q.is_terminal FROM latest_quotes AS q WHERE q.market_id = m.id), 0)"
_UNLISTED_SINCE = (
    "(SELECT t.tick_at_iso FROM unlisted_spans AS u JOIN ticks AS t ON t.id = u.from_tick_id "
    "WHERE u.market_id = m.id AND u.to_tick_id IS NULL)"
)
_CATEGORY = "coalesce(s.category, e.category)"


class CatalogueViews(Parts):
    """The queries of these views."""

    def market_catalogue(self) -> str:
        legs = "SELECT count(g.position) FROM combo_legs AS g WHERE g.market_id = m.id"
        return f"""
SELECT
    m.ticker AS ticker,
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    {as_text(_CATEGORY)} AS category,
    m.shown_title AS title,
    m.yes_sub_title AS yes_sub_title,
    m.no_sub_title AS no_sub_title,
    e.title AS event_title,
    m.status AS status,
    m.result AS result,
    {as_flag(_IS_LISTED)} AS is_listed,
    m.created_at_iso AS created_at,
    m.open_at_iso AS open_at,
    m.close_at_iso AS announced_close_at,
    m.expected_expiration_at_iso AS expected_expiration_at,
    m.occurrence_at_iso AS occurrence_at,
    m.latest_expiration_at_iso AS latest_expiration_at,
    m.can_close_early AS can_close_early,
    m.rules_primary AS rules_primary,
    r.body AS rules_secondary,
    m.strike_type AS strike_type,
    m.floor_strike AS floor_strike,
    m.cap_strike AS cap_strike,
    m.functional_strike AS functional_strike,
    m.custom_strike AS custom_strike,
    m.is_combo AS is_combo,
    {as_integer(f"({legs})")} AS leg_count,
    e.mutually_exclusive AS mutually_exclusive,
    m.market_type AS market_type,
    m.is_provisional AS is_provisional,
    m.is_placeholder AS is_placeholder,
    m.gone_at_iso AS gone_at,
    m.first_seen_at_iso AS first_seen_at,
    m.changed_at_iso AS changed_at,
    m.id AS market_id,
    m.close_at AS announced_close_at_us,
    {as_text(_UNLISTED_SINCE)} AS unlisted_since_at
FROM markets AS m
{JOIN_PARENTS.strip()}
LEFT JOIN texts AS r ON r.id = m.rules_secondary_id
"""

    def event_catalogue(self) -> str:
        def of_markets(value: str, where: str = "1 = 1") -> str:
            return f"(SELECT {value} FROM markets AS m WHERE m.event_id = e.id AND {where})"

        return f"""
SELECT
    e.ticker AS event_ticker,
    s.ticker AS series_ticker,
    {as_text(_CATEGORY)} AS category,
    e.title AS title,
    e.sub_title AS sub_title,
    s.title AS series_title,
    e.mutually_exclusive AS mutually_exclusive,
    {as_integer(of_markets("count(m.id)"))} AS market_count,
    {as_integer(of_markets("count(m.id)", _IS_LISTED))} AS listed_market_count,
    {as_integer(of_markets("count(m.id)", "m.is_combo"))} AS combo_count,
    {self.iso(of_markets("min(m.close_at)"))} AS first_close_at,
    {self.iso(of_markets("max(m.close_at)"))} AS last_close_at,
    e.strike_at_iso AS strike_at,
    e.strike_period AS strike_period,
    e.collateral_return_type AS collateral_return_type,
    e.is_placeholder AS is_placeholder,
    e.first_seen_at_iso AS first_seen_at,
    e.changed_at_iso AS changed_at,
    e.id AS event_id
FROM events AS e
{JOIN_SERIES}
"""
