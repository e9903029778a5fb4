"""The list of the API's fields that feed each field of a record.

An attribute has the name of the record's field (`records`), and its alias is the API's name. Some 25 releases within
ten months added and removed fields, so every generation is read: `<field>_older` is the same value in an earlier
generation or the other tier, and counts if the newer one is absent. Only stored fields are listed, and only identifiers
are required. Words of a vocabulary are plain text, so new words are kept unchanged.
"""

from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kalshi_pipeline.exchange.fields import (
    Contracts,
    Dollars,
    EpochSeconds,
    Flag,
    Float,
    Instant,
    Integer,
    Json,
    LooseContracts,
    LooseDollars,
    LooseInstant,
    LooseMultiplier,
    Moment,
    Multiplier,
    NeededText,
    OlderContracts,
    OlderPrice,
    OlderText,
    ParentTicker,
    Tags,
    Text,
    Ticker,
    Word,
)
from kalshi_pipeline.exchange.price_units import in_one_unit


class Payload(BaseModel):
    """Unknown fields are ignored. Numbers may be text, as in June 2026."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class SeriesPayload(Payload):
    """A template of recurring events."""

    ticker: Ticker
    title: Text = None
    category: Text = None
    frequency: Text = None
    tags: Tags = None
    categories: Json = None
    fee_type: Text = None
    fee_multiplier: LooseMultiplier = None
    settlement_sources: Json = None
    contract_url: Text = None
    contract_terms_url: Text = None
    additional_prohibitions: Json = None
    product_metadata: Json = None
    exchange_index: Integer = None


class EventPayload(Payload):
    """A question set: a group of markets."""

    ticker: Ticker = Field(alias="event_ticker")
    series_ticker: Text = None
    title: Text = None
    sub_title: Text = None
    category: Text = None
    mutually_exclusive: Flag = None
    strike_at: Instant = Field(None, alias="strike_date")
    strike_period: Text = None
    collateral_return_type: Text = None
    fee_type_override: Text = None
    fee_multiplier_override: LooseMultiplier = None
    settlement_sources: Json = None
    product_metadata: Json = None
    exchange_index: Integer = None


class MarketPayload(Payload):
    """One yes-no contract with its quote."""

    ticker: Ticker
    event_ticker: ParentTicker
    title: Text = None
    yes_sub_title: Text = None
    no_sub_title: Text = None
    market_type: Text = None
    status: Text = None
    result: Word = None
    created_at: Instant = Field(None, alias="created_time")
    open_at: Instant = Field(None, alias="open_time")
    close_at: Instant = Field(None, alias="close_time")
    expected_expiration_at: Instant = Field(None, alias="expected_expiration_time")
    occurrence_at: Instant = Field(None, alias="occurrence_datetime")
    strike_type: Text = None
    floor_strike: Float = None
    cap_strike: Float = None
    rules_primary: Text = None
    is_provisional: Flag = None
    collection_ticker: Text = Field(None, alias="mve_collection_ticker")
    latest_expiration_at: Instant = Field(None, alias="latest_expiration_time")
    functional_strike: Text = None
    custom_strike: Json = None
    expiration_value: Text = None
    rules_secondary: Text = None
    price_level_structure: Text = None
    price_ranges: Json = None
    settlement_bounds_type: Text = None
    settlement_floor: LooseDollars = Field(None, alias="settlement_floor_dollars")
    settlement_timer_seconds: Integer = None
    can_close_early: Flag = None
    early_close_condition: Text = None
    fee_waiver_expiration_at: Instant = Field(None, alias="fee_waiver_expiration_time")
    primary_participant_key: Text = None
    exchange_index: Integer = None
    updated_time: Text = None

    yes_bid: Dollars = Field(None, alias="yes_bid_dollars")
    yes_ask: Dollars = Field(None, alias="yes_ask_dollars")
    no_bid: LooseDollars = Field(None, alias="no_bid_dollars")
    no_ask: LooseDollars = Field(None, alias="no_ask_dollars")
    yes_bid_size: Contracts = Field(None, alias="yes_bid_size_fp")
    yes_ask_size: Contracts = Field(None, alias="yes_ask_size_fp")
    last_price: LooseDollars = Field(None, alias="last_price_dollars")
    volume: LooseContracts = Field(None, alias="volume_fp")
    open_interest: LooseContracts = Field(None, alias="open_interest_fp")

    # Until 12 March 2026, first alone and then beside the fields above.
    yes_bid_older: OlderPrice = Field(None, alias="yes_bid")
    yes_ask_older: OlderPrice = Field(None, alias="yes_ask")
    no_bid_older: OlderPrice = Field(None, alias="no_bid")
    no_ask_older: OlderPrice = Field(None, alias="no_ask")
    last_price_older: OlderPrice = Field(None, alias="last_price")
    volume_older: OlderContracts = Field(None, alias="volume")
    open_interest_older: OlderContracts = Field(None, alias="open_interest")


class OutcomePayload(MarketPayload):
    """A market of any status, with its outcome."""

    settlement_value: LooseDollars = Field(None, alias="settlement_value_dollars")
    settled_at: Instant = Field(None, alias="settlement_ts")

    # Until 12 March 2026, in cents.
    settlement_value_older: OlderPrice = Field(None, alias="settlement_value")


class EndedPayload(OutcomePayload):
    """A market that is not open, with its outcome; its quote is optional."""

    yes_bid: LooseDollars = Field(None, alias="yes_bid_dollars")
    yes_ask: LooseDollars = Field(None, alias="yes_ask_dollars")
    yes_bid_size: LooseContracts = Field(None, alias="yes_bid_size_fp")
    yes_ask_size: LooseContracts = Field(None, alias="yes_ask_size_fp")


class TradePayload(Payload):
    """One execution."""

    trade_id: Ticker
    ticker: Ticker
    created_at: Moment = Field(alias="created_time")
    yes_price: Dollars = Field(None, alias="yes_price_dollars")
    no_price: LooseDollars = Field(None, alias="no_price_dollars")
    contracts: Contracts = Field(None, alias="count_fp")
    taker_side: Text = Field(None, alias="taker_outcome_side")
    is_block: Flag = Field(None, alias="is_block_trade")

    # `taker_side` was used until March 2026, and is still sent beside its successor.
    yes_price_older: OlderPrice = Field(None, alias="yes_price")
    no_price_older: OlderPrice = Field(None, alias="no_price")
    contracts_older: OlderContracts = Field(None, alias="count")
    taker_side_older: OlderText = Field(None, alias="taker_side")


class QuotedPricesPayload(Payload):
    """Open, high, low and close of a period. The historical tier also uses the older names."""

    open: Dollars = Field(None, alias="open_dollars")
    high: Dollars = Field(None, alias="high_dollars")
    low: Dollars = Field(None, alias="low_dollars")
    close: Dollars = Field(None, alias="close_dollars")

    open_older: OlderPrice = Field(None, alias="open")
    high_older: OlderPrice = Field(None, alias="high")
    low_older: OlderPrice = Field(None, alias="low")
    close_older: OlderPrice = Field(None, alias="close")


class TradedPricesPayload(QuotedPricesPayload):
    """The prices of the trades in a period. Without a trade, only the price before the period is present."""

    mean: LooseDollars = Field(None, alias="mean_dollars")
    previous: LooseDollars = Field(None, alias="previous_dollars")

    mean_older: OlderPrice = Field(None, alias="mean")
    previous_older: OlderPrice = Field(None, alias="previous")


class CandlestickPayload(Payload):
    """One period of one market. `yes_bid.open` feeds the field `yes_bid_open`, and so on."""

    end_at: EpochSeconds = Field(alias="end_period_ts")
    yes_bid: QuotedPricesPayload | None = None
    yes_ask: QuotedPricesPayload | None = None
    price: TradedPricesPayload | None = None
    volume: LooseContracts = Field(None, alias="volume_fp")
    open_interest: LooseContracts = Field(None, alias="open_interest_fp")

    # The names of the historical tier, and of both tiers until March 2026.
    volume_older: OlderContracts = Field(None, alias="volume")
    open_interest_older: OlderContracts = Field(None, alias="open_interest")


class LevelPayload(NamedTuple):
    """One price of a side and its resting size: a list of two."""

    price: Dollars
    size: Contracts


class OlderLevelPayload(NamedTuple):
    """The level format until March 2026, in a unit that all levels of the book decide."""

    price: Any
    size: Contracts


class _DollarSidesPayload(Payload):
    yes_dollars: list[LevelPayload] | None = None
    no_dollars: list[LevelPayload] | None = None


class _CentSidesPayload(_DollarSidesPayload):
    yes: list[OlderLevelPayload] | None = None
    no: list[OlderLevelPayload] | None = None

    def in_dollars(self) -> tuple[list[LevelPayload], list[LevelPayload]]:
        """Return the levels of both sides in the same unit."""
        yes, no = self.yes or [], self.no or []
        levels = [*yes, *no]
        sent = [level.price for level in levels]
        prices = in_one_unit((None,) * len(sent), sent, ["price"] * len(sent))
        read = [LevelPayload(price, level.size) for price, level in zip(prices, levels, strict=True)]
        return read[: len(yes)], read[len(yes) :]


class OrderBookPayload(Payload):
    """Resting bids of each side in ascending order, so the best is last. A null or missing side is empty."""

    orderbook_fp: _DollarSidesPayload | None = None

    # Until 12 March 2026.
    orderbook: _CentSidesPayload | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_known_sides(cls, sent: Any) -> Any:  # noqa: ANN401  (JSON)
        """Refuse sides under other names than before, which would be an empty book."""
        forms = {"orderbook_fp": _DollarSidesPayload, "orderbook": _CentSidesPayload}
        books = {name: sent.get(name) for name in forms} if isinstance(sent, dict) else {}
        sides = [(name, form) for form, book in books.items() if isinstance(book, dict) for name in book]
        if sides and not any(name in forms[form].model_fields for name, form in sides):
            raise ValueError(
                f"its sides have other names than before: {', '.join(sorted(n for n, _ in sides))}"
            )
        return sent

    @model_validator(mode="after")
    def _has_a_book(self) -> Self:
        if self.orderbook_fp is None and self.orderbook is None:
            raise ValueError("it has neither orderbook_fp nor orderbook")
        return self

    @property
    def yes(self) -> list[LevelPayload]:
        """Bids for YES. Raises ValueError if the unit of their prices is unknown."""
        newer, older = self.orderbook_fp or _DollarSidesPayload(), self.orderbook or _CentSidesPayload()
        return newer.yes_dollars or older.yes_dollars or older.in_dollars()[0]

    @property
    def no(self) -> list[LevelPayload]:
        """Bids for NO; errors as in `yes`."""
        newer, older = self.orderbook_fp or _DollarSidesPayload(), self.orderbook or _CentSidesPayload()
        return newer.no_dollars or older.no_dollars or older.in_dollars()[1]


class SeriesFeeChangePayload(Payload):
    """A change of a series' fee."""

    change_id: Ticker = Field(alias="id")
    series_ticker: Ticker
    fee_type: NeededText = None
    fee_multiplier: Multiplier = None
    scheduled_at: Moment = Field(alias="scheduled_ts")


class EventFeeChangePayload(Payload):
    """A change of an event's fee override; without values it clears the override."""

    change_id: Ticker = Field(alias="id")
    event_ticker: Ticker
    series_ticker: Text = None
    fee_type_override: NeededText = None
    fee_multiplier_override: Multiplier = None
    scheduled_at: Moment = Field(alias="scheduled_ts")


class CutoffPayload(Payload):
    """The instants before which settled markets and trades are in the historical tier only; None where one is odd.

    An instant that is not known leaves both tiers possible, which costs requests and loses nothing.
    """

    market_settled_ts: LooseInstant
    trades_created_ts: LooseInstant


class ExchangeStatusPayload(Payload):
    """Whether the exchange accepts orders. While it does not, quotes do not move."""

    exchange_active: Any = None
    trading_active: Any = None
    exchange_index_statuses: Any = None
    exchange_estimated_resume_time: Any = None

    @property
    def is_paused(self) -> bool | None:
        """Whether trading is paused; None if unknown. Only `true` and `false` count."""
        said = (self.exchange_active, self.trading_active)
        if any(flag is False for flag in said):
            return True
        return False if all(flag is True for flag in said) else None

    @property
    def is_status(self) -> bool:
        """Whether the object is a status; an error has neither flag."""
        return isinstance(self.exchange_active, bool) or isinstance(self.trading_active, bool)
