"""What the pipeline reads of trades, candlesticks and order books, of every generation and of both tiers."""

from typing import Any, NamedTuple, Self

from pydantic import model_validator

from kalshi_pipeline.exchange.fields import (
    Cents,
    Contracts,
    Dollars,
    EpochSeconds,
    Flag,
    Instant,
    Text,
    Ticker,
)
from kalshi_pipeline.exchange.payloads import Payload


class TradePayload(Payload):
    """One execution."""

    trade_id: Ticker
    ticker: Ticker
    created_time: Instant
    count_fp: Contracts = None
    yes_price_dollars: Dollars = None
    taker_outcome_side: Text = None
    is_block_trade: Flag = None

    # Until March 2026.
    count: Contracts = None
    yes_price: Cents = None
    taker_side: Text = None

    @model_validator(mode="after")
    def _one_generation(self) -> Self:
        self.count_fp = self.count if self.count_fp is None else self.count_fp
        self.yes_price_dollars = self.yes_price if self.yes_price_dollars is None else self.yes_price_dollars
        self.taker_outcome_side = self.taker_outcome_side or self.taker_side
        return self


class PricesPayload(Payload):
    """Open, high, low and close of a period, in micro-dollars; None where nothing traded or was quoted."""

    open_dollars: Dollars = None
    high_dollars: Dollars = None
    low_dollars: Dollars = None
    close_dollars: Dollars = None
    mean_dollars: Dollars = None
    previous_dollars: Dollars = None

    @model_validator(mode="before")
    @classmethod
    def _one_generation(cls, data: Any) -> Any:  # noqa: ANN401  (whatever the payload holds)
        """`close_dollars`, else `close`: a string is dollars (historical tier), an integer cents (until 2026-03)."""
        if not isinstance(data, dict):
            return data
        merged = dict(data)
        for name in ("open", "high", "low", "close", "mean", "previous"):
            value = merged.get(name)
            if merged.get(f"{name}_dollars") in (None, "") and value is not None:
                merged[f"{name}_dollars"] = _dollars_text(value) if isinstance(value, int) else value
        return merged


def _dollars_text(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


class CandlestickPayload(Payload):
    """One period of one market; `end_period_ts` is its inclusive end."""

    end_period_ts: EpochSeconds
    price: PricesPayload | None = None
    yes_bid: PricesPayload | None = None
    yes_ask: PricesPayload | None = None
    volume_fp: Contracts = None
    open_interest_fp: Contracts = None

    # The names of the historical tier, and of every tier until March 2026.
    volume: Contracts = None
    open_interest: Contracts = None

    @model_validator(mode="after")
    def _one_generation(self) -> Self:
        self.volume_fp = self.volume if self.volume_fp is None else self.volume_fp
        self.open_interest_fp = self.open_interest if self.open_interest_fp is None else self.open_interest_fp
        return self


class BookLevel(NamedTuple):
    """One price of a side, in micro-dollars, with its size in hundredths of a contract."""

    price: Dollars
    size: Contracts


class _CentLevel(NamedTuple):
    price: Cents
    size: Contracts


class _DollarSides(Payload):
    yes_dollars: list[BookLevel] | None = None
    no_dollars: list[BookLevel] | None = None


class _LegacySides(_DollarSides):
    yes: list[_CentLevel] | None = None
    no: list[_CentLevel] | None = None


class OrderBookPayload(Payload):
    """Resting bids of each side, ascending, so that the best is last; a side that is null or missing is empty."""

    orderbook_fp: _DollarSides | None = None
    orderbook: _LegacySides | None = None

    @model_validator(mode="after")
    def _has_a_book(self) -> Self:
        if self.orderbook_fp is None and self.orderbook is None:
            raise ValueError("it holds neither orderbook_fp nor orderbook")
        return self

    @property
    def yes(self) -> list[BookLevel]:
        """Bids for YES."""
        return self._side("yes")

    @property
    def no(self) -> list[BookLevel]:
        """Bids for NO."""
        return self._side("no")

    def _side(self, name: str) -> list[BookLevel]:
        for sides in (self.orderbook_fp, self.orderbook):
            if levels := getattr(sides, f"{name}_dollars", None):
                return list(levels)
        return [BookLevel(*level) for level in getattr(self.orderbook, name, None) or []]


class CutoffPayload(Payload):
    """The instants before which settled markets and trades live in the historical tier only."""

    market_settled_ts: Instant
    trades_created_ts: Instant
