"""Price snapshots: the asset, its job, and the sensor that starts one for each tick."""

from collections.abc import Iterator

import dagster as dg

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.defs.catalogue import markets
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.defs.liveness import live_run, longest_silence_seconds
from kalshi_pipeline.defs.pipeline_asset import (
    AssetEvent,
    failing_in_one_line,
    materialize_unless_skipped,
    pipeline_asset,
)
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline, settings_or_defaults
from kalshi_pipeline.defs.run_complete import run_complete
from kalshi_pipeline.defs.run_ticks import COLLECT_JOB, JOB_TAG, TICK_TAG, id_of, tags_of, tick_of
from kalshi_pipeline.ingest.run.ticks import Tick, clock_time
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.monitoring.checks import (
    FOREIGN_KEYS_INTACT,
    LISTING_COMPLETE,
    NOT_SUDDENLY_EMPTY,
    QUARANTINE_SHARE,
    QUOTES_SANE,
)


@pipeline_asset(
    group=Group.PRICES,
    domain=Domain.QUOTES,
    cadence=Cadence.EVERY_TICK,
    table="price_snapshots",
    endpoint="/markets",
    parents=[markets],
    checks=[LISTING_COMPLETE, NOT_SUDDENLY_EMPTY, QUARANTINE_SHARE, FOREIGN_KEYS_INTACT, QUOTES_SANE],
)
def price_snapshots(context: dg.AssetExecutionContext, pipeline: Pipeline) -> Iterator[AssetEvent]:
    """Quotes of every open market. One row is the quote of one market at one tick; the key is both.

    Taken every KALSHI_SNAPSHOT_MINUTES. By default a row is stored when the quote differs from the market's last one:
    no row in a complete tick means unchanged. An unchanged quote is stored again from time to time, to keep look-ups
    short. A market that is proved to have ended gets a last row without numbers. No other asset needs to run first:
    missing markets and events are stored in the transaction that stores their quotes. Running a tick again changes
    nothing. A skipped tick (a newer one was taken, or it started too late) is observed instead of materialized, and
    fails the run at its end unless a newer tick of the same markets is complete. Query the views `latest_prices`,
    `price_history`, `quotes_by_tick` and `movers_24h`.
    """
    with failing_in_one_line():
        tick = tick_of(context.run, context.instance)
    run_id = id_of(context.run)
    yield from materialize_unless_skipped(
        context, pipeline, lambda session: take_snapshot(session, tick.at, tick.period_seconds, run_id)
    )


snapshot_job = dg.define_asset_job(
    "snapshot",
    selection=dg.AssetSelection.assets(price_snapshots, run_complete),
    description="Only a snapshot, with the markets and events that it needs.",
    tags={JOB_TAG: "snapshot", dg.MAX_RUNTIME_SECONDS_TAG: "1800"},
)


def _seconds_between_looks() -> int:
    """Return the interval of the sensor. The sensor's evaluations report an invalid setting."""
    return round(max(5.0, min(15.0, settings_or_defaults().snapshot_period_seconds / 12)))


@dg.sensor(
    job=snapshot_job,
    minimum_interval_seconds=_seconds_between_looks(),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def snapshot_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start one snapshot for each tick: every KALSHI_SNAPSHOT_MINUTES, on the wall clock.

    The sensor uses no network. It starts no snapshot while another is in flight, and reports a snapshot as failed if
    its process is gone. A tick that could not start in time is recorded as missed, and never taken later.
    """
    return next_snapshot(context, SYSTEM_CLOCK)


def next_snapshot(context: dg.SensorEvaluationContext, clock: Clock) -> dg.RunRequest | dg.SkipReason:
    """Return what the sensor does now."""
    settings = current_settings()
    tick = Tick.current(clock.now(), settings.snapshot_period_seconds)
    tags = tags_of(tick)
    run_key = tags[TICK_TAG]
    if context.cursor == run_key:
        return dg.SkipReason(f"the next tick is at {clock_time(tick.next_at)}")
    # A dead run of either job would block the queue, so check both.
    silence_seconds = longest_silence_seconds(settings)
    live_run(context.instance, COLLECT_JOB, silence_seconds, clock)
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


defs = dg.Definitions(assets=[price_snapshots], jobs=[snapshot_job], sensors=[snapshot_sensor])
