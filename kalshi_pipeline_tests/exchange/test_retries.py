"""Which failures the client retries, for how long, and what it reports in the end.

Its clock is frozen and jumps when the client pauses. Tests of a single decision stop the client before its pause:
`Stop` is raised when it reports a retry.
"""

import math
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from kalshi_pipeline.errors import (
    NotFoundError,
    TransientExchangeError,
)
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.sandbox import Faults, RateLimit, Sandbox, World, WorldConfig
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.exchange.clients import (
    Handler,
    Stop,
    answering,
    client_of,
    failing,
    stop,
    tickers_of,
)
from kalshi_pipeline_tests.sandbox.walking import walk

_DAY = {"start": 0, "end": 86_400_000_000, "period_minutes": 60}


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
        return httpx.Response(200, json={"markets": [{"ticker": "M", "event_ticker": "E"}], "cursor": "next"})

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


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.fetch_market("kxbtc-ab"), id="market in lower case"),
        pytest.param(lambda client: client.fetch_series("kxbtc"), id="series in lower case"),
        pytest.param(lambda client: client.fetch_event("123"), id="event without letters"),
        pytest.param(lambda client: client.tiers.fetch_cutoff(), id="cutoff of the tiers"),
        pytest.param(lambda client: client.tiers.fetch_order_book("M"), id="order book"),
        pytest.param(lambda client: client.tiers.fetch_candlesticks(["M"], **_DAY), id="candlesticks"),
        pytest.param(
            lambda client: client.tiers.fetch_historical_candlesticks("M", **_DAY), id="older candlesticks"
        ),
        pytest.param(
            lambda client: client.tiers.fetch_candlesticks_alone("A,B", "S", **_DAY), id="candlesticks alone"
        ),
    ],
)
def test_404_of_a_gateway_for_a_record_is_retried(ask: Callable[[KalshiClient], object]) -> None:
    """Otherwise it would prove that the market has no data, or that there is no historical tier."""
    with client_of(answering(404, "<html><title>404 Not Found</title></html>")) as client:
        with pytest.raises(Stop, match="answered 404"):
            ask(client)
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
