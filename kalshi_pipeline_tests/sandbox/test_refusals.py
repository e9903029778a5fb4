"""The requests that the exchange refuses, and its answers."""

import httpx
import pytest

from kalshi_pipeline.sandbox import RateLimit
from kalshi_pipeline.sandbox.http.limits import TokenBucket
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.sandbox.conftest import Start
from kalshi_pipeline_tests.sandbox.walking import read

TOO_MANY = ",".join(f"T{number}" for number in range(201))
REFUSED = [
    "/markets?limit=1001",
    "/markets?limit=-1",
    "/markets?limit=ten",
    "/markets?status=finalized",
    "/markets?status=active",
    "/markets?status=open,closed",
    "/markets?mve_filter=include",
    "/markets?cursor=garbage",
    "/markets?cursor=!!!",
    f"/markets?tickers={TOO_MANY}",
    "/markets?min_created_ts=soon",
    "/markets?min_created_ts=1&min_close_ts=1",
    "/markets?min_created_ts=1&status=closed",
    "/markets?min_close_ts=1&status=open",
    "/markets?max_settled_ts=1&status=open",
    "/markets?min_updated_ts=1&status=open",
    "/markets?min_updated_ts=1&mve_filter=only",
    "/markets?min_updated_ts=1&series_ticker=KXCPI",
    "/markets?min_updated_ts=1&event_ticker=KXCPI-1",
    "/events?limit=201",
    "/events?limit=0",
    "/events?status=paused",
    "/events?with_nested_markets=maybe",
    f"/events?tickers={TOO_MANY}",
    "/events/multivariate?limit=201",
    "/events/multivariate?series_ticker=A&collection_ticker=B",
    "/markets/trades?limit=1001",
    "/markets/trades?is_block_trade=sometimes",
    "/historical/markets?limit=1001",
    "/historical/markets?mve_filter=only",
    "/historical/markets?mve_filter=exclude&series_ticker=A",
    "/historical/markets?event_ticker=A&series_ticker=B",
    "/markets/orderbooks",
    "/markets/orderbooks?" + "&".join(f"tickers=T{number}" for number in range(101)),
    "/markets/candlesticks?start_ts=1&end_ts=2&period_interval=1",
    "/markets/candlesticks?market_tickers=A&start_ts=1&end_ts=2&period_interval=0",
    "/markets/candlesticks?market_tickers=A&end_ts=2&period_interval=1",
    "/series/A/markets/B/candlesticks?start_ts=1&end_ts=2&period_interval=5",
]


@pytest.mark.parametrize("path", REFUSED, ids=[path[:60] for path in REFUSED])
def test_bad_request_is_refused(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_request"


ALLOWED = [
    "/markets?min_created_ts=1&status=open",
    "/markets?min_close_ts=1&status=closed",
    "/markets?min_settled_ts=1&status=settled",
    "/markets?min_updated_ts=1&mve_filter=exclude&series_ticker=KXCPI",
    "/markets?limit=0",
    "/markets?limit=1000&cursor=",
    "/events?limit=200",
    "/markets/trades?limit=1000",
    "/historical/markets?mve_filter=exclude",
]


@pytest.mark.parametrize("path", ALLOWED)
def test_request_at_a_limit_is_answered(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_bad_request_has_the_recorded_body(client: httpx.Client) -> None:
    status = {"error": {"code": "bad_request", "message": "bad request", "details": "invalid status filter"}}
    assert client.get("/markets?status=finalized").json() == status
    assert client.get("/markets?limit=1001").json() == {
        "error": {"code": "bad_request", "message": "bad request"}
    }


@pytest.mark.parametrize(
    "path",
    [
        "/markets/NOPE",
        "/markets/NOPE/orderbook",
        "/events/NOPE",
        "/series/NOPE",
        "/historical/markets/NOPE",
        "/nope",
    ],
)
def test_unknown_object_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json() == {"error": {"code": "not_found", "message": "not found"}}


def test_cursor_belongs_to_its_query(client: httpx.Client) -> None:
    cursor = read(client, "/markets", status="open", limit=5)["cursor"]
    assert read(client, "/markets", status="open", limit=9, cursor=cursor)["markets"]
    assert client.get("/markets", params={"status": "closed", "cursor": cursor}).status_code == 400
    assert client.get("/events", params={"status": "open", "cursor": cursor}).status_code == 400


def test_cursor_is_unpadded_base64url(client: httpx.Client) -> None:
    cursor = read(client, "/markets", limit=1)["cursor"]
    assert cursor
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_trailing_slash_is_redirected(client: httpx.Client) -> None:
    response = client.get("/markets/?limit=2")
    assert response.status_code == 301
    assert response.headers["location"] == "/trade-api/v2/markets?limit=2"


def test_post_is_not_allowed(client: httpx.Client) -> None:
    assert client.post("/markets").status_code == 405


def test_rate_limit_answers_429_without_retry_after(start: Start) -> None:
    _, client = start(limit=RateLimit(requests_per_second=0.001, burst=2))
    answers = [client.get("/exchange/status") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].text == '{"error": "too many requests"}'
    assert "retry-after" not in answers[2].headers


def test_answer_is_compressed_only_for_clients_that_accept_it(client: httpx.Client) -> None:
    packed = client.get("/markets")
    plain = client.get("/markets", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


def test_tokens_of_the_rate_limit_come_back_with_time_and_are_saved_up_to_a_burst() -> None:
    clock = ManualClock()
    bucket = TokenBucket(RateLimit(requests_per_second=2, burst=3), clock.monotonic)

    def taken_after(seconds: float) -> int:
        clock.advance(seconds)
        return sum(bucket.take() for _ in range(10))

    assert [taken_after(seconds) for seconds in (0, 0.25, 0.25, 1, 3600)] == [3, 0, 1, 2, 3]
