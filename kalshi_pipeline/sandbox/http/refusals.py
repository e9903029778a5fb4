"""The errors that an endpoint raises; `app` answers them with their status."""


class BadRequestError(Exception):
    """400. A recorded answer has `details` for a wrong status word, and none for a too large limit."""

    def __init__(self, details: str | None = None) -> None:
        super().__init__(details)
        self.details = details


class NotFoundError(Exception):
    """404, code `not_found`."""
