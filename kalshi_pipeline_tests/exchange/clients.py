"""Clients over an httpx transport for odd cases, and what they are given and read by."""

from collections.abc import Callable
from typing import Any, NoReturn

import httpx

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.clock import ManualClock

Handler = Callable[[httpx.Request], httpx.Response]
URL = "http://exchange.test/trade-api/v2"
SPACING_MICROS = 1_020  # of 1000 requests a second, with the limit's margin of two hundredths
STATUS = f"{URL}/exchange/status"
EMPTY = {"markets": [], "events": [], "series": [], "cursor": ""}


class Stop(Exception):  # noqa: N818
    """Raised in place of the next retry."""


def stop(message: str) -> NoReturn:
    raise Stop(message)


def client_of(handler: Handler, **options: Any) -> KalshiClient:
    given = {
        "clock": ManualClock(),
        "requests_per_second": 1000,
        "retry_seconds": 3600,
        "on_retry": stop,
        **options,
    }
    return KalshiClient(URL, transport=httpx.MockTransport(handler), **given)


def answering(status: int, body: str | bytes = "", **headers: str) -> Handler:
    return lambda _: httpx.Response(status, content=body, headers=headers)


def failing(error: httpx.RequestError) -> Handler:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return fail


def tickers_of(client: KalshiClient, **options: Any) -> list[str]:
    given = {
        "status": StatusFilter.OPEN,
        "mve_filter": "exclude",
        "max_pages": None,
        "walk_seconds": 60,
        **options,
    }
    return [record.ticker for page in client.list_markets(**given) for record in page.records]
