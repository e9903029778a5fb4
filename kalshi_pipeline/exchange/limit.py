"""The one request limit that every attempt passes, retries included."""

import contextlib
import threading
from pathlib import Path

from filelock import FileLock

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.errors import ConfigurationError

# Some requests arrive faster than others: without a little more room, requests sent within the limit could arrive
# above it.
_MARGIN = 1.02
_POLL_SECONDS = 0.005


class RateLimit:
    """A token bucket that holds one token: requests are sent at least 1/rate apart.

    The distance is measured between the moments of sending, so that no one-second window ever holds more than the
    limit; a larger bucket would allow twice the limit within its first second. Threads share it, and so do all
    processes with the same `shared_file`: a snapshot, a collect and a command line at the same moment have one limit.
    Raises ConfigurationError where that file cannot be written.
    """

    def __init__(
        self, requests_per_second: float, shared_file: Path | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._spacing_seconds = _MARGIN / requests_per_second
        self._shared_file = shared_file
        self._clock = clock
        self._thread = threading.Lock()
        self._process = (
            contextlib.nullcontext()
            if shared_file is None
            else FileLock(f"{shared_file}.lock", poll_interval=_POLL_SECONDS)
        )
        self._sent_at = float("-inf")

    def wait(self) -> None:
        """Block until one more request may be sent."""
        try:
            with self._thread, self._process:
                while (ahead := self._last() + self._spacing_seconds - self._clock.monotonic()) > 0:
                    self._clock.sleep(ahead)
                self._sent_at = self._clock.monotonic()
                if self._shared_file is not None:
                    self._shared_file.write_text(repr(self._sent_at), encoding="ascii")
        except OSError as error:
            raise ConfigurationError(
                [
                    f"the request limit cannot be kept in {self._shared_file} ({error}): make its folder writable"
                ]
            ) from error

    def _last(self) -> float:
        """Return when the last request was sent, by any process."""
        if self._shared_file is None:
            return self._sent_at
        try:
            sent_at = float(self._shared_file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return self._sent_at  # no process has asked yet, or the last one was killed while it wrote
        # The clock begins at zero when the machine starts: a time that is still to come was written before that.
        return sent_at if sent_at <= self._clock.monotonic() else self._sent_at
