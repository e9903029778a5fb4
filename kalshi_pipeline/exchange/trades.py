"""Pages of trades."""

from kalshi_pipeline.exchange.compiling import Rule
from kalshi_pipeline.exchange.payloads import TradePayload
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.records import Trade
from kalshi_pipeline.units import MICROS_PER_DOLLAR


def is_mirrored(yes_price: int | None, no_price: int | None) -> bool:
    """Return whether the NO price, if present, is one dollar minus the YES price."""
    return no_price is None or yes_price is None or yes_price + no_price == MICROS_PER_DOLLAR


TRADES = PageReader(
    "trades",
    Trade,
    TradePayload,
    {"is_mirrored": Rule(is_mirrored, ("yes_price", "no_price"))},
    are_unnamed=True,
)
