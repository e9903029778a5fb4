"""The rate limit: a bucket of tokens, one per request, that fills at a steady rate (API.md §1.7)."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """Basic access reads 20 requests a second and may save up 60 [DOC October 2026]."""

    requests_per_second: float = 20.0
    burst: int = 60


class TokenBucket:
    """The tokens that are left; `monotonic` counts seconds."""

    def __init__(self, limit: RateLimit, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._monotonic = monotonic
        self._filled_at = monotonic()

    def take(self) -> bool:
        """Whether a request may pass; a refused one costs nothing."""
        now = self._monotonic()
        gained = (now - self._filled_at) * self._limit.requests_per_second
        self._tokens = min(float(self._limit.burst), self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
