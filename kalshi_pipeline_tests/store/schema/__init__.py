"""Tests of tables, columns and views."""
