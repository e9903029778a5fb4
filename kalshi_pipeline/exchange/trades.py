"""Pages of trades."""

from kalshi_pipeline.exchange.compiling import Rule
from kalshi_pipeline.exchange.payloads import TradePayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.records import Trade
from kalshi_pipeline.units import MICROS_PER_DOLLAR


def is_mirrored(yes_price: int | None, no_price: int | None) -> bool:
    """Return whether the NO price, if present, is one dollar minus the YES price."""
    return no_price is None or yes_price is None or yes_price + no_price == MICROS_PER_DOLLAR


def yes_price(price: int | None, no_price: int | None) -> int | None:
    """Return the YES price of a trade; if absent, one dollar minus a possible NO price, because both sides together pay
    one dollar.
    """
    if price is None and no_price is not None and 0 <= no_price <= MICROS_PER_DOLLAR:
        return MICROS_PER_DOLLAR - no_price
    return price


TRADES = PageReader(
    "trades",
    Trade,
    TradePayload,
    {
        "yes_price": Rule(yes_price, ("yes_price", "no_price")),
        "is_mirrored": Rule(is_mirrored, ("yes_price", "no_price")),
    },
    are_unnamed=True,
)
