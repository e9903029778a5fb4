"""Parents and markets that other rows need."""
