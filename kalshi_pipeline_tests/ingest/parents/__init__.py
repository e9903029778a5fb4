"""Tests of parents and markets that other rows need."""
