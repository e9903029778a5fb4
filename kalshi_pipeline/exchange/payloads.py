"""The one list of what is read of the exchange's answers: for each field of a record, which fields of the API feed it.

An attribute has the name of the record's field (`records`), its alias the API's name. Some 25 releases within ten
months have added and removed fields, so every generation is read: `<field>_older` is where an earlier one, or the
other tier, has the same value, and counts where the newer one is absent. Only what is stored is listed, and only what
identifies a record is required; words of a vocabulary are plain text, so that a new one is kept as it came.
"""

from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kalshi_pipeline.exchange.fields import (
    Cents,
    Contracts,
    Dollars,
    EpochSeconds,
    Flag,
    Instant,
    Json,
    LooseDollars,
    LooseFlag,
    LooseInstant,
    LooseInteger,
    LooseMultiplier,
    LooseText,
    Moment,
    Multiplier,
    Number,
    OlderCents,
    OlderContracts,
    OlderDollarsOrCents,
    OlderText,
    Tags,
    Text,
    Ticker,
    Word,
)


class Payload(BaseModel):
    """Unknown fields are ignored; numbers may come as text, as they did in June 2026."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class SeriesPayload(Payload):
    """A template of recurring events."""

    ticker: Ticker
    title: Text = None
    category: Text = None
    frequency: Text = None
    tags: Tags = None
    categories: Json = None
    fee_type: LooseText = None
    fee_multiplier: LooseMultiplier = None
    settlement_sources: Json = None
    contract_url: LooseText = None
    contract_terms_url: LooseText = None
    additional_prohibitions: Json = None
    product_metadata: Json = None
    exchange_index: LooseInteger = None


class EventPayload(Payload):
    """A question set: a group of markets."""

    ticker: Ticker = Field(alias="event_ticker")
    series_ticker: Text = None
    title: Text = None
    sub_title: Text = None
    category: Text = None
    mutually_exclusive: Flag = None
    strike_at: Instant = Field(None, alias="strike_date")
    strike_period: LooseText = None
    collateral_return_type: LooseText = None
    fee_type_override: LooseText = None
    fee_multiplier_override: LooseMultiplier = None
    settlement_sources: Json = None
    product_metadata: Json = None
    exchange_index: LooseInteger = None


class MarketPayload(Payload):
    """One yes-no contract with its quote."""

    ticker: Ticker
    event_ticker: Ticker
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
    floor_strike: Number = None
    cap_strike: Number = None
    rules_primary: Text = None
    is_provisional: Flag = None
    collection_ticker: Text = Field(None, alias="mve_collection_ticker")
    latest_expiration_at: LooseInstant = Field(None, alias="latest_expiration_time")
    functional_strike: LooseText = None
    custom_strike: Json = None
    expiration_value: LooseText = None
    rules_secondary: LooseText = None
    price_level_structure: LooseText = None
    price_ranges: Json = None
    settlement_bounds_type: LooseText = None
    settlement_floor: LooseDollars = Field(None, alias="settlement_floor_dollars")
    settlement_timer_seconds: LooseInteger = None
    can_close_early: LooseFlag = None
    early_close_condition: LooseText = None
    fee_waiver_expiration_at: LooseInstant = Field(None, alias="fee_waiver_expiration_time")
    primary_participant_key: LooseText = None
    exchange_index: LooseInteger = None
    updated_time: LooseText = None

    yes_bid: Dollars = Field(None, alias="yes_bid_dollars")
    yes_ask: Dollars = Field(None, alias="yes_ask_dollars")
    no_bid: Dollars = Field(None, alias="no_bid_dollars")
    no_ask: Dollars = Field(None, alias="no_ask_dollars")
    yes_bid_size: Contracts = Field(None, alias="yes_bid_size_fp")
    yes_ask_size: Contracts = Field(None, alias="yes_ask_size_fp")
    last_price: Dollars = Field(None, alias="last_price_dollars")
    volume: Contracts = Field(None, alias="volume_fp")
    open_interest: Contracts = Field(None, alias="open_interest_fp")

    # Until 12 March 2026, first alone and then beside the fields above.
    yes_bid_older: OlderCents = Field(None, alias="yes_bid")
    yes_ask_older: OlderCents = Field(None, alias="yes_ask")
    no_bid_older: OlderCents = Field(None, alias="no_bid")
    no_ask_older: OlderCents = Field(None, alias="no_ask")
    last_price_older: OlderCents = Field(None, alias="last_price")
    volume_older: OlderContracts = Field(None, alias="volume")
    open_interest_older: OlderContracts = Field(None, alias="open_interest")


class OutcomePayload(MarketPayload):
    """A market of any status, with how it ended."""

    settlement_value: Dollars = Field(None, alias="settlement_value_dollars")
    settled_at: Instant = Field(None, alias="settlement_ts")


class TradePayload(Payload):
    """One execution."""

    trade_id: Ticker
    ticker: Ticker
    created_at: Moment = Field(alias="created_time")
    yes_price: Dollars = Field(None, alias="yes_price_dollars")
    contracts: Contracts = Field(None, alias="count_fp")
    taker_side: Text = Field(None, alias="taker_outcome_side")
    is_block: Flag = Field(None, alias="is_block_trade")

    # Until March 2026; `taker_side` is still sent beside its successor.
    yes_price_older: OlderCents = Field(None, alias="yes_price")
    contracts_older: OlderContracts = Field(None, alias="count")
    taker_side_older: OlderText = Field(None, alias="taker_side")


class QuotedPricesPayload(Payload):
    """Open, high, low and close of a period. The older names are also those of the historical tier."""

    open: Dollars = Field(None, alias="open_dollars")
    high: Dollars = Field(None, alias="high_dollars")
    low: Dollars = Field(None, alias="low_dollars")
    close: Dollars = Field(None, alias="close_dollars")

    open_older: OlderDollarsOrCents = Field(None, alias="open")
    high_older: OlderDollarsOrCents = Field(None, alias="high")
    low_older: OlderDollarsOrCents = Field(None, alias="low")
    close_older: OlderDollarsOrCents = Field(None, alias="close")


class TradedPricesPayload(QuotedPricesPayload):
    """The prices of the trades of a period. Without a trade only the price before the period is sent."""

    mean: Dollars = Field(None, alias="mean_dollars")
    previous: Dollars = Field(None, alias="previous_dollars")

    mean_older: OlderDollarsOrCents = Field(None, alias="mean")
    previous_older: OlderDollarsOrCents = Field(None, alias="previous")


class CandlestickPayload(Payload):
    """One period of one market. `yes_bid.open` feeds the field `yes_bid_open`, and so on."""

    end_at: EpochSeconds = Field(alias="end_period_ts")
    yes_bid: QuotedPricesPayload | None = None
    yes_ask: QuotedPricesPayload | None = None
    price: TradedPricesPayload | None = None
    volume: Contracts = Field(None, alias="volume_fp")
    open_interest: Contracts = Field(None, alias="open_interest_fp")

    # The names of the historical tier, and of both tiers until March 2026.
    volume_older: OlderContracts = Field(None, alias="volume")
    open_interest_older: OlderContracts = Field(None, alias="open_interest")


class LevelPayload(NamedTuple):
    """One price of a side, and what rests there: a list of two."""

    price: Dollars
    size: Contracts


class CentLevelPayload(NamedTuple):
    """The same until March 2026."""

    price: Cents
    size: Contracts


class _DollarSidesPayload(Payload):
    yes_dollars: list[LevelPayload] | None = None
    no_dollars: list[LevelPayload] | None = None


class _CentSidesPayload(_DollarSidesPayload):
    yes: list[CentLevelPayload] | None = None
    no: list[CentLevelPayload] | None = None


class OrderBookPayload(Payload):
    """Resting bids of each side, ascending, so that the best is last; a side that is null or missing is empty."""

    orderbook_fp: _DollarSidesPayload | None = None

    # Until 12 March 2026.
    orderbook: _CentSidesPayload | None = None

    @model_validator(mode="after")
    def _has_a_book(self) -> Self:
        if self.orderbook_fp is None and self.orderbook is None:
            raise ValueError("it holds neither orderbook_fp nor orderbook")
        return self

    @property
    def yes(self) -> list[LevelPayload]:
        """Bids for YES."""
        newer, older = self.orderbook_fp or _DollarSidesPayload(), self.orderbook or _CentSidesPayload()
        return newer.yes_dollars or older.yes_dollars or _in_dollars(older.yes)

    @property
    def no(self) -> list[LevelPayload]:
        """Bids for NO."""
        newer, older = self.orderbook_fp or _DollarSidesPayload(), self.orderbook or _CentSidesPayload()
        return newer.no_dollars or older.no_dollars or _in_dollars(older.no)


def _in_dollars(levels: list[CentLevelPayload] | None) -> list[LevelPayload]:
    return [LevelPayload(level.price, level.size) for level in levels or ()]


class SeriesFeeChangePayload(Payload):
    """A change of a series' fee."""

    change_id: Ticker = Field(alias="id")
    series_ticker: Ticker
    fee_type: Text = None
    fee_multiplier: Multiplier = None
    scheduled_at: Instant = Field(alias="scheduled_ts")


class EventFeeChangePayload(Payload):
    """A change of an event's fee override; without values it clears the override."""

    change_id: Ticker = Field(alias="id")
    event_ticker: Ticker
    series_ticker: Text = None
    fee_type_override: Text = None
    fee_multiplier_override: Multiplier = None
    scheduled_at: Instant = Field(alias="scheduled_ts")


class CutoffPayload(Payload):
    """The instants before which settled markets and trades are in the historical tier only."""

    market_settled_ts: Instant
    trades_created_ts: Instant


class ExchangeStatusPayload(Payload):
    """Whether the exchange takes orders; while it does not, quotes do not move."""

    exchange_active: bool
    trading_active: bool
    exchange_index_statuses: Any = None

    @property
    def is_paused(self) -> bool:
        """Whether trading is paused."""
        return not (self.exchange_active and self.trading_active)
