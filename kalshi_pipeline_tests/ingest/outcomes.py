"""Helpers that move single markets of a sandbox through their states, and rewrite its answers."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeAlias

import httpx

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline.sandbox.world.states import STATUS_WORDS
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests import plain_http

Record: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[httpx.Request, list[Record]], list[Record]]


class Rewriting(httpx.BaseTransport):
    """Rewrites the exchange's answers about markets; `answer` may raise instead."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._transport = plain_http.open_transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        if not re.search(r"/v2(/historical)?/markets$", request.url.path) or response.status_code != 200:
            return response
        response.read()
        body = response.json()
        body["markets"] = self._answer(request, body["markets"])
        return httpx.Response(200, json=body)

    def close(self) -> None:
        self._transport.close()


@contextmanager
def rewritten(settings: Settings, answer: Answer, clock: Clock = SYSTEM_CLOCK) -> Iterator[Session]:
    """A session with rewritten answers."""
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(
            settings.api_url, requests_per_second=1000, retry_seconds=0, transport=Rewriting(answer)
        ) as client,
    ):
        yield Session(client, database, settings, lambda _: None, clock)


def is_lookup(request: httpx.Request) -> bool:
    return "tickers" in request.url.params


def is_historical(request: httpx.Request) -> bool:
    return "/historical/" in request.url.path


def without(*tickers: str) -> Answer:
    """The exchange as if it had never heard of some markets."""
    return lambda _, rows: [row for row in rows if row["ticker"] not in tickers]


def changed(ticker: str, **values: Any) -> Answer:
    """The exchange with another record of one market."""
    return lambda _, rows: [{**row, **values} if row["ticker"] == ticker else row for row in rows]


def move(
    sandbox: Sandbox,
    ticker: str,
    status: str,
    *,
    result: int | None = None,
    value: int | None = None,
    is_archived: bool = False,
) -> None:
    """Put one market into a state, with its result and, where it is final, its payout in micro-dollars."""
    world = sandbox.world
    with world.lock:
        market = world.markets.position[ticker]
        state = len(STATUS_WORDS) - 1 if is_archived else STATUS_WORDS.index(status)
        if status != "active":
            world.markets.clear_quote(market)
        world.set_state(market, state)
        if result is not None:
            world.markets.result[market] = result
        if value is not None:
            world.markets.settlement_value[market] = value
            world.markets.settled_at.setdefault(market, world.clock)


def reopen(sandbox: Sandbox, ticker: str) -> None:
    """Reopen a market: it trades again, without a result."""
    world = sandbox.world
    with world.lock:
        market = world.markets.position[ticker]
        world.markets.result[market] = 0
        world.markets.settlement_value.pop(market, None)
        world.markets.settled_at.pop(market, None)
    move(sandbox, ticker, "active")


def same(_: httpx.Request, rows: list[Record]) -> list[Record]:
    """The exchange's own answer."""
    return rows
