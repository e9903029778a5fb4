"""The catalogue: series, events and markets, parents first."""

import dagster as dg

from kalshi_pipeline.defs.pipeline_asset import materialize, pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.monitoring.checks import (
    FOREIGN_KEYS_INTACT,
    LISTING_COMPLETE,
    NO_STALE_PLACEHOLDER,
    NOT_SUDDENLY_EMPTY,
    QUARANTINE_SHARE,
)


@pipeline_asset(
    group=Group.REFERENCE,
    domain=Domain.CATALOGUE,
    cadence=Cadence.HOURLY,
    table="series",
    endpoint="/series",
    checks=[LISTING_COMPLETE, NOT_SUDDENLY_EMPTY, QUARANTINE_SHARE],
)
def series(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Templates of recurring events. One row is one series; its key is the ticker.

    As fresh as the last `collect` (hourly). A second run on the same answers changes nothing.
    """
    return materialize(context, pipeline, sync_series)


@pipeline_asset(
    group=Group.REFERENCE,
    domain=Domain.CATALOGUE,
    cadence=Cadence.HOURLY,
    table="events",
    endpoint="/events",
    parents=[series],
    checks=[LISTING_COMPLETE, NOT_SUDDENLY_EMPTY, QUARANTINE_SHARE, NO_STALE_PLACEHOLDER],
)
def events(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Question sets with an open market. One row is one event; its key is the ticker.

    As fresh as the last `collect` (hourly). In between, snapshots add the events of new markets. An event that the
    exchange does not return becomes a placeholder. Each run fills placeholders, including the events of combos. A
    second run on the same answers changes nothing.
    """
    return materialize(context, pipeline, sync_events)


@pipeline_asset(
    group=Group.REFERENCE,
    domain=Domain.CATALOGUE,
    cadence=Cadence.HOURLY,
    table="markets",
    endpoint="/markets",
    parents=[events],
    checks=[
        LISTING_COMPLETE,
        NOT_SUDDENLY_EMPTY,
        QUARANTINE_SHARE,
        NO_STALE_PLACEHOLDER,
        FOREIGN_KEYS_INTACT,
    ],
)
def markets(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Yes-no contracts that are or were open. One row is one market; its key is the ticker.

    As fresh as the last snapshot, which also stores markets. Rows are never deleted. A second run on the same answers
    changes nothing.
    """
    return materialize(context, pipeline, sync_markets)


defs = dg.Definitions(assets=[series, events, markets])
