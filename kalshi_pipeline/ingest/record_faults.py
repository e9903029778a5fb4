"""Implausible values of readable trades, candlesticks and order books. They are stored as sent, and counted."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from kalshi_pipeline.records import Candlestick, OrderBook, Trade
from kalshi_pipeline.units import MICROS_PER_DOLLAR

SECOND_PRICES = "second_prices"
"""Trades whose identifier is already stored with another price or size; the first one is kept."""
SECOND_VALUES = "second_values"
"""Candlesticks of a period that occurs twice in an answer with different values; the last one is stored."""
_PRICES, _SIZES = "prices_out_of_range", "sizes_out_of_range"
TRADE_FAULTS: Mapping[str, str] = {
    _PRICES: "with a price outside 0 to 1 dollar",
    _SIZES: "with zero, negative or more than a billion contracts",
    "unmirrored": "whose NO price is not one dollar minus the YES price",
    SECOND_PRICES: "with an identifier that is stored with another price or size",
}
"""The description of each count of a run."""
CANDLESTICK_FAULTS: Mapping[str, str] = {
    _PRICES: "with a price outside 0 to 1 dollar",
    _SIZES: "with a negative number of contracts",
    "unordered": "whose lowest price is above another one",
    SECOND_VALUES: "of a period that is sent twice with different values",
}
"""The faults of candlesticks."""
ORDER_BOOK_FAULTS: Mapping[str, str] = {
    _PRICES: "with a bid outside 0 to 1 dollar",
    _SIZES: "with a level of zero or negative contracts",
}
"""The faults of order books."""
FAULT_NAMES = (*dict.fromkeys((*TRADE_FAULTS, *CANDLESTICK_FAULTS, *ORDER_BOOK_FAULTS)),)
"""All counts."""

_MOST_HUNDREDTHS = 100_000_000_000
_FIRST_PRICE, _FIRST_SIZE = (Candlestick._fields.index(name) for name in ("yes_bid_open", "volume"))
_RANGES = [
    tuple(Candlestick._fields.index(f"{part}_{name}") for name in ("low", "open", "close", "high"))
    for part in ("yes_bid", "yes_ask", "price")
]


def faults_of_trades(trades: Sequence[Trade]) -> Counter[str]:
    """Count the faults of single trades."""
    prices = [0 <= trade.yes_price <= MICROS_PER_DOLLAR for trade in trades]
    sizes = [trade.contracts is None or 0 < trade.contracts <= _MOST_HUNDREDTHS for trade in trades]
    mirrored = [trade.is_mirrored for trade in trades]
    counts = {
        _PRICES: prices.count(False),
        _SIZES: sizes.count(False),
        "unmirrored": mirrored.count(False),
    }
    return +Counter(counts)


def faults_of_candlesticks(candles: Collection[Candlestick]) -> Counter[str]:
    """Count the faults of candlesticks."""
    prices = [_are_prices(candle[_FIRST_PRICE:_FIRST_SIZE]) for candle in candles]
    sizes = [all(size is None or size >= 0 for size in candle[_FIRST_SIZE:]) for candle in candles]
    ordered = [_is_ordered(candle) for candle in candles]
    return +Counter(
        {
            _PRICES: prices.count(False),
            _SIZES: sizes.count(False),
            "unordered": ordered.count(False),
        }
    )


def faults_of_order_books(books: Collection[OrderBook]) -> Counter[str]:
    """Count the order books with a faulty level."""
    prices = [_are_prices(level.price for level in book.levels) for book in books]
    sizes = [all(level.size > 0 for level in book.levels) for book in books]
    return +Counter({_PRICES: prices.count(False), _SIZES: sizes.count(False)})


def _are_prices(prices: Iterable[int | None]) -> bool:
    return all(price is None or 0 <= price <= MICROS_PER_DOLLAR for price in prices)


def _is_ordered(candle: Candlestick) -> bool:
    """Return whether all prices of a side are between its low and its high."""
    for places in _RANGES:
        low, *others, high = (candle[place] for place in places)
        between = [price for price in (*others, high) if price is not None]
        if low is not None and between and min(between) < low:
            return False
        if high is not None and between and max(between) > high:
            return False
    return True
