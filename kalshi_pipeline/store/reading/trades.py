"""Trades of one market, and for which days any were collected."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from kalshi_pipeline.store.schema.tables import markets, trades


class StoredTrade(NamedTuple):
    """One execution: its price in micro-dollars, its size in hundredths of a contract."""

    created_at: int
    yes_price: int | None
    contracts: int | None
    taker_side: str | None
    is_block: bool | None


_query = select(*(trades.c[name] for name in StoredTrade._fields)).join(markets)


def trades_of(
    connection: Connection, ticker: str, start: int, end: int, limit: int | None
) -> list[StoredTrade]:
    """Return the stored trades of a market in [start, end), oldest first; the newest ones of them if there are many."""
    found = _query.where(markets.c.ticker == ticker, trades.c.created_at >= start, trades.c.created_at < end)
    newest_first = found.order_by(trades.c.created_at.desc(), trades.c.trade_id.desc()).limit(limit)
    return [StoredTrade(*row) for row in reversed(connection.execute(newest_first).all())]
