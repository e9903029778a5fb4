"""The cost of each part beside its lower bound, measured in the same run: `uv run poe bench`."""
