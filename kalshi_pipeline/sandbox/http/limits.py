"""The rate limit: a bucket of tokens, one per request, that fills at a steady rate."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """The limit of basic access: 20 reads a second, of which 60 can be saved up (documented, October 2026)."""

    requests_per_second: float = 20.0
    burst: int = 60


class TokenBucket:
    """The remaining tokens; `monotonic` returns seconds."""

    def __init__(self, limit: RateLimit, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._monotonic = monotonic
        self._filled_at = monotonic()

    def take(self) -> bool:
        """Take a token and return True, or return False if there is none; a refused request costs nothing."""
        now = self._monotonic()
        gained = (now - self._filled_at) * self._limit.requests_per_second
        self._tokens = min(float(self._limit.burst), self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
