"""Partitions of one UTC day each, for whatever is collected by day; and the run that collects the day before."""

from datetime import timedelta

import dagster as dg

# The exchange opened in July 2021. Today is there too: it can be refreshed, and is partial until it is over.
UTC_DAYS = dg.DailyPartitionsDefinition(start_date="2021-07-01", timezone="UTC", end_offset=1)


def run_of_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the day before, once."""
    yesterday = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
    return dg.RunRequest(run_key=yesterday, partition_key=yesterday)
