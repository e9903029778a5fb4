"""Writes: each function runs set-based statements within its caller's transaction, and opens none."""
