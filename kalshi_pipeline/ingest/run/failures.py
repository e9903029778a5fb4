"""Counts consecutive failed requests."""


class FailuresInARow:
    """Counts the failures since the last success.

    After `limit` consecutive failures, the exchange counts as down.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0

    def add(self) -> None:
        """Count a failure."""
        self._count += 1

    def clear(self) -> None:
        """Reset the count after a success."""
        self._count = 0

    @property
    def are_too_many(self) -> bool:
        """Whether the count has reached the limit."""
        return self._count >= self._limit
