"""The fee in force: the rule that determines it, the view of fees, and the instants at which it may change."""

from collections.abc import Iterable

from kalshi_pipeline.store.schema.view_parts import Parts, as_flag, as_integer, as_real, as_text
from kalshi_pipeline.vocabulary import FeeType

_SERIES_FIELDS = ("fee_type", "fee_multiplier")
_EVENT_FIELDS = ("fee_type_override", "fee_multiplier_override")
_HAS_OVERRIDE = "(v.fee_type_override IS NOT NULL OR v.fee_multiplier_override IS NOT NULL)"
# A complete run without a page found that the exchange does not offer the listing.
_IS_LISTED = (
    "EXISTS (SELECT 1 FROM listings AS l "
    "WHERE l.asset = 'event_fee_changes' AND l.state = 'complete' AND l.pages > 0)"
)

FEE_INSTANTS = "fee_instants"
"""The name of the common table expression that `fee_in_force` reads its instants from."""


class FeeViews(Parts):
    """The queries of the views of fees."""

    def events_with_fees(self) -> str:
        """The events whose fee may differ from that of their series, each with its series.

        They have changes of their own, or a record that had an override. Until the changes of events have been listed,
        every event is included, because its override is unknown.
        """
        return f"""
SELECT
    f.event_ticker AS event_ticker,
    CAST(coalesce(
        (SELECT p.ticker FROM events AS e JOIN series AS p ON p.id = e.series_id WHERE e.ticker = f.event_ticker),
        (SELECT max(c.series_ticker) FROM event_fee_changes AS c WHERE c.event_ticker = f.event_ticker)
    ) AS TEXT) AS series_ticker
FROM (
    SELECT c.event_ticker FROM event_fee_changes AS c WHERE c.withdrawn_at IS NULL
    UNION
    SELECT v.ticker FROM events AS v WHERE {_HAS_OVERRIDE} OR NOT {_IS_LISTED}
    UNION
    SELECT v.ticker FROM event_changes AS g JOIN events AS v ON v.id = g.event_id WHERE {_is_field("g", _EVENT_FIELDS)}
) AS f
"""

    def series_fee_starts(self) -> str:
        """The instants at which the fee of a series changes: by its changes, and by its record before the first of
        them.
        """
        return f"""
SELECT c.series_ticker AS series_ticker, c.scheduled_at AS at
FROM series_fee_changes AS c
WHERE c.withdrawn_at IS NULL
UNION
SELECT p.ticker, p.first_seen_at
FROM series AS p
WHERE {_no_change("series_fee_changes", "c.series_ticker = p.ticker", "p.first_seen_at")}
UNION
SELECT p.ticker, g.seen_at
FROM series_changes AS g
JOIN series AS p ON p.id = g.series_id
WHERE {_is_field("g", _SERIES_FIELDS)}
    AND {_no_change("series_fee_changes", "c.series_ticker = p.ticker", "g.seen_at")}
"""

    def fee_starts(self) -> str:
        """The instants at which the fee of a series changes, or of an event that may have its own."""
        return f"""
WITH f AS MATERIALIZED (
    SELECT w.series_ticker, w.event_ticker FROM events_with_fees AS w
)
SELECT p.series_ticker AS series_ticker, CAST(NULL AS TEXT) AS event_ticker, p.at AS at
FROM series_fee_starts AS p
UNION
SELECT e.series_ticker, e.event_ticker, p.at
FROM f AS e
JOIN series_fee_starts AS p ON p.series_ticker = e.series_ticker
UNION
SELECT e.series_ticker, e.event_ticker, c.scheduled_at
FROM f AS e
JOIN event_fee_changes AS c ON c.event_ticker = e.event_ticker AND c.withdrawn_at IS NULL
UNION
SELECT e.series_ticker, e.event_ticker, v.first_seen_at
FROM f AS e
JOIN events AS v ON v.ticker = e.event_ticker
WHERE ({_HAS_OVERRIDE} OR EXISTS (
        SELECT 1 FROM event_changes AS g WHERE g.event_id = v.id AND {_is_field("g", _EVENT_FIELDS)}
    ))
    AND {_no_change("event_fee_changes", "c.event_ticker = v.ticker", "v.first_seen_at")}
UNION
SELECT e.series_ticker, e.event_ticker, g.seen_at
FROM f AS e
JOIN events AS v ON v.ticker = e.event_ticker
JOIN event_changes AS g ON g.event_id = v.id
WHERE {_is_field("g", _EVENT_FIELDS)}
    AND {_no_change("event_fee_changes", "c.event_ticker = v.ticker", "g.seen_at")}
"""

    def fee_history(self) -> str:
        """The fees of series, and of events that may have their own: one row for each span with one fee."""
        return f"""
WITH {FEE_INSTANTS} AS (
    SELECT
        b.series_ticker,
        b.event_ticker,
        b.at,
        lead(b.at) OVER (PARTITION BY b.series_ticker, b.event_ticker ORDER BY b.at) AS end_at
    FROM fee_starts AS b
),{fee_in_force()}
SELECT
    f.series_ticker AS series_ticker,
    f.event_ticker AS event_ticker,
    {self.iso("f.at")} AS from_at,
    {self.iso("f.end_at")} AS until_at,
    {as_text("f.fee_type")} AS fee_type,
    {as_real("f.fee_multiplier / 1000000.0")} AS fee_multiplier,
    {as_flag("f.is_override")} AS is_override,
    {as_text("CASE WHEN f.reason IS NULL THEN 'known' ELSE 'unknown' END")} AS state,
    f.at AS from_at_us,
    {as_integer("f.end_at")} AS until_at_us,
    {as_text("f.reason")} AS reason
FROM fee_in_force AS f
"""


def fee_in_force(series: str = "", event: str = "") -> str:
    """Common table expressions that determine the fee at given instants; the last one has the result.

    An instant has a series, an event or NULL, and its `at` and `end_at`. The newest change of the event's override
    decides, unless it clears the override by having neither value; then the newest change of the series' fee; then the
    record of the series. `reason` is why the fee is unknown, NULL if it is known. If all instants are of one series and
    one event, naming them avoids reading the changes of others.
    """
    overrides = " OR ".join(
        f"{_described('event', 'v', field, 'TEXT')} IS NOT NULL" for field in _EVENT_FIELDS
    )
    return f"""
of_series AS MATERIALIZED (
    {_meanings("series_fee_changes", "series_ticker", *_SERIES_FIELDS, of=series)}
),
of_events AS MATERIALIZED (
    {_meanings("event_fee_changes", "event_ticker", *_EVENT_FIELDS, of=event)}
),
changes_in_force AS (
    SELECT
        i.*,
        {_newest("series_fee_changes", "series_ticker")} AS base_at,
        {_newest("event_fee_changes", "event_ticker")} AS override_at
    FROM {FEE_INSTANTS} AS i
),
said AS (
    SELECT
        c.*,
        coalesce(o.meanings > 1 OR o.fee_type IS NOT NULL OR o.fee_multiplier IS NOT NULL, 0) AS is_override,
        o.meanings AS override_meanings, o.fee_type AS override_type, o.fee_multiplier AS override_multiplier,
        coalesce(b.meanings, 1) AS base_meanings,
        CASE WHEN b.meanings IS NULL THEN {_described("series", "p", "fee_type", "TEXT")} ELSE b.fee_type END
            AS base_type,
        CASE WHEN b.meanings IS NULL THEN {_described("series", "p", "fee_multiplier", "INTEGER")}
            ELSE b.fee_multiplier END AS base_multiplier,
        c.override_at IS NULL AND (
            {overrides}
        ) AS is_unexplained
    FROM changes_in_force AS c
    LEFT JOIN of_series AS b ON b.series_ticker = c.series_ticker AND b.scheduled_at = c.base_at
    LEFT JOIN of_events AS o ON o.event_ticker = c.event_ticker AND o.scheduled_at = c.override_at
    LEFT JOIN series AS p ON p.ticker = c.series_ticker AND p.first_seen_at <= c.at
    LEFT JOIN events AS v ON v.ticker = c.event_ticker AND v.first_seen_at <= c.at
),
decided AS (
    SELECT
        d.series_ticker, d.event_ticker, d.at, d.end_at, d.is_override, d.is_unexplained,
        CASE WHEN d.is_override THEN d.override_meanings ELSE d.base_meanings END AS meanings,
        {_decided("type")} AS fee_type,
        {_decided("multiplier")} AS fee_multiplier,
        CASE WHEN d.is_override THEN d.override_at ELSE d.base_at END AS since_at,
        CASE WHEN d.is_override THEN d.event_ticker ELSE d.series_ticker END AS subject
    FROM said AS d
),
fee_in_force AS (
    SELECT r.*, {_REASON} AS reason FROM decided AS r
)"""


def _is_field(changes: str, fields: tuple[str, ...]) -> str:
    return f"{changes}.field IN ({_listed(fields)})"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _no_change(table: str, same: str, at: str) -> str:
    """Whether no change is known up to an instant, so that the record decides."""
    return (
        f"NOT EXISTS (SELECT 1 FROM {table} AS c "
        f"WHERE {same} AND c.scheduled_at <= {at} AND c.withdrawn_at IS NULL)"
    )


def _meanings(table: str, key: str, fee_type: str, fee_multiplier: str, *, of: str) -> str:
    """The values of the changes at one instant, and the number of different ones."""
    of_one = f" AND {key} = {of}" if of else ""
    return (
        f"SELECT {key}, scheduled_at, min({fee_type}) AS fee_type, min({fee_multiplier}) AS fee_multiplier, "
        f"count(scheduled_at) AS meanings FROM (SELECT DISTINCT {key}, {fee_type}, {fee_multiplier}, scheduled_at "
        f"FROM {table} WHERE withdrawn_at IS NULL{of_one}) AS m GROUP BY {key}, scheduled_at"
    )


def _newest(table: str, key: str) -> str:
    return (
        f"(SELECT max(c.scheduled_at) FROM {table} AS c WHERE c.{key} = i.{key} "
        "AND c.scheduled_at <= i.at AND c.withdrawn_at IS NULL)"
    )


def _described(kind: str, row: str, field: str, type_: str) -> str:
    """The value of a record's field at instant `c.at`: the one before its first later change, or the present one."""
    later = (
        f"FROM {kind}_changes AS g WHERE g.{kind}_id = {row}.id AND g.field = '{field}' AND g.seen_at > c.at"
    )
    return (
        f"(CASE WHEN EXISTS (SELECT 1 {later}) "
        f"THEN (SELECT CAST(g.before AS {type_}) {later} ORDER BY g.id LIMIT 1) ELSE {row}.{field} END)"
    )


def _decided(value: str) -> str:
    """The decided value, unless there are several."""
    return (
        f"CASE WHEN d.is_override THEN CASE WHEN d.override_meanings = 1 THEN d.override_{value} END "
        f"WHEN d.base_meanings = 1 THEN d.base_{value} END"
    )


_REASON = f"""CASE
        WHEN r.event_ticker IS NOT NULL AND NOT {_IS_LISTED} THEN 'the fee changes of events were never listed'
        WHEN r.is_unexplained
            THEN 'the record of ' || r.event_ticker || ' has an override that no fee change of it explains'
        WHEN r.meanings > 1 THEN 'several fee changes of ' || r.subject || ' take effect at the same time'
        WHEN r.since_at IS NULL AND r.fee_type IS NULL AND r.fee_multiplier IS NULL
            THEN 'the fee of ' || coalesce(r.subject, 'an unknown series') || ' was not observed until then'
        WHEN r.fee_type IS NULL OR r.fee_multiplier IS NULL
            THEN 'the ' || CASE WHEN r.is_override THEN 'override' ELSE 'fee' END || ' of ' || r.subject || ' has no '
                || CASE WHEN r.fee_type IS NULL THEN 'type' ELSE 'multiplier' END
        WHEN r.fee_type NOT IN ({_listed(FeeType)})
            THEN 'the fee type ''' || r.fee_type || ''' of ' || r.subject || ' is not known to this version'
    END"""
