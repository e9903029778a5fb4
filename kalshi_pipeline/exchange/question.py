"""What a listing asks for, as conditions that each record can be checked against.

An exchange may answer 200 to a filter that it ignores, so an answer is not proof that its records were asked for. A
record fails a condition only if it contradicts it: a missing value or an unknown word is no contradiction.
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
# The exchange's bounds are whole seconds, and how it rounds what it compares with them is not documented.
_ROUNDING = 2 * MICROS_PER_SECOND


@dataclass(frozen=True)
class Condition(Generic[Record]):
    """A filter of a query, by the name of its parameter, and whether a record may be an answer to it."""

    name: str
    may_hold: Callable[[Record], bool]

    def on(self, read: Callable[[Other], Record]) -> "Condition[Other]":
        """Return the same condition on what is read from other records."""
        return Condition(self.name, lambda record: self.may_hold(read(record)))


Question = tuple[Condition[Record], ...]


def market_question(status: StatusFilter | None, mve_filter: str | None) -> Question[Market]:
    """Return what a query for markets of a status and a kind asks; None stands for a filter that is not sent."""
    conditions: list[Condition[Market]] = []
    if status is not None:
        others = frozenset(MarketStatus) - STATUSES_OF[status]
        conditions.append(Condition("status", lambda market: market.status not in others))
    if mve_filter is not None:
        are_combos = mve_filter == MveFilter.ONLY
        conditions.append(Condition("mve_filter", lambda market: market.is_combo is are_combos))
    return tuple(conditions)


def outcome_question(
    status: StatusFilter | None = None, mve_filter: str | None = None, min_settled_ts: int | None = None
) -> Question[Outcome]:
    """Return the same for markets with how they ended, of those that settled after a Unix second."""
    of_market = [condition.on(_market_of) for condition in market_question(status, mve_filter)]
    if min_settled_ts is None:
        return tuple(of_market)
    earliest = min_settled_ts * MICROS_PER_SECOND - _ROUNDING
    settled = Condition[Outcome](
        "min_settled_ts", lambda outcome: outcome.settled_at is None or outcome.settled_at >= earliest
    )
    return (*of_market, settled)


def outcomes_of(tickers: Collection[str]) -> Question[Outcome]:
    """Return what a query for markets by their tickers asks."""
    return (Condition("tickers", lambda outcome: outcome.market.ticker in tickers),)


def events_of(series: Collection[str]) -> Question[Event]:
    """Return what a query for the events of series asks; of all if it names none."""
    if not series:
        return ()
    return (Condition(SERIES_FILTER, lambda event: event.series_ticker in (None, *series)),)


def series_of(tickers: Collection[str]) -> Question[Series]:
    """Return what queries for some series ask."""
    return (Condition(SERIES_FILTER, lambda series: series.ticker in tickers),)


def trades_between(min_ts: int, max_ts: int) -> Question[Trade]:
    """Return what a query for trades between two Unix seconds asks."""
    first, end = min_ts * MICROS_PER_SECOND - _ROUNDING, max_ts * MICROS_PER_SECOND + _ROUNDING
    return (
        Condition("min_ts", lambda trade: trade.created_at >= first),
        Condition("max_ts", lambda trade: trade.created_at < end),
    )


def _market_of(outcome: Outcome) -> Market:
    return outcome.market
