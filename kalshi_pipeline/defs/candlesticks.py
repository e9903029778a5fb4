"""Candlesticks by UTC day: the asset, the job that collects a day, and a daily schedule that is stopped by default."""

from collections.abc import Iterator

import dagster as dg

from kalshi_pipeline.defs.catalogue import markets
from kalshi_pipeline.defs.days import MONTH_A_RUN, UTC_DAYS, materialize_days, run_of_yesterday
from kalshi_pipeline.defs.pipeline_asset import AssetEvent, pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.monitoring.checks import CANDLESTICKS_SANE, LISTING_COMPLETE, QUARANTINE_SHARE


@pipeline_asset(
    group=Group.HISTORY,
    domain=Domain.CANDLESTICKS,
    cadence=Cadence.DAILY,
    table="candlesticks",
    endpoint="/markets/candlesticks",
    parents=[markets],
    checks=[LISTING_COMPLETE, QUARANTINE_SHARE, CANDLESTICKS_SANE],
    partitions=UTC_DAYS,
    backfill_policy=MONTH_A_RUN,
    pool=BACKFILL_POOL,
)
def candlesticks(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[AssetEvent]:
    """Open, high, low and close of selected markets. One row is one period of one market; its key is the market, the
    length of the period and its inclusive end.

    A partition is a UTC day, and holds the periods that end on it. KALSHI_CANDLESTICK_SERIES and
    KALSHI_CANDLESTICK_MARKETS select the markets; without a selection nothing is stored. As fresh as the last run: the
    current day is stored up to its last finished period. A second run requests only what is missing. Query the views
    `candlestick_history`, `candlestick_coverage` and `price_history_filled`.
    """
    yield from materialize_days(context, pipeline, collect_candlesticks)


candlesticks_job = dg.define_asset_job(
    "collect_candlesticks",
    selection=dg.AssetSelection.assets(candlesticks),
    description="Candlesticks of one UTC day.",
    tags={dg.MAX_RUNTIME_SECONDS_TAG: "86400"},
)


@dg.schedule(
    job=candlesticks_job,
    cron_schedule="20 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def candlesticks_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Store the candlesticks of the previous day. Select markets before you start it."""
    return run_of_yesterday(context)


defs = dg.Definitions(assets=[candlesticks], jobs=[candlesticks_job], schedules=[candlesticks_schedule])
