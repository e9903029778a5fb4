"""The store's tests: each on a database file of its own."""
