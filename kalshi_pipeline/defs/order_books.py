"""Order books: the asset, its job, and a sensor that is stopped by default."""

import dagster as dg

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.defs.catalogue import markets
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.defs.liveness import live_run, longest_silence_seconds
from kalshi_pipeline.defs.pipeline_asset import materialize, pipeline_asset
from kalshi_pipeline.defs.presentation import Cadence, Domain, Group
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_complete import run_complete
from kalshi_pipeline.defs.run_ticks import JOB_TAG, TICK_TAG, tags_of
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.ticks import Tick, clock_time
from kalshi_pipeline.monitoring.checks import LISTING_COMPLETE, ORDER_BOOKS_SANE, QUARANTINE_SHARE

_SECONDS_BETWEEN_LOOKS = 15


@pipeline_asset(
    group=Group.PRICES,
    domain=Domain.ORDER_BOOKS,
    cadence=Cadence.EVERY_BOOK,
    table="order_books",
    endpoint="/markets/orderbooks",
    parents=[markets],
    checks=[LISTING_COMPLETE, QUARANTINE_SHARE, ORDER_BOOKS_SANE],
)
def order_books(context: dg.AssetExecutionContext, pipeline: Pipeline) -> dg.MaterializeResult:
    """Resting bids of selected markets. One row is the book of one market at one moment; its key is both.

    Its levels are in `order_book_levels`. KALSHI_ORDER_BOOK_MARKETS selects the markets; without a selection nothing
    is stored. Start `order_book_sensor` for a book every KALSHI_ORDER_BOOK_MINUTES. A second run stores the books of
    a later moment. Query the view `order_book_history`.
    """
    return materialize(context, pipeline, take_order_books)


order_books_job = dg.define_asset_job(
    "take_order_books",
    selection=dg.AssetSelection.assets(order_books, run_complete),
    description="The order books of selected markets.",
    tags={JOB_TAG: "take_order_books", dg.MAX_RUNTIME_SECONDS_TAG: "1800"},
)


@dg.sensor(
    job=order_books_job,
    minimum_interval_seconds=_SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
)
def order_book_sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Take order books every KALSHI_ORDER_BOOK_MINUTES, on the wall clock. The sensor itself uses no network."""
    return next_order_books(context, SYSTEM_CLOCK)


def next_order_books(context: dg.SensorEvaluationContext, clock: Clock) -> dg.RunRequest | dg.SkipReason:
    """Return what the sensor does now."""
    settings = current_settings()
    if not settings.order_book_markets:
        return dg.SkipReason("no market is selected: set KALSHI_ORDER_BOOK_MARKETS")
    tick = Tick.current(clock.now(), settings.order_book_minutes * 60)
    tags = tags_of(tick)
    run_key = tags[TICK_TAG]
    if context.cursor == run_key:
        return dg.SkipReason(f"the next tick is at {clock_time(tick.next_at)}")
    silence_seconds = longest_silence_seconds(settings)
    if run_id := live_run(context.instance, order_books_job.name, silence_seconds, clock):
        return dg.SkipReason(f"the order book run {run_id[:8]} is still in flight")
    context.update_cursor(run_key)
    return dg.RunRequest(run_key=run_key, tags=tags)


defs = dg.Definitions(assets=[order_books], jobs=[order_books_job], sensors=[order_book_sensor])
