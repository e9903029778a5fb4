"""The client, over HTTP against the sandbox and its faults, and over an httpx transport for odd cases.

Its clock is frozen and jumps when the client pauses. Tests of a single decision stop the client before its pause:
`Stop` is raised when it reports a retry.
"""

import itertools
import json
import math
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from kalshi_pipeline.errors import (
    ConfigurationError,
    ExchangeError,
    NotFoundError,
    PayloadError,
    RefusedError,
    TransientExchangeError,
)
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.exchange.status import ExchangeStatus
from kalshi_pipeline.sandbox import Faults, RateLimit, Sandbox, World, WorldConfig
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline.vocabulary import StatusFilter, Tier
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.sandbox.walking import walk

Handler = Callable[[httpx.Request], httpx.Response]
URL = "http://exchange.test/trade-api/v2"
SPACING_MICROS = 1_020  # of 1000 requests a second, with the limit's margin of two hundredths
STATUS = f"{URL}/exchange/status"
EMPTY = {"markets": [], "events": [], "series": [], "cursor": ""}


class Stop(Exception):  # noqa: N818
    """Raised in place of the next retry."""


def stop(message: str) -> NoReturn:
    raise Stop(message)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=1_200, combos=40))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.faults = Faults()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(sandbox: Sandbox, clock: ManualClock) -> Iterator[KalshiClient]:
    """A client that stops where it would pause."""
    with KalshiClient(
        sandbox.url, requests_per_second=1000, retry_seconds=3600, on_retry=stop, clock=clock
    ) as client:
        yield client


@pytest.fixture
def raw(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url) as client:
        yield client


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


# Requests and their results.


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
            ["/events?limit=200&status=open"],
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


# Retries.


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        pytest.param(
            Faults(too_many=1), "answered 429 (too many requests)", id="too-many-without-retry-after"
        ),
        pytest.param(
            Faults(server_errors=1, server_error=500, error_body="nested"),
            "answered 500 (internal server error)",
            id="500-nested",
        ),
        pytest.param(
            Faults(server_errors=1, server_error=502, error_body="flat"),
            "answered 502 (bad gateway)",
            id="502-flat",
        ),
        pytest.param(
            Faults(server_errors=1, server_error=503, error_body="html"), "answered 503", id="503-html"
        ),
        pytest.param(
            Faults(server_errors=1, server_error=504, error_body="flat"),
            "answered 504 (gateway time-out)",
            id="504-flat",
        ),
        pytest.param(Faults(fail_first=1, error_body="html"), "answered 503", id="first-attempt-fails"),
        pytest.param(Faults(resets=1), "could not be reached (", id="reset"),
        pytest.param(Faults(truncated=1), "could not be reached (", id="cut-body"),
        pytest.param(
            Faults(not_json=1),
            "answered 200, but it is not JSON (there is no { at its beginning)",
            id="gateway-page",
        ),
        pytest.param(Faults(unreachable_after=0), "could not be reached (", id="unreachable"),
    ],
)
def test_transient_error_is_retried_and_leaves_the_client_usable(
    client: KalshiClient, sandbox: Sandbox, faults: Faults, reason: str
) -> None:
    sandbox.faults = faults
    with pytest.raises(Stop) as stopped:
        tickers_of(client)
    assert str(stopped.value).startswith(f"the exchange {reason}")
    assert str(stopped.value).endswith(" s")
    assert (client.requests, client.retries) == (1, 1)
    sandbox.faults = Faults()
    assert len(tickers_of(client)) == 1200


def test_rate_limit_of_the_exchange_is_reported_as_429() -> None:
    limit = RateLimit(requests_per_second=0.001, burst=1)
    with (
        Sandbox(World(WorldConfig(markets=5)), limit=limit) as sandbox,
        KalshiClient(sandbox.url, requests_per_second=1000, retry_seconds=0) as client,
    ):
        assert len(tickers_of(client)) == 5
        with pytest.raises(TransientExchangeError, match=r"answered 429 \(too many requests\)"):
            tickers_of(client)


def test_second_attempt_continues_the_listing(
    sandbox: Sandbox, clock: ManualClock, raw: httpx.Client
) -> None:
    """The retry is a request like any other, counted and reported."""
    rows = walk(raw, "/events/multivariate", "events", limit=200)
    sandbox.faults = Faults(fail_first=1, error_body="nested")
    retries: list[str] = []
    with KalshiClient(
        sandbox.url, requests_per_second=1000, retry_seconds=30, on_retry=retries.append, clock=clock
    ) as client:
        listing = client.list_combo_events(max_pages=9, walk_seconds=60)
        tickers = [record.ticker for page in listing for record in page.records]
        assert (client.requests, client.retries) == (2, 1)
    assert tickers == [row["event_ticker"] for row in rows]
    assert (listing.pages, listing.received, listing.complete) == (1, 40, True)
    (pause,) = clock.slept
    assert 0.5 <= pause <= 1
    assert retries == [f"the exchange answered 503 (service unavailable); trying again in {pause:.1f} s"]


def test_pauses_grow_until_the_retry_time_is_over(clock: ManualClock) -> None:
    """Each pause has up to half a second of jitter, so that clients that failed together do not return together."""
    with client_of(answering(503), retry_seconds=30, on_retry=lambda _: None, clock=clock) as client:
        with pytest.raises(TransientExchangeError) as failure:
            client.fetch_market("M")
        assert (client.requests, client.retries) == (7, 6)
    assert [math.floor(pause * 2) / 2 for pause in clock.slept] == [0.5, 1, 2, 4, 8, 10]
    seconds = sum(clock.slept)
    assert clock.monotonic() == pytest.approx(seconds)
    assert f"answered 503, after {seconds:.0f} s of retries" in str(failure.value)


def test_client_without_retry_time_gives_up_at_once(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(server_errors=1, server_error=503, error_body="flat")
    with KalshiClient(sandbox.url, requests_per_second=1000, retry_seconds=0, on_retry=stop) as client:
        listing = client.list_events(status=StatusFilter.OPEN, max_pages=None, walk_seconds=60)
        with pytest.raises(TransientExchangeError) as failure:
            list(listing)
        assert (client.requests, client.retries) == (1, 0)
    assert str(failure.value) == (
        f"{sandbox.url}/events answered 503 (service unavailable), after 0 s of retries: "
        "check that the exchange is up and KALSHI_API_URL is right, then run again"
    )
    assert (listing.complete, listing.pages) == (False, 0)


@pytest.mark.parametrize(("walk_seconds", "pauses"), [(0.5, 0), (1.5, 1), (3.5, 2), (7.5, 3), (100, 13)])
def test_retries_never_outlast_the_walk(clock: ManualClock, walk_seconds: float, pauses: int) -> None:
    """A pause that would outlast it is not begun. With these times, their number does not depend on jitter."""
    with client_of(answering(503), on_retry=lambda _: None, clock=clock) as client:
        with pytest.raises(TransientExchangeError, match="answered 503, after"):
            tickers_of(client, walk_seconds=walk_seconds)
        assert (client.requests, client.retries) == (1 + len(clock.slept), len(clock.slept))
    assert len(clock.slept) == pauses
    assert sum(clock.slept) < walk_seconds


def test_retries_of_a_later_page_have_what_the_earlier_ones_left(clock: ManualClock) -> None:
    """The first page has used all but 0.4 of the 60 seconds, and a pause takes at least half a second."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "cursor" in request.url.params:
            return httpx.Response(503)
        clock.advance(59.6)
        return httpx.Response(200, json={**EMPTY, "cursor": "next"})

    with client_of(answer, clock=clock, timeout_seconds=60) as client:
        with pytest.raises(TransientExchangeError, match="answered 503, after 0 s of retries"):
            tickers_of(client, walk_seconds=60)
        assert (client.requests, client.retries, clock.slept) == (2, 0, [])


def test_exchange_that_goes_away_leaves_an_incomplete_listing(sandbox: Sandbox, raw: httpx.Client) -> None:
    """The pages so far are returned, and the listing is not complete."""
    series = [row["ticker"] for row in raw.get("/series").json()["series"]][:4]
    sandbox.faults = Faults(unreachable_after=2)
    with KalshiClient(sandbox.url, requests_per_second=1000, retry_seconds=0) as client:
        listing = client.list_events(status=StatusFilter.OPEN, series=series, max_pages=None, walk_seconds=60)
        pages = iter(listing)
        next(pages)
        next(pages)
        with pytest.raises(TransientExchangeError, match="could not be reached"):
            next(pages)
    assert (listing.pages, listing.complete) == (2, False)


def test_closed_port_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/trade-api/v2"
    with (
        KalshiClient(url, retry_seconds=0) as client,
        pytest.raises(TransientExchangeError, match="could not be reached"),
    ):
        client.fetch_market("M")


def test_exchange_that_does_not_answer_in_time_is_transient() -> None:
    """This is real time, which httpx measures: the system accepts the connection, but no program answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            KalshiClient(url, timeout_seconds=0.05, retry_seconds=0) as client,
            pytest.raises(TransientExchangeError, match=r"did not complete its answer within 0.05 s"),
        ):
            client.fetch_market("M")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(httpx.ConnectError("refused"), "could not be reached (refused)", id="refused"),
        pytest.param(httpx.ConnectTimeout("late"), "could not be reached (late)", id="connect-time-out"),
        pytest.param(
            httpx.ReadTimeout(""), "could not be reached (ReadTimeout)", id="read-time-out-without-words"
        ),
        pytest.param(httpx.PoolTimeout("full"), "could not be reached (full)", id="pool-time-out"),
        pytest.param(httpx.ReadError("reset"), "could not be reached (reset)", id="reset"),
        pytest.param(httpx.RemoteProtocolError("cut"), "could not be reached (cut)", id="protocol"),
        pytest.param(httpx.ProxyError("proxy"), "could not be reached (proxy)", id="proxy"),
        pytest.param(httpx.DecodingError("gzip"), "sent a broken answer (gzip)", id="broken-compression"),
    ],
)
def test_transport_errors_are_retried(error: httpx.RequestError, reason: str) -> None:
    with client_of(failing(error)) as client, pytest.raises(Stop) as stopped:
        client.fetch_market("M")
    assert str(stopped.value).startswith(f"the exchange {reason}; trying again in ")


def test_broken_compression_on_the_wire_is_retried() -> None:
    handler = answering(200, b"no gzip", **{"content-encoding": "gzip"})
    with client_of(handler) as client, pytest.raises(Stop, match="the exchange sent a broken answer"):
        client.fetch_market("M")


@pytest.mark.parametrize(
    "status",
    [
        304,
        403,
        404,
        408,
        425,
        429,
        500,
        501,
        502,
        503,
        504,
        505,
        511,
        520,
        521,
        522,
        523,
        524,
        525,
        526,
        527,
        529,
        530,
        599,
    ],
)
def test_transient_status_is_retried(status: int) -> None:
    """This includes a 403 or a 404 without JSON, which comes from a gateway."""
    with client_of(answering(status)) as client:
        with pytest.raises(Stop, match=f"^the exchange answered {status}.*; trying again in"):
            client.fetch_market("M")
        assert (client.requests, client.retries) == (1, 1)


def test_404_of_an_endpoint_in_any_form_means_not_offered() -> None:
    """Only for a record would a 404 prove that it is gone."""
    with client_of(answering(404, "<html><title>404 Not Found</title></html>")) as client:
        with pytest.raises(NotFoundError):
            client.fetch_exchange_status()
        assert (client.requests, client.retries) == (1, 0)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(200, "", "answered 200 without a body", id="empty"),
        pytest.param(202, "", "answered 202 without a body", id="accepted"),
        pytest.param(204, "", "answered 204 without a body", id="no-content"),
        pytest.param(
            200,
            '{"error": {"code": "service_unavailable", "message": "down", "details": "shard 1"}}',
            "answered 200, but with an error (down: shard 1)",
            id="error",
        ),
        pytest.param(
            200,
            '{"error": "too many requests"}',
            "answered 200, but with an error (too many requests)",
            id="text",
        ),
        pytest.param(
            200, '{"code": "internal", "message": "m"}', "answered 200, but with an error (m)", id="flat"
        ),
        pytest.param(
            200,
            '{"error": {}, "code": 5, "markets": null, "cursor": "", "events": [], "series": []}'.replace(
                "{}", "true"
            ),
            "answered 200, but with an error (True)",
            id="error-beside-an-empty-page",
        ),
        pytest.param(200, '"busy"', "answered 200, but with an error (busy)", id="json-text"),
        pytest.param(
            200,
            "<html><title>Just a\n moment…</title></html>",
            "answered 200, but it is not JSON (",
            id="page",
        ),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(tickers_of, id="listing"),
        pytest.param(lambda client: client.fetch_market("M"), id="record"),
        pytest.param(lambda client: client.fetch_event_metadata("E", 60), id="bare-document"),
        pytest.param(lambda client: client.tiers.fetch_cutoff(), id="bare-object"),
        pytest.param(lambda client: client.tiers.fetch_order_book("M"), id="book"),
        pytest.param(lambda client: client.fetch_exchange_status(), id="status"),
    ],
)
def test_success_without_what_was_requested_is_retried(
    ask: Callable[[KalshiClient], object], status: int, body: str, reason: str
) -> None:
    """An error body is never read as an empty list, an unknown cutoff or a document."""
    with client_of(answering(status, body)) as client:
        with pytest.raises(Stop) as stopped:
            ask(client)
        assert (client.requests, client.retries) == (1, 1)
    assert str(stopped.value).startswith(f"the exchange {reason}")


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        pytest.param(
            answering(429),
            "the exchange limits requests: lower KALSHI_REQUESTS_PER_SECOND, then run again",
            id="429",
        ),
        pytest.param(
            answering(403, "<html><title>Attention Required!</title></html>"),
            "a gateway before the exchange blocks this computer: wait, lower KALSHI_REQUESTS_PER_SECOND or use another "
            "network, then run again",
            id="block",
        ),
        pytest.param(
            answering(404, "<html><title>404 Not Found</title></html>"),
            "a web page came instead of the API's answer: a gateway or a proxy is in the way, or "
            "KALSHI_API_URL is another site; check it, then run again",
            id="page-of-a-gateway",
        ),
        pytest.param(
            answering(404, "404 page not found"),
            "check that the exchange is up and KALSHI_API_URL is right, then run again",
            id="text-of-a-gateway",
        ),
        pytest.param(
            answering(200, "<html>Please wait</html>"),
            "a web page came instead of the API's answer: a gateway or a proxy is in the way, or "
            "KALSHI_API_URL is another site; check it, then run again",
            id="page",
        ),
        pytest.param(
            answering(302, location="/trade-api/v2/markets/M"),
            "a gateway before the exchange blocks this computer: wait, lower KALSHI_REQUESTS_PER_SECOND or use another "
            "network, then run again",
            id="redirect-to-itself",
        ),
        pytest.param(
            answering(503),
            "check that the exchange is up and KALSHI_API_URL is right, then run again",
            id="503",
        ),
        pytest.param(
            failing(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")),
            "its certificate is not trusted: check KALSHI_API_URL, or name your network's authority in SSL_CERT_FILE",
            id="certificate",
        ),
    ],
)
def test_final_error_names_the_next_step(answer: Handler, advice: str) -> None:
    with client_of(answer, retry_seconds=0) as client, pytest.raises(TransientExchangeError) as failure:
        client.fetch_market("M")
    assert str(failure.value).endswith(f", after 0 s of retries: {advice}")


def test_long_pause_is_reported_every_ten_seconds(clock: ManualClock) -> None:
    answers = iter([httpx.Response(503, headers={"retry-after": "35"}), httpx.Response(404, json={})])
    lines: list[str] = []
    with (
        client_of(
            lambda _: next(answers),
            retry_seconds=1,
            on_retry=lambda _: None,
            on_wait=lines.append,
            clock=clock,
        ) as client,
        client.waiting_at_most(60),
        pytest.raises(NotFoundError),
    ):
        client.fetch_market("M")
    assert lines == [f"waiting for the exchange: {left} s to go" for left in (25, 15, 5)]


def test_retry_after_is_counted_by_the_clock_of_the_exchange(clock: ManualClock) -> None:
    """This computer's clock may be wrong by hours."""
    dates = {"date": "Sun, 22 Nov 2026 15:00:00 GMT", "retry-after": "Sun, 22 Nov 2026 15:00:08 GMT"}
    answers = iter([httpx.Response(503, headers=dates), httpx.Response(404, json={})])
    with client_of(lambda _: next(answers), on_retry=lambda _: None, clock=clock) as client:
        with pytest.raises(NotFoundError):
            client.fetch_market("M")
        assert clock.monotonic() == 8


def test_requests_of_a_block_wait_no_longer_than_the_strictest_block(clock: ManualClock) -> None:
    """A run within a tick ends with the tick. After that, each request still has a short retry time."""
    handler = answering(503, **{"retry-after": "7"})
    with (
        client_of(handler, retry_seconds=10, on_retry=lambda _: None, clock=clock) as client,
        client.waiting_at_most(30),
        client.waiting_at_most(900),
    ):
        waited: list[float] = []
        for _ in range(2):
            began = clock.monotonic()
            with pytest.raises(TransientExchangeError):
                client.fetch_market("M")
            waited.append(clock.monotonic() - began)
        with client.waiting_at_most(30, at_least_seconds=0), pytest.raises(TransientExchangeError):
            client.fetch_market("M")
    assert waited == [pytest.approx(28, abs=0.1), pytest.approx(7, abs=0.1)]


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        pytest.param("7", 7, 7, id="seconds"),
        pytest.param("2.5", 2.5, 2.5, id="fraction"),
        pytest.param("300", 300, 300, id="minutes"),
        pytest.param("inf", 0.5, 1, id="infinity"),
        pytest.param("0", 0.5, 1, id="zero-has-the-usual-pause"),
        pytest.param("-5", 0.5, 1, id="negative"),
        pytest.param("nan", 0.5, 1, id="not-a-number"),
        pytest.param("", 0.5, 1, id="blank"),
        pytest.param("Wed, 07 Oct 2026 07:28:00 GMT", 0.5, 1, id="date-that-is-past"),
        pytest.param("Sun, 22 Nov 2026 12:00:45 GMT", 45, 45, id="date"),
        pytest.param("Sunday, 22-Nov-26 12:00:45 GMT", 45, 45, id="date-of-the-old-form"),
        pytest.param("Sun, 99 Nov 2026", 0.5, 1, id="no-date"),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(
    clock: ManualClock, status: int, retry_after: str, least: float, most: float
) -> None:
    """It waits up to the deadline of the run, in steps of ten seconds."""
    answers = iter(
        [httpx.Response(status, headers={"retry-after": retry_after}), httpx.Response(404, json={})]
    )
    retries: list[str] = []
    with (
        client_of(lambda _: next(answers), on_retry=retries.append, retry_seconds=30, clock=clock) as client,
        client.waiting_at_most(900),
        pytest.raises(NotFoundError),
    ):
        client.fetch_market("M")
    pause = sum(clock.slept)
    assert max(clock.slept) <= 10
    assert least <= pause <= most
    assert retries == [f"the exchange answered {status}; trying again in {pause:.1f} s"]


@pytest.mark.parametrize(
    ("most_seconds", "slept"), [(15, []), (20, []), (20.5, [10, 10])], ids=["shorter", "as long", "longer"]
)
def test_retry_after_past_the_deadline_gives_up_at_once_and_says_when_to_return(
    clock: ManualClock, most_seconds: float, slept: list[float]
) -> None:
    handler = answering(429, **{"retry-after": "20"})
    with (
        client_of(handler, retry_seconds=0.1, on_retry=lambda _: None, clock=clock) as client,
        client.waiting_at_most(most_seconds),
    ):
        with pytest.raises(TransientExchangeError) as failure:
            client.fetch_market("M")
        assert client.requests == 2 - (not slept)
    until = "12:00:40" if slept else "12:00:20"
    assert str(failure.value).endswith(
        f"answered 429, after {sum(slept)} s of retries, and asks to wait 20 s, until 2026-11-22 {until} UTC: the "
        "exchange limits requests: lower KALSHI_REQUESTS_PER_SECOND, then run again"
    )
    assert clock.slept == slept


# What is refused.


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


# Whether trading is open.


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "open"])
def test_exchange_status_is_read(client: KalshiClient, sandbox: Sandbox, paused: bool) -> None:
    sandbox.faults = Faults(paused=paused)
    assert client.fetch_exchange_status().is_paused is paused


@pytest.mark.parametrize("status", [200, 500, 503, 504])
def test_exchange_status_is_read_from_an_error_too(status: int) -> None:
    """An exchange in trouble answers 5xx with the same body."""
    body = '{"exchange_active": false, "trading_active": false}'
    with client_of(answering(status, body)) as client:
        assert client.fetch_exchange_status().is_paused is True
        assert (client.requests, client.retries) == (1, 0)


@pytest.mark.parametrize(
    ("handler", "reason", "requests"),
    [
        pytest.param(
            answering(200, "<html></html>"), f"{STATUS} answered 200, but it is not JSON (", 3, id="html"
        ),
        pytest.param(answering(503), f"{STATUS} answered 503, after ", 3, id="empty"),
        pytest.param(answering(429), f"{STATUS} answered 429, after ", 3, id="too-many"),
        pytest.param(
            answering(404, '{"error": {"code": "not_found"}}'),
            f"{STATUS} answered 404 (not_found): ",
            1,
            id="not-found",
        ),
        pytest.param(answering(200, "[]"), "the exchange's answer cannot be read: ", 1, id="no-object"),
        pytest.param(
            answering(200, '{"error": "down"}'),
            f"{STATUS} answered 200, but with an error (down), after ",
            3,
            id="error",
        ),
        pytest.param(answering(500, "{}"), f"{STATUS} answered 500, after ", 3, id="no-status"),
        pytest.param(
            failing(httpx.ConnectError("refused")),
            f"{STATUS} could not be reached (refused), after ",
            3,
            id="nobody-listening",
        ),
    ],
)
def test_missing_exchange_status_is_an_error(handler: Handler, reason: str, requests: int) -> None:
    """A snapshot waits at most three seconds for it, unless the exchange requests a longer wait."""
    clock = ManualClock()
    with client_of(handler, clock=clock, on_retry=lambda _: None) as client:
        with pytest.raises(ExchangeError) as failure:
            client.fetch_exchange_status()
        assert client.requests == requests
    assert sum(clock.slept) < 3
    assert str(failure.value).startswith(reason)


@pytest.mark.parametrize(
    ("body", "is_paused"),
    [
        ("{}", None),
        ('{"exchange_active": true}', None),
        ('{"exchange_active": true, "trading_active": null}', None),
        ('{"exchange_active": "yes", "trading_active": true}', None),
        ('{"exchange_active": 1, "trading_active": 1}', None),
        ('{"exchange_active": "false", "trading_active": "false"}', None),
        ('{"exchange_active": [], "trading_active": {}}', None),
        ('{"exchange_active": "no", "trading_active": false}', True),
        ('{"exchange_active": false}', True),
    ],
)
def test_pause_is_known_only_where_the_exchange_says_it(body: str, is_paused: bool | None) -> None:
    """The rest of the answer, such as its date, is still read."""
    headers = {"date": "Sun, 22 Nov 2026 15:00:00 GMT"}
    with client_of(answering(200, body, **headers)) as client:
        status = client.fetch_exchange_status()
        assert client.requests == 1
    assert status.is_paused is is_paused
    assert status.date == parse_instant("2026-11-22T15:00:00Z")


def test_exchange_status_is_retried_after_a_transient_refusal(clock: ManualClock) -> None:
    """A 429 is normal here too."""
    body = '{"exchange_active": true, "trading_active": true}'
    answers = iter([httpx.Response(429, headers={"retry-after": "30"}), httpx.Response(200, content=body)])
    with (
        client_of(lambda _: next(answers), on_retry=lambda _: None, clock=clock) as client,
        client.waiting_at_most(60),
    ):
        assert client.fetch_exchange_status().is_paused is False
        assert (client.requests, clock.monotonic()) == (2, 30)


@pytest.mark.parametrize(
    ("said", "resumes"),
    [
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:00Z"),
        ("", None),
        (None, None),
        (7, None),
        ("x" * 999, "x" * 299 + "…"),
    ],
)
def test_exchange_status_says_when_the_exchange_expects_to_resume(said: object, resumes: str | None) -> None:
    body = {"exchange_active": False, "trading_active": False, "exchange_estimated_resume_time": said}
    with client_of(answering(503, json.dumps(body))) as client:
        assert client.fetch_exchange_status().resumes == resumes


def status_of(shards: object) -> ExchangeStatus:
    body = {"exchange_active": True, "trading_active": True, "exchange_index_statuses": shards}
    with client_of(answering(200, json.dumps(body))) as client:
        return client.fetch_exchange_status()


def shard(index: object, **flags: object) -> dict[str, object]:
    return {
        "exchange_index": index,
        "description": f"Shard {index}",
        "exchange_active": True,
        "trading_active": True,
        "intra_exchange_transfers_active": False,
        **flags,
    }


def test_inactive_shards_are_kept_as_json() -> None:
    status = status_of([shard(0), shard(1, trading_active=False), shard(2, exchange_active=False)])
    assert status.is_paused is False
    assert status.inactive_numbers == ["1", "2"]
    assert status.inactive_shards == (
        '[{"description":"Shard 1","exchange_active":true,"exchange_index":1,"trading_active":false},'
        '{"description":"Shard 2","exchange_active":false,"exchange_index":2,"trading_active":true}]'
    )


@pytest.mark.parametrize(
    ("shards", "inactive"),
    [
        (None, None),
        ([], None),
        ([shard(0)], None),
        ({"1": {"trading_active": False}}, None),
        ("down", None),
        ([1, None, "down", [], {}], None),
        ([shard(1, trading_active="false"), shard(2, exchange_active=0)], None),
        ([{"trading_active": False}], '[{"trading_active":false}]'),
        ([{"exchange_index": 1e400, "exchange_active": False}], '[{"exchange_active":false}]'),
        ([{"exchange_index": 2**80, "exchange_active": False}], '[{"exchange_active":false}]'),
        (
            [{"exchange_index": "\ud800\0", "trading_active": False}],
            '[{"exchange_index":"\\ud800\\u0000","trading_active":false}]',
        ),
        (
            [{"description": "x" * 1000, "trading_active": False}],
            f'[{{"description":"{"x" * 300}","trading_active":false}}]',
        ),
    ],
    ids=[
        "null",
        "empty",
        "active",
        "object",
        "text",
        "odd shards",
        "odd flags",
        "no number",
        "infinite number",
        "huge number",
        "odd text",
        "long text",
    ],
)
def test_odd_shards_affect_nothing_else(shards: object, inactive: str | None) -> None:
    status = status_of(shards)
    assert (status.is_paused, status.inactive_shards) == (False, inactive)


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


class Drip(httpx.SyncByteStream):
    """An endless body that sends a byte every few seconds."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self.sent = 0
        self.is_closed = False
        self._clock = clock
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self._clock.advance(self._seconds)
            self.sent += 1
            yield b" "

    def close(self) -> None:
        self.is_closed = True


def test_dripping_body_ends_with_the_timeout(clock: ManualClock) -> None:
    """httpx's own timeout restarts at every byte."""
    drip = Drip(clock, seconds=7)
    response = httpx.Response(200, stream=drip)
    with (
        client_of(lambda _: response, timeout_seconds=30, retry_seconds=0, clock=clock) as client,
        pytest.raises(TransientExchangeError, match=r"did not complete its answer within 30 s"),
    ):
        client.fetch_market("M")
    assert (drip.sent, drip.is_closed) == (5, True)
