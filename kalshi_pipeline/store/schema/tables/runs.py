"""Runs: ticks and runs of other assets, their scopes, and the progress of backfills."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Table, Text, UniqueConstraint

from kalshi_pipeline.record_fields import INSTANT, Note
from kalshi_pipeline.store.dialects.statements import clustered, partial
from kalshi_pipeline.store.schema.tables.columns import count_column, id_column, instant_column, metadata

scopes = Table(
    "scopes",
    metadata,
    id_column(),
    Column("series", Text, comment="tickers of series, sorted and separated by commas; blank for all series"),
    Column("combos", Text, comment="multivariate markets: exclude, only or include"),
    Column("status_filter", Text, comment="the exchange's filter word, or all"),
    Column("sentence", Text, nullable=False, comment="the scope in words, for display only"),
    Column(
        "is_former",
        Boolean,
        nullable=False,
        comment="a scope of ticks before schema 0005, which confirm only quotes that ticks of the same scope stored",
    ),
    UniqueConstraint("series", "combos", "status_filter", "is_former"),
    comment="what runs cover: ticks confirm and end the quotes of markets in their scope, and only those; a scope "
    "without series, combos and status_filter covers nothing",
)


def _run_columns(table: str) -> list[Column[Any]]:
    """The columns of every run's record."""
    return [
        Column("scope_id", ForeignKey("scopes.id"), comment="what it covers"),
        instant_column("started_at", "when it began", nullable=True),
        instant_column("finished_at", "when it ended", nullable=True),
        Column("state", Text, nullable=False, comment=f"how it ended: {', '.join(_STATES[table])}"),
        Column("reason", Text, comment="why it is not complete, in words"),
        count_column("pages", "pages of the listing that were stored"),
        count_column("received", "records in them"),
        count_column("inserted", "rows added"),
        count_column("unchanged", "records whose row was unchanged"),
        count_column("quarantined", "records that could not be read"),
        count_column("duplicates", "records that the listing had already shown"),
        count_column("placeholders", "parents created because a child needed them"),
        count_column("healed", "placeholders filled"),
        count_column("windows", "parallel walks of the listing; 1 is a serial listing", default="1"),
    ]


_STATES = {
    "ticks": ("running", "complete", "partial", "failed", "skipped", "missed"),
    "listings": ("running", "complete", "partial", "failed"),
}

ticks = Table(
    "ticks",
    metadata,
    id_column(),
    Column(
        "tick_at", BigInteger, nullable=False, unique=True, comment=str(Note("its nominal time", INSTANT))
    ),
    Column("period_seconds", Float, comment="the cadence of a scheduled tick; NULL for a manual one"),
    Column("is_paused", Boolean, comment="whether the exchange had paused trading; NULL if unknown"),
    *_run_columns("ticks"),
    count_column(
        "keyframes",
        "inserted quotes that are unchanged, and were written because of their age",
        default="0",
    ),
    count_column("ended", "rows that end the history of a market", default="0"),
    count_column("out_of_scope", "records that were not requested", default="0"),
    count_column("paused", "markets that are open and paused", default="0"),
    count_column(
        "unconfirmed", "markets in its scope that were neither listed nor proved ended", default="0"
    ),
    count_column("gone", "markets found in neither of the exchange's tiers", default="0"),
    Column("run_id", Text, comment="the run that took it, so that a retry finds the tick of a manual run"),
    Column(
        "inactive_shards",
        Text,
        comment="the shards of the exchange that did not trade, as JSON; NULL if all did, or if unknown",
    ),
    comment="one row for each snapshot, and for each scheduled snapshot that was not taken",
)

unlisted_spans = Table(
    "unlisted_spans",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    Column(
        "from_tick_id",
        ForeignKey("ticks.id"),
        primary_key=True,
        comment="the first complete tick that neither listed it nor proved that it had ended",
    ),
    Column(
        "to_tick_id",
        ForeignKey("ticks.id"),
        comment="the tick that listed or ended the market, outside the span; NULL while the span is open",
    ),
    comment="spans of ticks, none of which confirms a market's quote",
    **clustered(),
)
Index(
    "ix_unlisted_spans_open",
    unlisted_spans.c.market_id,
    **partial(unlisted_spans.c.to_tick_id.is_(None)),
)

lost_markets = Table(
    "lost_markets",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    instant_column("since_at", "when a lookup found it open, although it was missing from the listing"),
    comment="open markets that no listing shows; each run looks them up",
)

listings = Table(
    "listings",
    metadata,
    id_column(),
    Column("asset", Text, nullable=False, comment="the asset, such as markets or settlements backfill"),
    *_run_columns("listings"),
    count_column("changed", "rows changed"),
    count_column(
        "out_of_scope", "records that were not requested: outside the scope or the day", default="0"
    ),
    Column("day", Text, comment="the UTC day of the run; NULL for a run without a day"),
    Column("selection", Text, comment="the selected markets in words, for a run without a scope"),
    comment="one row for each run of an asset other than price_snapshots",
)
Index("ix_listings_asset", listings.c.asset, listings.c.id)

backfill_progress = Table(
    "backfill_progress",
    metadata,
    id_column(),
    Column("name", Text, nullable=False, comment="the walk: asset, day (if any), tier"),
    Column("scope_id", ForeignKey("scopes.id"), nullable=False, comment="what it covers"),
    Column("state", Text, nullable=False, comment="running, complete, partial or caught_up"),
    Column("reason", Text, comment="why it is not complete, in words"),
    Column("cursor", Text, comment="the cursor at which it resumes; NULL at its start and end"),
    instant_column("since_at", "the bound of its query, to which its cursor belongs", nullable=True),
    instant_column(
        "newest_at", "the newest instant that it has seen, where the next walk may begin", nullable=True
    ),
    instant_column("started_at", "when it began"),
    instant_column("finished_at", "when it ended", nullable=True),
    count_column("pages", "pages that were stored"),
    count_column("received", "records in them"),
    count_column("inserted", "rows added"),
    count_column("quarantined", "records that could not be read"),
    UniqueConstraint("name", "scope_id"),
    comment="long walks, which resume where they stopped, such as trades/2026-11-20/live of a scope",
)
