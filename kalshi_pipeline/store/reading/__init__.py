"""Reads: queries with typed results."""
