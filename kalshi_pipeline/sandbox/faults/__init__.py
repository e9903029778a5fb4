"""Faults that the sandbox can show, and the code that applies them to requests, answers and tiers."""
