"""The client's requests and their results, over HTTP against the sandbox, and over an httpx transport for odd cases.

Its clock is frozen and jumps when the client pauses. Tests of a single decision stop the client before its pause:
`Stop` is raised when it reports a retry.
"""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest

from kalshi_pipeline.errors import (
    NotFoundError,
    PayloadError,
)
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import StatusFilter, Tier
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.exchange.clients import (
    EMPTY,
    SPACING_MICROS,
    URL,
    answering,
    client_of,
    tickers_of,
)
from kalshi_pipeline_tests.sandbox.walking import walk


def test_client_lists_every_market(client: KalshiClient, raw: httpx.Client) -> None:
    listing = client.list_markets(
        status=StatusFilter.OPEN, mve_filter="exclude", max_pages=None, walk_seconds=60
    )
    pages = list(listing)
    rows = walk(raw, "/markets", "markets", limit=1000, status="open", mve_filter="exclude")
    assert [record.ticker for page in pages for record in page.records] == [row["ticker"] for row in rows]
    assert [len(page.records) for page in pages] == [1000, 200]
    assert (listing.pages, listing.received, listing.duplicates) == (2, 1200, 0)
    assert (listing.complete, listing.reason, client.requests, client.retries) == (True, None, 2, 0)
    assert [page.received_at for page in pages] == [NOON, NOON + SPACING_MICROS]


@pytest.mark.parametrize(
    ("mve_filter", "count"),
    [
        pytest.param("exclude", 1200, id="exclude"),
        pytest.param("only", 40, id="only"),
        pytest.param(None, 1240, id="both"),
    ],
)
def test_client_lists_the_scope_of_combos(client: KalshiClient, mve_filter: str | None, count: int) -> None:
    assert len(set(tickers_of(client, mve_filter=mve_filter))) == count


def test_client_lists_every_event_and_series(client: KalshiClient, raw: httpx.Client) -> None:
    events = client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60)
    assert [record.ticker for page in events for record in page.records] == [
        row["event_ticker"] for row in walk(raw, "/events", "events", limit=200, status="open")
    ]
    series = client.list_series(walk_seconds=60)
    assert [record.ticker for page in series for record in page.records] == [
        row["ticker"] for row in raw.get("/series").json()["series"]
    ]
    combos = client.list_combo_events(max_pages=9, walk_seconds=60)
    assert [record.ticker for page in combos for record in page.records] == [
        row["event_ticker"] for row in walk(raw, "/events/multivariate", "events", limit=200)
    ]
    assert (events.complete, series.complete, combos.complete) == (True, True, True)


def test_client_narrows_listings_to_series(client: KalshiClient, raw: httpx.Client) -> None:
    series = [row["ticker"] for row in raw.get("/series").json()["series"]][:3]
    markets = {
        row["ticker"]
        for ticker in series
        for row in walk(raw, "/markets", "markets", status="open", mve_filter="exclude", series_ticker=ticker)
    }
    assert set(tickers_of(client, series=series)) == markets
    (first, second, third) = client.list_series(series=series, walk_seconds=60)
    assert [page.records[0].ticker for page in (first, second, third)] == series


def test_client_reads_single_objects(client: KalshiClient, clock: ManualClock, raw: httpx.Client) -> None:
    market = raw.get("/markets", params={"status": "open", "limit": 1}).json()["markets"][0]
    clock.advance(90)
    answer = client.fetch_market(market["ticker"])
    outcome = OUTCOMES.parse_one(json.dumps({"market": market}).encode(), "market").records
    assert (answer.records, answer.received_at) == (outcome, NOON + 90_000_000)
    event = raw.get(f"/events/{market['event_ticker']}").json()["event"]
    events = EVENTS.parse(json.dumps({"events": [event]}).encode()).records
    assert client.fetch_event(market["event_ticker"]).records == events
    series = raw.get(f"/series/{event['series_ticker']}").json()["series"]
    all_series = SERIES.parse(json.dumps({"series": [series]}).encode()).records
    assert client.fetch_series(event["series_ticker"]).records == all_series


@pytest.mark.parametrize(
    "fetch",
    [
        pytest.param(lambda client: client.fetch_market("ASKED"), id="market"),
        pytest.param(lambda client: client.fetch_market("ASKED", Tier.HISTORICAL), id="historical market"),
        pytest.param(lambda client: client.fetch_event("ASKED"), id="event"),
        pytest.param(lambda client: client.fetch_series("ASKED"), id="series"),
    ],
)
def test_single_object_of_another_ticker_is_refused(fetch: Callable[[KalshiClient], object]) -> None:
    """Storing it would record another object as the requested one."""
    body = {
        "market": {"ticker": "OTHER", "event_ticker": "E"},
        "event": {"event_ticker": "OTHER", "series_ticker": "S"},
        "series": {"ticker": "OTHER"},
    }
    with (
        client_of(answering(200, json.dumps(body))) as client,
        pytest.raises(PayloadError, match="the exchange returned OTHER instead of ASKED; check"),
    ):
        fetch(client)


def events_asked_for(client: KalshiClient, tickers: Sequence[str]) -> list[str]:
    return [event.ticker for page in client.iter_events(tickers) for event in page.records]


def test_client_fetches_the_events_requested_and_leaves_out_others(
    client: KalshiClient, raw: httpx.Client
) -> None:
    known = [row["event_ticker"] for row in walk(raw, "/events", "events", limit=200)][:3]
    asked = [known[2], "NO-SUCH-EVENT", known[0]]
    assert set(events_asked_for(client, asked)) == {known[2], known[0]}


@pytest.mark.parametrize(
    ("ask", "requests"),
    [
        pytest.param(
            lambda client: list(
                client.list_markets(
                    status=StatusFilter.OPEN, mve_filter="exclude", max_pages=None, walk_seconds=9
                )
            ),
            ["/markets?limit=1000&status=open&mve_filter=exclude"],
            id="markets",
        ),
        pytest.param(
            lambda client: list(
                client.list_markets(
                    status=StatusFilter.SETTLED,
                    mve_filter=None,
                    series=["A", "B"],
                    max_pages=None,
                    walk_seconds=9,
                )
            ),
            [
                "/markets?limit=1000&status=settled&series_ticker=A",
                "/markets?limit=1000&status=settled&series_ticker=B",
            ],
            id="markets-of-series-with-combos",
        ),
        pytest.param(
            lambda client: list(client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=9)),
            ["/events?limit=200&status=open"] * 3,  # it is empty
            id="events",
        ),
        pytest.param(
            lambda client: list(client.list_combo_events(max_pages=1, walk_seconds=9)),
            ["/events/multivariate?limit=200"],
            id="combo-events",
        ),
        pytest.param(lambda client: list(client.list_series(walk_seconds=9)), ["/series"], id="series"),
        pytest.param(
            lambda client: list(client.iter_events(["A", "B"])),
            ["/events?limit=200&tickers=A%2CB"],
            id="events-by-ticker",
        ),
    ],
)
def test_client_asks_what_the_contract_says(
    ask: Callable[[KalshiClient], object], requests: list[str]
) -> None:
    """It requests each endpoint's largest page size."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=EMPTY)

    with client_of(answer) as client:
        ask(client)
        assert client.requests == len(requests)
    assert [str(request.url) for request in asked] == [URL + request for request in requests]
    assert {request.method for request in asked} == {"GET"}
    assert {request.headers["accept"] for request in asked} == {"application/json"}
    assert all(request.headers["user-agent"].startswith("kalshi-pipeline/") for request in asked)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        pytest.param("0", 0, id="none"),
        pytest.param("15", 15, id="seconds"),
        pytest.param("3600", 3600, id="an hour"),
        pytest.param("3601", None, id="more than an hour"),
        pytest.param("9" * 5_000, None, id="too long"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("3, 5", None, id="two of them"),
        pytest.param("", None, id="blank"),
        pytest.param("soon", None, id="a word"),
    ],
)
def test_answer_of_a_cache_is_dated_by_its_age(clock: ManualClock, said: str, seconds: int | None) -> None:
    """An impossible age is ignored and counted."""
    body = json.dumps({**EMPTY, "market": {"ticker": "M", "event_ticker": "E"}})
    with client_of(answering(200, body, age=said), clock=clock) as client:
        listing = client.list_markets(
            status=StatusFilter.OPEN, mve_filter=None, max_pages=None, walk_seconds=60
        )
        lookup = client.tiers.iter_outcomes(["M"], Tier.LIVE, walk_seconds=60)
        dated = [page.received_at for pages in (listing, lookup) for page in pages]
        dated.append(client.fetch_market("M").received_at)
        sent = [NOON + number * SPACING_MICROS for number in range(3)]
        assert dated == [at - (seconds or 0) * MICROS_PER_SECOND for at in sent]
        assert client.take_answer_ages() == ((0, 3) if seconds is None else (seconds, 0))
        assert client.take_answer_ages() == (0, 0)


def test_age_of_other_answers_is_not_read(clock: ManualClock) -> None:
    with client_of(answering(200, json.dumps({**EMPTY, "orderbooks": []}), age="15"), clock=clock) as client:
        lookup = client.tiers.iter_outcomes(["M"], Tier.HISTORICAL, walk_seconds=60)
        assert [page.received_at for page in lookup] == [NOON]
        assert client.tiers.fetch_order_books(["M"]).received_at == NOON + SPACING_MICROS
        assert client.take_answer_ages() == (0, 0)


@pytest.mark.parametrize(
    ("ticker", "path"),
    [
        pytest.param("KXBTC-26OCT06-T65000.5", "KXBTC-26OCT06-T65000.5", id="ordinary"),
        pytest.param("A/B?c=d#e", "A%2FB%3Fc%3Dd%23e", id="url-characters"),
        pytest.param("Zürich 1", "Z%C3%BCrich%201", id="non-ascii"),
    ],
)
def test_ticker_stays_one_path_segment(ticker: str, path: str) -> None:
    asked: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path)
        return httpx.Response(404, json={})

    with client_of(answer) as client:
        for fetch in (client.fetch_market, client.fetch_event, client.fetch_series):
            with pytest.raises(NotFoundError):
                fetch(ticker)
    expected = [f"/trade-api/v2/{kind}/{path}" for kind in ("markets", "events", "series")]
    assert [raw_path.decode() for raw_path in asked] == expected


def test_requests_are_spaced(clock: ManualClock) -> None:
    """Retries and pages share one limit, which spaces all requests."""
    departures: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        departures.append(clock.monotonic())
        return httpx.Response(200, json=EMPTY)

    with client_of(answer, requests_per_second=400, clock=clock) as client:
        tickers_of(client, series=[f"S{number}" for number in range(20)])
    assert departures == pytest.approx([number * 1.02 / 400 for number in range(20)])


def test_client_with_a_share_passes_both_limits(clock: ManualClock, tmp_path: Path) -> None:
    """A backfill has half of the limit; other requests have all of it, and backfill requests count towards it."""
    options = {"requests_per_second": 100, "limit_file": tmp_path / "limit", "clock": clock}
    departures: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        departures.append(clock.monotonic())
        return httpx.Response(200, json=EMPTY)

    with client_of(answer, **options) as whole, client_of(answer, share=0.5, **options) as half:
        for client in (half, half, whole, half, half):
            tickers_of(client)
    assert departures == pytest.approx([number * 1.02 / 100 for number in (0, 2, 3, 4, 6)])


def test_client_counts_all_its_requests() -> None:
    statuses = itertools.cycle([200, 404])
    with client_of(lambda _: httpx.Response(next(statuses), json=EMPTY)) as client:
        tickers_of(client)
        with pytest.raises(NotFoundError):
            client.fetch_market("M")
        tickers_of(client)
        assert (client.requests, client.retries) == (3, 0)


def test_lookup_of_events_continues_on_the_next_page() -> None:
    """An answer may be split into pages, even below its limit."""

    def answer(request: httpx.Request) -> httpx.Response:
        is_second = "cursor" in request.url.params
        events = [{"event_ticker": "B" if is_second else "A"}]
        return httpx.Response(200, json={"events": events, "cursor": "" if is_second else "next"})

    with client_of(answer) as client:
        assert events_asked_for(client, ["A", "B"]) == ["A", "B"]


def test_exchange_that_ignores_the_tickers_is_asked_once() -> None:
    """`tickers` dates from June 2026. Before, the answer is the first page of all events."""
    unasked = httpx.Response(200, json={"events": [{"event_ticker": "OTHER"}], "cursor": "next"})
    with client_of(lambda _: unasked) as client:
        assert events_asked_for(client, ["A", "B"]) == []
        assert client.requests == 1


def test_lookup_of_events_leaves_others_out_and_counts_them() -> None:
    rows = [{"event_ticker": ticker} for ticker in ("A", "OTHER", "A", "ANOTHER")]
    with client_of(lambda _: httpx.Response(200, json={"events": rows, "cursor": ""})) as client:
        (page,) = client.iter_events(["A", "B"])
    assert ([event.ticker for event in page.records], dict(page.out_of_scope)) == (["A"], {"tickers": 2})
