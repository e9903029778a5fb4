"""Parses candlesticks of one or many markets: fast, or one by one if any is odd."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from kalshi_pipeline.exchange.compiling import list_of, wire_of
from kalshi_pipeline.exchange.fields import WireTicker
from kalshi_pipeline.exchange.json_text import UNPARSABLE, load, split_list, split_object
from kalshi_pipeline.exchange.pages import Page, check_named, named_in, read_rows, split_page
from kalshi_pipeline.exchange.payloads import CandlestickPayload
from kalshi_pipeline.exchange.readers import RecordReader
from kalshi_pipeline.exchange.sent_fields import part_of, sent_fields
from kalshi_pipeline.exchange.value_readers import read_ticker
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.records import Candlestick, Reject


class Candlesticks(NamedTuple):
    """One market's candlesticks in a range, oldest first, and the number of unreadable ones."""

    ticker: str
    candlesticks: list[Candlestick]
    unreadable: int = 0


def parse_batch(body: bytes) -> Page[Candlesticks]:
    """Parse the candlesticks of many markets; errors as in `split_page`. Each reject is one candlestick."""
    try:
        markets = _batch_decoder.decode(body).markets
        is_doubtful = markets is None or any(market.candlesticks is None for market in markets)
        return Page([_read_market(market) for market in markets or ()], is_doubtful=is_doubtful)
    except UNPARSABLE:
        return _parse_batch_one_by_one(body)


def parse_market(body: bytes, ticker: str) -> Page[Candlesticks]:
    """Return one market's candlesticks. The historical tier uses the older names of fields.

    Errors as in `split_page`, and GarbledAnswerError if they are another market's.
    """
    try:
        market = _market_decoder.decode(body)
        check_named(market.ticker, ticker)
        wires = market.candlesticks
        return Page([_of_wires(ticker, wires)], is_doubtful=wires is None)
    except UNPARSABLE:
        check_named(named_in(body), ticker)
        envelope = split_page(body, "candlesticks")
        page = _read_one_by_one(ticker, envelope.rows)
        return replace(page, is_doubtful=page.is_doubtful or envelope.is_doubtful)


_OBJECT = re.compile(rb"\{\s*\"")
_RECORDS = RecordReader(Candlestick, CandlestickPayload)
_PRICES = {
    name: part for name, field, _ in sent_fields(CandlestickPayload) if (part := part_of(field)) is not None
}
_PRICE_NAMES = {field.alias for part in _PRICES.values() for field in part.model_fields.values()}
_wires = list_of(wire_of(CandlestickPayload))
_market_wire = msgspec.defstruct(
    "Market", [("market_ticker", WireTicker), ("candlesticks", _wires)], gc=False
)
_batch_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct("Batch", [("markets", list_of(_market_wire))])
)
_market_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct("OneMarket", [("candlesticks", _wires), ("ticker", str | None, None)])
)
_batch_market_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_market_wire)


def _read_market(market: Any) -> Candlesticks:  # noqa: ANN401  (a struct that is made above)
    return _of_wires(read_ticker(market.market_ticker), market.candlesticks)


def _of_wires(ticker: str, wires: Sequence[Any] | None) -> Candlesticks:
    """Build the candlesticks of a market. Raises ValueError if none has a price, because their names may be new."""
    candlesticks = [*map(_RECORDS.of_wire, wires or ())]
    if candlesticks and not any(map(_has_price, candlesticks)):
        raise ValueError("no candlestick has a price")
    return Candlesticks(ticker, candlesticks)


def _has_price(candle: Candlestick) -> bool:
    prices = (candle.yes_bid_close, candle.yes_ask_close, candle.price_close, candle.price_previous)
    return any(price is not None for price in prices)


def _check_prices(row: bytes) -> None:
    """Raise ValueError if a candlestick has prices, but none under a known name."""
    sent = load(row)
    parts = [part for name in _PRICES if isinstance(part := sent.get(name), dict)]
    names = {name for part in parts for name in part}
    if names and names.isdisjoint(_PRICE_NAMES):
        raise ValueError(f"its prices have other names than before: {cut(', '.join(sorted(names)))}")


def _parse_batch_one_by_one(body: bytes) -> Page[Candlesticks]:
    odd: Counter[str] = Counter()
    rejects: list[Reject] = []
    envelope = split_page(body, "markets")
    is_doubtful = envelope.is_doubtful

    def read(row: bytes) -> Candlesticks:
        nonlocal is_doubtful
        try:
            market = _batch_market_decoder.decode(row)
            is_doubtful |= market.candlesticks is None
            return _read_market(market)
        except UNPARSABLE:
            members = split_object(row)
        ticker, candlesticks = load(members.get("market_ticker", b"null")), members.get("candlesticks")
        if candlesticks is None:
            raise ValueError("candlesticks: it is missing")
        is_doubtful |= candlesticks == b"null"
        page = _read_one_by_one(
            read_ticker(ticker), [] if candlesticks == b"null" else split_list(candlesticks)
        )
        is_doubtful |= page.is_doubtful
        odd.update(page.odd_fields)
        rejects.extend(page.rejects)
        return page.records[0]

    records, of_markets = read_rows(envelope.rows, "markets", read)
    return Page(records, of_markets + rejects, odd_fields=odd, is_doubtful=is_doubtful)


def _read_one_by_one(ticker: str, rows: list[bytes]) -> Page[Candlesticks]:
    odd: Counter[str] = Counter()

    def read(row: bytes) -> Candlestick:
        candle = _RECORDS.read(row, odd)
        if not _has_price(candle):
            _check_prices(row)
        return candle

    records, rejects = read_rows(rows, "candlesticks", read)
    named = [_named(reject, ticker) for reject in rejects]
    is_doubtful = bool(rejects) and (not records or not all(map(_OBJECT.match, rows)))
    return Page([Candlesticks(ticker, records, len(rejects))], named, odd_fields=odd, is_doubtful=is_doubtful)


def _named(reject: Reject, ticker: str) -> Reject:
    """Add the market's ticker to a rejected candlestick, which does not contain it."""
    raw = f'{{"ticker": {json.dumps(ticker)}, "candlestick": {reject.raw}}}'
    try:
        end = load(split_object(reject.raw.encode())["end_period_ts"])
    except (KeyError, ValueError):
        end = None
    return Reject(f"{ticker}/{cut(end)}" if isinstance(end, str) and end else None, raw, reject.error)
