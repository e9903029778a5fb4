"""Trades by UTC day: the asset, the job that collects a day, and the schedule that does so daily once switched on."""

from datetime import date

import dagster as dg

from kalshi_pipeline.defs.assets import markets, materialize, pipeline_asset
from kalshi_pipeline.defs.days import UTC_DAYS, run_of_yesterday
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import BACKFILL_POOL
from kalshi_pipeline.ingest.trades import collect_trades


@pipeline_asset("/markets/trades", [markets], partitions=UTC_DAYS, pool=BACKFILL_POOL)
def trades(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Executions. One row is one trade; its key is its time and the exchange's UUID. A partition is a UTC day.

    As fresh as the day's last run; `trades_schedule`, off until it is switched on, collects each day after its end,
    from whichever of the exchange's tiers holds it. Needs no other asset to have run: markets and events that are
    lacking are fetched first. A run that was stopped goes on where it was; one over a complete day asks for nothing;
    one over today adds what is new and stays partial. KALSHI_COMBOS and KALSHI_SERIES hold here too: trades out of
    their scope are counted as `left_out`. People read the view `trade_history`.
    """
    day = date.fromisoformat(context.partition_key)
    return materialize(context, pipeline, lambda session: collect_trades(session, day), is_backfill=True)


collect_trades_job = dg.define_asset_job(
    "collect_trades",  # an asset has the name `trades` already
    selection=dg.AssetSelection.assets(trades),
    description="The trades of one UTC day: thousands of pages, with a part of the request limit.",
    tags={dg.MAX_RUNTIME_SECONDS_TAG: "86400"},
)


@dg.schedule(
    job=collect_trades_job,
    cron_schedule="23 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def trades_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Collect the trades of the day before. Off by default: an exchange-wide day has thousands of pages."""
    return run_of_yesterday(context)
