"""Damages records inside an answer: unknown words, unreadable or absent values, zero times, the envelope's key gone."""

from typing import Any
from zlib import crc32

from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.shapes.json_format import ZERO_TIME
from kalshi_pipeline.sandbox.world.chance import scatter

_ENVELOPES = (
    "markets", "events", "trades", "series", "orderbooks", "series_fee_change_arr", "candlesticks",
    "market", "event", "orderbook_fp", "orderbook", "schedule",
)  # fmt: skip
# Words of a list that a client may have closed (API.md §0.6); one record in seven gets a new one.
_WORDS = {
    "status": "auctioning",
    "market_type": "perpetual",
    "strike_type": "lunar",
    "result": "postponed",
    "price_level_structure": "golden_ratio",
    "collateral_return_type": "CROSSNET",
    "fee_type": "cubic",
    "taker_outcome_side": "maybe",
}
_SHARE_OF_WORDS = 1 / 7
_SHARE_OF_ZERO_TIMES = 1 / 7
_TIMES = ("created_time", "updated_time", "last_updated_ts", "settlement_ts")
_NAMES = ("trade_id", "ticker", "event_ticker", "market_ticker")
_PRICES = ("yes_bid_dollars", "yes_price_dollars", "close_time")


def row_lists(answer: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """The lists of records in an answer, the page's own first."""
    return [(key, answer[key]) for key in _ENVELOPES if isinstance(answer.get(key), list)]


def damage(answer: dict[str, Any], faults: Faults) -> None:
    """Applies the faults that concern records and the envelope."""
    for key, rows in row_lists(answer):
        answer[key] = [_record(row, faults) for row in rows]
    for key in ("market", "event", "series"):
        if isinstance(answer.get(key), dict):
            answer[key] = _single(answer[key], faults)
    if faults.missing_key:
        found = next((key for key in _ENVELOPES if key in answer), None)
        if found is not None:
            del answer[found]


def _record(row: Any, faults: Faults) -> Any:  # noqa: ANN401 - a record is whatever JSON holds
    if not isinstance(row, dict):
        return row
    if isinstance(row.get("markets"), list):
        row["markets"] = [_record(market, faults) for market in row["markets"]]
    draw = scatter(faults.seed, crc32(_name_of(row).encode()))
    row = _timed_and_paid(row, draw, faults)
    if faults.unknown_words and draw < _SHARE_OF_WORDS * 2**64:
        row = _with_new_words(row)
    if scatter(faults.seed + 1, draw) < faults.unreadable * 2**64:
        return _unreadable(row, draw)
    return row


def _single(row: dict[str, Any], faults: Faults) -> dict[str, Any]:
    """A record that was asked for by its name: readable, and with new words where they are switched on."""
    if isinstance(row.get("markets"), list):
        row["markets"] = [_record(market, faults) for market in row["markets"]]
    draw = scatter(faults.seed, crc32(_name_of(row).encode()))
    row = _timed_and_paid(row, draw, faults)
    return _with_new_words(row) if faults.unknown_words else row


def _timed_and_paid(row: dict[str, Any], draw: int, faults: Faults) -> dict[str, Any]:
    """The record with its times and its payout as the faults want them; every read of it alike."""
    if faults.scalar_without_value and row.get("result") == "scalar":
        row = {key: value for key, value in row.items() if key != "settlement_value_dollars"}
    if faults.zero_times and scatter(faults.seed + 2, draw) < _SHARE_OF_ZERO_TIMES * 2**64:
        row |= {key: ZERO_TIME for key in _TIMES if key in row}
    return row


def _name_of(row: dict[str, Any]) -> str:
    return next((str(row[key]) for key in _NAMES if key in row), "")


def _with_new_words(row: dict[str, Any]) -> dict[str, Any]:
    return row | {key: word for key, word in _WORDS.items() if key in row}


def _unreadable(row: dict[str, Any], draw: int) -> object:
    """One of: a price that is no number, no identifier, a number in the record's place, an object for a text."""
    match draw % 4:
        case 0:
            price = next((key for key in _PRICES if key in row), None)
            return row | ({price: "abc"} if price else {"ticker": None, "event_ticker": None})
        case 1:
            return {key: value for key, value in row.items() if key not in _NAMES}
        case 2:
            return draw % 1_000
        case _:
            return row | {next((key for key in _NAMES if key in row), "ticker"): {"moved": True}}
