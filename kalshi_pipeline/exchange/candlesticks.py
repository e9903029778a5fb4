"""Candlesticks of one market or of many: read fast, and one by one where one of them is odd."""

import json
from typing import Any, NamedTuple

import msgspec
from pydantic import Field

from kalshi_pipeline.exchange.compiling import list_of, record_function, wire_of
from kalshi_pipeline.exchange.fields import Ticker, WireTicker
from kalshi_pipeline.exchange.pages import Page, parse_page
from kalshi_pipeline.exchange.payloads import CandlestickPayload, Payload
from kalshi_pipeline.records import Candlestick, Reject


class Candlesticks(NamedTuple):
    """A market's candlesticks of a range, oldest first."""

    ticker: str
    candlesticks: list[Candlestick]


def parse_batch(body: bytes) -> Page[Candlesticks]:
    """Return the candlesticks of many markets; errors as in `parse_page`. A reject is one candlestick."""
    try:
        markets = _batch_decoder.decode(body).markets or ()
        return Page(
            [
                Candlesticks(market.market_ticker, [*map(_of_wire, market.candlesticks or ())])
                for market in markets
            ]
        )
    except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors
        return _parse_batch_again(body)


def parse_historical(body: bytes, ticker: str) -> Page[Candlesticks]:
    """Return one market's candlesticks of the historical tier, which has fields by their older names."""
    try:
        wires = _market_decoder.decode(body).candlesticks or ()
        return Page([Candlesticks(ticker, [*map(_of_wire, wires)])])
    except (ValueError, RecursionError):
        return _parse_market_again(body, ticker)


_wires = list_of(wire_of(CandlestickPayload))
_market_wire = msgspec.defstruct(
    "Market", [("market_ticker", WireTicker), ("candlesticks", _wires)], gc=False
)
_batch_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct("Batch", [("markets", list_of(_market_wire))])
)
_market_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct("OneMarket", [("candlesticks", _wires)])
)
_of_wire = record_function(Candlestick, CandlestickPayload, of_wire=True)
_of_payload = record_function(Candlestick, CandlestickPayload, of_wire=False)


class _CandlesticksPayload(Payload):
    ticker: Ticker = Field(alias="market_ticker")
    candlesticks: list[CandlestickPayload] | None


def _read_market(payload: _CandlesticksPayload) -> Candlesticks:
    return Candlesticks(payload.ticker, [*map(_of_payload, payload.candlesticks or ())])


def _parse_batch_again(body: bytes) -> Page[Candlesticks]:
    page = parse_page(body, "markets", _CandlesticksPayload, _read_market)
    rejects: list[Reject] = []
    for reject in page.rejects:
        row: Any = json.loads(reject.raw)
        ticker = row.get("market_ticker") if isinstance(row, dict) else None
        if not isinstance(ticker, str) or not ticker or not isinstance(row.get("candlesticks"), list):
            rejects.append(reject)
            continue
        market = _parse_market_again(reject.raw.encode(), ticker)
        page.records.extend(market.records)
        rejects += market.rejects
    return Page(page.records, rejects)


def _parse_market_again(body: bytes, ticker: str) -> Page[Candlesticks]:
    page = parse_page(body, "candlesticks", CandlestickPayload, _of_payload)
    return Page([Candlesticks(ticker, page.records)], [_named(reject, ticker) for reject in page.rejects])


def _named(reject: Reject, ticker: str) -> Reject:
    """Name the market of a candlestick: it does not say so itself, and a market may have several odd ones."""
    row: Any = json.loads(reject.raw)
    end = row.get("end_period_ts") if isinstance(row, dict) else None
    raw = json.dumps({"ticker": ticker, "candlestick": row})
    return Reject(f"{ticker}/{end}" if isinstance(end, int | str) else None, raw, reject.error)
