"""The views of gaps between quotes, which candlesticks fill."""

from kalshi_pipeline.store.schema.view_parts import PARENTS, Parts, as_real, joined_few, missed


class GapViews(Parts):
    """The queries of these views."""

    def gaps_filled(self) -> str:
        """The candlesticks of gaps between stored quotes.

        A candlestick fills its period where the last complete tick before its end that covers the market is older than
        the period, and older than that tick's own cadence. Of several that end at the same instant, the shortest
        counts. Without sizes, a side is quoted where its price lies strictly between 0 and 1 dollar.
        """
        bid, ask = "c.yes_bid_close", "c.yes_ask_close"
        is_bid, is_ask = (f"{price} > 0 AND {price} < 1000000" for price in (bid, ask))
        filled_from = self.words.greater(
            "c.period_minutes * 60000000", "coalesce(t.period_seconds, 0) * 1000000"
        )
        return f"""
SELECT
    m.ticker AS ticker,
    {self.iso_seconds("c.end_at")} AS quote_at,
    {as_real(f"CASE WHEN {is_bid} THEN {bid} / 1000000.0 END")} AS yes_bid,
    {as_real(f"CASE WHEN {is_ask} THEN {ask} / 1000000.0 END")} AS yes_ask,
    {as_real(f"CASE WHEN {is_ask} THEN (1000000 - {ask}) / 1000000.0 END")} AS no_bid,
    {as_real(f"CASE WHEN {is_bid} THEN (1000000 - {bid}) / 1000000.0 END")} AS no_ask,
    {as_real("coalesce(c.price_close, c.price_previous) / 1000000.0")} AS last_price,
    c.open_interest_contracts AS open_interest,
    c.period_minutes AS period_minutes,
    {PARENTS},
    c.end_at AS quote_at_us,
    {as_real(f"CASE WHEN {is_bid} AND {is_ask} THEN ({bid} + {ask}) / 2000000.0 END")} AS midpoint,
    {as_real(f"CASE WHEN {is_bid} AND {is_ask} THEN ({ask} - {bid}) / 1000000.0 END")} AS spread
FROM candlesticks AS c
{joined_few("c")} AND c.end_at >= coalesce(
    (
        SELECT t.tick_at + {filled_from}
        FROM ticks AS t
        JOIN scopes AS z ON z.id = t.scope_id
        WHERE t.state = 'complete' AND t.tick_at <= c.end_at AND {self.covers} AND NOT {missed("t.id")}
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

    def price_history_filled(self) -> str:
        """Stored quotes, and the candlesticks of gaps between them."""
        same = ", ".join(("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price"))
        # Values of one type in both parts, or conditions do not reach the tables.
        return f"""
SELECT
    ticker, tick_at AS quote_at, {same}, yes_bid_size, yes_ask_size, volume, open_interest,
    CAST(is_terminal AS INTEGER) AS is_terminal,
    CAST('snapshot' AS TEXT) AS source, CAST(NULL AS INTEGER) AS period_minutes,
    event_ticker, series_ticker, tick_id, tick_at_us AS quote_at_us,
    midpoint, spread
FROM price_history
UNION ALL
SELECT
    ticker, quote_at, {same}, CAST(NULL AS REAL), CAST(NULL AS REAL), CAST(NULL AS REAL), open_interest,
    CAST(0 AS INTEGER), CAST('candlestick' AS TEXT), period_minutes, event_ticker, series_ticker,
    CAST(NULL AS INTEGER), quote_at_us, midpoint, spread
FROM gaps_filled
"""
