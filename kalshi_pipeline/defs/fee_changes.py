"""Fee changes of series and of events' overrides, collected hourly after everything else."""

import dagster as dg

from kalshi_pipeline.defs.pipeline_asset import AFTER_ALL, materialize, pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.monitoring.checks import LISTING_COMPLETE, NOT_SUDDENLY_EMPTY, QUARANTINE_SHARE


@pipeline_asset(
    group=Group.REFERENCE,
    domain=Domain.FEES,
    cadence=Cadence.HOURLY,
    table="series_fee_changes",
    endpoint="/series/fee_changes",
    checks=[LISTING_COMPLETE, NOT_SUDDENLY_EMPTY, QUARANTINE_SHARE],
    priority=AFTER_ALL,
)
def series_fee_changes(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Past and scheduled fee changes of series.

    One row is one change; its key is the exchange's identifier. As fresh as the last `collect` (hourly). A second run
    on the same answers changes nothing. A scheduled change that the exchange takes back is marked as withdrawn. If the
    exchange has no such endpoint, the run notes it. Query the view `fee_history`.
    """
    return materialize(context, pipeline, sync_series_fee_changes)


@pipeline_asset(
    group=Group.REFERENCE,
    domain=Domain.FEES,
    cadence=Cadence.HOURLY,
    table="event_fee_changes",
    endpoint="/events/fee_changes",
    checks=[LISTING_COMPLETE, QUARANTINE_SHARE],
    priority=AFTER_ALL,
)
def event_fee_changes(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Past and scheduled changes of events' fee overrides.

    One row is one change; its key is the exchange's identifier. A change without values clears the override. As fresh
    as the last `collect` (hourly). A second run on the same answers changes nothing. A scheduled change that the
    exchange takes back is marked as withdrawn. If the exchange has no such endpoint, the run notes it. Query the view
    `fee_history`.
    """
    return materialize(context, pipeline, sync_event_fee_changes)


defs = dg.Definitions(assets=[series_fee_changes, event_fee_changes])
