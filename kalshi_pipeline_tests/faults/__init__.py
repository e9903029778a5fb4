"""A campaign of faults against the whole program: each is injected, and what it cost is counted.

`uv run poe faults` takes about an hour, `uv run poe faults --quick` five minutes; the suite runs the same parts over a
few faults each. What a part compares with is read by plain HTTP and plain SQL.
"""
