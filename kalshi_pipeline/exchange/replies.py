"""Classifies an answer by status and body as good, retryable or refused, with advice for the reader.

`retries` decides when and how long to retry.
"""

import contextlib
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpx

from kalshi_pipeline.errors import NotFoundError, RefusedError
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

BAD_REQUEST = int(httpx.codes.BAD_REQUEST)
TOO_LARGE_STATUSES = frozenset({400, 413, 414, 431})
"""The statuses with which the exchange or its gateway refuses too large requests."""

# 304 answers conditional requests, which this client never sends.
_RETRIED_STATUSES = frozenset({304, 408, 425, 429})
# A longer request to wait is ignored.
_LONGEST_RETRY_AFTER_SECONDS = 366 * 86_400.0
# Errors are short. Longer bodies are pages of records, and are parsed for errors only if they name one.
_LONGEST_ERROR_BYTES = 10_000
_NAMES_ERROR = re.compile(rb'"errors?"\s*:')
# A part of an answer, and one that is not ready, which nothing has requested.
_UNFINISHED_STATUSES = frozenset({202, 206})
_FLAT_ERROR = frozenset({"code", "message", "details", "service"})
_ERROR_BESIDE = frozenset({"code", "message"})
_NO_JSON = object()
_TICKER_LISTS = frozenset({"tickers", "market_tickers"})
# A ticker may be in lower case, as the names of endpoints are.
_OF_RECORD = re.compile(
    "/historical/cutoff$|(/historical)?/(series|events|markets)/"
    "(?!(trades|candlesticks|orderbooks|multivariate|fee_changes)$)[^/]+(?!.*/metadata$)"
)
_TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)

_CHECK_ADDRESS = "check that the exchange is up and KALSHI_API_URL is right, then run again"
_SEND_FEWER = "the exchange limits requests: lower KALSHI_REQUESTS_PER_SECOND, then run again"
_BLOCKED = (
    "a gateway before the exchange blocks this computer: wait, lower KALSHI_REQUESTS_PER_SECOND or use another "
    "network, then run again"
)
_PAGE_IN_THE_WAY = (
    "a web page came instead of the API's answer: a gateway or a proxy is in the way, or KALSHI_API_URL is another "
    "site; check it, then run again"
)


class Reply(NamedTuple):
    """A complete answer with a decoded body. `is_of_records` if records were requested by ticker."""

    status: int
    headers: httpx.Headers
    body: bytes
    is_of_records: bool = False


class RetryableError(Exception):
    """A failed attempt that may succeed when retried.

    `retry_after_seconds` is the wait that the exchange requests, or 0. `advice` is for the reader if no attempt
    succeeds.
    """

    def __init__(
        self, reason: str, *, retry_after_seconds: float = 0.0, advice: str = _CHECK_ADDRESS, status: int = 0
    ) -> None:
        self.retry_after_seconds = retry_after_seconds
        self.advice = advice
        self.status = status
        super().__init__(reason)


def check_status(reply: Reply, api_url: str, path: str, now: int) -> None:
    """Raise RetryableError or RefusedError for an answer that is not a success, or is a success with an error body.

    A date in `Retry-After` is relative to the answer's own date, or else to `now`.
    """
    status = reply.status
    if httpx.codes.is_success(status):
        if not reply.body:
            raise _retryable(reply, now, f"answered {status} without a body")
        if status in _UNFINISHED_STATUSES:
            raise _retryable(reply, now, f"answered {status}, which is not a whole answer")
        if said := _error_in(reply.body):
            raise _retryable(reply, now, f"answered {status}, but with an error ({cut(said)})")
        return
    if status in _RETRIED_STATUSES or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _retryable(reply, now, _refusal(reply))
    if _is_of_a_gateway(reply):
        is_block = status == httpx.codes.FORBIDDEN
        raise _retryable(
            reply, now, _refusal(reply), _BLOCKED if is_block else _advice_about_page(reply.body)
        )
    if httpx.codes.is_redirect(status):
        raise _redirected(reply, api_url, path, now)
    raise _refused(reply, f"{api_url}{path}")


def not_json(reply: Reply, reason: str, now: int) -> RetryableError:
    """Return the error of a success answer that is not JSON."""
    return _retryable(reply, now, f"answered {reply.status}, but {reason}", _advice_about_page(reply.body))


def names_records(path: str, params: Mapping[str, object]) -> bool:
    """Return whether a request is for records by ticker, or for the cutoff that says which tier has which records.

    The metadata of an event counts as an endpoint, because an exchange may not offer it.
    """
    return not _TICKER_LISTS.isdisjoint(params) or _OF_RECORD.match(path) is not None


def _is_of_a_gateway(reply: Reply) -> bool:
    """Return whether a refusal comes from a gateway, because the exchange answers in JSON.

    A 404 for an endpoint counts without JSON, because an exchange may not offer it. For records it does not count,
    because it would prove that they are gone.
    """
    may_be = reply.status == httpx.codes.FORBIDDEN or (
        reply.status == httpx.codes.NOT_FOUND and reply.is_of_records
    )
    return may_be and not is_json(reply.body)


def _advice_about_page(body: bytes) -> str:
    return _PAGE_IN_THE_WAY if body.lstrip()[:1] == b"<" else _CHECK_ADDRESS


def is_json(body: bytes) -> bool:
    """Return whether a body is JSON like the exchange's own errors; deeper JSON is not."""
    return _read(body, otherwise=_NO_JSON) is not _NO_JSON


def without_secrets(url: httpx.URL | str) -> str:
    """Return an address without user, password, query and fragment, for display."""
    url = httpx.URL(url)
    return str(url.copy_with(username="", password="", query=None, fragment=None))


def _retryable(reply: Reply, now: int, reason: str, advice: str | None = None) -> RetryableError:
    if advice is None:
        is_limited = reply.status == httpx.codes.TOO_MANY_REQUESTS
        advice = _SEND_FEWER if is_limited else _CHECK_ADDRESS
    return RetryableError(
        reason, retry_after_seconds=_retry_after_seconds(reply, now), advice=advice, status=reply.status
    )


def _retry_after_seconds(reply: Reply, now: int) -> float:
    """Return the wait that an answer requests, as a number or a date; 0 if there is none or it is invalid."""
    said = reply.headers.get("retry-after", "")
    with contextlib.suppress(ValueError):
        seconds = float(said)
        return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else 0.0
    until = instant_of_http_date(said)
    if until is None:
        return 0.0
    # Both dates are from the exchange's clock, because this computer's may be wrong.
    since = instant_of_http_date(reply.headers.get("date", "")) or now
    return min(max(0.0, (until - since) / MICROS_PER_SECOND), _LONGEST_RETRY_AFTER_SECONDS)


def instant_of_http_date(said: str) -> int | None:
    """Return the instant of an HTTP date; None if it is invalid."""
    try:
        read = parsedate_to_datetime(said)
        return instant_of(read if read.tzinfo is not None else read.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None


def _redirected(reply: Reply, api_url: str, path: str, now: int) -> Exception:
    """Return the error of a redirect, which names the new address to set."""
    said, location = f"{api_url}{path} {_refusal(reply)}", reply.headers.get("location", "")
    try:
        target = httpx.URL(api_url + path).join(location)
    except httpx.InvalidURL:
        location = ""
    if not location:
        return _retryable(reply, now, f"{_refusal(reply)}, a redirect without an address")
    shown = without_secrets(target).rstrip("/")
    if shown == api_url + path:
        return _retryable(reply, now, f"{_refusal(reply)}, a redirect to itself", _BLOCKED)
    if shown.endswith(path):
        return RefusedError(
            f"{said}, a redirect to {cut(target.host)}: set KALSHI_API_URL={cut(shown.removesuffix(path))}",
            reply.status,
        )
    return RefusedError(
        f"{said}, a redirect to {cut(shown)}, which is not an address of this API: check KALSHI_API_URL, and whether a "
        "proxy or a login page of this network is in the way",
        reply.status,
    )


def _refused(reply: Reply, asked: str) -> RefusedError:
    status, said = reply.status, f"{asked} {_refusal(reply)}"
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError(
            f"{said}: the exchange does not know it; check the ticker and KALSHI_API_URL", status
        )
    if status == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        return RefusedError(
            f"{said}: the proxy wants a user and a password; put them into HTTP_PROXY, HTTPS_PROXY or ALL_PROXY",
            status,
        )
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return RefusedError(
            f"{said}: market data needs no key, so check KALSHI_API_URL and whether a proxy is in the way",
            status,
        )
    return RefusedError(
        f"{said}: the exchange refuses this request; check whether its API has changed", status
    )


def _refusal(reply: Reply) -> str:
    said = _error_text(reply.body) or _title(reply.body)
    return f"answered {reply.status}" + (f" ({cut(said)})" if said else "")


def _title(body: bytes) -> str:
    """Return the title of a web page, "" for anything else."""
    found = _TITLE.search(body[:_LONGEST_ERROR_BYTES])
    return found.group(1).decode(errors="replace") if found else ""


def _error_in(body: bytes) -> str:
    """Return the message of an error with status 200, alone or beside records; "" if there is none."""
    if len(body) > _LONGEST_ERROR_BYTES and not _NAMES_ERROR.search(body):
        return ""
    read = _read(body)
    if isinstance(read, dict):
        is_flat = bool(read) and (read.keys() <= _FLAT_ERROR or read.keys() >= _ERROR_BESIDE)
        is_error = is_flat or bool(read.get("error")) or bool(read.get("errors"))
    else:
        is_error = isinstance(read, str)
    return (_error_text(body) or "no reason given") if is_error else ""


def _error_text(body: bytes) -> str:
    """Return the message of an error body in any form: nested object, flat object, string, or not JSON."""
    read = _read(body)
    error = read.get("error") or read.get("errors") or read if isinstance(read, dict) else read
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict):
        parts = [str(error[name]) for name in ("message", "details") if error.get(name)]
        return ": ".join(parts) or str(error.get("code", ""))
    return "" if error is None else str(error)


def _read(body: bytes, otherwise: object = None) -> Any:  # noqa: ANN401  (any JSON)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return otherwise
