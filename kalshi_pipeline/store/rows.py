"""The rows that the store takes: plain tuples in the order of their staging tables, made by `ingest`.

Prices are micro-dollars, sizes hundredths of a contract, instants microseconds since 1970; None is absent.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self, TypeAlias


class SeriesRow(NamedTuple):
    """A series as the exchange gives it."""

    ticker: str
    title: str | None
    category: str | None
    frequency: str | None
    tags: str | None


class EventRow(NamedTuple):
    """An event as the exchange gives it."""

    ticker: str
    series_ticker: str | None
    title: str | None
    sub_title: str | None
    category: str | None
    mutually_exclusive: bool | None
    strike_at: int | None


class MarketRow(NamedTuple):
    """A market as the exchange gives it, with its quote."""

    ticker: str
    event_ticker: str
    title: str | None
    yes_sub_title: str | None
    no_sub_title: str | None
    market_type: str | None
    status: str | None
    result: str | None
    created_at: int | None
    open_at: int | None
    close_at: int | None
    expected_expiration_at: int | None
    occurrence_at: int | None
    strike_type: str | None
    floor_strike: float | None
    cap_strike: float | None
    rules_primary: str | None
    is_provisional: bool | None
    is_combo: bool
    collection_ticker: str | None
    yes_bid: int | None
    yes_ask: int | None
    yes_bid_size: int | None
    yes_ask_size: int | None
    last_price: int | None
    volume: int | None
    open_interest: int | None


MarketTuple: TypeAlias = tuple[Any, ...]
"""A MarketRow without its name: pages of them go to the driver as they are."""


class OrphanRow(NamedTuple):
    """A market that a trade names and that the exchange does not give; `gone_at` where it is in none of its tiers."""

    ticker: str
    is_combo: bool
    gone_at: int | None


class TradeRow(NamedTuple):
    """A trade as the exchange gives it, its identifier as `trade_key` gives it."""

    created_at: int
    trade_id: bytes
    ticker: str
    yes_price: int
    contracts: int | None
    taker_side: str | None
    is_block: bool | None


TradeTuple: TypeAlias = tuple[Any, ...]
"""A TradeRow without its name."""


class SettlementRow(NamedTuple):
    """How a market ended, as one of the exchange's tiers tells it.

    `is_at_home` says that this tier is the one where the exchange keeps the market by now.
    """

    ticker: str
    result: str | None
    settlement_value: int | None
    settled_at: int | None
    settled_at_source: str
    tier: str
    is_at_home: bool


class CandlestickRow(NamedTuple):
    """A candlestick of a stored market, as the exchange gives it."""

    market_id: int
    period_minutes: int
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


class RejectRow(NamedTuple):
    """A record that could not be read."""

    ticker: str | None
    raw: str
    error: str


@dataclass(frozen=True)
class Tally:
    """What happened to the records of a page or of a run: received = inserted + changed + unchanged + quarantined
    + duplicates + left_out, which are those that were not asked for. `placeholders` counts the parents made,
    `healed` those filled; `keyframes` those of the inserted quotes that are unchanged and were written for their
    age, `ended` the histories that were ended.
    """

    pages: int = 0
    received: int = 0
    inserted: int = 0
    changed: int = 0
    unchanged: int = 0
    quarantined: int = 0
    duplicates: int = 0
    left_out: int = 0
    placeholders: int = 0
    healed: int = 0
    keyframes: int = 0
    ended: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})
