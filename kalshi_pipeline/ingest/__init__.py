"""Joins exchange and store: sync series, events and markets, take a snapshot. Knows no Dagster."""
