"""Days of candlesticks: the periods of a day, the finished part of it, and the number of markets per request."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple, Self

from kalshi_pipeline.exchange.candlesticks import Candlesticks
from kalshi_pipeline.exchange.tiers import CANDLESTICK_TICKERS, MOST_CANDLESTICKS
from kalshi_pipeline.ingest.run.unreadable import are_doubtful
from kalshi_pipeline.records import Candlestick
from kalshi_pipeline.store.writing.candlesticks import AskedDay
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

_MINUTES_PER_DAY = 1440
_MINUTE = 60 * MICROS_PER_SECOND
_DAY = _MINUTES_PER_DAY * _MINUTE
# A period that has just ended may not be final, so it is left to the next run.
_SETTLING = _MINUTE
# All periods end at a whole minute; hours and days end at a whole hour, because New York is whole hours behind UTC.
_MOST_MINUTES = 60
# How the exchange rounds the bounds of a query is not documented, so a neighbour on each side says nothing. One that
# ends later than the next period is no neighbour: its end may be in milliseconds.
_NEIGHBOURS = 2


class OfDay(NamedTuple):
    """The candlesticks of a day in a market's response. `problem` says why the response does not match the request, if
    so.
    """

    candlesticks: list[Candlestick]
    problem: str | None


def joined(answers: Sequence[Candlesticks]) -> dict[str, Candlesticks]:
    """Return candlesticks by market; a response may contain a market twice."""
    found: dict[str, Candlesticks] = {}
    for ticker, candlesticks, unreadable in answers:
        _, before, unread = found.get(ticker, Candlesticks(ticker, []))
        found[ticker] = Candlesticks(ticker, [*before, *candlesticks], unread + unreadable)
    return found


@dataclass(frozen=True)
class Day:
    """The finished periods of a UTC day: the periods of one length that end in (start, end].

    A daily candlestick ends at midnight in New York, and belongs to the UTC day of its end.
    """

    utc_date: date
    period_minutes: int
    start: int
    end: int

    @classmethod
    def seen_at(cls, utc_date: date, period_minutes: int, instant: int) -> Self:
        """Return the part of a day that is over at an instant."""
        start = instant_of(datetime.combine(utc_date, time(), UTC))
        over = (instant - _SETTLING) // MICROS_PER_SECOND * MICROS_PER_SECOND
        return cls(utc_date, period_minutes, start, max(start, min(start + _DAY, over)))

    @property
    def is_over(self) -> bool:
        """Whether the last period of the day has ended."""
        return self.end == self.start + _DAY

    @property
    def key(self) -> AskedDay:
        """The key of the day in the store."""
        return AskedDay(self.start, self.period_minutes)

    @property
    def first_end(self) -> int:
        """The earliest end of a period. It is a whole second, because the exchange's bounds are whole and inclusive."""
        return self.start + MICROS_PER_SECOND

    def select(self, candlesticks: Sequence[Candlestick], unreadable: int = 0) -> OfDay:
        """Return the candlesticks of this day and length, from a response with as many `unreadable` ones.

        A response does not name the period, but the ends show it. If the exchange ignored the period or the times of
        the query, most ends do not match, and all candlesticks are discarded.
        """
        ends_at = min(self.period_minutes, _MOST_MINUTES) * _MINUTE
        within = [candle for candle in candlesticks if self.start < candle.end_at <= self.end]
        fitting = [candle for candle in within if candle.end_at % ends_at == 0]
        ends = {candle.end_at for candle in fitting}
        outside = len(candlesticks) - len(within)
        next_end = self.end + self.period_minutes * _MINUTE
        is_beyond = any(candle.end_at > next_end for candle in candlesticks) and not fitting
        if len(within) > 2 * len(fitting) or len(ends) > _MINUTES_PER_DAY // self.period_minutes:
            return OfDay(
                [], f"the exchange returned candlesticks of another period than {self.period_minutes} min"
            )
        if is_beyond or outside > max(len(fitting), _NEIGHBOURS):
            return OfDay([], f"the exchange returned candlesticks of other times than {self.utc_date}")
        count = len(candlesticks) + unreadable
        if are_doubtful(count, unreadable):
            return OfDay(
                fitting, f"{unreadable:,} of {count:,} candlesticks are unreadable and in quarantine"
            )
        return OfDay(fitting, None)

    @property
    def alive(self) -> tuple[int, int]:
        """When a market must have been open to have a candlestick; a daily candlestick begins on the previous day."""
        is_daily = self.period_minutes == _MINUTES_PER_DAY
        return (self.start - _DAY if is_daily else self.start), self.end


def markets_per_request(period_minutes: int) -> int:
    """Return the number of markets that one request may name for a whole day, by both limits of the exchange."""
    return min(CANDLESTICK_TICKERS, MOST_CANDLESTICKS // (_MINUTES_PER_DAY // period_minutes))
