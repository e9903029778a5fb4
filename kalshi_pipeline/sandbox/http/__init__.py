"""The HTTP server of the sandbox: endpoints, queries, cursors, the rate limit and the request log."""
