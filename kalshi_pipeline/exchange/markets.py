"""Pages of markets, and the rules that turn a payload's fields into a quote."""

from collections.abc import Callable
from typing import TypeVar

from kalshi_pipeline.exchange.compiling import Rule
from kalshi_pipeline.exchange.payloads import EndedPayload, MarketPayload, OutcomePayload
from kalshi_pipeline.exchange.readers import Lenient, Needed, PageReader
from kalshi_pipeline.exchange.sent_fields import OLDER
from kalshi_pipeline.records import Market, Outcome
from kalshi_pipeline.units import MICROS_PER_DOLLAR
from kalshi_pipeline.vocabulary import NOT_OPEN

Record = TypeVar("Record")


def price_if_quoted(price: int | None, size: int | None) -> int | None:
    """Return the price of a quoted side, which has a positive size or a price strictly between 0 and 1 dollar.

    The exchange writes an unquoted side in five ways, most of them as 0 or 1 dollar. One is a negative size, as on
    markets that settled in March 2026.
    """
    if size is not None and size < 0:
        return None
    if price is None or 0 < price < MICROS_PER_DOLLAR or (size is not None and size > 0):
        return price
    return None


def size_if_possible(size: int | None) -> int | None:
    """Return a size; None if it is negative."""
    return None if size is not None and size < 0 else size


def has_negative(bid_size: int | None, ask_size: int | None) -> bool:
    """Return whether either size is negative."""
    return (bid_size is not None and bid_size < 0) or (ask_size is not None and ask_size < 0)


def are_mirrored(yes_bid: int | None, yes_ask: int | None, no_bid: int | None, no_ask: int | None) -> bool:
    """Return whether a NO side mirrors the quoted YES side: no_bid is 1 - yes_ask, no_ask is 1 - yes_bid."""
    return (yes_ask is None or no_bid is None or yes_ask + no_bid == MICROS_PER_DOLLAR) and (
        yes_bid is None or no_ask is None or yes_bid + no_ask == MICROS_PER_DOLLAR
    )


def is_combo(collection_ticker: str | None) -> bool:
    """Return whether a market is multivariate: made from a collection, with an event that `/events` never shows.

    Tickers do not decide this, because some series of combos do not begin with KXMVE.
    """
    return bool(collection_ticker)


_RULES = {
    "has_negative_size": Rule(has_negative, ("yes_bid_size", "yes_ask_size")),
    "yes_bid": Rule(price_if_quoted, ("yes_bid", "yes_bid_size")),
    "yes_ask": Rule(price_if_quoted, ("yes_ask", "yes_ask_size")),
    "yes_bid_size": Rule(size_if_possible, ("yes_bid_size",)),
    "yes_ask_size": Rule(size_if_possible, ("yes_ask_size",)),
    "is_mirrored": Rule(are_mirrored, ("yes_bid", "yes_ask", "no_bid", "no_ask")),
    "is_combo": Rule(is_combo, ("collection_ticker",)),
}

_QUOTE = ("yes_bid", "yes_ask", "no_bid", "no_ask")
_QUOTE_NAMES = frozenset(
    field.alias
    for name, field in MarketPayload.model_fields.items()
    if name.removesuffix(OLDER) in _QUOTE and field.alias is not None
)


def _needing_quotes(market_of: Callable[[Record], Market]) -> Needed[Record]:
    """Return the need of records with a market for some field of its quote, if the market is open."""
    return Needed(
        _QUOTE_NAMES,
        lambda record: market_of(record).quote.yes_bid_size,
        lambda record: market_of(record).status not in NOT_OPEN,
    )


MARKETS = PageReader(
    "markets",
    Market,
    MarketPayload,
    _RULES,
    are_kept_whole=True,
    needed=_needing_quotes(lambda market: market),
)
OUTCOMES = PageReader(
    "markets",
    Outcome,
    OutcomePayload,
    _RULES,
    are_kept_whole=True,
    lenient=Lenient(EndedPayload, lambda outcome: outcome.market.status in NOT_OPEN),
    needed=_needing_quotes(lambda outcome: outcome.market),
)
