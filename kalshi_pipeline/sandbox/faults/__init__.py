"""The faults of the sandbox, and the code that applies them to requests, answers and tiers."""
