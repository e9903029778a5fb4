"""Tests of what notebooks read."""
