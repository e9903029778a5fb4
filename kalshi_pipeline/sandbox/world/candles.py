"""Candlesticks, made when they are asked for.

A period reaches from behind its begin to its end, the end included: a trade or a change of the quote at that very
instant is in it. Prices, volumes and open interest are those of the tape. Bids and asks are those that listings
served: the opening one stood at the begin. Quotes of the time before the world began, or before its log of them
begins, are made up (past_quotes.py).
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.past_quotes import quotes_since
from kalshi_pipeline.sandbox.world.world import World

MINUTES_OF_A_DAY = 1_440
_EASTERN = ZoneInfo("America/New_York")
_LONGEST_DAY = 25 * 3600


class Distribution(NamedTuple):
    open: int
    low: int
    high: int
    close: int


class Candle(NamedTuple):
    """One period, with its inclusive end; `price` is None without a trade, `previous` before the first one."""

    end_ts: int
    bid: Distribution
    ask: Distribution
    price: Distribution | None
    mean: int | None
    previous: int | None
    volume: int
    open_interest: int


def count_periods(start_ts: int, end_ts: int, minutes: int) -> int:
    """How many candles a range can hold at the most."""
    return max(0, end_ts - start_ts) // (minutes * 60) + 1


def candles_of(world: World, market: int, start_ts: int, end_ts: int, minutes: int) -> list[Candle]:
    """Candles of the market's life whose ends lie in the range, oldest first, one per period without a gap; the
    newest of a living market is of the period that runs."""
    born, died = _life_of(world, market)
    if born >= died:
        return []
    ends = _periods(max(start_ts, born // MICROS), minutes, died)
    periods = list(takewhile(lambda period: period[1] <= end_ts, ends))
    if not periods:
        return []
    maker = _CandleMaker(world, market, periods[0][0])
    return [maker.candle(begin, end) for begin, end in periods]


def latest_before(world: World, market: int, start_ts: int, minutes: int) -> Candle | None:
    """The synthetic candle of `include_latest_before_start` [SPEC 3.32]: the newest real one, moved to the first
    period boundary after the start, without trade prices."""
    reach = minutes * 60 * 3
    _, died = _life_of(world, market)
    newest = min(start_ts, died // MICROS + reach)
    found = candles_of(world, market, newest - 2 * reach, start_ts - 1, minutes)
    if not found:
        return None
    last = found[-1]
    _, end = next(_periods(start_ts, minutes, (start_ts + 1) * MICROS))
    previous = last.price.close if last.price else last.previous
    bid, ask = (Distribution(*([side.close] * 4)) for side in (last.bid, last.ask))
    return Candle(end, bid, ask, None, None, previous, 0, last.open_interest)


def _life_of(world: World, market: int) -> tuple[int, int]:
    """When the market came to trade, and until when it has; its last trade can be a fraction of a second younger
    than its close, which is in whole seconds."""
    markets, trades = world.markets, world.tape.of_market(market)
    born = max(markets.open_at[market], markets.created[market], 0)
    died = min(markets.close_at[market], world.clock)
    return born, max(died, world.tape.at[trades[-1]]) if trades else died


def _periods(first: int, minutes: int, died: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of the periods that end at `first` or later and begin before the end of a life, in microseconds;
    days end at midnight in New York [REC 2026-01]."""
    if minutes == MINUTES_OF_A_DAY:
        if (first - _LONGEST_DAY) * MICROS >= died:
            return  # perhaps of a year that has no date
        day = datetime.fromtimestamp(first - 1, _EASTERN).date() + timedelta(days=1)
        while (begin := _midnight(day.toordinal() - 1)) * MICROS < died:
            yield begin, _midnight(day.toordinal())
            day += timedelta(days=1)
        return
    seconds = minutes * 60
    end = -(-first // seconds) * seconds
    while (end - seconds) * MICROS < died:
        yield end - seconds, end
        end += seconds


def _midnight(ordinal: int) -> int:
    return int(datetime.combine(datetime.fromordinal(ordinal), time(), _EASTERN).timestamp())


class _CandleMaker:
    """Reads the trades and quotes of a market once, for all periods from the first one's begin on."""

    def __init__(self, world: World, market: int, first_begin: int) -> None:
        self._tape = world.tape
        self._rows = world.tape.of_market(market)
        self._traded_at = [world.tape.at[row] for row in self._rows]
        self._quotes = quotes_since(world, market, first_begin * MICROS)
        self._quoted_at = [quote.at for quote in self._quotes]
        self._has_micros = world.config.shape == "future"

    def candle(self, begin: int, end: int) -> Candle:
        tape = self._tape
        low, high = (bisect_right(self._traded_at, ts * MICROS) for ts in (begin, end))
        opening, closing = (bisect_right(self._quoted_at, ts * MICROS) for ts in (begin, end))
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
