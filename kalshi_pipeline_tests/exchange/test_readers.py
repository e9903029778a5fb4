"""Every field of every record with every odd value: the fast reader and the slow reader agree."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.candlesticks import parse_batch, parse_market
from kalshi_pipeline.exchange.compiling import Rule, record_function, wire_of
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.fields import Wire
from kalshi_pipeline.exchange.markets import MARKETS, OUTCOMES
from kalshi_pipeline.exchange.payloads import (
    CandlestickPayload,
    EventPayload,
    MarketPayload,
    OutcomePayload,
    Payload,
    QuotedPricesPayload,
    SeriesPayload,
    TradedPricesPayload,
    TradePayload,
)
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.exchange.trades import TRADES
from kalshi_pipeline.records import Event
from kalshi_pipeline_tests.sent import CANDLESTICK as LIVE

Sent = dict[str, Any]

MISSING = object()
ODD: list[object] = [
    MISSING,
    None,
    "",
    " ",
    "text",
    "T" * 256,
    "\ud800",
    "0",
    "0.0000",
    "0.2900",
    "1.0000",
    "-0.0100",
    "0.1234567",
    "14.18",
    "1e5",
    "NaN",
    "99999999999999999999",
    "2026-11-20T10:00:00.123456Z",
    "2026-11-20T10:00:00",
    "0001-01-01T00:00:00Z",
    "true",
    0,
    1,
    -5,
    29,
    10**30,
    0.29,
    1e300,
    True,
    False,
    [],
    ["a", "b"],
    [1],
    {},
    {"open": 5},
]


def names_of(payload: type[Payload]) -> list[str]:
    """The API's names of the fields of a payload, of every generation."""
    return [field.alias or name for name, field in payload.model_fields.items()]


SERIES_SENT: Sent = {"ticker": "S", "title": "T", "category": "C", "frequency": "daily", "tags": ["x", "y"]}
EVENT_SENT: Sent = {
    "event_ticker": "E",
    "series_ticker": "S",
    "title": "T",
    "sub_title": "U",
    "category": "C",
    "mutually_exclusive": True,
    "strike_date": "2026-11-23T00:00:00Z",
}
MARKET_SENT: Sent = {
    "ticker": "M",
    "event_ticker": "E",
    "title": "T",
    "yes_sub_title": "Y",
    "no_sub_title": "N",
    "market_type": "binary",
    "status": "active",
    "result": "",
    "created_time": "2026-11-20T10:00:00Z",
    "open_time": "2026-11-20T11:00:00Z",
    "close_time": "2026-11-24T00:00:00Z",
    "expected_expiration_time": "2026-11-23T12:00:00Z",
    "occurrence_datetime": "2026-11-23T09:00:00Z",
    "strike_type": "greater",
    "floor_strike": 40.5,
    "cap_strike": 50,
    "rules_primary": "R",
    "is_provisional": False,
    "mve_collection_ticker": "K",
    "yes_bid_dollars": "0.2900",
    "yes_ask_dollars": "0.3150",
    "no_bid_dollars": "0.6850",
    "no_ask_dollars": "0.7100",
    "yes_bid_size_fp": "2985.50",
    "yes_ask_size_fp": "1.00",
    "last_price_dollars": "0.3000",
    "volume_fp": "17.00",
    "open_interest_fp": "12.90",
}
OUTCOME_SENT: Sent = {
    **MARKET_SENT,
    "settlement_value_dollars": "1.0000",
    "settlement_ts": "2026-11-24T01:00:00Z",
}
TRADE_SENT: Sent = {
    "trade_id": "072530dc-e0e9-9eec-eac5-06a89c1dc45f",
    "ticker": "M",
    "created_time": "2026-11-20T10:00:00.5Z",
    "yes_price_dollars": "0.8000",
    "count_fp": "14.18",
    "taker_outcome_side": "no",
    "taker_side": "no",
    "is_block_trade": False,
}
# Fields of an older generation, beside or instead of newer ones.
OLDER_MARKET: Sent = {
    "yes_bid": 28,
    "yes_ask": 32,
    "no_bid": 68,
    "no_ask": 72,
    "last_price": 31,
    "volume": 16,
    "open_interest": 11,
}
OLDER_TRADE: Sent = {"yes_price": 79, "count": 15, "taker_side": "yes"}


class Kind(NamedTuple):
    """A kind of record: its reader, its payload, and one that is sent."""

    reader: PageReader[Any]
    key: str
    payload: type[Payload]
    sent: Sent


def without_newer(sent: Sent, payload: type[Payload]) -> Sent:
    """A record as it was sent before the newer fields."""
    newer = {
        field.alias for name, field in payload.model_fields.items() if f"{name}_older" in payload.model_fields
    }
    return {name: value for name, value in sent.items() if name not in newer}


KINDS = {
    "series": Kind(SERIES, "series", SeriesPayload, SERIES_SENT),
    "events": Kind(EVENTS, "events", EventPayload, EVENT_SENT),
    "markets": Kind(MARKETS, "markets", MarketPayload, MARKET_SENT),
    "outcomes": Kind(OUTCOMES, "markets", OutcomePayload, OUTCOME_SENT),
    "trades": Kind(TRADES, "trades", TradePayload, TRADE_SENT),
    "markets of two generations": Kind(MARKETS, "markets", MarketPayload, MARKET_SENT | OLDER_MARKET),
    "trades of two generations": Kind(TRADES, "trades", TradePayload, TRADE_SENT | OLDER_TRADE),
    "markets of an older generation": Kind(
        MARKETS, "markets", MarketPayload, without_newer(MARKET_SENT, MarketPayload) | OLDER_MARKET
    ),
    "trades of an older generation": Kind(
        TRADES, "trades", TradePayload, without_newer(TRADE_SENT, TradePayload) | OLDER_TRADE
    ),
}


def oddly(sent: Sent, name: str) -> Iterator[Sent]:
    """Copies of a record with each odd value in one field."""
    for value in ODD:
        yield {**sent, name: value} if value is not MISSING else {k: v for k, v in sent.items() if k != name}


def may_refuse(payload: type[Payload], name: str) -> bool:
    """Whether an odd value in a field (by the API's name) may refuse the record, because the field is required."""
    key, _ = next((k, f) for k, f in payload.model_fields.items() if name == (f.alias or k))
    newer = payload.model_fields[key.removesuffix("_older")]
    return any(isinstance(kind, Wire) and kind.is_needed for kind in newer.metadata)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind}: {name}")
        for kind, one in KINDS.items()
        for name in names_of(one.payload)
    ],
)
def test_field_sent_in_odd_ways_is_read_fast_as_it_is_read_again(kind: str, name: str) -> None:
    reader, key, _, sent = KINDS[kind]
    accepted = 0
    for odd in oddly(sent, name):
        body = json.dumps({key: [odd]}).encode()
        page = reader.parse(body)
        assert page == reader.parse_again(body), odd
        assert len(page.records) + len(page.rejects) == 1
        accepted += len(page.records)
    # A deprecated field is not read where its successor is sent.
    is_ignored = name in (*OLDER_MARKET, *OLDER_TRADE) and "older" not in kind
    assert accepted > 0
    assert (accepted == len(ODD)) is (is_ignored or not may_refuse(KINDS[kind].payload, name))


@pytest.mark.parametrize("kind", KINDS)
def test_record_of_every_generation_is_read_fast(kind: str) -> None:
    """The struct accepts it, and it reads the same beside an odd neighbour, for which the page is read again."""
    reader, key, payload, sent = KINDS[kind]
    msgspec.json.decode(json.dumps(sent), type=wire_of(payload))
    page = reader.parse(json.dumps({key: [sent]}).encode())
    beside_an_odd_one = reader.parse(json.dumps({key: [sent, 570]}).encode())
    assert page.records == beside_an_odd_one.records
    assert (len(page.records), page.rejects, len(beside_an_odd_one.rejects)) == (1, [], 1)


def by_older_names(value: Any) -> Any:
    """A candlestick of the historical tier: the same values, without the suffixes of their names."""
    if not isinstance(value, dict):
        return value
    return {
        name.removesuffix("_dollars").removesuffix("_fp"): by_older_names(part)
        for name, part in value.items()
    }


HISTORICAL: Sent = by_older_names(LIVE)


def of_live_tier(candle: Sent, *others: object) -> tuple[Any, int]:
    page = parse_batch(
        json.dumps({"markets": [{"market_ticker": "M", "candlesticks": [candle, *others]}]}).encode()
    )
    return [market.candlesticks for market in page.records], len(page.rejects)


def of_historical_tier(candle: Sent, *others: object) -> tuple[Any, int]:
    page = parse_market(json.dumps({"candlesticks": [candle, *others]}).encode(), "M")
    return [market.candlesticks for market in page.records], len(page.rejects)


def nested(name: str, part: type[Payload]) -> Iterator[tuple[str, str]]:
    yield from ((name, inner) for inner in names_of(part))


PLACES = [
    *(("", name) for name in names_of(CandlestickPayload)),
    *nested("yes_bid", QuotedPricesPayload),
    *nested("yes_ask", QuotedPricesPayload),
    *nested("price", TradedPricesPayload),
]


@pytest.mark.parametrize(
    ("parse", "sent"),
    [
        pytest.param(of_live_tier, LIVE, id="live"),
        pytest.param(of_historical_tier, HISTORICAL, id="historical"),
        pytest.param(of_live_tier, HISTORICAL, id="live by the names of the historical tier"),
        pytest.param(of_historical_tier, LIVE, id="historical by the names of the live tier"),
    ],
)
@pytest.mark.parametrize(("part", "name"), PLACES)
def test_candlestick_sent_in_odd_ways_is_read_fast_as_it_is_read_again(
    parse: Callable[..., tuple[Any, int]], sent: Sent, part: str, name: str
) -> None:
    """An unreadable neighbour makes the page be read again."""
    for odd in oddly(sent[part], name) if part else oddly(sent, name):
        candle = {**sent, part: odd} if part else odd
        records, rejects = parse(candle)
        again, rejects_again = parse(candle, 570)
        assert (records, rejects) == (again, rejects_again - 1), candle


def test_live_and_historical_candlesticks_of_the_same_values_are_equal() -> None:
    assert of_live_tier(LIVE) == of_historical_tier(HISTORICAL)
    assert of_live_tier(LIVE) == ([[_expected()]], 0)


def _expected() -> tuple[int, ...]:
    prices = [cents * 10_000 for cents in range(1, 15)]
    return (1_760_500_800_000_000, *prices, 1_500, 1_600)


def test_field_that_nothing_feeds_is_an_error_of_the_program() -> None:
    class Short(Payload):
        ticker: str

    with pytest.raises(TypeError, match="nothing feeds the field series_ticker of Event"):
        record_function(Event, Short, of_wire=False)


def test_rule_corrects_a_field_before_the_next_one_reads_it() -> None:
    class Pair(NamedTuple):
        ticker: str
        title: str | None

    class Sent(Payload):
        ticker: str
        title: str | None = None

    rules = {
        "title": Rule(lambda title: title and title.upper(), ("title",)),
        "ticker": Rule(lambda ticker, title: f"{ticker}:{title}", ("ticker", "title")),
    }
    read = record_function(Pair, Sent, rules, of_wire=False)
    assert read(Sent(ticker="A", title="b")) == Pair("A:B", "B")


@pytest.mark.parametrize("kind", KINDS)
def test_one_object_is_read_as_in_a_page(kind: str) -> None:
    reader, key, _, sent = KINDS[kind]
    one = reader.parse_one(json.dumps({"one": sent}).encode(), "one").records
    assert one == reader.parse(json.dumps({key: [sent]}).encode()).records


def test_object_without_a_field_that_its_record_needs_is_an_error() -> None:
    unpriced = {name: value for name, value in TRADE_SENT.items() if name != "yes_price_dollars"}
    with pytest.raises(
        PayloadError, match="the exchange's trade cannot be read: yes_price_dollars: it is missing"
    ):
        TRADES.parse_one(json.dumps({"trade": unpriced}).encode(), "trade")


def test_older_field_that_cannot_be_read_is_named() -> None:
    body = json.dumps({"trades": [{**KINDS["trades of an older generation"].sent, "yes_price": "6c"}]})
    (reject,) = TRADES.parse(body.encode()).rejects
    assert reject.error == "yes_price: '6c' is not a decimal number"
