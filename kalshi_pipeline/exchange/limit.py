"""The request limit that every attempt passes, retries included, and its adaptation to refusals."""

import contextlib
import math
import threading
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock

# Some requests arrive faster than others: without a little more room, requests sent within the limit could arrive
# above it.
_MARGIN = 1.02
_POLL_SECONDS = 0.005
# A process that is suspended while it holds the limit must not block the others.
_LONGEST_LOCK_SECONDS = 30
# After a refusal the rate is halved, then rises in steps; from a quarter to the full rate takes two minutes.
_STEP_SECONDS = 20
_STEP = 1.25
_RECOVERED_SECONDS = 3600
_LOWEST_RATE = 0.5


class _Slowed(NamedTuple):
    """The time of the last halving, on the monotonic clock, and the new rate in requests a second."""

    at: float = float("-inf")
    requests_per_second: float = float("inf")


class LearnedRate:
    """The rate in force, in requests a second: as configured, or lower for some minutes after a refusal.

    All processes with the same file share it. An unreadable file counts as nothing learned, and if the file is not
    writable, each process learns for itself.
    """

    def __init__(self, requests_per_second: float, file: Path | None, clock: Clock) -> None:
        self._most = requests_per_second
        self._file = file
        self._clock = clock
        self._own = _Slowed()

    @property
    def requests_per_second(self) -> float:
        """The rate in force."""
        slowed = self._slowed()
        seconds = self._clock.monotonic() - slowed.at
        if seconds > _RECOVERED_SECONDS:
            return self._most
        return min(self._most, slowed.requests_per_second * math.pow(_STEP, seconds // _STEP_SECONDS))

    def slow_down(self, sent_at: float) -> None:
        """Halve the rate, because the exchange refused a request sent at an instant.

        A request that was sent before the last halving does not count.
        """
        if sent_at <= self._slowed().at:
            return
        lowest = min(_LOWEST_RATE, self._most)
        self._own = _Slowed(self._clock.monotonic(), max(lowest, self.requests_per_second / 2))
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.write_text(f"{self._own.at!r} {self._own.requests_per_second!r}", encoding="ascii")

    def _slowed(self) -> _Slowed:
        """Return the newest halving by any process."""
        if self._file is None:
            return self._own
        try:
            at, rate = map(float, self._file.read_text(encoding="ascii").split())
        except (OSError, ValueError):
            return self._own  # no request was refused yet, or the file has other contents
        # The clock begins at zero when the machine starts: a time that is still to come was written before that.
        is_past = at <= self._clock.monotonic()
        return (
            max(self._own, _Slowed(at, rate)) if is_past and rate > 0 and math.isfinite(rate) else self._own
        )


def learned_rate(
    requests_per_second: float, limit_file: Path | None, clock: Clock = SYSTEM_CLOCK
) -> LearnedRate:
    """Return the learned rate of a limit's file."""
    file = None if limit_file is None else limit_file.with_name(f"{limit_file.name}.rate")
    return LearnedRate(requests_per_second, file, clock)


class RateLimit:
    """A token bucket with one token: requests are sent at least 1/rate apart.

    No one-second window ever has more requests than the limit; a larger bucket would allow twice the limit in its first
    second. All threads share it, and all processes with the same `shared_file`, such as a snapshot, a collect and a
    command. If that file is unusable, `problem` has the reason, and the process applies the limit alone. With a
    `share`, the rate is that part of the rate in force.
    """

    def __init__(
        self,
        requests_per_second: float,
        shared_file: Path | None = None,
        clock: Clock = SYSTEM_CLOCK,
        *,
        share: float = 1,
        learned: LearnedRate | None = None,
    ) -> None:
        self.problem: str | None = None
        self._rate = learned or learned_rate(requests_per_second, shared_file, clock)
        self._share = share
        self._shared_file = shared_file
        self._clock = clock
        self._thread = threading.Lock()
        self._process = (
            contextlib.nullcontext()
            if shared_file is None
            else FileLock(f"{shared_file}.lock", timeout=_LONGEST_LOCK_SECONDS, poll_interval=_POLL_SECONDS)
        )
        self._sent_at = float("-inf")

    def wait(self) -> float:
        """Block until one more request may be sent, and return that time on the monotonic clock."""
        with self._thread:
            try:
                with self._process:
                    self._await_turn(self._shared_file)
                self.problem = None
            except (
                OSError,
                NotImplementedError,
            ) as error:  # a lock that times out is an OSError too
                reason = getattr(error, "strerror", None) or type(error).__name__
                self.problem = (
                    f"the request limit is not shared with other processes, because {self._shared_file} cannot be "
                    f"used ({reason}): make it and its folder writable"
                )
                self._await_turn(None)
            return self._sent_at

    def _await_turn(self, shared_file: Path | None) -> None:
        while (ahead := self._last(shared_file) + self._spacing_seconds - self._clock.monotonic()) > 0:
            self._clock.sleep(ahead)
        self._sent_at = self._clock.monotonic()
        if shared_file is not None:
            shared_file.write_text(repr(self._sent_at), encoding="ascii")

    @property
    def _spacing_seconds(self) -> float:
        return _MARGIN / (self._rate.requests_per_second * self._share)

    def _last(self, shared_file: Path | None) -> float:
        """Return the time of the last request of any process."""
        if shared_file is None:
            return self._sent_at
        try:
            sent_at = float(shared_file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):  # no request was sent yet, or a writer was killed
            return self._sent_at
        # The clock begins at zero when the machine starts: a time that is still to come was written before that.
        return sent_at if sent_at <= self._clock.monotonic() else self._sent_at
