"""The bodies of error answers (docs/exchange-api.md, Errors)."""

# For 429 `error` is a text, unlike everywhere else.
TOO_MANY_REQUESTS = '{"error": "too many requests"}'


def error_body(code: str, message: str, details: str | None = None) -> dict[str, object]:
    """Return the nested form that production sends; the flat one of the specification has never been recorded."""
    error = {"code": code, "message": message}
    return {"error": error | ({"details": details} if details else {})}
