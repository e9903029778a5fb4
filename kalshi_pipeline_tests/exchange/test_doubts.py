"""Pages that may be mistakes of the exchange: they are requested again, and believed if they stay so."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.document_pages import DocumentEndpoint
from kalshi_pipeline.vocabulary import StatusFilter, Tier
from kalshi_pipeline_tests.exchange.clients import client_of

_NOON = 1_790_000_000_000_000
_LONG = "x" * 20_000


def _trade(number: int) -> dict[str, str]:
    return {
        "trade_id": f"00000000-0000-4000-8000-{number:012}",
        "ticker": "M",
        "count_fp": "1.00",
        "yes_price_dollars": "0.5000",
        "no_price_dollars": "0.5000",
        "taker_side": "yes",
        "created_time": "2026-09-21T14:13:20Z",
    }


def _trades(*numbers: int) -> list[dict[str, str]]:
    return [_trade(number) for number in numbers]


def _walked(client: KalshiClient) -> list[str]:
    listing = client.tiers.list_trades(Tier.LIVE, start=_NOON, end=_NOON + 10**9, walk_seconds=60)
    found = [str(trade.trade_id)[-1] for page in listing for trade in page.records]
    assert listing.complete
    return found


def _client(answers: list[Any], **options: Any) -> tuple[KalshiClient, list[httpx.Request]]:
    """Return a client that gets these answers, the last one for ever, and the list of its requests."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers[min(len(asked), len(answers)) - 1]
        status, body = given if isinstance(given, tuple) else (200, given)
        return httpx.Response(status, content=body if isinstance(body, str) else json.dumps(body))

    return client_of(answer, on_retry=lambda _: None, **options), asked


_FIRST = {"trades": _trades(1, 2), "cursor": "a"}
_SECOND = {"trades": _trades(3, 4), "cursor": "b"}
_LAST = {"trades": _trades(5), "cursor": ""}
_ALL = ["1", "2", "3", "4", "5"]
_MISTAKES: dict[str, Any] = {
    "empty page with its cursor": {"trades": [], "cursor": "b"},
    "empty page that ends the listing": {"trades": [], "cursor": ""},
    "empty page without a cursor": {"trades": []},
    "page that ends early": {"trades": _trades(3), "cursor": ""},
    "page without a cursor": {"trades": _trades(3)},
    "page with a null cursor": {"trades": _trades(3), "cursor": None},
    "records under another name": {"trades": [], "data": _trades(3, 4), "cursor": "b"},
    "records in an object": {"trades": [], "data": {"trades": _trades(3, 4)}, "cursor": "b"},
    "cursor under another name": {"trades": _trades(3), "nextCursor": "b"},
    "cursor in an object": {"trades": _trades(3), "next": {"cursor": "b"}},
    "more without a cursor": {"trades": _trades(3), "has_more": True},
    "error beside an empty list": {"trades": [], "error": {"message": "timed out"}, "cursor": ""},
    "errors beside an empty list": {"trades": [], "errors": [{"message": "timed out"}], "cursor": ""},
    "error beside a part of a long page": {
        "trades": [{**_trade(3), "note": _LONG}],
        "error": {"message": "timed out"},
        "cursor": "b",
    },
    "code and message beside an empty list": {
        "trades": [],
        "code": "timeout",
        "message": "x",
        "cursor": "b",
    },
    "null instead of each record": {"trades": [None, None], "cursor": "b"},
    "null instead of a record": {"trades": [*_trades(3), None], "cursor": "b"},
    "records in objects": {"trades": [{"trade": trade} for trade in _trades(3, 4)], "cursor": "b"},
    "empty objects": {"trades": [{}, {}], "cursor": "b"},
    "the list twice, then empty": '{"trades": [{"trade_id": "x"}], "cursor": "b", "trades": []}',
    "202": (202, {"trades": [], "cursor": ""}),
    "206": (206, {"trades": _trades(3), "cursor": ""}),
}


@pytest.mark.parametrize("mistake", _MISTAKES.values(), ids=_MISTAKES)
def test_page_with_a_mistake_is_requested_again(mistake: Any) -> None:
    """Each would make a day of trades complete without some of them."""
    client, asked = _client([_FIRST, mistake, _SECOND, _LAST])
    with client:
        assert _walked(client) == _ALL
    assert [request.url.params.get("cursor") for request in asked] == [None, "a", "a", "b", "b"]


def test_first_page_of_a_day_that_is_empty_by_mistake_is_requested_again() -> None:
    client, _ = _client([{"trades": [], "cursor": ""}, _FIRST, _SECOND, _LAST])
    with client:
        assert _walked(client) == _ALL


def test_page_with_a_mistake_is_requested_past_caches() -> None:
    client, asked = _client([_FIRST, {"trades": [], "cursor": ""}, _SECOND, _LAST])
    with client:
        _walked(client)
    assert [request.headers.get("cache-control") for request in asked[:4]] == [None, None, "no-cache", None]


@pytest.mark.parametrize(
    "end",
    [{"trades": [], "cursor": ""}, {"trades": []}, {"trades": _trades(5)}],
    ids=["empty", "empty without a cursor", "without a cursor"],
)
def test_unusual_end_that_stays_is_believed(end: dict[str, Any]) -> None:
    client, asked = _client([_FIRST, _SECOND, end])
    with client:
        assert _walked(client) == _ALL[: 4 + len(end["trades"])]
    assert (len(asked), client.retries) == (5, 2)


def test_day_without_trades_is_believed() -> None:
    client, asked = _client([{"trades": [], "cursor": ""}])
    with client:
        assert _walked(client) == []
    assert len(asked) == 3


def test_fuller_answer_is_believed() -> None:
    """The second answer may be the mistake."""
    client, _ = _client([_LAST, {"trades": [], "cursor": ""}, {"trades": [], "cursor": ""}])
    with client:
        assert _walked(client) == ["5"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"trades": [], "data": _trades(3, 4), "cursor": ""}, "it has its records under 'data'"),
        ({"trades": _trades(3), "nextCursor": "b"}, "it has no cursor but 'nextCursor'"),
        ({"trades": [], "errors": ["timed out"], "cursor": ""}, r"an error \(timed out\)"),
    ],
)
def test_answer_that_stays_wrong_is_an_error(answer: dict[str, Any], message: str) -> None:
    client, _ = _client([_FIRST, answer], retry_seconds=1)
    with client, pytest.raises(TransientExchangeError, match=message):
        _walked(client)


def test_milestones_beside_no_events_are_not_the_events() -> None:
    client, _ = _client([{"events": [], "milestones": [{"id": "a"}], "cursor": ""}])
    with client:
        listing = client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60)
        assert [page.records for page in listing] == [[]]


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (
            lambda client: client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60),
            "events",
        ),
        (lambda client: client.list_series_fee_changes(walk_seconds=60), "series_fee_change_arr"),
        (
            lambda client: client.list_event_fee_changes(max_pages=None, walk_seconds=60),
            "event_fee_changes",
        ),
        (
            lambda client: client.list_documents(
                DocumentEndpoint("/milestones", "milestones", {"limit": 500}), max_pages=None, walk_seconds=60
            ),
            "milestones",
        ),
    ],
    ids=["events", "fee changes of series", "fee changes of events", "milestones"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_listing_that_is_empty_by_mistake_is_requested_again(
    ask: Callable[[KalshiClient], Any], name: str, times: int
) -> None:
    row = {"id": "a", "event_ticker": "E", "series_ticker": "S"}
    client, asked = _client([*[{name: [], "cursor": ""}] * times, {name: [row], "cursor": ""}])
    with client:
        assert [len(page.records) + len(page.rejects) for page in ask(client)] == [1]
    assert len(asked) >= times + 1


def test_exchange_that_always_ends_without_a_cursor_is_asked_again_once() -> None:
    client, asked = _client([{"markets": [{"ticker": "M", "event_ticker": "E"}]}])
    with client:
        for _ in range(3):
            for _page in client.list_markets(
                status=StatusFilter.OPEN, mve_filter=None, max_pages=None, walk_seconds=60
            ):
                pass
    assert len(asked) == 3 + 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: [*client.iter_events(["E"])],
        lambda client: [*client.tiers.iter_outcomes(["M"], Tier.LIVE, walk_seconds=60)],
        lambda client: [
            *client.list_markets(status=StatusFilter.OPEN, mve_filter=None, max_pages=None, walk_seconds=60)
        ],
    ],
    ids=["events by ticker", "markets by ticker", "open markets"],
)
def test_empty_answer_that_look_ups_would_contradict_is_believed(ask: Callable[[KalshiClient], Any]) -> None:
    names = ("events", "markets")
    client, asked = _client([{"cursor": "", **{name: [] for name in names}}])
    with client:
        ask(client)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "odd",
    [[None], [{}], [[]], [None, {"end_period_ts": 1_790_000_000}], [{"candlestick": {"end_period_ts": 1}}]],
    ids=["null", "empty object", "empty list", "null beside one", "in an object"],
)
@pytest.mark.parametrize("is_batch", [True, False], ids=["live", "historical"])
def test_unreadable_candlesticks_are_requested_again(odd: list[Any], is_batch: bool) -> None:
    candlesticks = [{"end_period_ts": 1_790_000_000 + 60 * minute} for minute in range(2)]

    def answer(rows: list[Any]) -> dict[str, Any]:
        return {"markets": [{"market_ticker": "M", "candlesticks": rows}], "candlesticks": rows}

    client, asked = _client([answer(odd), answer(candlesticks)])
    with client:
        if is_batch:
            found = client.tiers.fetch_candlesticks(["M"], start=0, end=_NOON, period_minutes=1)
        else:
            found = client.tiers.fetch_historical_candlesticks("M", start=0, end=_NOON, period_minutes=1)
    assert [len(market.candlesticks) for market in found.content.records] == [2]
    assert len(asked) == 2


def test_candlesticks_of_another_market_are_requested_again() -> None:
    """The answer to another request would be stored under the wrong market."""
    candlestick = {"end_period_ts": 1_790_000_000, "volume_fp": "1.00", "open_interest_fp": "1.00"}
    wrong = {"ticker": "N", "candlesticks": [candlestick, candlestick]}
    client, asked = _client([wrong, {"ticker": "M", "candlesticks": [candlestick]}])
    with client:
        answer = client.tiers.fetch_historical_candlesticks("M", start=0, end=_NOON, period_minutes=60)
    assert [len(market.candlesticks) for market in answer.content.records] == [1]
    assert len(asked) == 2
