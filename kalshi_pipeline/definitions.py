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
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.settlements import settlements

defs = dg.Definitions(
    assets=[series, events, markets, price_snapshots, settlements],
    asset_checks=[windows_see_everything],
    jobs=[collect_job, snapshot_job, check_windows_job, backfill_settlements_job],
    schedules=[collect_schedule, check_windows_schedule],
    sensors=[snapshot_sensor],
    resources={"pipeline": Pipeline()},
    # One process for a run: a process for each step would import everything again, six seconds a step.
    executor=dg.in_process_executor,
)
