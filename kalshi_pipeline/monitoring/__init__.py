"""The health of a store: checks after a run, comparisons of listings and fields, and the overview."""
