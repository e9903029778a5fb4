"""The state of the sandbox exchange: its clock, its markets, quotes and trades, and how they change."""
