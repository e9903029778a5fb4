"""The check that the exchange still sends the same fields, and the weekly job that runs it."""

import dagster as dg

from kalshi_pipeline.api import Store
from kalshi_pipeline.defs.exchange import exchange
from kalshi_pipeline.defs.pipeline_asset import check_result, failing_in_one_line
from kalshi_pipeline.defs.resources import Pipeline
from kalshi_pipeline.defs.run_ticks import JOB_TAG
from kalshi_pipeline.monitoring.field_comparison import FIELDS_ARE_AS_BEFORE, compare_with_weeks_before


@dg.asset_check(
    asset=exchange.key, name=FIELDS_ARE_AS_BEFORE.name, description=FIELDS_ARE_AS_BEFORE.description
)
def fields_are_as_before(context: dg.AssetCheckExecutionContext, pipeline: Pipeline) -> dg.AssetCheckResult:
    """Compare the fields of the newest week with those of earlier weeks."""
    with failing_in_one_line(), pipeline.session(context.log.info, context.instance) as session:
        return check_result(compare_with_weeks_before(Store.of(session.database)))


check_fields_job = dg.define_asset_job(
    "check_fields",
    selection=dg.AssetSelection.checks(fields_are_as_before),
    description="Compares the fields that the exchange sends with those of earlier weeks; stores nothing.",
    tags={JOB_TAG: "check_fields"},
)

check_fields_schedule = dg.ScheduleDefinition(
    name="check_fields_schedule",
    job=check_fields_job,
    cron_schedule="47 9 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compares the fields every Sunday, because the counted week begins on Monday.",
)

defs = dg.Definitions(
    asset_checks=[fields_are_as_before], jobs=[check_fields_job], schedules=[check_fields_schedule]
)
