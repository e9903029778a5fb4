"""A campaign of faults against the whole program: each is injected, and what it cost is counted.

`uv run poe faults` takes an hour or more, `uv run poe faults --quick` injects fewer faults; the suite runs the same
parts over a few faults each. What a part compares with is read by plain HTTP and plain SQL.
"""
