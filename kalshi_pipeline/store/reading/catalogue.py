"""Details of one market, with its event, series and settlement; settled markets; and the busiest market."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from kalshi_pipeline.store.schema.tables import events, markets, price_snapshots, series, settlements


@dataclass(frozen=True)
class MarketDetails:
    """A market with its event and series; unknown values are None. The series' category has precedence."""

    ticker: str
    title: str | None
    yes_sub_title: str | None
    no_sub_title: str | None
    market_type: str | None
    status: str | None
    result: str | None
    created_at: int | None
    open_at: int | None
    close_at: int | None
    expected_expiration_at: int | None
    occurrence_at: int | None
    strike_type: str | None
    floor_strike: float | None
    cap_strike: float | None
    rules_primary: str | None
    is_provisional: bool | None
    collection_ticker: str | None
    gone_at: int | None
    event_ticker: str
    event_title: str | None
    event_sub_title: str | None
    event_is_placeholder: bool
    mutually_exclusive: bool | None
    strike_at: int | None
    series_ticker: str | None
    series_title: str | None
    category: str | None
    frequency: str | None
    tags: str | None


class StoredSettlement(NamedTuple):
    """A stored settlement.

    `amended_at` is when a change of its result or value was last seen. `withdrawn_at` is when the market was seen
    without a result again; the settlement is then not in force until a result is published again.
    """

    result: str | None
    settlement_value: int | None
    settled_at: int | None
    settled_at_source: str
    tier: str
    first_seen_at: int
    amended_at: int | None
    withdrawn_at: int | None

    @property
    def is_in_force(self) -> bool:
        """Whether the settlement is in force."""
        return self.withdrawn_at is None


class SettledMarket(NamedTuple):
    """A market with its settlement in force."""

    ticker: str
    title: str | None
    outcome: str | None
    result: str | None
    settlement_value: int | None
    settled_at: int
    settled_at_source: str


_OF_PARENTS = {
    "event_ticker": events.c.ticker,
    "event_title": events.c.title,
    "event_sub_title": events.c.sub_title,
    "event_is_placeholder": events.c.is_placeholder,
    "mutually_exclusive": events.c.mutually_exclusive,
    "strike_at": events.c.strike_at,
    "series_ticker": series.c.ticker,
    "series_title": series.c.title,
    "category": func.coalesce(series.c.category, events.c.category),
    "frequency": series.c.frequency,
    "tags": series.c.tags,
}
_of_market = [name for name in MarketDetails.__annotations__ if name not in _OF_PARENTS]
_details = select(
    *(markets.c[name] for name in _of_market), *(column.label(name) for name, column in _OF_PARENTS.items())
).select_from(markets.join(events).outerjoin(series))
_settlement = select(*(settlements.c[name] for name in StoredSettlement._fields)).join(markets)

_settled = select(
    markets.c.ticker,
    func.coalesce(markets.c.title, events.c.title),
    markets.c.yes_sub_title,
    *(settlements.c[name] for name in SettledMarket._fields[3:]),
).select_from(settlements.join(markets).join(events))


def market_details(connection: Connection, ticker: str) -> MarketDetails | None:
    """Return one market with its event and series; None if it is not stored."""
    row = connection.execute(_details.where(markets.c.ticker == ticker)).mappings().one_or_none()
    return None if row is None else MarketDetails(**{str(name): value for name, value in row.items()})


def settlement_of(connection: Connection, ticker: str) -> StoredSettlement | None:
    """Return a market's settlement, which may be withdrawn; None if no result was ever published."""
    row = connection.execute(_settlement.where(markets.c.ticker == ticker)).one_or_none()
    return None if row is None else StoredSettlement(*row)


def settled_since(connection: Connection, start: int, limit: int | None = None) -> list[SettledMarket]:
    """Return the newest `limit` markets settled at or after an instant, ordered by time."""
    rows = connection.execute(
        _settled.where(settlements.c.withdrawn_at.is_(None), settlements.c.settled_at >= start)
        .order_by(settlements.c.settled_at.desc(), markets.c.ticker)
        .limit(limit)
    )
    return [SettledMarket(*row) for row in rows][::-1]


def busiest_market(connection: Connection) -> str | None:
    """Return the market with the most stored two-sided quotes; None if there is none."""
    query = (
        select(markets.c.ticker)
        .join(price_snapshots, price_snapshots.c.market_id == markets.c.id)
        .where(price_snapshots.c.yes_bid.is_not(None), price_snapshots.c.yes_ask.is_not(None))
        .group_by(markets.c.id)
        .order_by(func.count().desc(), markets.c.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()
