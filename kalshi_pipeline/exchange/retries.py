"""How long a request is retried, and the pauses between its attempts.

A failing request is retried for KALSHI_RETRY_SECONDS. Pauses that the exchange requests (`Retry-After`) do not count
towards that. They last as long as requested, but a pause past the deadline of the run is not begun.
"""

from collections.abc import Callable
from typing import NamedTuple

from tenacity import RetryCallState, wait_exponential_jitter

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.exchange.replies import RetryableError
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of

# How often a long pause is reported.
_REPORTED_SECONDS = 10.0
_backoff = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)


class RetryLimits(NamedTuple):
    """The deadline for retries, by a monotonic clock, and the least time for which each request is retried."""

    ends: float
    at_least_seconds: float

    def within(self, other: "RetryLimits") -> "RetryLimits":
        """Return the stricter of two limits."""
        return RetryLimits(min(self.ends, other.ends), min(self.at_least_seconds, other.at_least_seconds))

    def seconds_left(self, now: float) -> float:
        """Return how long a request may be retried from now."""
        return max(self.ends - now, self.at_least_seconds)


class RetryPolicy:
    """When one request is retried: for `retry_seconds` besides the pauses that the exchange requests, and
    `most_seconds` in total.

    `on_wait` is called with one line every ten seconds of a longer pause.
    """

    def __init__(
        self, clock: Clock, retry_seconds: float, most_seconds: float, on_wait: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._most_seconds = most_seconds
        self._on_wait = on_wait
        self._started = clock.monotonic()
        self._asked_seconds = 0.0

    def pause_seconds(self, state: RetryCallState) -> float:
        """Return how long to wait after a failure."""
        return max(_backoff(state), _asked_by(state))

    def is_over(self, state: RetryCallState) -> bool:
        """Return whether no further attempt follows."""
        pause_seconds, elapsed = state.upcoming_sleep, self.elapsed_seconds
        if elapsed + pause_seconds >= self._most_seconds:
            return True
        if _asked_by(state) > 0:
            self._asked_seconds += pause_seconds
            return False
        return elapsed - self._asked_seconds + pause_seconds >= self._retry_seconds

    def sleep(self, seconds: float) -> None:
        """Wait, and report the wait every ten seconds."""
        ends = self._clock.monotonic() + seconds
        while (left := ends - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, _REPORTED_SECONDS))
            if (left := ends - self._clock.monotonic()) > 0:
                self._on_wait(f"waiting for the exchange: {left:,.0f} s to go")

    @property
    def elapsed_seconds(self) -> float:
        """The seconds since the first attempt began."""
        return self._clock.monotonic() - self._started

    def final_message(self, asked: str, error: RetryableError) -> str:
        """Return the message of the last failure, with the next step."""
        seconds = error.retry_after_seconds
        said = f"{asked} {error}, after {self.elapsed_seconds:.0f} s of retries"
        if not seconds:
            return f"{said}: {error.advice}"
        until = datetime_of(self._clock.now() + round(seconds * MICROS_PER_SECOND))
        return (
            f"{said}, and asks to wait {seconds:,.0f} s, until {until:%Y-%m-%d %H:%M:%S} UTC: {error.advice}"
        )


def _asked_by(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after_seconds if isinstance(error, RetryableError) else 0.0
