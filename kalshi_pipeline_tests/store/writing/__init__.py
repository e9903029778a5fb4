"""Writes, statement by statement, in the caller's transaction."""
