"""Candlesticks, computed on request.

A period excludes the instant at which it begins and includes the one at which it ends, so a trade or a change of the
quote at its end belongs to it. Prices, volumes and open interest come from the tape. Bids and asks are the ones that
listings served; the opening ones were in force when the period began. Quotes from before the world began, or from
before its quote log begins, are synthetic (past_quotes.py).
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kalshi_pipeline.sandbox.world.past_quotes import quotes_since
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.units import MICROS_PER_SECOND

MINUTES_OF_A_DAY = 1_440
_EASTERN = ZoneInfo("America/New_York")
_LONGEST_DAY = 25 * 3600


class Distribution(NamedTuple):
    open: int
    low: int
    high: int
    close: int


class Candle(NamedTuple):
    """One period by its inclusive end; `price` is None without a trade, and `previous` before the first trade."""

    end_ts: int
    bid: Distribution
    ask: Distribution
    price: Distribution | None
    mean: int | None
    previous: int | None
    volume: int
    open_interest: int


def count_periods(start_ts: int, end_ts: int, minutes: int) -> int:
    """Return the largest number of candles that a range can hold."""
    return max(0, end_ts - start_ts) // (minutes * 60) + 1


def candles_of(world: World, market: int, start_ts: int, end_ts: int, minutes: int) -> list[Candle]:
    """Return the candles that end in the range, oldest first: one for each period in which the market could be traded.

    The newest candle of an open market covers the current period.
    """
    opened, closed = _trading_time(world, market)
    if opened >= closed:
        return []
    ends = _periods(max(start_ts, opened // MICROS_PER_SECOND), minutes, closed)
    periods = list(takewhile(lambda period: period[1] <= end_ts, ends))
    if not periods:
        return []
    maker = _CandleMaker(world, market, periods[0][0])
    return [maker.candle(begin, end) for begin, end in periods]


def latest_before(world: World, market: int, start_ts: int, minutes: int) -> Candle | None:
    """Return the candle that `include_latest_before_start` adds: the newest one before the start, without trade prices.

    As documented, it is moved to the first period boundary after the start. None if there is no earlier candle.
    """
    reach = minutes * 60 * 3
    _, closed = _trading_time(world, market)
    newest = min(start_ts, closed // MICROS_PER_SECOND + reach)
    found = candles_of(world, market, newest - 2 * reach, start_ts - 1, minutes)
    if not found:
        return None
    last = found[-1]
    _, end = next(_periods(start_ts, minutes, (start_ts + 1) * MICROS_PER_SECOND))
    previous = last.price.close if last.price else last.previous
    bid, ask = (Distribution(*([side.close] * 4)) for side in (last.bid, last.ask))
    return Candle(end, bid, ask, None, None, previous, 0, last.open_interest)


def _trading_time(world: World, market: int) -> tuple[int, int]:
    """Return when trading in the market began, and until when it has lasted.

    The last trade can be a fraction of a second later than the close, which is in whole seconds.
    """
    markets, trades = world.markets, world.tape.of_market(market)
    opened = max(markets.open_at[market], markets.created[market], 0)
    closed = min(markets.close_at[market], world.clock)
    return opened, max(closed, world.tape.at[trades[-1]]) if trades else closed


def _periods(first: int, minutes: int, closed: int) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) in seconds of the periods that end at `first` or later and begin before `closed`, an instant.

    Daily periods end at midnight in New York (recorded in January 2026).
    """
    if minutes == MINUTES_OF_A_DAY:
        if (first - _LONGEST_DAY) * MICROS_PER_SECOND >= closed:
            return  # `first` may be in a year that datetime cannot represent
        day = datetime.fromtimestamp(first - 1, _EASTERN).date() + timedelta(days=1)
        while (begin := _midnight(day.toordinal() - 1)) * MICROS_PER_SECOND < closed:
            yield begin, _midnight(day.toordinal())
            day += timedelta(days=1)
        return
    seconds = minutes * 60
    end = -(-first // seconds) * seconds
    while (end - seconds) * MICROS_PER_SECOND < closed:
        yield end - seconds, end
        end += seconds


def _midnight(ordinal: int) -> int:
    return int(datetime.combine(datetime.fromordinal(ordinal), time(), _EASTERN).timestamp())


class _CandleMaker:
    """The trades and quotes of one market, read once for all periods from `first_begin` on."""

    def __init__(self, world: World, market: int, first_begin: int) -> None:
        self._tape = world.tape
        self._rows = world.tape.of_market(market)
        self._traded_at = [world.tape.at[row] for row in self._rows]
        self._quotes = quotes_since(world, market, first_begin * MICROS_PER_SECOND)
        self._quoted_at = [quote.at for quote in self._quotes]
        self._has_micros = world.config.shape == "future"

    def candle(self, begin: int, end: int) -> Candle:
        tape = self._tape
        low, high = (bisect_right(self._traded_at, ts * MICROS_PER_SECOND) for ts in (begin, end))
        opening, closing = (bisect_right(self._quoted_at, ts * MICROS_PER_SECOND) for ts in (begin, end))
        quotes = self._quotes[max(0, opening - 1) : max(1, closing)]
        rows = self._rows[low:high]
        prices = [tape.price[row] for row in rows]
        volume = sum(tape.contracts[row] for row in rows)
        mean = sum(tape.price[row] * tape.contracts[row] for row in rows) // volume if volume else None
        return Candle(
            end_ts=end,
            bid=_distribution([quote.bid for quote in quotes]),
            ask=_distribution([quote.ask for quote in quotes]),
            price=_distribution(prices) if prices else None,
            mean=mean - mean % 100 if mean is not None and not self._has_micros else mean,
            previous=tape.price[self._rows[low - 1]] if low else None,
            volume=volume,
            open_interest=tape.open_interest[self._rows[high - 1]] if high else 0,
        )


def _distribution(prices: list[int]) -> Distribution:
    return Distribution(prices[0], min(prices), max(prices), prices[-1])
