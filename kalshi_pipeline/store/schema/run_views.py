"""The views of ticks and other runs, and of the days that ticks cover."""

from kalshi_pipeline.store.schema.view_parts import Parts, as_integer, as_real, as_text

_TICK_COUNTS = (
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
_RUN_COUNTS = tuple(
    name for name in _TICK_COUNTS if name not in ("keyframes", "ended", "gone", "paused", "unconfirmed")
)


class RunViews(Parts):
    """The queries of these views."""

    def tick_history(self) -> str:
        return f"""
SELECT
    t.id AS tick_id,
    t.tick_at_iso AS tick_at,
    t.period_seconds AS period_seconds,
    t.state AS state,
    t.reason AS reason,
    z.sentence AS scope,
    t.is_paused AS is_paused,
    t.inactive_shards AS inactive_shards,
    t.started_at_iso AS started_at,
    t.finished_at_iso AS finished_at,
    {", ".join(f"t.{name} AS {name}" for name in _TICK_COUNTS)},
    t.tick_at AS tick_at_us,
    t.started_at AS started_at_us,
    t.seconds AS seconds
FROM ticks AS t
LEFT JOIN scopes AS z ON z.id = t.scope_id
"""

    def listing_history(self) -> str:
        return f"""
SELECT
    l.id AS listing_id,
    l.asset AS asset,
    l.state AS state,
    l.reason AS reason,
    z.sentence AS scope,
    l.day AS day,
    l.selection AS selection,
    l.started_at_iso AS started_at,
    l.finished_at_iso AS finished_at,
    {", ".join(f"l.{name} AS {name}" for name in _RUN_COUNTS)},
    l.changed AS changed,
    l.started_at AS started_at_us,
    l.seconds AS seconds
FROM listings AS l
LEFT JOIN scopes AS z ON z.id = l.scope_id
"""

    def run_history(self) -> str:
        """Every run: those of `tick_history` and of `listing_history`."""
        same = f"""
    state,
    reason,
    scope,
    started_at,
    finished_at,
    {", ".join(_RUN_COUNTS)},
    started_at_us,
    seconds"""
        return f"""
SELECT
    {as_text("'price_snapshots'")} AS asset,
    {as_text("'ticks/' || tick_id")} AS run,
    tick_at AS tick_at,
    {as_text("NULL")} AS day,
    {as_text("NULL")} AS selection,
    {as_integer("NULL")} AS changed,{same}
FROM tick_history
UNION ALL
SELECT
    asset,
    'listings/' || listing_id,
    NULL,
    day,
    selection,
    changed,{same}
FROM listing_history
"""

    def coverage_by_day(self) -> str:
        """The ticks of each UTC day by state. A gap is the time between complete ticks, on the day when it ends."""
        states = ("complete", "partial", "failed", "skipped", "missed", "running")
        counts = ",\n    ".join(
            f"{as_integer(f'sum(t.state = {state!r})')} AS {state}_ticks" for state in states
        )
        previous = (
            "SELECT max(b.tick_at) FROM ticks AS b WHERE b.tick_at < c.tick_at AND b.state = 'complete'"
        )
        longest_gap = (
            f"(SELECT max(c.tick_at - ({previous})) FROM ticks AS c "
            "WHERE c.tick_at >= min(t.tick_at) AND c.tick_at <= max(t.tick_at) AND c.state = 'complete') / 1000000.0"
        )
        return f"""
SELECT
    t.day AS day,
    {as_integer("count(t.id)")} AS ticks,
    {counts},
    {self.iso_seconds("min(t.tick_at)")} AS first_tick_at,
    {self.iso_seconds("max(t.tick_at)")} AS last_tick_at,
    {as_integer("sum(t.inserted)")} AS inserted,
    {as_integer("max(t.received)")} AS most_received,
    {as_real(longest_gap)} AS longest_gap_seconds
FROM ticks AS t
GROUP BY t.day
"""
