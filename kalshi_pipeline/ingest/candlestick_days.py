"""Days of candlesticks: which periods belong to a day, how far it is over, and how many markets fit in a request."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Self

from kalshi_pipeline.exchange.tiers import CANDLESTICK_TICKERS, MOST_CANDLESTICKS
from kalshi_pipeline.store.writing.candlesticks import AskedDay
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

_MINUTES_PER_DAY = 1440
_DAY = _MINUTES_PER_DAY * 60 * MICROS_PER_SECOND
# A period that has just ended may not be final yet: it is left to the next run.
_SETTLING = 60 * MICROS_PER_SECOND


@dataclass(frozen=True)
class Day:
    """The periods of one length that end in (start, end]: those of a UTC day, as far as they are over.

    A daily candlestick ends at midnight in New York, and belongs to the UTC day that it ends in.
    """

    utc_date: date
    period_minutes: int
    start: int
    end: int

    @classmethod
    def seen_at(cls, utc_date: date, period_minutes: int, instant: int) -> Self:
        """Return a day as far as it is over at an instant."""
        start = instant_of(datetime.combine(utc_date, time(), UTC))
        over = (instant - _SETTLING) // MICROS_PER_SECOND * MICROS_PER_SECOND
        return cls(utc_date, period_minutes, start, max(start, min(start + _DAY, over)))

    @property
    def is_over(self) -> bool:
        """Whether its last period has ended."""
        return self.end == self.start + _DAY

    @property
    def key(self) -> AskedDay:
        """The key of the day in the store."""
        return AskedDay(self.start, self.period_minutes)

    @property
    def first_end(self) -> int:
        """The earliest end of a period, in whole seconds, because the exchange's bounds are inclusive."""
        return self.start + MICROS_PER_SECOND

    @property
    def alive(self) -> tuple[int, int]:
        """When a market must have been open to have a candlestick; a daily one begins on the day before."""
        is_daily = self.period_minutes == _MINUTES_PER_DAY
        return (self.start - _DAY if is_daily else self.start), self.end


def markets_per_request(period_minutes: int) -> int:
    """Return how many markets one request may name for a whole day, by both of the exchange's limits."""
    return min(CANDLESTICK_TICKERS, MOST_CANDLESTICKS // (_MINUTES_PER_DAY // period_minutes))
