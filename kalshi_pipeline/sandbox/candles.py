"""Candlesticks, made when they are asked for.

Trade prices and volumes are those of the tape, exactly. Quotes of the past are not stored, so the bids and
asks of a candle are made up around the market's present quote, the same at every request; only the last
close is the real quote. Open interest is the present one, or the volume so far where that is smaller.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kalshi_pipeline.sandbox.chance import scatter
from kalshi_pipeline.sandbox.prices import PriceStructure
from kalshi_pipeline.sandbox.spelling import MICROS
from kalshi_pipeline.sandbox.world import World

MINUTES_OF_A_DAY = 1_440
_EASTERN = ZoneInfo("America/New_York")


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
    """Candles of the market's life whose ends lie in the range, oldest first, one per period without a gap."""
    markets = world.markets
    born = max(markets.open_at[market], markets.created[market], 0) // MICROS
    died = min(markets.close_at[market], world.clock) // MICROS
    first, last = max(start_ts, born), min(end_ts, died + minutes * 60)
    return [
        _candle(world, market, begin, end) for begin, end in _periods(first, last, minutes) if begin <= died
    ]


def latest_before(world: World, market: int, start_ts: int, minutes: int) -> Candle | None:
    """The synthetic candle of `include_latest_before_start` [SPEC 3.32]: the newest real one, moved to the first
    period boundary after the start, without trade prices."""
    reach = minutes * 60 * 3
    found = candles_of(world, market, start_ts - reach, start_ts - 1, minutes)
    if not found:
        return None
    last = found[-1]
    _, end = next(_periods(start_ts, start_ts + reach, minutes))
    previous = last.price.close if last.price else last.previous
    bid, ask = (Distribution(*([side.close] * 4)) for side in (last.bid, last.ask))
    return Candle(end, bid, ask, None, None, previous, 0, last.open_interest)


def _periods(first: int, last: int, minutes: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of the periods that end from `first` to `last`; days end at midnight in New York [REC 2026-01]."""
    if minutes == MINUTES_OF_A_DAY:
        day = datetime.fromtimestamp(first - 1, _EASTERN).date() + timedelta(days=1)
        while (end := _midnight(day.toordinal())) <= last:
            yield _midnight(day.toordinal() - 1), end
            day += timedelta(days=1)
        return
    seconds = minutes * 60
    for end in range(-(-first // seconds) * seconds, last + 1, seconds):
        yield end - seconds, end


def _midnight(ordinal: int) -> int:
    return int(datetime.combine(datetime.fromordinal(ordinal), time(), _EASTERN).timestamp())


def _candle(world: World, market: int, begin: int, end: int) -> Candle:
    tape, rows = world.tape, world.tape.of_market(market)
    low, high = (bisect_left(rows, (ts + 1) * MICROS, key=tape.at.__getitem__) for ts in (begin, end))
    prices = [tape.price[row] for row in rows[low:high]]
    sizes = [tape.contracts[row] for row in rows[low:high]]
    volume = sum(sizes)
    so_far = sum(tape.contracts[row] for row in rows[:high])
    mean = sum(price * size for price, size in zip(prices, sizes, strict=True)) // volume if prices else None
    opening, closing = _quote_at(world, market, begin), _quote_at(world, market, end)
    return Candle(
        end_ts=end,
        bid=_distribution([opening[0], closing[0]]),
        ask=_distribution([opening[1], closing[1]]),
        price=_distribution(prices) if prices else None,
        mean=mean - mean % 100 if mean is not None and world.config.shape != "future" else mean,
        previous=tape.price[rows[low - 1]] if low else None,
        volume=volume,
        open_interest=min(world.markets.open_interest[market], so_far),
    )


def _distribution(prices: list[int]) -> Distribution:
    return Distribution(prices[0], min(prices), max(prices), prices[-1])


def _quote_at(world: World, market: int, ts: int) -> tuple[int, int]:
    """Bid and ask at an instant: the real ones from the present on, made up around them before."""
    markets = world.markets
    bid, ask = markets.bid[market], markets.ask[market]
    if ts * MICROS >= world.clock or market in markets.recorded:
        return bid, ask
    structure = world.structure_of(market)
    drift = scatter(91 + market, ts) % 9 - 4
    return (
        _drifted(structure, bid, drift) if bid else 0,
        _drifted(structure, ask, drift) if ask < MICROS else MICROS,
    )


def _drifted(structure: PriceStructure, price: int, drift: int) -> int:
    return structure.snap(price + drift * structure.step_at(price))
