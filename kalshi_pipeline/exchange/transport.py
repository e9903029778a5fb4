"""One request to the exchange: within the limit, complete within its time, retried where that may help.

The errors of the exchange and of httpx become the pipeline's here. Which path to ask for is the business of `client`.
"""

import contextlib
import json
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential_jitter,
)

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.errors import NotFoundError, RefusedError, TransientExchangeError
from kalshi_pipeline.exchange.deadlines import Deadline, keep_deadline
from kalshi_pipeline.exchange.limit import RateLimit
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.units import MICROS_PER_SECOND

Parsed = TypeVar("Parsed")
Params = dict[str, str | int | list[str]]

_CONNECT_SECONDS = 10
_SHARED = "backfill"
_LONGEST_RETRY_AFTER_SECONDS = 30.0
# The exchange's network keeps an answer for seconds. One that says more than this is not believed.
_OLDEST_ANSWER_SECONDS = 3600
BYTES_PER_MB = 1_000_000
_ABOUT_NOW_SECONDS = 0.01
_LONGEST_PARAMETER = 10_000
# One of them only: an answer that is compressed several times over inflates without bounds.
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


@dataclass(frozen=True)
class Answer(Generic[Parsed]):
    """What was asked for, and the instant at which the whole answer had been received.

    Of an answer that may come from a cache, `received_at` is earlier by its age: what it holds was true then.
    """

    content: Parsed
    received_at: int


class AnswerAges(NamedTuple):
    """Of answers that may come from a cache: the age of the oldest on arrival, and how many had one that is absurd."""

    oldest_seconds: int = 0
    absurd: int = 0


class Reply(NamedTuple):
    """A whole answer; its body is decoded."""

    status: int
    headers: httpx.Headers
    body: bytes


class RetryableError(Exception):
    """One attempt that failed, where another may succeed."""

    def __init__(self, reason: str, retry_after_seconds: float = 0.0) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(reason)


class Transport:
    """Connections to the exchange at one address, and counts of the requests. Threads may share it.

    The arguments are those of `KalshiClient`; `http_transport` is httpx's, for tests.
    """

    def __init__(
        self,
        api_url: str,
        *,
        requests_per_second: float,
        limit_file: Path | None,
        share: float,
        timeout_seconds: float,
        retry_seconds: float,
        most_bytes: int,
        on_retry: Callable[[str], None],
        http_transport: httpx.BaseTransport | None,
        clock: Clock,
    ) -> None:
        self.requests = 0
        self.retries = 0
        self._ages = AnswerAges()
        self._odd_fields: Counter[str] = Counter()
        self._counting = threading.Lock()
        # Python reads one page at a time, whatever the number of threads: taking turns within a page would hold several
        # half-read ones in memory, and none in the processor's caches.
        self._reading = threading.Lock()
        self._api_url = api_url
        self._timeout_seconds = timeout_seconds
        self._retry_seconds = retry_seconds
        self._most_bytes = most_bytes
        self._on_retry = on_retry
        self.clock = clock
        self._limits = [RateLimit(requests_per_second, limit_file, clock)]
        if share < 1:
            # The smaller limit comes first: a request that waits for it does not hold up those of the whole limit.
            own_file = None if limit_file is None else limit_file.with_name(f"{limit_file.name}.{_SHARED}")
            self._limits.insert(0, RateLimit(requests_per_second * share, own_file, clock))
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
            headers={
                "User-Agent": f"kalshi-pipeline/{version('kalshi-pipeline')}",
                "Accept": "application/json",
            },
            transport=http_transport,
            verify=_certificates(),
        )
        self._deadline = Deadline(clock.monotonic)
        keep_deadline(self._http, self._deadline)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def take_ages(self) -> AnswerAges:
        """Return the ages of the answers since this was last called."""
        with self._counting:
            ages, self._ages = self._ages, AnswerAges()
        return ages

    def take_odd_fields(self) -> Counter[str]:
        """Return how many fields were left out of records, by name, since this was last called."""
        with self._counting:
            odd_fields, self._odd_fields = self._odd_fields, Counter()
        return odd_fields

    def fetch(
        self,
        path: str,
        params: Params,
        parse: Callable[[bytes], Parsed],
        seconds_left: float = float("inf"),
        *,
        is_cached: bool = False,
    ) -> Answer[Parsed]:
        """Return the first answer that can be parsed, after retries; a body that is not JSON is a failed attempt.

        `is_cached` says that answers to this path may come from a cache, and are dated by their `Age`.
        """

        def attempt() -> Answer[Parsed]:
            reply = self.attempt(path, params)
            received_at = self.clock.now()
            if reply.status in _RETRIED_STATUSES:
                raise RetryableError(refusal(reply), _retry_after_seconds(reply))
            if reply.status != httpx.codes.OK:
                raise self._refused(path, reply)
            try:
                with self._reading:
                    content = parse(reply.body)
            except GarbledAnswerError as error:
                raise RetryableError(f"answered {reply.status}, but {error}") from error
            if isinstance(content, Page) and content.odd_fields:
                with self._counting:
                    self._odd_fields += content.odd_fields
            age_seconds = self._age_seconds(reply) if is_cached else 0
            return Answer(content, received_at - age_seconds * MICROS_PER_SECOND)

        started, most_seconds = self.clock.monotonic(), min(self._retry_seconds, seconds_left)
        retrying = Retrying(
            retry=retry_if_exception_type(RetryableError),
            stop=lambda state: self.clock.monotonic() - started + state.upcoming_sleep >= most_seconds,
            wait=_pause_seconds,
            before_sleep=self._note_retry,
            sleep=self.clock.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except RetryableError as error:
            raise TransientExchangeError(
                f"{self._api_url}{path} {error}, after {self.clock.monotonic() - started:.0f} s of retries: "
                "see that the exchange is up and KALSHI_API_URL is right, then run again"
            ) from error

    def attempt(self, path: str, params: Params, headers: Mapping[str, str] | None = None) -> Reply:
        """Make one attempt. The whole answer must arrive in time, and be of bounded size once it is decoded."""
        for limit in self._limits:
            limit.wait()
        with self._counting:
            self.requests += 1
        with self._deadline.within(self._timeout_seconds):
            return self._attempt(path, params, headers)

    def _attempt(self, path: str, params: Params, headers: Mapping[str, str] | None) -> Reply:
        try:
            with self._http.stream("GET", self._api_url + path, params=params, headers=headers) as response:
                reply = Reply(response.status_code, response.headers, self._body_of(response))
            # A response and its stream refer to each other, and would be kept until garbage is collected.
            response.stream = _NO_STREAM
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise self._unusable(path, params, error) from error
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException) and self._deadline.left() <= _ABOUT_NOW_SECONDS:
                raise self._late() from error
            raise RetryableError(f"could not be reached ({_described(error)})") from error
        except httpx.RequestError as error:
            raise RetryableError(f"sent a broken answer ({_described(error)})") from error
        return reply

    def _unusable(self, path: str, params: Params, error: Exception) -> RefusedError:
        """Return the error of an address that is wrong, or too long because of a parameter such as the cursor."""
        sizes = {name: len(str(value)) for name, value in params.items()}
        longest = max(sizes, key=sizes.__getitem__, default="")
        if sizes.get(longest, 0) > _LONGEST_PARAMETER:
            return RefusedError(
                f"{self._api_url}{path} cannot be asked for: its parameter {longest!r} has {sizes[longest]:,} "
                "characters; run again, and if it happens again, see whether the API has changed",
                0,
            )
        return RefusedError(f"KALSHI_API_URL={self._api_url} is not a usable address: {error}; change it", 0)

    def _body_of(self, response: httpx.Response) -> bytes:
        """Return the decoded body; what one part of it inflates to is held before it can be measured."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in _ENCODINGS:
            raise RetryableError(f"answered in an encoding that was not asked for ({cut(encoding)})")
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._most_bytes:
                raise RetryableError(
                    f"answered more than {self._most_bytes / BYTES_PER_MB:g} MB (KALSHI_MAX_RESPONSE_MB)"
                )
            if self._deadline.left() < 0:
                raise self._late()
        return b"".join(chunks)

    def _late(self) -> RetryableError:
        return RetryableError(f"did not end its answer within {self._timeout_seconds:g} s")

    def _age_seconds(self, reply: Reply) -> int:
        """Return the age of an answer, 0 where it has none or one that cannot be right, and remember it."""
        said = reply.headers.get("age")
        if said is None:
            return 0
        is_number = re.fullmatch("[0-9]{1,4}", said) is not None
        is_absurd = not is_number or int(said) > _OLDEST_ANSWER_SECONDS
        seconds = 0 if is_absurd else int(said)
        with self._counting:
            oldest_seconds, absurd = self._ages
            self._ages = AnswerAges(max(oldest_seconds, seconds), absurd + is_absurd)
        return seconds

    def _note_retry(self, state: RetryCallState) -> None:
        with self._counting:
            self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        pause_seconds = state.next_action.sleep if state.next_action else 0.0
        self._on_retry(f"the exchange {error}; trying again in {pause_seconds:.1f} s")

    def _refused(self, path: str, reply: Reply) -> RefusedError:
        status, said = reply.status, f"{self._api_url}{path} {refusal(reply)}"
        if status == httpx.codes.NOT_FOUND:
            return NotFoundError(
                f"{said}: the exchange does not know it; check the ticker and KALSHI_API_URL", status
            )
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return RefusedError(
                f"{said}: market data needs no key, so check KALSHI_API_URL and whether a proxy is in the way",
                status,
            )
        if httpx.codes.is_redirect(status):
            return RefusedError(
                f"{said} to {cut(str(reply.headers.get('location')))}: set KALSHI_API_URL to that", status
            )
        return RefusedError(
            f"{said}: the exchange refuses this request; see whether its API has changed", status
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Return what https is checked against, as httpx itself reads it. That takes some 20 ms: once for a process."""
    return httpx.create_ssl_context()


_NO_STREAM = httpx.ByteStream(b"")
_backoff = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)


def _pause_seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, RetryableError) else 0.0
    return max(_backoff(state), asked)


def _retry_after_seconds(reply: Reply) -> float:
    with contextlib.suppress(ValueError):
        return min(max(float(reply.headers.get("retry-after", "0")), 0.0), _LONGEST_RETRY_AFTER_SECONDS)
    return 0.0  # the header may also be a date; then the usual pause is taken


def refusal(reply: Reply) -> str:
    """Return what an answer says that is none: its status, and the text of its error."""
    said = _error_text(reply)
    return f"answered {reply.status}" + (f" ({cut(said)})" if said else "")


def _error_text(reply: Reply) -> str:
    """Return what an error body says, in any of its forms: nested object, flat object, string, or no JSON at all."""
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        parts = [str(error[name]) for name in ("message", "details") if error.get(name)]
        return ": ".join(parts) or str(error.get("code", ""))
    return "" if error is None else str(error)


def _described(error: Exception) -> str:
    return cut(str(error)) or type(error).__name__
