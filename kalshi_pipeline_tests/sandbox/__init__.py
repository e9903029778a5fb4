"""The sandbox exchange, tested over HTTP like any other server."""
