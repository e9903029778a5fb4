"""Trades by UTC day: the asset, the job that collects a day, and a daily schedule that is stopped by default."""

from collections.abc import Iterator

import dagster as dg

from kalshi_pipeline.defs.catalogue import markets
from kalshi_pipeline.defs.days import MONTH_A_RUN, UTC_DAYS, materialize_days, run_of_yesterday
from kalshi_pipeline.defs.pipeline_asset import AssetEvent, pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.monitoring.checks import LISTING_COMPLETE, QUARANTINE_SHARE, TRADES_SANE


@pipeline_asset(
    group=Group.HISTORY,
    domain=Domain.TRADES,
    cadence=Cadence.DAILY,
    table="trades",
    endpoint="/markets/trades",
    parents=[markets],
    checks=[LISTING_COMPLETE, QUARANTINE_SHARE, TRADES_SANE],
    partitions=UTC_DAYS,
    backfill_policy=MONTH_A_RUN,
    pool=BACKFILL_POOL,
)
def trades(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[AssetEvent]:
    """Executions. One row is one trade; its key is its time and the exchange's UUID. A partition is a UTC day.

    As fresh as the day's last run; `trades_schedule`, stopped by default, collects each day after its end, from the
    tier that holds it. No other asset needs to run first: missing markets and events are fetched. A run resumes where
    an earlier one stopped. It requests nothing for a complete day. For the current day it adds new trades, and the day
    stays partial. KALSHI_COMBOS and KALSHI_SERIES apply: trades of other markets count as `out_of_scope`. Query the
    view `trade_history`.
    """
    yield from materialize_days(context, pipeline, collect_trades)


collect_trades_job = dg.define_asset_job(
    "collect_trades",  # not `trades`, which is the asset's name
    selection=dg.AssetSelection.assets(trades),
    description="The trades of one UTC day: thousands of pages, with part of the request limit.",
    tags={dg.MAX_RUNTIME_SECONDS_TAG: "86400"},
)


@dg.schedule(
    job=collect_trades_job,
    cron_schedule="23 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def trades_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Collect the trades of the previous day. Stopped by default, because a day of all markets has thousands of
    pages.
    """
    return run_of_yesterday(context)


defs = dg.Definitions(assets=[trades], jobs=[collect_trades_job], schedules=[trades_schedule])
