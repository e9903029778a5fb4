"""Reads: questions asked of a store, answered as typed values."""
