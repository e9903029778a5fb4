"""Definitions, on real Dagster instances."""
