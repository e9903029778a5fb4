"""No answer fills the memory, holds a request for ever, ends the process, or fills a column with its error text."""

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from kalshi_pipeline.errors import ExchangeError, PayloadError, TransientExchangeError
from kalshi_pipeline.exchange.books import parse_book, parse_books
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.events import EVENTS
from kalshi_pipeline.exchange.markets import MARKETS
from kalshi_pipeline.exchange.pages import parse_object
from kalshi_pipeline.exchange.payloads import ExchangeStatusPayload
from kalshi_pipeline.exchange.trades import TRADES

DEEP = b"[" * 5_000 + b"]" * 5_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection after the other with what `answer` sends."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def serve() -> None:
            while not stopped.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65_536)
                        answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stopped.set()
        thread.join()


def drip(text: bytes) -> Callable[[socket.socket], None]:
    """Send a byte every few milliseconds: each is in time, all of them are not."""

    def send(connection: socket.socket) -> None:
        pause = threading.Event()
        for byte in text:
            connection.send(bytes([byte]))
            pause.wait(0.02)

    return send


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + b"X-Long: " + b"x" * 1_000, id="headers"),
        pytest.param(HEAD + b"Content-Length: 1000\r\n\r\n" + b" " * 1_000, id="body"),
    ],
)
def test_answer_that_drips_ends_with_the_time_out(text: bytes) -> None:
    with (
        answering(drip(text)) as url,
        KalshiClient(url, timeout_seconds=0.3, retry_seconds=0) as client,
        pytest.raises(TransientExchangeError, match=r"did not complete its answer within 0.3 s"),
    ):
        client.fetch_market("M")


def test_next_request_has_a_deadline_of_its_own() -> None:
    body = b'{"market": {"ticker": "M", "event_ticker": "E"}}'
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with (
        answering(lambda connection: connection.sendall(answer)) as url,
        KalshiClient(url, timeout_seconds=0.5, retry_seconds=0, requests_per_second=5) as client,
    ):
        assert [client.fetch_market("M").record.ticker for _ in range(4)] == ["M"] * 4


def sending(body: bytes, **headers: str) -> Callable[[socket.socket], None]:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = HEAD + f"Content-Length: {len(body)}\r\n{lines}\r\n".encode()

    def send(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has hung up
            connection.sendall(head + body)

    return send


@pytest.mark.parametrize(
    ("send", "said"),
    [
        pytest.param(sending(b" " * 3_000_000), "more than 1 MB", id="large"),
        pytest.param(
            sending(gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"),
            "more than 1 MB",
            id="inflating",
        ),
        pytest.param(
            sending(gzip.compress(gzip.compress(b" " * 50_000_000)), Content_Encoding="gzip, gzip"),
            r"in an encoding that was not requested \(gzip, gzip\)",
            id="inflating-twice",
        ),
    ],
)
def test_answer_that_is_too_large_is_transient(send: Callable[[socket.socket], None], said: str) -> None:
    with (
        answering(send) as url,
        KalshiClient(url, max_response_mb=1, retry_seconds=0) as client,
        pytest.raises(TransientExchangeError, match=said),
    ):
        client.fetch_market("M")


@pytest.mark.parametrize("name", ["x", "title", "custom_strike", "last_price", "event_ticker"])
def test_deep_field_of_a_market_costs_its_field(name: str) -> None:
    body = b'{"markets": [{"ticker": "D", "event_ticker": "D", "yes_bid_dollars": "0.3", "%s": %s}]}'
    page = MARKETS.parse(body % (name.encode(), DEEP))
    assert [(market.ticker, market.event_ticker, market.quote.yes_bid) for market in page.records] == [
        ("D", "D", 300_000)
    ]
    assert page.odd_fields == ({} if name == "x" else {name: 1})


def test_deep_record_is_set_aside_alone() -> None:
    good, body = (
        b'{"ticker": "M", "event_ticker": "E"}',
        b'{"markets": [%s, {"ticker": "D", "yes_bid_dollars": %s}, %s]}',
    )
    page = MARKETS.parse(body % (good, DEEP, DEEP))
    assert [market.ticker for market in page.records] == ["M"]
    assert [reject.ticker for reject in page.rejects] == ["D", None]
    assert page.rejects[1].error == "it is nested too deeply to be read"


@pytest.mark.parametrize("levels", [101, 500, 5000])
def test_deep_field_costs_its_field(levels: int) -> None:
    row = b'{"event_ticker": "E", "product_metadata": %s%s}' % (b"[" * levels, b"]" * levels)
    page = EVENTS.parse(b'{"events": [%s]}' % row)
    assert [event.product_metadata for event in page.records] == [None]
    assert page.odd_fields == {"product_metadata": 1}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"market": %s}' % DEEP, id="deep"),
        pytest.param(b'{"market": {"ticker": %s, "event_ticker": "E"}}' % DEEP, id="deep-field"),
        pytest.param(b'{"market": "%s"}' % (b"x" * 1_000_000), id="long"),
    ],
)
def test_single_object_that_cannot_be_read_is_one_short_line(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with (
        KalshiClient("http://exchange", transport=transport) as client,
        pytest.raises(PayloadError) as refused,
    ):
        client.fetch_market("M")
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 503])
@pytest.mark.parametrize("form", ["text", "flat", "nested"])
def test_long_error_text_is_cut(status: int, form: str) -> None:
    text = "x" * 1_000_000
    body = {"text": text, "flat": {"message": text}, "nested": {"error": {"details": text}}}[form]
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    with (
        KalshiClient("http://exchange", transport=transport, retry_seconds=0) as client,
        pytest.raises(ExchangeError) as refused,
    ):
        client.fetch_market("M")
    assert len(str(refused.value)) < 600


def test_error_of_a_reject_is_cut() -> None:
    row = {
        "trade_id": "t",
        "ticker": "M",
        "created_time": "x" * 1_000_000,
        "yes_price_dollars": "y" * 1_000_000,
    }
    (reject,) = TRADES.parse(json.dumps({"trades": [row]}).encode()).rejects
    assert len(reject.error) == 300


@pytest.mark.parametrize("said", [r"half \ud83d", r"nul \u0000", r"\u001b[31mred", r"two\nlines"])
@pytest.mark.parametrize("status", [400, 503])
def test_error_text_is_one_line_that_can_be_stored_and_shown(status: int, said: str) -> None:
    body = f'{{"error": {{"message": "{said}"}}}}'.encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    with (
        KalshiClient("http://exchange", transport=transport, retry_seconds=0) as client,
        pytest.raises(ExchangeError) as refused,
    ):
        client.fetch_market("M")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "value",
    [b'"\xff"', b'"\x00"', b"9" * 5_000, b"NaN", b"1e99999999999999999999", DEEP],
    ids=["no-text", "raw-nul", "digits", "nan", "exponent", "deep"],
)
def test_odd_value_of_an_unknown_field_costs_a_single_object_nothing(value: bytes) -> None:
    book = b'{"orderbook_fp": {"yes_dollars": [["0.5", "1.00"]], "no_dollars": null}, "new": %s}' % value
    assert len(parse_book(book, "M").records) == 1
    named = (
        b'{"ticker": "M", "orderbook_fp": {"yes_dollars": null, "no_dollars": null}, "new\xff": %s}' % value
    )
    assert len(parse_books(b'{"orderbooks": [%s]}' % named).records) == 1
    status = b'{"exchange_active": true, "trading_active": true, "new": %s}' % value
    assert not parse_object(status, None, ExchangeStatusPayload).is_paused


@pytest.mark.parametrize("cursor", [rb'"\ud83d"', b'"\xff"'])
def test_cursor_that_cannot_be_sent_back_is_an_error(cursor: bytes) -> None:
    with pytest.raises(PayloadError, match="its cursor has an unexpected type"):
        TRADES.parse(b'{"trades": [], "cursor": %s}' % cursor)
