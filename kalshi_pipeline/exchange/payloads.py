"""What the pipeline reads of the exchange's series, events, markets and status, for every generation of the API.

Only what is stored is modelled, and only what identifies a record is required: fields were added or removed in
some 25 releases within ten months (kalshi/API.md §0). Words of a vocabulary are plain text, so that a new one
is kept as it came. Where two generations stand side by side, the decimal string wins over the integer.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kalshi_pipeline.exchange.fields import Cents, Contracts, Dollars, Flag, Instant, Number, Text, Ticker
from kalshi_pipeline.units import MICROS_PER_DOLLAR

COMBO_PREFIX = "KXMVE"


class Payload(BaseModel):
    """Unknown fields are ignored; numbers may come as text (kalshi/recorded/2026-06-20 shows it)."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class Listed(Payload):
    """A record of a listing, identified by its ticker."""

    ticker: Ticker


class SeriesPayload(Listed):
    """A template of recurring events."""

    title: Text = None
    category: Text = None
    frequency: Text = None
    tags: list[str] | None = None


class EventPayload(Listed):
    """A question set: a group of markets."""

    ticker: Ticker = Field(alias="event_ticker")
    series_ticker: Text = None
    title: Text = None
    sub_title: Text = None
    category: Text = None
    mutually_exclusive: Flag = None
    strike_date: Instant = None


class Quote(NamedTuple):
    """Best prices of the YES side in micro-dollars and sizes in hundredths of a contract; None is no quote."""

    yes_bid: int | None
    yes_ask: int | None
    yes_bid_size: int | None
    yes_ask_size: int | None
    last_price: int | None
    volume: int | None
    open_interest: int | None


class MarketPayload(Listed):
    """One yes-no contract with its quote."""

    event_ticker: Ticker
    title: Text = None
    yes_sub_title: Text = None
    no_sub_title: Text = None
    market_type: Text = None
    status: Text = None
    result: str | None = None
    created_time: Instant = None
    open_time: Instant = None
    close_time: Instant = None
    expected_expiration_time: Instant = None
    occurrence_datetime: Instant = None
    strike_type: Text = None
    floor_strike: Number = None
    cap_strike: Number = None
    rules_primary: Text = None
    is_provisional: Flag = None
    mve_collection_ticker: Text = None

    yes_bid_dollars: Dollars = None
    yes_ask_dollars: Dollars = None
    no_bid_dollars: Dollars = None
    no_ask_dollars: Dollars = None
    last_price_dollars: Dollars = None
    yes_bid_size_fp: Contracts = None
    yes_ask_size_fp: Contracts = None
    volume_fp: Contracts = None
    open_interest_fp: Contracts = None

    # Until 12 March 2026 these stood beside, and before that instead of, the fields above.
    yes_bid: Cents = None
    yes_ask: Cents = None
    no_bid: Cents = None
    no_ask: Cents = None
    last_price: Cents = None
    volume: Contracts = None
    open_interest: Contracts = None

    @property
    def is_combo(self) -> bool:
        """Whether this is a multivariate market, whose event `/events` never shows."""
        return self.mve_collection_ticker is not None or self.event_ticker.startswith(COMBO_PREFIX)

    def quote(self) -> Quote:
        """The quote, with an unquoted side as None."""
        return quoted(
            self.yes_bid if self.yes_bid_dollars is None else self.yes_bid_dollars,
            self.yes_ask if self.yes_ask_dollars is None else self.yes_ask_dollars,
            self.yes_bid_size_fp,
            self.yes_ask_size_fp,
            self.last_price if self.last_price_dollars is None else self.last_price_dollars,
            self.volume if self.volume_fp is None else self.volume_fp,
            self.open_interest if self.open_interest_fp is None else self.open_interest_fp,
        )

    def has_mirrored_sides(self, quote: Quote) -> bool:
        """Whether the NO side that came mirrors the quoted YES side."""
        return is_mirrored(
            quote,
            self.no_bid if self.no_bid_dollars is None else self.no_bid_dollars,
            self.no_ask if self.no_ask_dollars is None else self.no_ask_dollars,
        )


def quoted(
    bid: int | None,
    ask: int | None,
    bid_size: int | None,
    ask_size: int | None,
    last_price: int | None,
    volume: int | None,
    open_interest: int | None,
) -> Quote:
    """Give a quote, with an unquoted side as None."""
    return Quote(
        bid if _is_quoted(bid, bid_size) else None,
        ask if _is_quoted(ask, ask_size) else None,
        bid_size,
        ask_size,
        last_price,
        volume,
        open_interest,
    )


def is_mirrored(quote: Quote, no_bid: int | None, no_ask: int | None) -> bool:
    """Tell whether a NO side mirrors the quoted YES side: no_bid is 1 - yes_ask, no_ask 1 - yes_bid."""
    bid, ask = quote.yes_bid, quote.yes_ask
    return (ask is None or no_bid is None or ask + no_bid == MICROS_PER_DOLLAR) and (
        bid is None or no_ask is None or bid + no_ask == MICROS_PER_DOLLAR
    )


def _is_quoted(price: int | None, size: int | None) -> bool:
    """Take a side as quoted where its size is positive, or its price strictly between 0 and 1 dollar.

    The exchange writes an unquoted side in five ways (kalshi/API.md, quirk 5), most of them as 0 or 1 dollar.
    """
    return price is not None and (0 < price < MICROS_PER_DOLLAR or (size is not None and size > 0))


class ExchangeStatusPayload(Payload):
    """Whether the exchange takes orders; while it does not, quotes stand still."""

    exchange_active: bool
    trading_active: bool

    @property
    def is_paused(self) -> bool:
        """Whether trading stands still."""
        return not (self.exchange_active and self.trading_active)
