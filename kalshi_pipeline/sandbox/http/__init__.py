"""The sandbox's HTTP side: server, endpoints, cursors, rate limit and request log."""
