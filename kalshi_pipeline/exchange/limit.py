"""The one request limit that every attempt passes, retries included."""

import threading
import time
from functools import cache

# Requests do not take equally long to arrive: without a little more room, what left within the limit could
# arrive above it.
_MARGIN = 1.02


class RateLimit:
    """A token bucket that holds one token: requests leave at least 1/rate apart.

    Counted from the moment each request really left, so that no one-second window ever holds more than the
    limit; a larger bucket would allow twice the limit within its first second. Shared by threads.
    """

    def __init__(self, requests_per_second: float) -> None:
        self._spacing_seconds = _MARGIN / requests_per_second
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self) -> None:
        """Block until one more request may leave."""
        with self._lock:
            while (ahead := self._free_at - time.monotonic()) > 0:
                time.sleep(ahead)
            self._free_at = time.monotonic() + self._spacing_seconds


@cache
def shared_limit(api_url: str, requests_per_second: float) -> RateLimit:
    """Give the one limit of this process for an exchange, so that clients that follow each other share it."""
    del api_url  # tells exchanges apart
    return RateLimit(requests_per_second)
