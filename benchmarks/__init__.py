"""What the parts cost, beside what they could cost, measured side by side in one run: `uv run poe bench`."""
