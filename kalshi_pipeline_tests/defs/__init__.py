"""Tests of the Dagster definitions, on real instances."""
