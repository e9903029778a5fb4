"""Series, events and markets that other rows need: fetched, looked up, stored, and reconciled."""
