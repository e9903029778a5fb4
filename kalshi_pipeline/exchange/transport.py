"""Sends a request to the exchange: within the request limit and the timeout, with retries.

Translates errors of the exchange and of httpx into the pipeline's. `client` decides which path to request.
"""

import contextlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from kalshi_pipeline.clock import Clock
from kalshi_pipeline.errors import RefusedError, TransientExchangeError
from kalshi_pipeline.exchange.connecting import open_http, proxy_variable
from kalshi_pipeline.exchange.deadlines import Deadline, keep_deadline
from kalshi_pipeline.exchange.doubts import UNUSUAL, Doubts, misplaced
from kalshi_pipeline.exchange.limit import RateLimit, learned_rate
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page
from kalshi_pipeline.exchange.replies import Reply, RetryableError, check_status, names_records, not_json
from kalshi_pipeline.exchange.retries import RetryLimits, RetryPolicy
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.units import MICROS_PER_SECOND

Parsed = TypeVar("Parsed")
Params = dict[str, str | int | list[str]]

_SHARED = "backfill"
# The exchange's caches keep an answer for seconds. A larger age is ignored.
_OLDEST_ANSWER_SECONDS = 3600
BYTES_PER_MB = 1_000_000
_ABOUT_NOW_SECONDS = 0.01
_LONGEST_PARAMETER = 10_000
_UNCACHED = {"Cache-Control": "no-cache"}
# Only one encoding, because an answer that is compressed several times inflates without bounds.
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_UNTRUSTED = (
    "its certificate is not trusted: check KALSHI_API_URL, or name your network's authority in SSL_CERT_FILE"
)


@dataclass(frozen=True)
class Answer(Generic[Parsed]):
    """A parsed answer, and the instant at which it was completely received.

    For an answer that may come from a cache, `received_at` is earlier by its age.
    """

    content: Parsed
    received_at: int


class AnswerAges(NamedTuple):
    """The largest age of cacheable answers, and the number of impossible ages."""

    oldest_seconds: int = 0
    absurd: int = 0


class Transport:
    """Connections to the exchange at one address, with counts of requests. Thread-safe.

    The parameters are those of `KalshiClient`; `http_transport` is an httpx transport for tests.
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
        on_wait: Callable[[str], None],
        http_transport: httpx.BaseTransport | None,
        clock: Clock,
    ) -> None:
        self.requests = 0
        self.retries = 0
        self.too_many = 0
        self._ages = AnswerAges()
        self._odd_fields: Counter[str] = Counter()
        self._doubts = Doubts()
        self._counting = threading.Lock()
        # Parse one page at a time, whatever the number of threads: alternating within pages would hold several
        # half-parsed ones in memory, and none in the CPU's caches.
        self._reading = threading.Lock()
        self._api_url = api_url
        self._timeout_seconds = timeout_seconds
        self._retry_seconds = retry_seconds
        self._most_bytes = most_bytes
        self._on_retry = on_retry
        self._on_wait = on_wait
        self.clock = clock
        self._waiting = RetryLimits(float("-inf"), retry_seconds)
        self._http = open_http(api_url, timeout_seconds, http_transport)
        self._proxy = proxy_variable(self._http, api_url)
        self.rate = learned_rate(requests_per_second, limit_file, clock)
        self._limits = [RateLimit(requests_per_second, limit_file, clock, learned=self.rate)]
        if share < 1:
            # The smaller limit comes first, so that a request waiting for it does not delay requests of the whole
            # limit.
            own_file = None if limit_file is None else limit_file.with_name(f"{limit_file.name}.{_SHARED}")
            self._limits.insert(
                0, RateLimit(requests_per_second, own_file, clock, share=share, learned=self.rate)
            )
        self._deadline = Deadline(clock.monotonic)
        keep_deadline(self._http, self._deadline)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def take_ages(self) -> AnswerAges:
        """Return the ages of the answers since the last call."""
        with self._counting:
            ages, self._ages = self._ages, AnswerAges()
        return ages

    def take_odd_fields(self) -> Counter[str]:
        """Return the counts of omitted fields by name since the last call."""
        with self._counting:
            odd_fields, self._odd_fields = self._odd_fields, Counter()
        return odd_fields

    @property
    def limit_problem(self) -> str | None:
        """Why the request limit is not shared with other processes, None if it is."""
        return next((limit.problem for limit in self._limits if limit.problem), None)

    @contextlib.contextmanager
    def waiting_at_most(self, seconds: float, at_least_seconds: float) -> Iterator[None]:
        """Let the requests of a block wait as long as the exchange requests, up to the block's limit.

        After that, each may still be retried for `at_least_seconds`. Nested blocks use the stricter limit.
        """
        before = self._waiting
        limits = RetryLimits(self.clock.monotonic() + seconds, at_least_seconds)
        is_first = before.ends == float("-inf")
        self._waiting = limits if is_first else limits.within(before)
        try:
            yield
        finally:
            self._waiting = before

    def fetch(
        self,
        path: str,
        params: Params,
        parse: Callable[[bytes], Parsed],
        seconds_left: float = float("inf"),
        *,
        is_cached: bool = False,
        is_confirmed: bool = False,
    ) -> Answer[Parsed]:
        """Return the first answer that can be parsed, after retries.

        A body that is not JSON is a failed attempt, and so is a page that has its records or its cursor under another
        name. A page that may be a mistake (see `Doubts`) is requested again, and believed if it stays so. With
        `is_cached`, answers may come from a cache, and are dated by their `Age`. With `is_confirmed`, the end of a
        listing is requested twice.
        """

        def read(reply: Reply, received_at: int) -> Answer[Parsed]:
            self.check(reply, path, received_at)
            content = self._parsed(reply, parse, received_at)
            age_seconds = self._age_seconds(reply) if is_cached else 0
            return Answer(content, received_at - age_seconds * MICROS_PER_SECOND)

        ends = self.clock.monotonic() + seconds_left
        answer = best = self.ask(path, params, read, seconds_left)
        times = 1
        while isinstance(page := answer.content, Page):
            needed = self._doubts.times(page, params, is_confirmed=is_confirmed)
            if times >= needed:
                break
            if needed == UNUSUAL:
                with self._counting:
                    self.retries += 1
            answer = self.ask(path, params, read, ends - self.clock.monotonic(), headers=_UNCACHED)
            best = max(answer, best, key=_fullness)
            times += 1
        if isinstance(best.content, Page) and times > 1:
            self._doubts.settle(best.content)
        return best

    def _parsed(self, reply: Reply, parse: Callable[[bytes], Parsed], received_at: int) -> Parsed:
        """Parse an answer. Raises RetryableError if it is not what it should be."""
        try:
            with self._reading:
                content = parse(reply.body)
        except GarbledAnswerError as error:
            raise not_json(reply, str(error), received_at) from error
        if not isinstance(content, Page):
            return content
        if said := misplaced(reply.body, content):
            raise not_json(reply, f"it {said}", received_at)
        if content.odd_fields:
            with self._counting:
                self._odd_fields += content.odd_fields
        return content

    def fetching(
        self,
        path: str,
        parse: Callable[[bytes], Parsed],
        *,
        is_cached: bool = False,
        is_confirmed: bool = False,
    ) -> Callable[[Params, float], Answer[Parsed]]:
        """Return a function that fetches a query of one path within the given seconds; see `fetch`."""

        def fetch(params: Params, seconds_left: float) -> Answer[Parsed]:
            return self.fetch(
                path, params, parse, seconds_left, is_cached=is_cached, is_confirmed=is_confirmed
            )

        return fetch

    def ask(
        self,
        path: str,
        params: Params,
        read: Callable[[Reply, int], Parsed],
        seconds_left: float,
        *,
        retry_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Parsed:
        """Return the result of `read` for the first answer for which it does not raise RetryableError.

        `read` gets each answer and the instant of its receipt. `retry_seconds` defaults to the transport's.
        """
        most_seconds = min(self._waiting.seconds_left(self.clock.monotonic()), seconds_left)
        own_seconds = self._retry_seconds if retry_seconds is None else retry_seconds
        policy = RetryPolicy(self.clock, own_seconds, most_seconds, self._on_wait)

        def attempt() -> Parsed:
            reply = self._fetch_reply(path, params, headers)
            return read(reply, self.clock.now())

        retrying = Retrying(
            retry=retry_if_exception_type(RetryableError),
            stop=policy.is_over,
            wait=policy.pause_seconds,
            before_sleep=self._note_retry,
            sleep=policy.sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except RetryableError as error:
            message = policy.final_message(self._api_url + path, error)
            raise TransientExchangeError(message, error.status) from error

    def check(self, reply: Reply, path: str, received_at: int) -> None:
        """Raise the error of an answer that is not a success, or is a success with an error body."""
        check_status(reply, self._api_url, path, received_at)

    def _fetch_reply(self, path: str, params: Params, headers: Mapping[str, str] | None) -> Reply:
        """Make one attempt. The complete answer must arrive in time, and its decoded size is bounded."""
        sent_at = [limit.wait() for limit in self._limits][-1]
        with self._counting:
            self.requests += 1
        with self._deadline.within(self._timeout_seconds):
            reply = self._attempt(path, params, headers)
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            with self._counting:
                self.too_many += 1
                self.rate.slow_down(sent_at)
        return reply

    def _attempt(self, path: str, params: Params, headers: Mapping[str, str] | None) -> Reply:
        try:
            with self._http.stream("GET", self._api_url + path, params=params, headers=headers) as response:
                body = self._body_of(response)
                reply = Reply(response.status_code, response.headers, body, names_records(path, params))
            # A response and its stream refer to each other, and would stay in memory until garbage collection.
            response.stream = _NO_STREAM
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise self._unusable(path, params, error) from error
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException) and self._deadline.left() <= _ABOUT_NOW_SECONDS:
                raise self._late() from error
            raise self._unreachable(error) from error
        except httpx.RequestError as error:
            raise RetryableError(f"sent a broken answer ({_described(error)})") from error
        return reply

    def _unusable(self, path: str, params: Params, error: Exception) -> RefusedError:
        """Return the error for a wrong address, or for one that is too long because of a parameter such as
        the cursor.
        """
        sizes = {name: len(str(value)) for name, value in params.items()}
        longest = max(sizes, key=sizes.__getitem__, default="")
        if sizes.get(longest, 0) > _LONGEST_PARAMETER:
            return RefusedError(
                f"{self._api_url}{path} cannot be requested: its parameter {longest!r} has {sizes[longest]:,} "
                "characters; run again, and if it happens again, check whether the API has changed",
                0,
            )
        return RefusedError(f"KALSHI_API_URL={self._api_url} is not a usable address: {error}; change it", 0)

    def _body_of(self, response: httpx.Response) -> bytes:
        """Return the decoded body. Each part is inflated before its size can be checked."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in _ENCODINGS:
            raise RetryableError(f"answered in an encoding that was not requested ({cut(encoding)})")
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

    def _unreachable(self, error: httpx.TransportError) -> RetryableError:
        said = _described(error)
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return RetryableError(f"could not be reached ({said})", advice=_UNTRUSTED)
        if self._proxy is None:
            return RetryableError(f"could not be reached ({said})")
        return RetryableError(
            f"could not be reached through the proxy of {self._proxy} ({said})",
            advice=f"check that {self._proxy} names a proxy that works, or unset it, then run again",
        )

    def _late(self) -> RetryableError:
        return RetryableError(f"did not complete its answer within {self._timeout_seconds:g} s")

    def _age_seconds(self, reply: Reply) -> int:
        """Return and record the age of an answer; 0 if it is missing or impossible."""
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


def _fullness(answer: Answer[Any]) -> tuple[bool, int]:
    """Rank answers to one request: those that a next page follows, then by the number of records."""
    page = answer.content
    return (page.cursor is not None, len(page.records)) if isinstance(page, Page) else (False, 0)


_NO_STREAM = httpx.ByteStream(b"")


def _described(error: Exception) -> str:
    return cut(str(error)) or type(error).__name__
