"""Writes of trades: several pages at once. A trade's time and identifier are its key, so a second run adds nothing."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Select,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
)

from kalshi_pipeline.records import Row, Trade
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import insert_or_ignore
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import UNSTORED, events, markets, trades
from kalshi_pipeline.store.scopes import is_in
from kalshi_pipeline.store.writing.merging import STAGED_ROW, Staging
from kalshi_pipeline.units import MICROS_PER_SECOND

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_BYTES = 16
_STORED = Trade._fields.index("is_mirrored")
# How far apart the times of one trade may be in the exchange's two tiers: one may cut digits that the other has.
_APART = MICROS_PER_SECOND

# Trades arrive newest first. The table is filled best in ascending order, its index in descending order. Both together
# take the least space with this number of rows at a time in ascending order.
_SORTED_ROWS = 1000

_staging = Staging(
    "staged_trades", trades.c.trade_id, *record_columns(Trade, without=("trade_id", *UNSTORED))
)
_stage = _staging.table
_values = {
    "market_id": markets.c.id,
    **_staging.columns_without("ticker"),
}
_stored = trades.alias()
_near = _stored.c.created_at.between(_stage.c.created_at - _APART, _stage.c.created_at + _APART)
_same_id = _stored.c.trade_id == _stage.c.trade_id
_is_stored = exists().where(_near, _same_id)
_differs = or_(
    _stored.c.yes_price != _stage.c.yes_price, _stored.c.contracts.is_distinct_from(_stage.c.contracts)
)


def _count_differing(when: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(_stage).where(exists().where(when, _same_id, _differs))


_count_second_prices = _count_differing(_stored.c.created_at == _stage.c.created_at)
_count_second_prices_near = _count_differing(_near)


def _append_where(*wanted: ColumnElement[bool]) -> Insert:
    # A trade whose market is missing fails at `market_id`, which must not be NULL: no trade is silently dropped.
    rows = (
        select(*_values.values())
        .select_from(_stage.outerjoin(markets, markets.c.ticker == _stage.c.ticker))
        .where(*wanted)
        .order_by(
            _stage.c[STAGED_ROW] // _SORTED_ROWS, _stage.c.created_at, _stage.c.trade_id, _stage.c[STAGED_ROW]
        )
    )
    return insert_or_ignore(trades, list(_values), rows)


_append = _append_where()
_append_unless_near = _append_where(not_(_is_stored))
_asked_since = bindparam("asked_since", type_=BigInteger)
# A page has several trades of most of its markets: each market is searched once.
_staged_names = Staging("traded_markets", markets.c.ticker)
_named = _staged_names.table
_is_known = exists().where(
    markets.c.ticker == _named.c.ticker,
    or_(not_(markets.c.is_placeholder), markets.c.changed_at >= _asked_since),
)
_find_unknown = select(_named.c.ticker).where(not_(_is_known))


def trade_key(trade_id: str) -> bytes:
    """Return the stored form of an identifier: the 16 bytes of a UUID, or any other text padded to more than 16."""
    if _UUID.fullmatch(trade_id) is not None:
        return bytes.fromhex(trade_id.replace("-", ""))
    return trade_id.encode().ljust(_UUID_BYTES + 1)


def stored_values(trade: Trade) -> Row:
    """Return the stored values of a trade, its identifier first."""
    return (trade_key(trade.trade_id), *trade[1:_STORED])


def stage_trades(connection: Connection, page: Sequence[Trade]) -> None:
    """Stage trades in a temporary table of this connection, for the functions below."""
    _staging.fill(connection, [stored_values(trade) for trade in page])


def stage_traded_markets(connection: Connection, tickers: Iterable[str]) -> None:
    """Stage the tickers of markets that trades refer to, for the three functions below."""
    _staged_names.fill(connection, [(ticker,) for ticker in tickers])


def unknown_markets(connection: Connection, asked_since: int) -> list[str]:
    """Return the staged traded markets that are missing or placeholders.

    Placeholders that were requested since an instant are not included.
    """
    return list(connection.execute(_find_unknown, {"asked_since": asked_since}).scalars())


def events_without_series(connection: Connection) -> dict[str, str]:
    """Return the events without a series of the staged traded markets that are stored, by ticker of the market."""
    query = (
        select(markets.c.ticker, events.c.ticker)
        .join_from(_named, markets, markets.c.ticker == _named.c.ticker)
        .join(events)
        .where(events.c.series_id.is_(None), not_(markets.c.is_placeholder))
    )
    return dict(connection.execute(query).all())


def markets_out_of_scope(connection: Connection, scope: Scope) -> set[str]:
    """Return the staged traded markets that are stored and not in a scope."""
    same_ticker = _named.c.ticker == markets.c.ticker
    query = select(markets.c.ticker).join(_named, same_ticker).where(not_(is_in(scope)))
    return set(connection.execute(query).scalars())


def append_staged_trades(connection: Connection, *, of_both_tiers: bool = False) -> int:
    """Insert the staged trades, whose markets are all stored; return the number of new ones.

    The identifier alone identifies a trade, but an index of it, in random order, would cost more than everything else.
    So if a day is read `of_both_tiers`, it is searched around the trade's time, in case the tiers round it differently.
    """
    return connection.execute(_append_unless_near if of_both_tiers else _append).rowcount


def count_second_prices(connection: Connection, *, of_both_tiers: bool = False) -> int:
    """Count the staged trades that are stored with another price or size. The first stored one stays."""
    query = _count_second_prices_near if of_both_tiers else _count_second_prices
    return int(connection.execute(query).scalar_one())


def count_trades(connection: Connection, start: int, end: int) -> int:
    """Count the trades of [start, end)."""
    query = select(func.count()).where(trades.c.created_at >= start, trades.c.created_at < end)
    return connection.execute(query.select_from(trades)).scalar_one()
