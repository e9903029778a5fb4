"""Writes. Each function runs set-based statements in its caller's transaction and opens none."""
