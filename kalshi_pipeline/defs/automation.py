"""Jobs, and what starts them: a sensor for snapshots, a schedule for the whole."""

import dagster as dg

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.defs.assets import events, markets, price_snapshots, series, windows_see_everything
from kalshi_pipeline.defs.liveness import live_run, longest_silence_seconds
from kalshi_pipeline.defs.run_ticks import JOB_TAG, TICK_TAG, tags_of
from kalshi_pipeline.defs.settlements import all_settlements, settlements
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.run.ticks import Tick, clock_time
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.units import instant_of

_compared = dg.AssetSelection.checks(windows_see_everything)
collect_job = dg.define_asset_job(
    "collect",
    selection=dg.AssetSelection.assets(series, events, markets, price_snapshots, settlements) - _compared,
    description="Series, events, markets, a snapshot and what has settled, parents first.",
    tags={JOB_TAG: "collect", dg.MAX_RUNTIME_SECONDS_TAG: "7200"},
)
snapshot_job = dg.define_asset_job(
    "snapshot",
    selection=dg.AssetSelection.assets(price_snapshots),
    description="A snapshot alone: it stores the markets and events that it needs.",
    tags={JOB_TAG: "snapshot", dg.MAX_RUNTIME_SECONDS_TAG: "1800"},
)

check_windows_job = dg.define_asset_job(
    "check_windows",
    selection=_compared,
    description="Compares a listing in windows with serial ones; it stores nothing.",
    tags={JOB_TAG: "check_windows", dg.MAX_RUNTIME_SECONDS_TAG: "7200"},
)


@dg.job(
    name="backfill_settlements",
    description="Everything that ever settled, of both of the exchange's tiers; it goes on where it was stopped.",
    tags={JOB_TAG: "backfill_settlements", dg.MAX_RUNTIME_SECONDS_TAG: "172800"},
)
def backfill_settlements_job() -> None:
    """Fetch it in one step. It is no run of the asset, whose hourly runs must not wait for the pool of backfills."""
    all_settlements()


def _seconds_between_looks() -> int:
    try:
        period_seconds = load_settings().snapshot_period_seconds
    except ConfigurationError:
        period_seconds = 60.0  # the sensor's own ticks say what is wrong
    return round(max(5.0, min(15.0, period_seconds / 12)))


@dg.sensor(
    job=snapshot_job,
    minimum_interval_seconds=_seconds_between_looks(),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def snapshot_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start one snapshot for each tick: every KALSHI_SNAPSHOT_MINUTES, on the wall clock.

    It asks no network. A tick is skipped while a snapshot is in flight (one that has fallen silent was killed, and
    is reported as failed); a tick that could not start in time is left out and recorded as missed: it is never
    faked later.
    """
    return next_snapshot(context, SYSTEM_CLOCK)


def next_snapshot(context: dg.SensorEvaluationContext, clock: Clock) -> dg.RunRequest | dg.SkipReason:
    """Decide what the sensor does at the clock's present instant."""
    settings = load_settings()
    tick = Tick.current(clock.now(), settings.snapshot_period_seconds)
    tags = tags_of(tick)
    run_key = tags[TICK_TAG]
    if context.cursor == run_key:
        return dg.SkipReason(f"the next tick is at {clock_time(tick.next_at)}")
    # Both jobs are looked at: a dead run of either would hold a place in the queue.
    silence_seconds = longest_silence_seconds(settings)
    live_run(context.instance, collect_job.name, silence_seconds, clock)
    if run_id := live_run(context.instance, snapshot_job.name, silence_seconds, clock):
        return dg.SkipReason(
            f"tick {clock_time(tick.at)} waits: the snapshot run {run_id[:8]} is still in flight"
        )
    if tick.is_too_late(clock.now()):
        return dg.SkipReason(
            f"too late for tick {clock_time(tick.at)}; the next is at {clock_time(tick.next_at)}"
        )
    context.update_cursor(run_key)
    return dg.RunRequest(run_key=run_key, tags=tags)


@dg.schedule(
    job=collect_job,
    cron_schedule="7 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def collect_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Collect everything, hourly at seven past, away from the full hour at which snapshots are taken."""
    silence_seconds = longest_silence_seconds(load_settings())
    if run_id := live_run(context.instance, collect_job.name, silence_seconds, SYSTEM_CLOCK):
        return dg.SkipReason(f"the collect run {run_id[:8]} is still in flight")
    tags = tags_of(Tick(instant_of(context.scheduled_execution_time)))
    return dg.RunRequest(run_key=tags[TICK_TAG], tags=tags)


check_windows_schedule = dg.ScheduleDefinition(
    name="check_windows_schedule",
    job=check_windows_job,
    cron_schedule="37 9 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compares the listings once a day, at an hour at which trading never pauses.",
)
