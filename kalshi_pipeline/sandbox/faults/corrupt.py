"""Corrupts answers: unknown words, unreadable or missing values, zero times, a missing envelope key.

The fields that appear, vanish and change their type are in drift.py.
"""

from typing import Any
from zlib import crc32

from kalshi_pipeline.sandbox.faults.drift import drifted
from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.shapes.json_format import ZERO_TIME
from kalshi_pipeline.sandbox.world.chance import is_within, scatter

_ENVELOPES = (
    "markets", "events", "trades", "series", "orderbooks", "series_fee_change_arr",
    "event_fee_changes", "candlesticks",
    "milestones", "structured_targets", "multivariate_contracts", "incentive_programs",
    "market", "event", "orderbook_fp", "orderbook", "schedule",
)  # fmt: skip
_KINDS = {"series": "series", "multivariate_contracts": "collection", "multivariate_contract": "collection"}
# Unknown words of vocabularies that a client may assume to be closed; one record in seven gets them.
_WORDS = {
    "status": "auctioning",
    "market_type": "perpetual",
    "strike_type": "lunar",
    "result": "postponed",
    "price_level_structure": "golden_ratio",
    "collateral_return_type": "CROSSNET",
    "fee_type": "cubic",
    "fee_type_override": "cubic",
    "taker_outcome_side": "maybe",
}
_SHARE_OF_WORDS = 1 / 7
_SHARE_OF_ZERO_TIMES = 1 / 7
_TIMES = ("created_time", "updated_time", "last_updated_ts", "settlement_ts")
_NAMES = ("id", "trade_id", "ticker", "event_ticker", "market_ticker")
_ODD_FIELDS: dict[str, object] = {
    "title": 76,
    "category": ["a", "b"],
    "sub_title": "half \ud83d",
    "close_time": "2026-12-20",
    "open_time": "TBD",
    "floor_strike": "1,000",
    "open_interest_fp": "50.125",
    "rules_primary": {"text": "r"},
    "is_block_trade": "maybe",
    "tags": "one",
}
_OTHER_QUOTE = {
    "yes_bid_dollars": "0.0100",
    "no_ask_dollars": "0.9900",
    "volume_fp": "1.00",
    "count_fp": "7.00",
}
_PRICES = ("yes_bid_dollars", "yes_price_dollars", "close_time")


def row_lists(answer: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """Return the lists of records in an answer, starting with the page's own."""
    return [(key, answer[key]) for key in _ENVELOPES if isinstance(answer.get(key), list)]


def corrupt_answer(answer: dict[str, Any], faults: Faults) -> None:
    """Apply the faults of records and of the envelope, in place."""
    for key, rows in row_lists(answer):
        answer[key] = [_record(row, faults, _KINDS.get(key, key.removesuffix("s"))) for row in rows]
    for key in ("market", "event", "series", "milestone", "structured_target", "multivariate_contract"):
        if isinstance(answer.get(key), dict):
            answer[key] = _single(answer[key], faults, _KINDS.get(key, key))
    if "market_details" in answer:  # the metadata of an event has no envelope
        metadata = drifted(dict(answer), "metadata", scatter(faults.seed, len(answer)), faults)
        answer.clear()
        answer.update(metadata)
    if faults.missing_key:
        found = next((key for key in _ENVELOPES if key in answer), None)
        if found is not None:
            del answer[found]


def hide_unlisted(answer: dict[str, Any], faults: Faults) -> None:
    """Remove the unlisted records from a listing, in place; the same ones at every request."""
    for key, rows in row_lists(answer):
        answer[key] = [row for row in rows if not _is_unlisted(row, faults)]


def _is_unlisted(row: Any, faults: Faults) -> bool:  # noqa: ANN401 - a record is any JSON value
    name = _name_of(row) if isinstance(row, dict) else ""
    return bool(name) and is_within(scatter(faults.seed + 4, crc32(name.encode())), faults.unlisted)


def with_other_quote(row: Any) -> Any:  # noqa: ANN401 - a record is any JSON value
    """Return a record with its price and volume changed, if it has any."""
    return row | {name: value for name, value in _OTHER_QUOTE.items() if name in row}


def _record(row: Any, faults: Faults, kind: str) -> Any:  # noqa: ANN401 - a record is any JSON value
    if not isinstance(row, dict):
        return row
    row, draw = _still_readable(row, faults, kind)
    if faults.unknown_words and is_within(draw, _SHARE_OF_WORDS):
        row = _with_new_words(row)
    if is_within(scatter(faults.seed + 3, draw), faults.odd_fields):
        row = _with_odd_field(row, draw)
    if is_within(scatter(faults.seed + 1, draw), faults.unreadable):
        return _unreadable(row, draw)
    return row


def _single(row: dict[str, Any], faults: Faults, kind: str) -> dict[str, Any]:
    """Corrupt a record that was requested by name: it stays readable, and always gets new words if they are on."""
    row, _ = _still_readable(row, faults, kind)
    return _with_new_words(row) if faults.unknown_words else row


def _still_readable(row: dict[str, Any], faults: Faults, kind: str) -> tuple[dict[str, Any], int]:
    """Apply the faults that leave a record readable, and return it with the number that its other faults follow."""
    if isinstance(row.get("markets"), list):
        row["markets"] = [_record(market, faults, "market") for market in row["markets"]]
    draw = scatter(faults.seed, crc32(_name_of(row).encode()))
    return drifted(_timed_and_paid(row, draw, faults), kind, draw, faults), draw


def _timed_and_paid(row: dict[str, Any], draw: int, faults: Faults) -> dict[str, Any]:
    """Apply the faults of times and payouts to a record, the same way at every request."""
    if faults.scalar_without_value and row.get("result") == "scalar":
        row = {key: value for key, value in row.items() if key != "settlement_value_dollars"}
    if faults.zero_times and is_within(scatter(faults.seed + 2, draw), _SHARE_OF_ZERO_TIMES):
        row |= {key: ZERO_TIME for key in _TIMES if key in row}
    return row


def _name_of(row: dict[str, Any]) -> str:
    return next((str(row[key]) for key in _NAMES if key in row), "")


def _with_new_words(row: dict[str, Any]) -> dict[str, Any]:
    return row | {key: word for key, word in _WORDS.items() if key in row}


def _with_odd_field(row: dict[str, Any], draw: int) -> dict[str, Any]:
    """Return a record with one descriptive field in a form that the contract does not allow."""
    found = [name for name in _ODD_FIELDS if name in row]
    if not found:
        return row
    name = found[draw % len(found)]
    return row | {name: _ODD_FIELDS[name]}


def _unreadable(row: dict[str, Any], draw: int) -> object:
    """Return an unreadable record: with a price that is not a number, without an identifier, with an object as text, or
    a bare number.
    """
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
