"""A null list may be an empty one or a mistake: it is requested again, and believed if it stays null."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.document_pages import DocumentEndpoint
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.vocabulary import StatusFilter, Tier
from kalshi_pipeline_tests.exchange.clients import client_of

_NOON = 1_790_000_000_000_000
_CANDLESTICK = {"end_period_ts": 1_790_000_000, "volume_fp": "1.00", "open_interest_fp": "1.00"}
_BOOK = {"ticker": "M", "orderbook_fp": {"yes_dollars": [], "no_dollars": []}}


def _walked(listing: Listing[Any]) -> list[Any]:
    found = [record for page in listing for record in page.records]
    assert listing.complete
    return found


def _candlesticks(pages: Iterable[Any]) -> list[Any]:
    return [candlestick for market in pages for candlestick in market.candlesticks]


def _of_walk(client: KalshiClient) -> list[Any]:
    return _walked(
        client.list_markets(status=StatusFilter.OPEN, mve_filter=None, max_pages=None, walk_seconds=60)
    )


def _of_related(client: KalshiClient) -> list[Any]:
    milestones = DocumentEndpoint("/milestones", "milestones", {"limit": 500})
    return _walked(client.list_documents(milestones, max_pages=None, walk_seconds=60))


def _of_trades(client: KalshiClient) -> list[Any]:
    return _walked(client.tiers.list_trades(Tier.LIVE, start=_NOON, end=_NOON + 10**9, walk_seconds=60))


def _of_batch(client: KalshiClient) -> list[Any]:
    answer = client.tiers.fetch_candlesticks(["M"], start=0, end=_NOON, period_minutes=60)
    return _candlesticks(answer.content.records)


def _of_historical(client: KalshiClient) -> list[Any]:
    answer = client.tiers.fetch_historical_candlesticks("M", start=0, end=_NOON, period_minutes=60)
    return _candlesticks(answer.content.records)


_TRADE = {
    "trade_id": "00000000-0000-4000-8000-000000000000",
    "ticker": "M",
    "count_fp": "1.00",
    "yes_price_dollars": "0.5000",
    "no_price_dollars": "0.5000",
    "taker_side": "yes",
    "created_time": "2026-09-21T14:13:20Z",
}
_EVENT = {"event_ticker": "E", "series_ticker": "S"}
_KINDS: dict[str, tuple[Callable[[KalshiClient], list[Any]], dict[str, Any], dict[str, Any]]] = {
    "markets": (_of_walk, {"markets": [{"ticker": "M", "event_ticker": "E"}]}, {"markets": None}),
    "events": (
        lambda client: _walked(client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60)),
        {"events": [_EVENT]},
        {"events": None},
    ),
    "events asked for": (
        lambda client: [event for page in client.iter_events(["E"]) for event in page.records],
        {"events": [_EVENT]},
        {"events": None},
    ),
    "series": (
        lambda client: _walked(client.list_series(walk_seconds=60)),
        {"series": [{"ticker": "S"}]},
        {"series": None},
    ),
    "milestones": (_of_related, {"milestones": [{"id": "a"}]}, {"milestones": None}),
    "trades": (_of_trades, {"trades": [_TRADE]}, {"trades": None}),
    "candlesticks": (
        _of_batch,
        {"markets": [{"market_ticker": "M", "candlesticks": [_CANDLESTICK]}]},
        {"markets": None},
    ),
    "candlesticks of a market": (
        _of_batch,
        {"markets": [{"market_ticker": "M", "candlesticks": [_CANDLESTICK]}]},
        {"markets": [{"market_ticker": "M", "candlesticks": None}]},
    ),
    "candlesticks of a market beside an odd one": (
        _of_batch,
        {"markets": [{"market_ticker": "M", "candlesticks": [_CANDLESTICK]}]},
        {"markets": [{"market_ticker": "M", "candlesticks": None}, 5]},
    ),
    "historical candlesticks": (_of_historical, {"candlesticks": [_CANDLESTICK]}, {"candlesticks": None}),
    "books": (
        lambda client: client.tiers.fetch_order_books(["M"]).content.records,
        {"orderbooks": [_BOOK]},
        {"orderbooks": None},
    ),
}


def _answering(answers: list[dict[str, Any]]) -> tuple[KalshiClient, list[str]]:
    """Return a client that gets these answers, the last one for ever, and the list of its requests."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        body = answers[min(len(asked), len(answers)) - 1]
        return httpx.Response(200, content=json.dumps({"cursor": "", **body}))

    return client_of(answer), asked


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("ask", "good", "null"), _KINDS.values(), ids=_KINDS)
def test_null_list_is_requested_again(
    ask: Callable[[KalshiClient], list[Any]], good: dict[str, Any], null: dict[str, Any], times: int
) -> None:
    client, asked = _answering([null] * times + [good])
    with client:
        assert len(ask(client)) == 1
    assert (len(asked), len(set(asked)), client.retries) == (times + 1, 1, times)


@pytest.mark.parametrize(("ask", "null"), [(ask, null) for ask, _, null in _KINDS.values()], ids=_KINDS)
def test_list_that_stays_null_is_empty(
    ask: Callable[[KalshiClient], list[Any]], null: dict[str, Any]
) -> None:
    """Go writes an empty slice as null."""
    client, asked = _answering([null])
    with client:
        assert ask(client) == []
    assert (len(asked), client.retries) == (3, 2)


def test_null_page_in_the_middle_of_a_walk_is_requested_again() -> None:
    """Its cursor alone would end the walk as complete, without its records."""
    first = {"trades": [_TRADE], "cursor": "a"}
    second = {"trades": [{**_TRADE, "trade_id": "00000000-0000-4000-8000-000000000001"}], "cursor": "b"}
    client, asked = _answering([first, {**second, "trades": None}, second, {"trades": []}])
    with client:
        assert len(_of_trades(client)) == 2
    assert [httpx.URL(url).params.get("cursor") for url in asked] == [None, "a", "a", "b", "b", "b"]
