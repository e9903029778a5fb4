"""A campaign that injects faults into the whole program and counts what each one costs.

`uv run poe faults` takes an hour or more, and `--quick` injects fewer faults; the suite runs the same parts with a few
faults each. The expected data is read by plain HTTP and plain SQL.
"""
