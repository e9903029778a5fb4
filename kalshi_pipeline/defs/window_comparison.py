"""The check that a listing in windows sees every market, and the daily job that runs it."""

import dagster as dg

from kalshi_pipeline.defs.exchange import exchange
from kalshi_pipeline.defs.pipeline_asset import check_result, failing_in_one_line
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import JOB_TAG
from kalshi_pipeline.monitoring.window_comparison import WINDOWS_SEE_EVERYTHING, compare_listings


@dg.asset_check(
    asset=exchange.key, name=WINDOWS_SEE_EVERYTHING.name, description=WINDOWS_SEE_EVERYTHING.description
)
def windows_see_everything(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> dg.AssetCheckResult:
    """List every open market three times: serially, in windows, and serially again."""
    with failing_in_one_line(), pipeline.session(context.log.info, context.instance) as session:
        return check_result(compare_listings(session))


check_windows_job = dg.define_asset_job(
    "check_windows",
    selection=dg.AssetSelection.checks(windows_see_everything),
    description="Compares a listing in windows with serial ones; stores nothing.",
    tags={JOB_TAG: "check_windows", dg.MAX_RUNTIME_SECONDS_TAG: "7200"},
)

check_windows_schedule = dg.ScheduleDefinition(
    name="check_windows_schedule",
    job=check_windows_job,
    cron_schedule="37 9 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compares the listings daily, at an hour in which trading never pauses.",
)

defs = dg.Definitions(
    asset_checks=[windows_see_everything], jobs=[check_windows_job], schedules=[check_windows_schedule]
)
