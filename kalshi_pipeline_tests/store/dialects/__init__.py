"""Tests of what differs between kinds of databases."""
