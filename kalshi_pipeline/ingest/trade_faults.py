"""What is wrong with trades that can be read: they are stored as they came, and counted."""

from collections import Counter
from collections.abc import Sequence

from kalshi_pipeline.records import Trade
from kalshi_pipeline.units import MICROS_PER_DOLLAR

SECOND_PRICES = "second_prices"
"""Trades whose identifier is stored with another price or size; the first that was stored stays."""
TRADE_FAULTS = {
    "prices_out_of_range": "with a price outside 0 to 1 dollar",
    "sizes_out_of_range": "of no contract, of fewer than none, or of more than a billion",
    "unmirrored": "whose NO price is not one dollar minus the YES price",
    SECOND_PRICES: "with an identifier that is stored with another price or size",
}
"""What each count of a run is about, in words."""

_MOST_HUNDREDTHS = 100_000_000_000


def faults_of(trades: Sequence[Trade]) -> Counter[str]:
    """Count the faults that trades show by themselves."""
    prices = [0 <= trade.yes_price <= MICROS_PER_DOLLAR for trade in trades]
    sizes = [trade.contracts is None or 0 < trade.contracts <= _MOST_HUNDREDTHS for trade in trades]
    mirrored = [trade.is_mirrored for trade in trades]
    counts = {
        "prices_out_of_range": prices.count(False),
        "sizes_out_of_range": sizes.count(False),
        "unmirrored": mirrored.count(False),
    }
    return +Counter(counts)
