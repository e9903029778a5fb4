"""Ingest, against a real exchange over HTTP and a real database file."""
