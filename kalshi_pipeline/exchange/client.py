"""One client for the exchange: every request passes one limit, failing ones are tried again, errors get one tree.

Answers are public and need no key. What to ask for and what to do with it is the business of `ingest`.
"""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar
from urllib.parse import quote

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_before_delay,
    wait_exponential_jitter,
)

from kalshi_pipeline.errors import (
    ExchangeError,
    NotFoundError,
    PayloadError,
    RefusedError,
    TransientExchangeError,
)
from kalshi_pipeline.exchange.limit import RateLimit
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.pages import GarbledAnswerError, Page, parse_object, parse_page
from kalshi_pipeline.exchange.payloads import (
    EventPayload,
    ExchangeStatusPayload,
    Listed,
    MarketPayload,
    Payload,
    SeriesPayload,
)
from kalshi_pipeline.exchange.statuses import StatusFilter
from kalshi_pipeline.units import now

Parsed = TypeVar("Parsed")
Record = TypeVar("Record", bound=Payload)
Row = TypeVar("Row", bound=Listed)
Params = dict[str, str | int]

# The largest page of each endpoint; a larger `limit` is answered with 400 (kalshi/API.md §1.3).
MARKETS_PAGE = 1000
EVENTS_PAGE = 200
TICKERS_PER_LOOKUP = 200

_CONNECT_SECONDS = 10
_LONGEST_RETRY_AFTER_SECONDS = 30.0
_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504, 520, 521, 522, 523, 524})


@dataclass(frozen=True)
class Answer(Generic[Parsed]):
    """What was asked for, and the instant at which the exchange's answer had been received."""

    content: Parsed
    received_at: int


class _Reply(NamedTuple):
    """A whole answer, decoded."""

    status: int
    headers: httpx.Headers
    body: bytes


class _RetryableError(Exception):
    """One attempt that failed in a way that another may not."""

    def __init__(self, reason: str, retry_after_seconds: float = 0.0) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(reason)


class KalshiClient:
    """The exchange at one address. Use it as a context manager, one for a whole run: it keeps its connections.

    `retry_seconds` is how long a failing request is tried again (with growing, jittered pauses) before
    TransientExchangeError; `on_retry` is told of each. Clients that name the same `limit_file`, in whatever
    process, share one request limit. `transport` is httpx's, for tests.
    """

    def __init__(
        self,
        api_url: str,
        *,
        requests_per_second: float = 15,
        limit_file: Path | None = None,
        timeout_seconds: float = 30,
        retry_seconds: float = 30,
        on_retry: Callable[[str], None] = lambda _: None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.requests = 0
        self.retries = 0
        self._api_url = api_url
        self._timeout_seconds = timeout_seconds
        self._retry_seconds = retry_seconds
        self._on_retry = on_retry
        self._limit = RateLimit(requests_per_second, limit_file)
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
            headers={
                "User-Agent": f"kalshi-pipeline/{version('kalshi-pipeline')}",
                "Accept": "application/json",
            },
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def list_markets(
        self,
        *,
        status: StatusFilter,
        mve_filter: str | None,
        series: Sequence[str] = (),
        max_pages: int | None,
        walk_seconds: float,
    ) -> Listing[MarketPayload]:
        """Walk `/markets`, newest first, once for each of `series` (or once for all)."""
        query: Params = {"limit": MARKETS_PAGE, "status": status.value}
        if mve_filter is not None:
            query["mve_filter"] = mve_filter
        return self._listing(
            "/markets", "markets", MarketPayload, _each(query, series), max_pages, walk_seconds
        )

    def list_events(
        self, *, status: StatusFilter, series: Sequence[str] = (), max_pages: int | None, walk_seconds: float
    ) -> Listing[EventPayload]:
        """Walk `/events`, which never shows the events of combos, once for each of `series` (or once for all)."""
        query: Params = {"limit": EVENTS_PAGE, "status": status.value}
        return self._listing("/events", "events", EventPayload, _each(query, series), max_pages, walk_seconds)

    def list_combo_events(self, *, max_pages: int, walk_seconds: float) -> Listing[EventPayload]:
        """Walk `/events/multivariate`, the events of combos, of every status: it takes no status filter."""
        queries: list[Params] = [{"limit": EVENTS_PAGE}]
        return self._listing("/events/multivariate", "events", EventPayload, queries, max_pages, walk_seconds)

    def list_series(self, *, series: Sequence[str] = (), walk_seconds: float) -> Listing[SeriesPayload]:
        """Read `/series`, all in one body without pages; or just each of `series`, which must all be known."""
        if not series:
            return self._listing("/series", "series", SeriesPayload, [{}], None, walk_seconds)

        def fetch(query: Params, seconds_left: float) -> tuple[Page[SeriesPayload], int]:
            path = f"/series/{quote(str(query['series_ticker']), safe='')}"
            answer = self._fetch(
                path, {}, lambda body: parse_object(body, "series", SeriesPayload), seconds_left
            )
            return Page([answer.content]), answer.received_at

        return Listing("/series", fetch, _each({}, series), max_pages=None, walk_seconds=walk_seconds)

    def fetch_events(self, tickers: Sequence[str]) -> Page[EventPayload]:
        """Fetch the events of up to TICKERS_PER_LOOKUP tickers; those that the exchange does not give are left out.

        An answer may be cut into pages. A page without any of them ends the walk: the exchange ignores `tickers`.
        """
        missing = set(tickers)
        found: Page[EventPayload] = Page([])
        params: Params = {"limit": EVENTS_PAGE, "tickers": ",".join(tickers)}
        while True:
            page = self._fetch(
                "/events", params, lambda body: parse_page(body, "events", EventPayload)
            ).content
            new = {payload.ticker: payload for payload in page.records if payload.ticker in missing}
            missing -= new.keys()
            found.records.extend(new.values())
            found.rejects.extend(page.rejects)
            if page.cursor is None or not new or not missing:
                return found
            params = {**params, "cursor": page.cursor}

    def fetch_series(self, ticker: str) -> SeriesPayload:
        """Fetch one series; NotFoundError where the exchange does not know it."""
        return self._fetch_object(f"/series/{quote(ticker, safe='')}", "series", SeriesPayload).content

    def fetch_event(self, ticker: str) -> EventPayload:
        """Fetch one event, a combo's too; NotFoundError where the exchange does not know it."""
        return self._fetch_object(f"/events/{quote(ticker, safe='')}", "event", EventPayload).content

    def fetch_market(self, ticker: str) -> Answer[MarketPayload]:
        """Fetch one market; NotFoundError where the exchange does not know it."""
        return self._fetch_object(f"/markets/{quote(ticker, safe='')}", "market", MarketPayload)

    def fetch_exchange_status(self) -> ExchangeStatusPayload:
        """Ask whether trading goes on. An exchange in trouble answers 5xx with the same body; one attempt is made."""
        try:
            reply = self._attempt("/exchange/status", {})
            return parse_object(reply.body, None, ExchangeStatusPayload)
        except (_RetryableError, GarbledAnswerError, PayloadError) as error:
            raise ExchangeError(f"/exchange/status gave no status: {error}") from error

    def _listing(
        self,
        path: str,
        key: str,
        record: type[Row],
        queries: list[Params],
        max_pages: int | None,
        walk_seconds: float,
    ) -> Listing[Row]:
        def fetch(query: Params, seconds_left: float) -> tuple[Page[Row], int]:
            answer = self._fetch(path, query, lambda body: parse_page(body, key, record), seconds_left)
            return answer.content, answer.received_at

        return Listing(path, fetch, queries, max_pages=max_pages, walk_seconds=walk_seconds)

    def _fetch_object(self, path: str, key: str, record: type[Record]) -> Answer[Record]:
        return self._fetch(path, {}, lambda body: parse_object(body, key, record))

    def _fetch(
        self, path: str, params: Params, parse: Callable[[bytes], Parsed], seconds_left: float = float("inf")
    ) -> Answer[Parsed]:
        """Ask until an answer can be parsed; a body that is no JSON counts as a failed attempt."""

        def attempt() -> Answer[Parsed]:
            reply = self._attempt(path, params)
            received_at = now()
            if reply.status in _RETRIED_STATUSES:
                raise _RetryableError(_refusal(reply), _retry_after_seconds(reply))
            if reply.status != httpx.codes.OK:
                raise self._refused(path, reply)
            try:
                return Answer(parse(reply.body), received_at)
            except GarbledAnswerError as error:
                raise _RetryableError(f"answered {reply.status}, but {error}") from error

        retrying = Retrying(
            retry=retry_if_exception_type(_RetryableError),
            stop=stop_before_delay(min(self._retry_seconds, seconds_left)),
            wait=_pause_seconds,
            before_sleep=self._note_retry,
            reraise=True,
        )
        started = time.monotonic()
        try:
            return retrying(attempt)
        except _RetryableError as error:
            raise TransientExchangeError(
                f"{self._api_url}{path} {error}, after {time.monotonic() - started:.0f} s of retries: "
                "see that the exchange is up and KALSHI_API_URL is right, then run again"
            ) from error

    def _attempt(self, path: str, params: Params) -> _Reply:
        """Ask once. The whole answer must be there in time: httpx's own time-out starts again at every byte."""
        self._limit.wait()
        self.requests += 1
        ends = time.monotonic() + self._timeout_seconds
        try:
            with self._http.stream("GET", self._api_url + path, params=params) as response:
                chunks = []
                for chunk in response.iter_bytes():
                    chunks.append(chunk)
                    if time.monotonic() > ends:
                        raise _RetryableError(f"did not end its answer within {self._timeout_seconds:g} s")
                return _Reply(response.status_code, response.headers, b"".join(chunks))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise RefusedError(
                f"KALSHI_API_URL={self._api_url} is no usable address: {error}; change it", 0
            ) from error
        except httpx.TransportError as error:
            raise _RetryableError(f"could not be reached ({_described(error)})") from error
        except httpx.RequestError as error:
            raise _RetryableError(f"sent a broken answer ({_described(error)})") from error

    def _note_retry(self, state: RetryCallState) -> None:
        self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        pause_seconds = state.next_action.sleep if state.next_action else 0.0
        self._on_retry(f"the exchange {error}; trying again in {pause_seconds:.1f} s")

    def _refused(self, path: str, reply: _Reply) -> RefusedError:
        status, said = reply.status, f"{self._api_url}{path} {_refusal(reply)}"
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
                f"{said} to {reply.headers.get('location')}: set KALSHI_API_URL to that", status
            )
        return RefusedError(
            f"{said}: the exchange refuses this request; see whether its API has changed", status
        )


def _each(query: Params, series: Sequence[str]) -> list[Params]:
    return [{**query, "series_ticker": ticker} for ticker in series] or [query]


_backoff = wait_exponential_jitter(multiplier=0.5, max=10, jitter=0.5)


def _pause_seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_seconds if isinstance(error, _RetryableError) else 0.0
    return max(_backoff(state), asked)


def _retry_after_seconds(reply: _Reply) -> float:
    with contextlib.suppress(ValueError):
        return min(max(float(reply.headers.get("retry-after", "0")), 0.0), _LONGEST_RETRY_AFTER_SECONDS)
    return 0.0  # the header may also hold a date; the usual pause does then


def _refusal(reply: _Reply) -> str:
    said = _error_text(reply)
    return f"answered {reply.status}" + (f" ({said})" if said else "")


def _error_text(reply: _Reply) -> str:
    """Say what an error body says, in any of its forms: nested object, flat object, string, or no JSON at all."""
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        parts = [str(error[name]) for name in ("message", "details") if error.get(name)]
        return ": ".join(parts) or str(error.get("code", ""))
    return "" if error is None else str(error)[:200]


def _described(error: Exception) -> str:
    return str(error) or type(error).__name__
