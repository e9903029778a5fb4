"""The records that the pipeline collects, with type, unit and meaning of each field.

This is the only list of fields: `exchange` builds records from payloads, and the columns and staging tables of `store`
and the descriptions in the UI are derived from it. Prices are integers in micro-dollars, sizes in hundredths of a
contract, instants in microseconds since 1970. An absent value is None. `exchange.payloads` knows how payloads spell
each field.
"""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Annotated, Any, NamedTuple, Protocol, TypeAlias

from kalshi_pipeline.record_fields import CONTRACTS, DOLLARS, INSTANT, MILLIONTHS, Note

READING = 2
"""The version of parsing: raised when a field is added to a stored record, or is parsed differently."""

Row: TypeAlias = tuple[Any, ...]
"""A record for the database driver: the values of its noted fields, in order."""


class Series(NamedTuple):
    """A template of recurring events."""

    ticker: Annotated[str, Note("the exchange's identifier, unique")]
    title: Annotated[str | None, Note("what it is about, in the exchange's words")]
    category: Annotated[str | None, Note("the exchange's category")]
    frequency: Annotated[str | None, Note("how often the series repeats, in free text")]
    tags: Annotated[str | None, Note("the series' tags, separated by commas")]
    categories: Annotated[str | None, Note("the series' categories, as JSON", since=2)] = None
    fee_type: Annotated[str | None, Note("how fees are computed, in the exchange's words", since=2)] = None
    fee_multiplier: Annotated[int | None, Note("the multiplier of fees", MILLIONTHS, since=2)] = None
    settlement_sources: Annotated[
        str | None, Note("the sources of outcomes, as JSON", since=2, is_shared=True)
    ] = None
    contract_url: Annotated[str | None, Note("address of the contract", since=2)] = None
    contract_terms_url: Annotated[str | None, Note("address of the contract's terms", since=2)] = None
    additional_prohibitions: Annotated[
        str | None, Note("further trading prohibitions, as JSON", since=2, is_shared=True)
    ] = None
    product_metadata: Annotated[
        str | None, Note("additional data of the exchange, as JSON", since=2, is_shared=True)
    ] = None
    competition: Annotated[str | None, Note("the competition, from product_metadata", since=2)] = None
    competition_scope: Annotated[
        str | None, Note("the part of the competition, from product_metadata", since=2)
    ] = None
    exchange_index: Annotated[int | None, Note("the exchange's shard", since=2)] = None


class Event(NamedTuple):
    """A question set: a group of markets."""

    ticker: Annotated[str, Note("the exchange's identifier, unique")]
    series_ticker: Annotated[str | None, Note("the event's series; NULL while the exchange has not named it")]
    title: Annotated[str | None, Note("what it is about, in the exchange's words")]
    sub_title: Annotated[str | None, Note("the event's short description")]
    category: Annotated[
        str | None,
        Note("the exchange's category; if the series has another, the series' category is correct"),
    ]
    mutually_exclusive: Annotated[bool | None, Note("whether at most one market of the event can end YES")]
    strike_at: Annotated[int | None, Note("the date that the event is about", INSTANT)]
    strike_period: Annotated[str | None, Note("the period that the event is about", since=2)] = None
    collateral_return_type: Annotated[
        str | None,
        Note("whether collateral is returned across its markets: MECNET, DIRECNET, or none", since=2),
    ] = None
    fee_type_override: Annotated[str | None, Note("in place of the series' fee type", since=2)] = None
    fee_multiplier_override: Annotated[
        int | None, Note("in place of the series' fee multiplier", MILLIONTHS, since=2)
    ] = None
    settlement_sources: Annotated[
        str | None, Note("the sources of the outcome, as JSON", since=2, is_shared=True)
    ] = None
    product_metadata: Annotated[
        str | None, Note("additional data of the exchange, as JSON", since=2, is_shared=True)
    ] = None
    competition: Annotated[str | None, Note("the competition, from product_metadata", since=2)] = None
    competition_scope: Annotated[
        str | None, Note("the part of the competition, from product_metadata", since=2)
    ] = None
    exchange_index: Annotated[int | None, Note("the exchange's shard", since=2)] = None


class Quote(NamedTuple):
    """The best prices of a market's YES side and its counters, at one moment.

    A side without a price is not quoted. A snapshot is stored when one of these numbers changes; rolling numbers such
    as a 24-hour volume are therefore excluded.
    """

    yes_bid: Annotated[int | None, Note("best price bid for YES, NULL if there is none", DOLLARS)]
    yes_ask: Annotated[
        int | None,
        Note(
            "best price asked for YES, NULL if there is none; a NO price is one dollar minus a YES price",
            DOLLARS,
        ),
    ]
    yes_bid_size: Annotated[int | None, Note("size at the best bid", CONTRACTS)]
    yes_ask_size: Annotated[int | None, Note("size at the best ask", CONTRACTS)]
    last_price: Annotated[int | None, Note("price of the last trade, 0 before the first one", DOLLARS)]
    volume: Annotated[int | None, Note("contracts traded since the market opened", CONTRACTS)]
    open_interest: Annotated[int | None, Note("contracts held", CONTRACTS)]


class Market(NamedTuple):
    """One yes-no contract with its quote.

    Three fields are not stored: `updated_time` is when the exchange last changed the description, as text;
    `is_mirrored` says whether the NO side follows from the YES side; `has_negative_size` says whether a size is below
    zero.
    """

    ticker: Annotated[str, Note("the exchange's identifier, unique")]
    event_ticker: Annotated[str, Note("the market's event")]
    title: Annotated[str | None, Note("what it is about, in the exchange's words")]
    yes_sub_title: Annotated[str | None, Note("the outcome that YES means")]
    no_sub_title: Annotated[str | None, Note("the outcome that NO means")]
    market_type: Annotated[str | None, Note("binary or scalar")]
    status: Annotated[str | None, Note("the market's state, in the exchange's words")]
    result: Annotated[str | None, Note("the outcome; empty until it is determined")]
    created_at: Annotated[int | None, Note("when the exchange created it", INSTANT)]
    open_at: Annotated[int | None, Note("when trading opens", INSTANT)]
    close_at: Annotated[
        int | None, Note("when trading closes; it moves, and is not the event's time", INSTANT)
    ]
    expected_expiration_at: Annotated[
        int | None, Note("when the outcome is expected, possibly before the close", INSTANT)
    ]
    occurrence_at: Annotated[int | None, Note("when the event itself takes place", INSTANT)]
    strike_type: Annotated[str | None, Note("how floor and cap are compared")]
    floor_strike: Annotated[float | None, Note("lower bound of the outcome that YES means")]
    cap_strike: Annotated[float | None, Note("upper bound of the outcome that YES means")]
    rules_primary: Annotated[str | None, Note("the rule by which the market resolves")]
    is_provisional: Annotated[bool | None, Note("whether the exchange may still delete it")]
    is_combo: Annotated[bool, Note("whether it is a multivariate market, made from a collection")]
    collection_ticker: Annotated[str | None, Note("the collection from which a combo was made")]
    latest_expiration_at: Annotated[int | None, Note("its latest expiration", INSTANT, since=2)]
    functional_strike: Annotated[str | None, Note("the strike as a function, of that strike type", since=2)]
    custom_strike: Annotated[str | None, Note("the strike as the exchange's own object, as JSON", since=2)]
    expiration_value: Annotated[str | None, Note("the value that decided it, as text", since=2)]
    rules_secondary: Annotated[
        str | None, Note("further rules, often the same for all markets of an event", since=2, is_shared=True)
    ]
    price_level_structure: Annotated[str | None, Note("the name of its price steps", since=2)]
    price_ranges: Annotated[str | None, Note("the price steps, as JSON", since=2, is_shared=True)]
    settlement_bounds_type: Annotated[str | None, Note("default or floor", since=2)]
    settlement_floor: Annotated[int | None, Note("the least that a YES contract will pay", DOLLARS, since=2)]
    settlement_timer_seconds: Annotated[int | None, Note("seconds from the result to the payout", since=2)]
    can_close_early: Annotated[bool | None, Note("whether it may close before its announced close", since=2)]
    early_close_condition: Annotated[
        str | None, Note("the condition for an early close", since=2, is_shared=True)
    ]
    fee_waiver_expiration_at: Annotated[int | None, Note("the end of a fee waiver", INSTANT, since=2)]
    primary_participant_key: Annotated[str | None, Note("who the market is about", since=2)]
    exchange_index: Annotated[int | None, Note("the exchange's shard", since=2)]
    updated_time: str | None
    quote: Quote
    is_mirrored: bool
    has_negative_size: bool


_DESCRIBED = Market._fields.index("updated_time")
description_of: Callable[[Market], Row] = itemgetter(slice(_DESCRIBED))
"""The stored fields of a market except its quote."""
dated_description_of: Callable[[Market], Row] = itemgetter(slice(_DESCRIBED + 1))
"""The stored fields of a market with the time of its last change."""


class Outcome(NamedTuple):
    """A market with its settlement. Both values are None until the exchange reports them."""

    market: Market
    settlement_value: int | None
    settled_at: int | None

    @property
    def ticker(self) -> str:
        """What identifies it."""
        return self.market.ticker


class Settlement(NamedTuple):
    """A market's settlement, as one of the exchange's tiers reports it."""

    ticker: Annotated[str, Note("the market that ended")]
    result: Annotated[str | None, Note("the outcome: yes, no or scalar")]
    settlement_value: Annotated[
        int | None, Note("the payout of one YES contract; NULL if the exchange does not report it", DOLLARS)
    ]
    settled_at: Annotated[int | None, Note("when it was settled", INSTANT)]
    settled_at_source: Annotated[
        str, Note("the source of that time: settlement_ts, or close_time or first_seen if that is missing")
    ]
    tier: Annotated[str, Note("the exchange's tier that has it: live or historical")]
    is_current_tier: Annotated[bool, Note("whether the exchange keeps the market in that tier now")]


class Trade(NamedTuple):
    """One execution.

    A trade without a time or a price is refused. `is_mirrored`, which is not stored, says whether the NO price is one
    dollar minus the YES price.
    """

    trade_id: Annotated[str, Note("the exchange's UUID, as its 16 bytes")]
    ticker: Annotated[str, Note("the market that was traded")]
    created_at: Annotated[int, Note("when it was executed", INSTANT)]
    yes_price: Annotated[int, Note("price of YES; the price of NO is one dollar minus it", DOLLARS)]
    contracts: Annotated[int | None, Note("size", CONTRACTS)]
    taker_side: Annotated[str | None, Note("the side that the taker took, in the exchange's words")]
    is_block: Annotated[bool | None, Note("whether it was a block trade, agreed outside the order book")]
    is_mirrored: bool = True


class Candlestick(NamedTuple):
    """One period of one market. Without a trade, only the price before the period is present."""

    end_at: Annotated[
        int, Note("inclusive end of the period; daily ones end at midnight in New York", INSTANT)
    ]
    yes_bid_open: Annotated[int | None, Note("first best bid for YES in the period", DOLLARS)]
    yes_bid_high: Annotated[int | None, Note("highest best bid for YES in the period", DOLLARS)]
    yes_bid_low: Annotated[int | None, Note("lowest best bid for YES in the period", DOLLARS)]
    yes_bid_close: Annotated[int | None, Note("last best bid for YES in the period", DOLLARS)]
    yes_ask_open: Annotated[int | None, Note("first best ask for YES in the period", DOLLARS)]
    yes_ask_high: Annotated[int | None, Note("highest best ask for YES in the period", DOLLARS)]
    yes_ask_low: Annotated[int | None, Note("lowest best ask for YES in the period", DOLLARS)]
    yes_ask_close: Annotated[int | None, Note("last best ask for YES in the period", DOLLARS)]
    price_open: Annotated[int | None, Note("price of the first trade in the period", DOLLARS)]
    price_high: Annotated[int | None, Note("highest price of a trade in the period", DOLLARS)]
    price_low: Annotated[int | None, Note("lowest price of a trade in the period", DOLLARS)]
    price_close: Annotated[int | None, Note("price of the last trade in the period", DOLLARS)]
    price_mean: Annotated[int | None, Note("mean price of the trades in the period", DOLLARS)]
    price_previous: Annotated[int | None, Note("price of the last trade before the period", DOLLARS)]
    volume: Annotated[int | None, Note("contracts traded in the period", CONTRACTS)]
    open_interest: Annotated[int | None, Note("contracts held at its end", CONTRACTS)]


class OrderBookLevel(NamedTuple):
    """The resting contracts at one price of one side."""

    is_yes: Annotated[bool, Note("whether these are bids for YES (else for NO)")]
    price: Annotated[int, Note("the price bid", DOLLARS)]
    size: Annotated[int, Note("the contracts bid for at that price", CONTRACTS)]


class OrderBook(NamedTuple):
    """The resting bids of a market: for YES, then for NO, each in ascending order, so the best is last."""

    ticker: str
    levels: list[OrderBookLevel]


class SeriesFeeChange(NamedTuple):
    """A past or scheduled change of a series' fee."""

    change_id: Annotated[str, Note("the exchange's identifier, unique")]
    series_ticker: Annotated[str, Note("the series whose fee changes")]
    fee_type: Annotated[str | None, Note("the new fee type, in the exchange's words")]
    fee_multiplier: Annotated[int | None, Note("the new multiplier of the fee", MILLIONTHS)]
    scheduled_at: Annotated[int, Note("when it takes effect", INSTANT)]


class EventFeeChange(NamedTuple):
    """A past or scheduled change of an event's fee override. A change without values clears the override."""

    change_id: Annotated[str, Note("the exchange's identifier, unique")]
    event_ticker: Annotated[str, Note("the event whose fee is overridden")]
    series_ticker: Annotated[str | None, Note("the event's series, as the change names it")]
    fee_type_override: Annotated[
        str | None, Note("the fee type in place of the series', in the exchange's words")
    ]
    fee_multiplier_override: Annotated[int | None, Note("the multiplier in place of the series'", MILLIONTHS)]
    scheduled_at: Annotated[int, Note("when it takes effect", INSTANT)]


class Leg(NamedTuple):
    """One of the markets that make up a combo; values that the exchange does not send are None."""

    position: Annotated[int, Note("its place among the combo's legs, from 0")]
    market_ticker: Annotated[str | None, Note("the market of this leg")]
    event_ticker: Annotated[str | None, Note("that market's event")]
    side: Annotated[str | None, Note("the side that must win: yes or no")]
    settlement_value: Annotated[int | None, Note("the payout of YES of that market, once known", DOLLARS)]


class DocumentFields(Protocol):
    """A mapping of JSON values by the exchange's own names, with fractions as `Decimal`."""

    def get(self, name: str, /) -> Any:  # noqa: ANN401  (JSON)
        """Return the value of a field; None if it is missing."""
        ...

    def __delitem__(self, name: str, /) -> None: ...

    def keys(self) -> Iterable[str]:
        """Return the names of the fields."""
        ...

    def values(self) -> Iterable[Any]:
        """Return their values, in the same order."""
        ...


class Document(NamedTuple):
    """Everything that the exchange sends about one record, except the fields that change with every quote.

    `legs` is None if the exchange does not send legs.
    """

    ticker: str
    fields: DocumentFields
    legs: tuple[Leg, ...] | None = None


class Reject(NamedTuple):
    """A record that could not be read."""

    ticker: Annotated[str | None, Note("what identifies it, where that can be read")]
    raw: Annotated[str, Note("the unchanged record, in JSON")]
    error: Annotated[str, Note("what is wrong with it")]
