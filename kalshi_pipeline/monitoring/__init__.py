"""What is known about a store's health: checks after a run, window comparison, and the overview."""
