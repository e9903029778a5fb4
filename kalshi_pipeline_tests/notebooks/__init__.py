"""Tests of `open_store` and its tables."""
