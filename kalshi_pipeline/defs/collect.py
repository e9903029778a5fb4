"""The job `collect`, which collects everything, and its hourly schedule."""

import dagster as dg

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.defs.catalogue import events, markets, series
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.defs.fee_changes import event_fee_changes, series_fee_changes
from kalshi_pipeline.defs.liveness import live_run, longest_silence_seconds
from kalshi_pipeline.defs.related import event_metadata, related_assets
from kalshi_pipeline.defs.run_complete import run_complete
from kalshi_pipeline.defs.run_ticks import COLLECT_JOB, JOB_TAG, TICK_TAG, tags_of
from kalshi_pipeline.defs.settlements import settlements
from kalshi_pipeline.defs.snapshots import price_snapshots
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.units import instant_of

_assets = dg.AssetSelection.assets(
    series,
    events,
    markets,
    price_snapshots,
    settlements,
    series_fee_changes,
    event_fee_changes,
    *related_assets,
    event_metadata,
    run_complete,
)
collect_job = dg.define_asset_job(
    COLLECT_JOB,
    selection=_assets,
    description="Series, events, markets, a snapshot, new settlements, fee changes, milestones and the like.",
    tags={JOB_TAG: COLLECT_JOB, dg.MAX_RUNTIME_SECONDS_TAG: "7200"},
)


@dg.schedule(
    job=collect_job,
    cron_schedule="7 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def collect_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Collect everything, hourly at seven past, away from the full hour at which snapshots are taken."""
    silence_seconds = longest_silence_seconds(current_settings())
    if run_id := live_run(context.instance, COLLECT_JOB, silence_seconds, SYSTEM_CLOCK):
        return dg.SkipReason(f"the collect run {run_id[:8]} is still in flight")
    tags = tags_of(Tick(instant_of(context.scheduled_execution_time)))
    return dg.RunRequest(run_key=tags[TICK_TAG], tags=tags)


defs = dg.Definitions(jobs=[collect_job], schedules=[collect_schedule])
