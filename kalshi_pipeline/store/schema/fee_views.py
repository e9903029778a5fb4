"""The view of fees, and the instants at which its spans begin."""

from kalshi_pipeline.store.schema.view_parts import Parts, as_flag, as_integer, as_real, as_text
from kalshi_pipeline.vocabulary import FeeType


class FeeViews(Parts):
    """The queries of the views of fees."""

    def fee_starts(self) -> str:
        """When the fee of a series changes, or that of an event that has changes of its own."""
        return """
SELECT series_ticker, CAST(NULL AS TEXT) AS event_ticker, scheduled_at AS at
FROM series_fee_changes
WHERE withdrawn_at IS NULL
UNION
SELECT e.series_ticker, e.event_ticker, c.scheduled_at
FROM events_with_fees AS e
JOIN event_fee_changes AS c ON c.event_ticker = e.event_ticker AND c.withdrawn_at IS NULL
UNION
SELECT e.series_ticker, e.event_ticker, c.scheduled_at
FROM events_with_fees AS e
JOIN series_fee_changes AS c ON c.series_ticker = e.series_ticker AND c.withdrawn_at IS NULL
"""

    def events_with_fees(self) -> str:
        """The events that have changes of their own, each with its series."""
        return """
SELECT
    c.event_ticker AS event_ticker,
    CAST(coalesce(
        max(c.series_ticker),
        (SELECT p.ticker FROM events AS e JOIN series AS p ON p.id = e.series_id WHERE e.ticker = c.event_ticker)
    ) AS TEXT) AS series_ticker
FROM event_fee_changes AS c
WHERE c.withdrawn_at IS NULL
GROUP BY c.event_ticker
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
                f"count(scheduled_at) AS meanings FROM (SELECT DISTINCT {', '.join(columns)}, scheduled_at "
                f"FROM {table} WHERE withdrawn_at IS NULL) AS c GROUP BY {key}, scheduled_at"
            )

        def newest(table: str, key: str) -> str:
            return (
                f"(SELECT max(c.scheduled_at) FROM {table} AS c WHERE c.{key} = s.{key} "
                "AND c.scheduled_at <= s.at AND c.withdrawn_at IS NULL)"
            )

        words = ", ".join(f"'{word}'" for word in FeeType)
        is_override = "coalesce(o.meanings > 1 OR o.fee_type IS NOT NULL OR o.fee_multiplier IS NOT NULL, 0)"
        values = {
            name: f"CASE WHEN {is_override} THEN o.{name} ELSE b.{name} END"
            for name in ("meanings", "fee_type", "fee_multiplier")
        }

        def of_one(name: str) -> str:
            return f"(CASE WHEN {values['meanings']} = 1 THEN {values[name]} END)"

        state = (
            f"CASE WHEN {values['meanings']} = 1 AND {values['fee_type']} IN ({words}) "
            f"AND {values['fee_multiplier']} IS NOT NULL THEN 'known' ELSE 'unknown' END"
        )
        return f"""
WITH of_series AS MATERIALIZED (
    {meanings("series_fee_changes", "series_ticker", "fee_type", "fee_multiplier")}
),
of_events AS MATERIALIZED (
    {meanings("event_fee_changes", "event_ticker", "fee_type_override", "fee_multiplier_override")}
),
spans AS (
    SELECT
        s.series_ticker,
        s.event_ticker,
        s.at,
        lead(s.at) OVER (PARTITION BY s.series_ticker, s.event_ticker ORDER BY s.at) AS end_at,
        {newest("series_fee_changes", "series_ticker")} AS base_at,
        {newest("event_fee_changes", "event_ticker")} AS override_at
    FROM fee_starts AS s
)
SELECT
    s.series_ticker AS series_ticker,
    s.event_ticker AS event_ticker,
    {self.iso("s.at")} AS from_at,
    {self.iso("s.end_at")} AS until_at,
    {as_text(of_one("fee_type"))} AS fee_type,
    {as_real(of_one("fee_multiplier") + " / 1000000.0")} AS fee_multiplier,
    {as_flag(is_override)} AS is_override,
    {as_text(state)} AS state,
    s.at AS from_at_us,
    {as_integer("s.end_at")} AS until_at_us
FROM spans AS s
LEFT JOIN of_series AS b ON b.series_ticker = s.series_ticker AND b.scheduled_at = s.base_at
LEFT JOIN of_events AS o ON o.event_ticker = s.event_ticker AND o.scheduled_at = s.override_at
"""
