"""Dagster: assets, checks, the resource, jobs, the schedule and the sensor. All work is done by `ingest`."""
