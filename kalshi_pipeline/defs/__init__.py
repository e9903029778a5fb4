"""Dagster: a module for each family of assets, with its checks, jobs, schedules and sensors. `ingest` does the work."""
