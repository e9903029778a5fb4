"""The request of a listing, as conditions to check each record.

The exchange may return 200 although it ignores a filter, so records may not have been requested. A record fails a
condition only if it contradicts it; a missing value or an unknown word does not.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from kalshi_pipeline.records import Event, Market, Outcome, Series, Trade
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import STATUSES_OF, MarketStatus, MveFilter, StatusFilter

Record = TypeVar("Record")
Other = TypeVar("Other")

SERIES_FILTER = "series_ticker"
# The exchange's bounds are whole seconds, and its rounding is not documented.
_ROUNDING = 2 * MICROS_PER_SECOND


@dataclass(frozen=True)
class Condition(Generic[Record]):
    """A filter of a query, by parameter name, with a test of whether a record may match it."""

    name: str
    may_hold: Callable[[Record], bool]

    def on(self, read: Callable[[Other], Record]) -> "Condition[Other]":
        """Return the same condition for a value that is read from other records."""
        return Condition(self.name, lambda record: self.may_hold(read(record)))


Conditions = tuple[Condition[Record], ...]


def market_conditions(status: StatusFilter | None, mve_filter: str | None) -> Conditions[Market]:
    """Return the conditions of a query for markets of a status and a kind; None for a filter that is not sent."""
    conditions: list[Condition[Market]] = []
    if status is not None:
        others = frozenset(MarketStatus) - STATUSES_OF[status]
        conditions.append(Condition("status", lambda market: market.status not in others))
    if mve_filter is not None:
        are_combos = mve_filter == MveFilter.ONLY
        conditions.append(Condition("mve_filter", lambda market: market.is_combo is are_combos))
    return tuple(conditions)


def outcome_conditions(
    status: StatusFilter | None = None, mve_filter: str | None = None, min_settled_ts: int | None = None
) -> Conditions[Outcome]:
    """Return the conditions of a query for markets with outcomes that settled after a Unix second."""
    of_market = [condition.on(_market_of) for condition in market_conditions(status, mve_filter)]
    if min_settled_ts is None:
        return tuple(of_market)
    earliest = min_settled_ts * MICROS_PER_SECOND - _ROUNDING
    settled = Condition[Outcome](
        "min_settled_ts", lambda outcome: outcome.settled_at is None or outcome.settled_at >= earliest
    )
    return (*of_market, settled)


def outcomes_of(tickers: Collection[str]) -> Conditions[Outcome]:
    """Return the conditions of a query for markets by ticker."""
    return (Condition("tickers", lambda outcome: outcome.market.ticker in tickers),)


def events_of(series: Collection[str]) -> Conditions[Event]:
    """Return the conditions of a query for the events of series, or of all series if empty."""
    if not series:
        return ()
    return (Condition(SERIES_FILTER, lambda event: event.series_ticker in (None, *series)),)


def series_of(tickers: Collection[str]) -> Conditions[Series]:
    """Return the conditions of queries for some series."""
    return (Condition(SERIES_FILTER, lambda series: series.ticker in tickers),)


def trades_between(min_ts: int, max_ts: int) -> Conditions[Trade]:
    """Return the conditions of a query for trades between two Unix seconds."""
    first, end = min_ts * MICROS_PER_SECOND - _ROUNDING, max_ts * MICROS_PER_SECOND + _ROUNDING
    return (
        Condition("min_ts", lambda trade: trade.created_at >= first),
        Condition("max_ts", lambda trade: trade.created_at < end),
    )


def _market_of(outcome: Outcome) -> Market:
    return outcome.market
