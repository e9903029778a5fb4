"""What the exchange answers when it does not answer the question (API.md §1.8)."""


class BadRequestError(Exception):
    """400; `details` as recorded for a bad status word, absent as recorded for a too large limit."""

    def __init__(self, details: str | None = None) -> None:
        super().__init__(details)
        self.details = details


class NotFoundError(Exception):
    """404, code `not_found`."""


def error_body(code: str, message: str, details: str | None = None) -> dict[str, object]:
    """The nested form that production sends; the flat one of the specification has never been recorded."""
    error = {"code": code, "message": message}
    return {"error": error | ({"details": details} if details else {})}
