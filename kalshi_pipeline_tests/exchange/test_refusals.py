"""What the client takes for a final refusal, and responses that it cannot read."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import (
    ConfigurationError,
    NotFoundError,
    PayloadError,
    RefusedError,
)
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.exchange.clients import URL, answering, client_of, tickers_of
from kalshi_pipeline_tests.sandbox.walking import walk


@pytest.mark.parametrize(
    ("status", "headers", "error", "advice"),
    [
        pytest.param(
            301,
            {"location": "https://new.test/v3/markets/M"},
            RefusedError,
            "answered 301, a redirect to new.test: set KALSHI_API_URL=https://new.test/v3",
            id="moved",
        ),
        pytest.param(
            308,
            {"location": "https://user:secret@new.test:8443/v3/markets/M?token=secret#secret"},
            RefusedError,
            "answered 308, a redirect to new.test: set KALSHI_API_URL=https://new.test:8443/v3",
            id="moved-with-secrets",
        ),
        pytest.param(
            302,
            {"location": "/sign-in?next=%2Fmarkets%2FM"},
            RefusedError,
            "answered 302, a redirect to http://exchange.test/sign-in, which is not an address of this API: check "
            "KALSHI_API_URL, and whether a proxy or a login page of this network is in the way",
            id="login-page",
        ),
        pytest.param(
            407,
            {},
            RefusedError,
            "answered 407: the proxy wants a user and a password; put them into HTTP_PROXY, HTTPS_PROXY or ALL_PROXY",
            id="proxy",
        ),
        pytest.param(
            400,
            {},
            RefusedError,
            "answered 400: the exchange refuses this request; check whether its API has changed",
            id="bad-request",
        ),
        pytest.param(
            401,
            {},
            RefusedError,
            "answered 401: market data needs no key, so check KALSHI_API_URL and whether a proxy is in the way",
            id="unauthorized",
        ),
        pytest.param(
            '403 {"error":{"code":"forbidden"}}',
            {},
            RefusedError,
            "answered 403 (forbidden): market data needs no key, so check KALSHI_API_URL and whether a proxy is in the "
            "way",
            id="forbidden",
        ),
        pytest.param(
            "404 {}",
            {},
            NotFoundError,
            "answered 404: the exchange does not know it; check the ticker and KALSHI_API_URL",
            id="not-found",
        ),
        pytest.param(
            410,
            {},
            RefusedError,
            "answered 410: the exchange refuses this request; check whether its API has changed",
            id="gone",
        ),
    ],
)
def test_refusal_is_not_retried(
    status: int | str, headers: dict[str, str], error: type[RefusedError], advice: str
) -> None:
    code, _, body = str(status).partition(" ")
    status = int(code)
    with client_of(answering(status, body, **headers)) as client:
        with pytest.raises(RefusedError) as refusal:
            client.fetch_market("M")
        assert (client.requests, client.retries) == (1, 0)
    assert type(refusal.value) is error
    assert (str(refusal.value), refusal.value.status) == (f"{URL}/markets/M {advice}", status)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(
            '{"error":{"code":"bad_request","message":"bad request","details":"invalid status filter"}}',
            " (bad request: invalid status filter)",
            id="nested",
        ),
        pytest.param(
            '{"error":{"code":"bad_request","message":"bad request","service":"markets"}}',
            " (bad request)",
            id="nested-with-service",
        ),
        pytest.param('{"error":{"code":"bad_request"}}', " (bad_request)", id="nested-code-alone"),
        pytest.param('{"code":"bad_request","message":"m","details":"d"}', " (m: d)", id="flat"),
        pytest.param('{"error": "too many requests"}', " (too many requests)", id="text"),
        pytest.param('{"error": ""}', "", id="blank-text"),
        pytest.param("{}", "", id="empty-object"),
        pytest.param("<html><h1>400</h1></html>", "", id="html"),
        pytest.param("", "", id="empty"),
        pytest.param(b"\xff\xfe\x00", "", id="bytes"),
    ],
)
def test_error_body_of_any_form_is_reported(body: str | bytes, said: str) -> None:
    with client_of(answering(400, body)) as client, pytest.raises(RefusedError) as refusal:
        client.fetch_market("M")
    assert str(refusal.value) == (
        f"{URL}/markets/M answered 400{said}: the exchange refuses this request; check whether its API has changed"
    )


def test_sandbox_refuses_a_listing_for_good(client: KalshiClient) -> None:
    with pytest.raises(RefusedError, match=r"answered 400 \(bad request: "):
        tickers_of(client, mve_filter="some")
    assert (client.requests, client.retries) == (5, 0)  # pages of 1000, 500, 250, 125 and 100


def test_unknown_tickers_are_not_found(client: KalshiClient) -> None:
    for fetch in (client.fetch_market, client.fetch_event, client.fetch_series):
        with pytest.raises(NotFoundError, match=r"answered 404 \(not found\): the exchange does not know it"):
            fetch("NO-SUCH-TICKER")


def test_listing_of_an_unknown_series_is_not_found(client: KalshiClient, raw: httpx.Client) -> None:
    known = raw.get("/series").json()["series"][0]["ticker"]
    listing = client.list_series(series=[known, "NO-SUCH-SERIES"], walk_seconds=60)
    with pytest.raises(NotFoundError):
        list(listing)
    assert (listing.pages, listing.complete) == (1, False)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://", id="no-host"),
        pytest.param("exchange.test/v2", id="no-scheme"),
        pytest.param("gopher://exchange.test", id="other-scheme"),
        pytest.param("http://exchange.test:port", id="port-in-words"),
    ],
)
def test_unusable_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^KALSHI_API_URL.* is not .*; change it$"):
        KalshiClient(url)


def test_cursor_that_is_too_long_is_named_after_its_page_was_read() -> None:
    body = {"markets": [{"ticker": "M", "event_ticker": "E"}], "cursor": "c" * 200_000}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    with KalshiClient("http://exchange", transport=transport) as client:
        listing = client.list_markets(
            status=StatusFilter.OPEN, mve_filter=None, max_pages=None, walk_seconds=60
        )
        pages = iter(listing)
        assert [market.ticker for market in next(pages).records] == ["M"]
        with pytest.raises(RefusedError) as refusal:
            next(pages)
    assert str(refusal.value) == (
        "http://exchange/markets cannot be requested: its parameter 'cursor' has 200,000 characters; run again, and "
        "if it happens again, check whether the API has changed"
    )


# Unreadable responses.


@pytest.mark.parametrize(
    ("begin", "key"),
    [
        pytest.param(
            lambda client: client.list_markets(
                status=StatusFilter.OPEN, mve_filter=None, max_pages=None, walk_seconds=60
            ),
            "markets",
            id="markets",
        ),
        pytest.param(
            lambda client: client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60),
            "events",
            id="events",
        ),
        pytest.param(
            lambda client: client.list_combo_events(max_pages=9, walk_seconds=60), "events", id="combo-events"
        ),
        pytest.param(lambda client: client.list_series(walk_seconds=60), "series", id="series"),
    ],
)
def test_missing_envelope_key_stops_the_listing(
    client: KalshiClient, sandbox: Sandbox, begin: Callable[[KalshiClient], Listing[Any]], key: str
) -> None:
    """It is not an empty list, and a retry would not help."""
    sandbox.faults = Faults(missing_key=True)
    listing = begin(client)
    with pytest.raises(PayloadError, match=f"has no '{key}'"):
        list(listing)
    assert (client.requests, client.retries, listing.complete) == (1, 0, False)


def test_single_object_without_its_key_is_an_error(
    client: KalshiClient, raw: httpx.Client, sandbox: Sandbox
) -> None:
    ticker = raw.get("/markets", params={"limit": 1}).json()["markets"][0]["ticker"]
    sandbox.faults = Faults(missing_key=True)
    with pytest.raises(PayloadError, match="has no 'market'"):
        client.fetch_market(ticker)


def test_unreadable_records_are_set_aside_and_everything_else_is_listed(
    client: KalshiClient, raw: httpx.Client, sandbox: Sandbox
) -> None:
    """Every listed record was either read or rejected."""
    sandbox.faults = Faults(unreadable=0.1)
    rows: list[object] = list(
        walk(raw, "/markets", "markets", limit=1000, status="open", mve_filter="exclude")
    )
    listing = client.list_markets(
        status=StatusFilter.OPEN, mve_filter="exclude", max_pages=None, walk_seconds=60
    )
    pages = list(listing)
    raws = [json.loads(reject.raw) for page in pages for reject in page.rejects]
    records = [record.ticker for page in pages for record in page.records]
    assert 60 < len(raws) < 180
    assert raws == [row for row in rows if not isinstance(row, dict) or row.get("ticker") not in records]
    assert (listing.received, len(records) + len(raws), listing.complete) == (1200, 1200, True)


def test_unknown_words_are_kept(client: KalshiClient, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(unknown_words=True)
    listing = client.list_markets(
        status=StatusFilter.OPEN, mve_filter="exclude", max_pages=None, walk_seconds=60
    )
    words = {(record.status, record.market_type) for page in listing for record in page.records}
    assert {("active", "binary"), ("auctioning", "perpetual")} <= words


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"[" * 100_000, ""), (b'{"error": null}', "")],
    ids=["deeper than any parser goes", "null"],
)
def test_error_body_that_says_nothing_adds_nothing(body: bytes, said: str) -> None:
    with (
        client_of(lambda _: httpx.Response(400, content=body)) as client,
        pytest.raises(RefusedError) as refusal,
    ):
        client.fetch_market("M")
    assert f"answered 400{said}:" in str(refusal.value)
