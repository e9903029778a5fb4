"""Trades of one market, and the days whose trades are all stored."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from kalshi_pipeline.store.schema.tables import events, listings, markets, series, trades
from kalshi_pipeline.store.scopes import stored_scopes
from kalshi_pipeline.store.writing.runs import State


class StoredTrade(NamedTuple):
    """One trade, with its price in micro-dollars and its size in hundredths of a contract."""

    created_at: int
    yes_price: int | None
    contracts: int | None
    taker_side: str | None
    is_block: bool | None


_query = select(*(trades.c[name] for name in StoredTrade._fields)).join(markets)


def trades_of(
    connection: Connection, ticker: str, start: int, end: int, limit: int | None
) -> list[StoredTrade]:
    """Return the stored trades of a market in [start, end), oldest first; only the newest ones if there are many."""
    found = _query.where(markets.c.ticker == ticker, trades.c.created_at >= start, trades.c.created_at < end)
    newest_first = found.order_by(trades.c.created_at.desc(), trades.c.trade_id.desc()).limit(limit)
    return [StoredTrade(*row) for row in reversed(connection.execute(newest_first).all())]


def complete_days(connection: Connection, ticker: str) -> frozenset[str]:
    """Return the UTC days, as YYYY-MM-DD, for which all trades of a market are stored; none for an unknown market."""
    of_market = (
        select(series.c.ticker, markets.c.is_combo)
        .select_from(markets.join(events, markets.c.event_id == events.c.id).outerjoin(series))
        .where(markets.c.ticker == ticker)
    )
    of_runs = (
        select(listings.c.day, listings.c.scope_id)
        .where(listings.c.asset == "trades", listings.c.state == State.COMPLETE, listings.c.day.is_not(None))
        .distinct()
    )
    known = stored_scopes(connection)
    runs = connection.execute(of_runs).all()
    return frozenset(
        day
        for of_series, is_combo in connection.execute(of_market)
        for day, key in runs
        if key in known and known[key].covers_market(of_series, is_combo=is_combo)
    )
