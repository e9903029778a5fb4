"""Tests of writes in the caller's transaction."""
