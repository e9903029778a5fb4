"""Partitions of one UTC day each, for assets that are collected by day, and the run that collects the day before."""

from datetime import timedelta

import dagster as dg

# The exchange opened in July 2021. Today is a partition too: it can be refreshed, and is partial until it is over.
UTC_DAYS = dg.DailyPartitionsDefinition(start_date="2021-07-01", timezone="UTC", end_offset=1)


def run_of_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Return a request for the day before, which Dagster starts only once."""
    yesterday = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
    return dg.RunRequest(run_key=yesterday, partition_key=yesterday)
