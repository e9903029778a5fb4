"""Counting requests that fail one after the other."""


class FailuresInARow:
    """Counts the failures since the last success.

    As many as `limit` in a row are not the fault of single records: the exchange is down, or refuses all of them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0

    def add(self) -> None:
        """Count a failure."""
        self._count += 1

    def clear(self) -> None:
        """Start again from zero, after a success."""
        self._count = 0

    @property
    def are_too_many(self) -> bool:
        """Whether the limit is reached."""
        return self._count >= self._limit
