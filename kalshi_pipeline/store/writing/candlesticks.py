"""Writes of candlesticks, and of the outcome of requests for each market and day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
)

from kalshi_pipeline.records import Candlestick
from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import (
    candlestick_days,
    candlesticks,
    events,
    markets,
    series,
    settlements,
)
from kalshi_pipeline.store.writing.merging import Staging
from kalshi_pipeline.store.writing.tally import Tally


class Coverage(StrEnum):
    """The state of a market's candlesticks of a day; all but COMPLETE are requested again."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """The day was not over."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Neither tier of the exchange knows the market."""


class CoverageRow(NamedTuple):
    """The outcome of a request for one market and day; `tier` is the one that responded."""

    market_id: int
    state: str
    tier: str | None
    reason: str | None


@dataclass(frozen=True)
class AskedDay:
    """A day, by its beginning (an instant), and the length of its periods."""

    at: int
    period_minutes: int


@dataclass(frozen=True)
class ChosenMarket:
    """A stored market, with its series and the times of its close and settlement, None if unknown."""

    id: int
    ticker: str
    series_ticker: str | None
    close_at: int | None
    settled_at: int | None


def upsert_candlesticks(
    connection: Connection, period_minutes: int, found: Mapping[tuple[int, int], Candlestick]
) -> Tally:
    """Insert candlesticks by market and end; a stored one that differs is replaced as a whole."""
    _staged.fill(
        connection, [(market_id, period_minutes, *candle) for (market_id, _), candle in found.items()]
    )
    known = connection.execute(_count_known).scalar_one()
    written = connection.execute(_upsert).rowcount
    inserted = len(found) - known
    changed = written - inserted
    return Tally(inserted=inserted, changed=changed, unchanged=known - changed)


def record_coverage(connection: Connection, day: AskedDay, rows: Sequence[CoverageRow], at: int) -> None:
    """Record the outcomes of requests, replacing earlier ones."""
    _staged_days.fill(connection, rows)
    bound = {"day_at": day.at, "period_minutes": day.period_minutes, "asked_at": at}
    connection.execute(_upsert_days, bound)


def chosen_markets(
    connection: Connection, series_tickers: Sequence[str], tickers: Sequence[str], *, alive: tuple[int, int]
) -> list[ChosenMarket]:
    """Return the stored markets of these series, and these markets, that were open at any time in [start, end)."""
    start, end = alive
    markets_only = markets.outerjoin(settlements, settlements.c.market_id == markets.c.id)
    query = (
        select(markets.c.id, markets.c.ticker, series.c.ticker, markets.c.close_at, settlements.c.settled_at)
        .select_from(markets_only.join(events, events.c.id == markets.c.event_id).outerjoin(series))
        .where(
            or_(markets.c.ticker.in_(tickers), series.c.ticker.in_(series_tickers)),
            # An unknown time excludes nothing.
            func.coalesce(markets.c.open_at, markets.c.created_at, 0) < end,
            or_(markets.c.close_at.is_(None), markets.c.close_at >= start),
        )
        .order_by(markets.c.ticker)
    )
    return [ChosenMarket(*row) for row in connection.execute(query)]


def covered_markets(connection: Connection, day: AskedDay) -> set[int]:
    """Return the keys of the markets whose candlesticks of a day are complete."""
    query = select(candlestick_days.c.market_id).where(
        candlestick_days.c.day_at == day.at,
        candlestick_days.c.period_minutes == day.period_minutes,
        candlestick_days.c.state == Coverage.COMPLETE,
    )
    return set(connection.execute(query).scalars())


def unstored_markets(connection: Connection, tickers: Sequence[str]) -> list[str]:
    """Return the tickers without a stored market, in order."""
    stored = set(connection.execute(select(markets.c.ticker).where(markets.c.ticker.in_(tickers))).scalars())
    return [ticker for ticker in tickers if ticker not in stored]


def empty_series(connection: Connection, tickers: Sequence[str]) -> list[str]:
    """Return the series without a stored market, in order."""
    has_markets = exists().where(events.c.series_id == series.c.id, markets.c.event_id == events.c.id)
    query = select(series.c.ticker).where(series.c.ticker.in_(tickers), has_markets)
    filled = set(connection.execute(query).scalars())
    return [ticker for ticker in tickers if ticker not in filled]


_staged = Staging(
    "staged_candlesticks",
    candlesticks.c.market_id,
    candlesticks.c.period_minutes,
    *record_columns(Candlestick),
)
_staged_days = Staging("staged_candlestick_days", *record_columns(CoverageRow))


_rows = _staged.table.c
_count_known = (
    select(func.count())
    .select_from(_staged.table)
    .join(candlesticks, and_(*(column == _rows[column.name] for column in candlesticks.primary_key.columns)))
)
_values = _staged.columns_without()
_upsert = upsert(candlesticks, list(_values), select(*_values.values()), changed_only=True)
_bound = {
    "day_at": bindparam("day_at", type_=BigInteger),
    "period_minutes": bindparam("period_minutes", type_=Integer),
    "asked_at": bindparam("asked_at", type_=BigInteger),
}
_values_of_days = _staged_days.columns_without()
_upsert_days = upsert(
    candlestick_days,
    [*_values_of_days, *_bound],
    select(*_values_of_days.values(), *_bound.values()),
)
