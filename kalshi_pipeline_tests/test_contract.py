"""Every recorded response, and the sandbox in each of its shapes, is parsed by the same code."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest

from kalshi_pipeline.exchange.candlesticks import parse_market
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.events import EVENTS as EVENT_PAGES
from kalshi_pipeline.exchange.events import SERIES as SERIES_PAGES
from kalshi_pipeline.exchange.fee_changes import SERIES_FEE_CHANGES
from kalshi_pipeline.exchange.markets import MARKETS as MARKET_PAGES
from kalshi_pipeline.exchange.pages import parse_object
from kalshi_pipeline.exchange.payloads import (
    CutoffPayload,
    EventPayload,
    ExchangeStatusPayload,
    MarketPayload,
    OrderBookPayload,
    Payload,
    SeriesPayload,
)
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.exchange.trades import TRADES as TRADE_PAGES
from kalshi_pipeline.exchange.value_readers import read_contracts
from kalshi_pipeline.records import Candlestick, Event, Market, Series
from kalshi_pipeline.sandbox import SHAPES, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.units import (
    contracts_of,
    dollars_of,
    iso_of,
    parse_contracts,
    parse_dollars,
    parse_instant,
)
from kalshi_pipeline_tests.shared import leaves_in, needs_shared, read_recorded, recorded_files

ZERO_TIME = "0001-01-01T00:00:00Z"
Json = Any


class Endpoint(NamedTuple):
    """How an endpoint's answers are parsed: as the list or object under `key`, or as a bare object."""

    reader: PageReader[Any] | type[Payload]
    key: str | None
    is_list: bool = True

    def records(self, answer: Json) -> list[Any]:
        """The parsed records of an answer, without any reject."""
        body = json.dumps(answer).encode()
        if not isinstance(self.reader, PageReader):
            return [parse_object(body, self.key, self.reader)]
        assert self.key is not None
        if not self.is_list:
            return self.reader.parse_one(body, self.key).records
        page = self.reader.parse(body)
        assert page == self.reader.parse_again(body)
        assert page.rejects == []
        assert len(page.records) == len(answer[self.key] or [])
        return page.records


class Candles(NamedTuple):
    """Candlesticks of one market."""

    def records(self, answer: Json) -> list[Candlestick]:
        page = parse_market(json.dumps(answer).encode(), answer.get("ticker", "M"))
        assert page.rejects == []
        (market,) = page.records
        assert len(market.candlesticks) == len(answer["candlesticks"])
        return market.candlesticks


class BatchOfCandles(NamedTuple):
    """Candlesticks of many markets are in separate lists; `lists` returns each like the endpoint for one market."""

    lists: Callable[[Json], list[Json]]

    def records(self, answer: Json) -> list[Candlestick]:
        return [candle for one in self.lists(answer) for candle in ONE_MARKETS_CANDLES.records(one)]


SERIES_LIST = Endpoint(SERIES_PAGES, "series")
SERIES = Endpoint(SERIES_PAGES, "series", is_list=False)
EVENTS = Endpoint(EVENT_PAGES, "events")
EVENT = Endpoint(EVENT_PAGES, "event", is_list=False)
MARKETS = Endpoint(MARKET_PAGES, "markets")
MARKET = Endpoint(MARKET_PAGES, "market", is_list=False)
TRADES = Endpoint(TRADE_PAGES, "trades")
BOOK = Endpoint(OrderBookPayload, None, is_list=False)
SERIES_FEE_CHANGES_LIST = Endpoint(SERIES_FEE_CHANGES, "series_fee_change_arr")
STATUS = Endpoint(ExchangeStatusPayload, None, is_list=False)
CUTOFF = Endpoint(CutoffPayload, None, is_list=False)
ONE_MARKETS_CANDLES = Candles()
MANY_MARKETS_CANDLES = BatchOfCandles(lambda answer: list(answer["markets"]))
AN_EVENTS_CANDLES = BatchOfCandles(
    lambda answer: [{"candlesticks": candles} for candles in answer["market_candlesticks"]]
)


class Recording(NamedTuple):
    """A recorded answer: its file, how to extract and parse it, and the number of records."""

    file: str
    reading: Endpoint | Candles | BatchOfCandles
    size: int
    within: str | None = None

    @property
    def name(self) -> str:
        return f"{self.file.removesuffix('.json')}{f'-{self.within}' if self.within else ''}"

    @property
    def kind(self) -> str:
        """The kind of its contents, in a word."""
        if isinstance(self.reading, Candles | BatchOfCandles):
            return "candlesticks"
        return self.reading.key or "answer"

    def answer(self) -> Json:
        content = read_recorded(self.file)
        return content if self.within is None else content[self.within]


JANUARY: list[tuple[str, Endpoint | Candles | BatchOfCandles, int]] = [
    ("series_list", SERIES_LIST, 241),
    ("series_single", SERIES, 1),
    ("events_list", EVENTS, 5),
    ("events_multivariate_list", EVENTS, 5),
    ("event_single", EVENT, 1),
    ("event_single", MARKETS, 1),
    ("markets_list", MARKETS, 5),
    ("market_single", MARKET, 1),
    ("orderbook", BOOK, 1),
    ("trades_list", TRADES, 5),
    ("series_candlesticks", ONE_MARKETS_CANDLES, 90),
    ("candlesticks_batch", MANY_MARKETS_CANDLES, 90),
    ("event_candlesticks", AN_EVENTS_CANDLES, 90),
    ("exchange_status", STATUS, 1),
    ("series_fee_changes", SERIES_FEE_CHANGES_LIST, 0),
]
RECORDINGS = [
    *(
        Recording(f"2026-01-12/{name}_response.json", reading, size, "response")
        for name, reading, size in JANUARY
    ),
    Recording("2026-06-20/static_response_2026-06-20.json", MARKETS, 2, "markets_by_tickers"),
    Recording("2026-06-20/static_response_2026-06-20.json", MARKET, 1, "market"),
    Recording("2026-06-20/static_response_2026-06-20.json", BOOK, 1, "orderbook"),
    Recording("2026-10-06/series.json", SERIES_LIST, 3),
    Recording("2026-10-06/events.json", EVENTS, 3),
    Recording("2026-10-06/events__event_ticker.json", EVENT, 1),
    Recording("2026-10-06/events__event_ticker.json", MARKETS, 2, "event"),
    Recording("2026-10-06/markets.json", MARKETS, 2),
    Recording("2026-10-06/markets__ticker__orderbook.json", BOOK, 1),
    Recording("2026-10-06/markets__trades.json", TRADES, 3),
    Recording("2026-10-06/exchange__status.json", STATUS, 1),
]
# Endpoints that the pipeline does not read.
OTHER_FILES = {
    "2026-01-12/event_metadata_response.json",
    "2026-01-12/exchange_schedule_response.json",
    "2026-01-12/multivariate_event_collections_list_response.json",
}


def levels(json_value: Json) -> Iterator[tuple[str, str]]:
    """The price and size of each level of an order book, as decimals."""
    if isinstance(json_value, dict):
        for name, value in json_value.items():
            if name in ("yes_dollars", "no_dollars"):
                yield from ((price, size) for price, size in value or [])
            else:
                yield from levels(value)


@needs_shared
@pytest.mark.parametrize(
    "recording", [pytest.param(one, id=f"{one.name}-as-{one.kind}") for one in RECORDINGS]
)
def test_recorded_response_is_read_whole(recording: Recording) -> None:
    assert len(recording.reading.records(recording.answer())) == recording.size


@needs_shared
def test_every_recorded_file_is_read_or_known_to_be_left_out() -> None:
    assert {recording.file for recording in RECORDINGS} | OTHER_FILES == set(recorded_files())


@needs_shared
@pytest.mark.parametrize("file", recorded_files())
def test_recorded_price_and_count_round_trip(file: str) -> None:
    """Text to integer to Decimal is exact, including sub-cent prices and fractional counts."""
    document = read_recorded(file)
    book = list(levels(document))
    named = [(key, value) for key, value in leaves_in(document) if isinstance(value, str) and value]
    prices = [
        value for key, value in named if key.endswith("_dollars") and key not in ("yes_dollars", "no_dollars")
    ]
    prices += [value for key, value in named if key in ("start", "end", "step")]
    prices += [price for price, _ in book]
    counts = [value for key, value in named if key.endswith("_fp")] + [size for _, size in book]
    assert [dollars_of(parse_dollars(text)) for text in prices] == [Decimal(text) for text in prices]
    assert [contracts_of(parse_contracts(text)) for text in counts] == [Decimal(text) for text in counts]


@needs_shared
def test_recordings_hold_many_prices_and_counts() -> None:
    """Otherwise the round trips above would prove nothing."""
    every = [leaf for file in recorded_files() for leaf in leaves_in(read_recorded(file))]
    texts = [(key, value) for key, value in every if isinstance(value, str) and value]
    prices = {value for key, value in texts if key.endswith("_dollars")}
    counts = {value for key, value in texts if key.endswith("_fp")}
    assert len(prices) > 100
    assert len(counts) >= 19
    assert any(Decimal(price) % Decimal("0.01") for price in prices)
    assert any(Decimal(count) % 1 for count in counts)


_OLDER_COUNTS = ("volume", "open_interest")
_OLDER_CENTS = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")


def as_sent(name: str, value: Any) -> object:
    """The parsed value of a market's field, as a number of dollars, contracts or cents if it is one."""
    if name.endswith("_dollars"):
        return dollars_of(value)
    if name.endswith("_fp"):
        return contracts_of(value)
    if name in _OLDER_COUNTS:  # kept as sent, and parsed on demand
        return contracts_of(read_contracts(value) or 0)
    return Decimal(value or 0) if name in _OLDER_CENTS else value


def as_expected(name: str, value: Any) -> object:
    """The expected value."""
    if name.endswith(("_dollars", "_fp")) or name in (*_OLDER_COUNTS, *_OLDER_CENTS):
        return Decimal(value)
    if name.endswith(("_time", "_datetime")) and name != "updated_time":  # which is kept unchanged
        return parse_instant(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if name == "settlement_timer_seconds":
        return int(value)
    return None if value == "" else value


@needs_shared
@pytest.mark.parametrize(
    "recording",
    [pytest.param(one, id=one.name) for one in RECORDINGS if one.reading in (MARKETS, MARKET)],
)
def test_recorded_market_is_read_exactly(recording: Recording) -> None:
    """Every parsed number and time equals the sent one."""
    answer = recording.answer()
    rows = answer["markets"] if recording.reading is MARKETS else [answer["market"]]
    for row in rows:
        market = parse_object(json.dumps({"market": row}).encode(), "market", MarketPayload)
        read = market.model_dump(by_alias=True)
        for name, value in row.items():
            if name in read and name != "result":
                assert (name, as_sent(name, read[name])) == (name, as_expected(name, value))
        assert read["result"] == row["result"]


@needs_shared
@pytest.mark.parametrize("file", recorded_files())
def test_recorded_time_round_trips(file: str) -> None:
    """The fraction of a second has up to six digits, without trailing zeros."""
    texts = [
        value
        for key, value in leaves_in(read_recorded(file))
        if isinstance(value, str)
        and value.endswith("Z")
        and key.endswith(("_time", "_ts", "_datetime", "_date"))
    ]
    written = {
        text: None if instant is None else iso_of(instant)
        for text in texts
        for instant in [parse_instant(text)]
    }
    assert written == {
        text: None if text == ZERO_TIME else f"{text[:19]}.{text[20:-1]:0<6}Z" for text in texts
    }


@needs_shared
def test_cents_and_decimals_of_january_say_the_same() -> None:
    """If two generations are side by side, the older one alone gives the same quote."""
    for recording in RECORDINGS:
        if recording.within != "response" or recording.reading is not MARKETS:
            continue
        for row in recording.answer()["markets"]:
            cents = {name: value for name, value in row.items() if not name.endswith("_dollars")}
            both, older = MARKETS.records({"markets": [row, cents]})
            assert both.quote == older.quote
            assert both.is_mirrored


@needs_shared
def test_nested_markets_say_the_same_as_listed_ones() -> None:
    nested = MARKETS.records(read_recorded("2026-10-06/events__event_ticker.json")["event"])
    assert nested == MARKETS.records(read_recorded("2026-10-06/markets.json"))


# Drift: fields of the newest recording that the pipeline does not read, and the reverse.

UNREAD = {
    "series": frozenset(
        {
            "last_updated_ts",
        }
    ),
    "events": frozenset(
        {
            "last_updated_ts",
        }
    ),
    "markets": frozenset(
        {
            "expiration_time",
            "notional_value_dollars",
            "previous_price_dollars",
            "previous_yes_ask_dollars",
            "previous_yes_bid_dollars",
            "volume_24h_fp",
        }
    ),
}
# Fields of combos and of other kinds of markets, and the generation before March 2026.
NOT_RECORDED: dict[str, frozenset[str]] = {
    "series": frozenset({"product_metadata"}),
    "events": frozenset({"fee_multiplier_override", "fee_type_override", "strike_date"}),
    "markets": frozenset(
        {
            "fee_waiver_expiration_time",
            "functional_strike",
            "primary_participant_key",
            "settlement_floor_dollars",
            "cap_strike",
            "floor_strike",
            "is_provisional",
            "last_price",
            "mve_collection_ticker",
            "no_ask",
            "no_bid",
            "open_interest",
            "volume",
            "yes_ask",
            "yes_bid",
        }
    ),
}
MODELS: dict[str, type[Payload]] = {"series": SeriesPayload, "events": EventPayload, "markets": MarketPayload}


@needs_shared
@pytest.mark.parametrize("kind", sorted(MODELS))
def test_newest_recording_holds_the_known_fields(kind: str) -> None:
    """With a new recording, this test shows which fields are new or missing."""
    newest = max(file for file in recorded_files() if file.endswith(f"/{kind}.json"))
    rows = read_recorded(newest)[kind]
    recorded = {name for row in rows for name in row}
    read = {field.alias or name for name, field in MODELS[kind].model_fields.items()}
    assert recorded - read == UNREAD[kind]
    assert read - recorded == NOT_RECORDED[kind]


# The sandbox, parsed in the same way.


@pytest.fixture(scope="module", params=SHAPES)
def exchange(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    shape: Shape = request.param
    world = World(WorldConfig(shape=shape, markets=300, combos=40, past_share=0.3))
    world.step(5)
    with Sandbox(world) as sandbox:
        yield sandbox


@pytest.fixture
def http(exchange: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=exchange.url) as client:
        yield client


def answer_of(http: httpx.Client, path: str, **parameters: str | int) -> Json:
    response = http.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/series", SERIES_LIST),
        ("/events", EVENTS),
        ("/events/multivariate", EVENTS),
        ("/markets", MARKETS),
        ("/markets/trades", TRADES),
        ("/exchange/status", STATUS),
    ],
    ids=["series", "events", "multivariate-events", "markets", "trades", "exchange-status"],
)
def test_sandbox_listing_is_read_whole(http: httpx.Client, path: str, endpoint: Endpoint) -> None:
    """In three shapes, including the invented future one."""
    assert endpoint.records(answer_of(http, path))


@pytest.mark.parametrize("status", ["open", "closed", "settled", "unopened"])
def test_sandbox_market_of_any_status_is_read(http: httpx.Client, status: str) -> None:
    markets = MARKETS.records(answer_of(http, "/markets", limit=1000, status=status))
    quotes = [market.quote for market in markets if isinstance(market, Market)]
    assert len(quotes) == len(markets) > 0
    for quote in quotes:
        assert quote.yes_bid is None or quote.yes_ask is None or quote.yes_bid < quote.yes_ask


def test_sandbox_quotes_mirror_their_no_side(http: httpx.Client) -> None:
    for market in MARKETS.records(answer_of(http, "/markets", limit=1000, status="open")):
        assert isinstance(market, Market)
        assert market.is_mirrored


def test_sandbox_single_objects_are_read(http: httpx.Client) -> None:
    markets = answer_of(http, "/markets", limit=1000, status="open", mve_filter="exclude")["markets"]
    traded = next(trade["ticker"] for trade in answer_of(http, "/markets/trades", limit=1000)["trades"])
    for ticker in (markets[0]["ticker"], traded):
        (market,) = MARKET.records(answer_of(http, f"/markets/{ticker}"))
        assert isinstance(market, Market)
        (event,) = EVENT.records(answer_of(http, f"/events/{market.event_ticker}"))
        assert isinstance(event, Event)
        (series,) = SERIES.records(answer_of(http, f"/series/{event.series_ticker}"))
        assert isinstance(series, Series)
        (book,) = BOOK.records(answer_of(http, f"/markets/{ticker}/orderbook"))
        assert isinstance(book, OrderBookPayload)
        assert (market.ticker, event.ticker, series.ticker) == (
            ticker,
            market.event_ticker,
            event.series_ticker,
        )
        best = max((level.price for level in book.yes if level.price is not None), default=None)
        assert best == (book.yes[-1].price if book.yes else None)
        assert best == market.quote.yes_bid


def test_sandbox_candles_are_read(http: httpx.Client, exchange: Sandbox) -> None:
    market = answer_of(http, "/markets", limit=1000, status="open", mve_filter="exclude")["markets"][-1]
    event = answer_of(http, f"/events/{market['event_ticker']}")["event"]
    end = int(exchange.world.config.start.timestamp())
    span: dict[str, str | int] = {"start_ts": end - 7 * 86_400, "end_ts": end, "period_interval": 60}
    path = f"/series/{event['series_ticker']}/markets/{market['ticker']}/candlesticks"
    candles = ONE_MARKETS_CANDLES.records(answer_of(http, path, **span))
    assert candles
    batch = answer_of(http, "/markets/candlesticks", market_tickers=market["ticker"], **span)
    assert MANY_MARKETS_CANDLES.records(batch) == candles


def test_sandbox_historical_tier_is_read(http: httpx.Client, exchange: Sandbox) -> None:
    """In January 2026 there was none."""
    if exchange.world.config.shape == "2026-01":
        assert http.get("/historical/cutoff").status_code == 404
        return
    assert CUTOFF.records(answer_of(http, "/historical/cutoff"))
    assert MARKETS.records(answer_of(http, "/historical/markets", limit=1000))
    assert TRADES.records(answer_of(http, "/historical/trades", limit=1000))


def test_sandbox_status_is_read_by_the_client(exchange: Sandbox) -> None:
    with KalshiClient(exchange.url, requests_per_second=1000, retry_seconds=0) as client:
        assert client.fetch_exchange_status().is_paused is False
