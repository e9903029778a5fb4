"""Tests of `ingest`, against an exchange over HTTP and a real database file."""
