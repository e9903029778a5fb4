"""Assembly only: what Dagster loads."""

import dagster as dg

from kalshi_pipeline.defs.assets import events, markets, price_snapshots, series, windows_see_everything
from kalshi_pipeline.defs.automation import (
    backfill_settlements_job,
    check_windows_job,
    check_windows_schedule,
    collect_job,
    collect_schedule,
    snapshot_job,
    snapshot_sensor,
)
from kalshi_pipeline.defs.candlesticks import candlesticks, candlesticks_job, candlesticks_schedule
from kalshi_pipeline.defs.housekeeping import housekeeping, housekeeping_schedule
from kalshi_pipeline.defs.order_books import order_book_sensor, order_books, order_books_job
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.settlements import settlements
from kalshi_pipeline.defs.trades import collect_trades_job, trades, trades_schedule

defs = dg.Definitions(
    assets=[series, events, markets, price_snapshots, settlements, trades, candlesticks, order_books],
    asset_checks=[windows_see_everything],
    jobs=[
        collect_job,
        snapshot_job,
        check_windows_job,
        backfill_settlements_job,
        collect_trades_job,
        candlesticks_job,
        order_books_job,
        housekeeping,
    ],
    schedules=[
        collect_schedule,
        check_windows_schedule,
        housekeeping_schedule,
        trades_schedule,
        candlesticks_schedule,
    ],
    sensors=[snapshot_sensor, order_book_sensor],
    resources={"pipeline": Pipeline()},
    # One process for a run: a process for each step would import everything again, six seconds a step.
    executor=dg.in_process_executor,
)
