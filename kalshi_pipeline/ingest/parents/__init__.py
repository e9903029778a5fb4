"""Series, events and markets that other rows refer to: fetched, looked up, stored and reconciled."""
