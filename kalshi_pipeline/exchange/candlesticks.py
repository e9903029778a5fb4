"""Candlesticks of one market or of many: read fast, and candle by candle where one of them is odd.

`activity` says what a candlestick is, of every generation and of both tiers.
"""

import json
from typing import Any, NamedTuple

import msgspec
from pydantic import Field

from kalshi_pipeline.exchange.activity import CandlestickPayload, PricesPayload
from kalshi_pipeline.exchange.fields import Ticker, read_contracts, read_dollars
from kalshi_pipeline.exchange.pages import Page, Reject, parse_page
from kalshi_pipeline.exchange.payloads import Payload
from kalshi_pipeline.units import MICROS_PER_SECOND


class Candlestick(NamedTuple):
    """One period by its inclusive end, an instant: micro-dollars, hundredths of a contract; None is not told.

    Without a trade there is no price but `price_previous`, the last one before the period.
    """

    end_at: int
    yes_bid_open: int | None
    yes_bid_high: int | None
    yes_bid_low: int | None
    yes_bid_close: int | None
    yes_ask_open: int | None
    yes_ask_high: int | None
    yes_ask_low: int | None
    yes_ask_close: int | None
    price_open: int | None
    price_high: int | None
    price_low: int | None
    price_close: int | None
    price_mean: int | None
    price_previous: int | None
    volume: int | None
    open_interest: int | None


class Candlesticks(NamedTuple):
    """A market's candlesticks of a range, oldest first."""

    ticker: str
    candlesticks: list[Candlestick]


def parse_batch(body: bytes) -> Page[Candlesticks]:
    """Read the candlesticks of many markets; errors as in `parse_page`. A reject is one candlestick."""
    try:
        markets = _batch_decoder.decode(body).markets or ()
        found = [
            Candlesticks(market.market_ticker, [_candlestick(wire) for wire in market.candlesticks or ()])
            for market in markets
        ]
        return Page(found)
    except ValueError:  # msgspec's own errors are among them
        return _parse_batch_slowly(body)


def parse_historical(body: bytes, ticker: str) -> Page[Candlesticks]:
    """Read one market's candlesticks of the historical tier, whose fields have other names."""
    try:
        wires = _historical_decoder.decode(body).candlesticks or ()
        return Page([Candlesticks(ticker, [_candlestick(wire) for wire in wires])])
    except ValueError:
        return _parse_market_slowly(body, ticker)


class _Sides(msgspec.Struct, gc=False):
    open: str | None = msgspec.field(name="open_dollars")
    high: str | None = msgspec.field(name="high_dollars")
    low: str | None = msgspec.field(name="low_dollars")
    close: str | None = msgspec.field(name="close_dollars")


class _Traded(msgspec.Struct, gc=False):
    open: str | None = msgspec.field(name="open_dollars", default=None)
    high: str | None = msgspec.field(name="high_dollars", default=None)
    low: str | None = msgspec.field(name="low_dollars", default=None)
    close: str | None = msgspec.field(name="close_dollars", default=None)
    mean: str | None = msgspec.field(name="mean_dollars", default=None)
    previous: str | None = msgspec.field(name="previous_dollars", default=None)


class _Wire(msgspec.Struct, gc=False):
    """A candlestick of today's shape; where a field lacks, an older one may stand."""

    end_period_ts: int
    yes_bid: _Sides
    yes_ask: _Sides
    price: _Traded
    volume: str = msgspec.field(name="volume_fp")
    open_interest: str = msgspec.field(name="open_interest_fp")


class _HistoricalSides(msgspec.Struct, gc=False):
    open: str | None
    high: str | None
    low: str | None
    close: str | None


class _HistoricalTraded(msgspec.Struct, gc=False):
    open: str | None
    high: str | None
    low: str | None
    close: str | None
    mean: str | None = None
    previous: str | None = None


class _HistoricalWire(msgspec.Struct, gc=False):
    end_period_ts: int
    yes_bid: _HistoricalSides
    yes_ask: _HistoricalSides
    price: _HistoricalTraded
    volume: str
    open_interest: str


class _Market(msgspec.Struct, gc=False):
    market_ticker: str
    candlesticks: list[_Wire] | None


class _Batch(msgspec.Struct, gc=False):
    markets: list[_Market] | None


class _Historical(msgspec.Struct, gc=False):
    candlesticks: list[_HistoricalWire] | None


_batch_decoder = msgspec.json.Decoder(_Batch)
_historical_decoder = msgspec.json.Decoder(_Historical)


def _candlestick(wire: _Wire | _HistoricalWire) -> Candlestick:
    bid, ask, price = wire.yes_bid, wire.yes_ask, wire.price
    return Candlestick(
        wire.end_period_ts * MICROS_PER_SECOND,
        read_dollars(bid.open),
        read_dollars(bid.high),
        read_dollars(bid.low),
        read_dollars(bid.close),
        read_dollars(ask.open),
        read_dollars(ask.high),
        read_dollars(ask.low),
        read_dollars(ask.close),
        read_dollars(price.open),
        read_dollars(price.high),
        read_dollars(price.low),
        read_dollars(price.close),
        read_dollars(price.mean),
        read_dollars(price.previous),
        read_contracts(wire.volume),
        read_contracts(wire.open_interest),
    )


class _CandlesticksPayload(Payload):
    ticker: Ticker = Field(alias="market_ticker")
    candlesticks: list[CandlestickPayload] | None


def _parse_batch_slowly(body: bytes) -> Page[Candlesticks]:
    page = parse_page(body, "markets", _CandlesticksPayload)
    found = [
        Candlesticks(market.ticker, [_candlestick_of(payload) for payload in market.candlesticks or ()])
        for market in page.records
    ]
    rejects: list[Reject] = []
    for reject in page.rejects:
        row: Any = json.loads(reject.raw)
        ticker = row.get("market_ticker") if isinstance(row, dict) else None
        if not isinstance(ticker, str) or not ticker or not isinstance(row.get("candlesticks"), list):
            rejects.append(reject)
            continue
        market = _parse_market_slowly(reject.raw.encode(), ticker)
        found += market.records
        rejects += market.rejects
    return Page(found, rejects)


def _parse_market_slowly(body: bytes, ticker: str) -> Page[Candlesticks]:
    page = parse_page(body, "candlesticks", CandlestickPayload)
    found = Candlesticks(ticker, [_candlestick_of(payload) for payload in page.records])
    return Page([found], [_named(reject, ticker) for reject in page.rejects])


def _named(reject: Reject, ticker: str) -> Reject:
    """Say of which market a candlestick is: it does not know itself, and a market may have several odd ones."""
    row: Any = json.loads(reject.raw)
    end = row.get("end_period_ts") if isinstance(row, dict) else None
    raw = json.dumps({"ticker": ticker, "candlestick": row})
    return Reject(f"{ticker}/{end}" if isinstance(end, int | str) else None, raw, reject.error)


_NO_PRICES = PricesPayload()


def _candlestick_of(payload: CandlestickPayload) -> Candlestick:
    bid, ask, price = (prices or _NO_PRICES for prices in (payload.yes_bid, payload.yes_ask, payload.price))
    return Candlestick(
        payload.end_period_ts,
        bid.open_dollars,
        bid.high_dollars,
        bid.low_dollars,
        bid.close_dollars,
        ask.open_dollars,
        ask.high_dollars,
        ask.low_dollars,
        ask.close_dollars,
        price.open_dollars,
        price.high_dollars,
        price.low_dollars,
        price.close_dollars,
        price.mean_dollars,
        price.previous_dollars,
        payload.volume_fp,
        payload.open_interest_fp,
    )
