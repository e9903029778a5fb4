"""Tests of the store, each on its own database file."""
