"""Writes of quotes: one row per tick and market, where the quote differs from the last one stored."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.schema import CreateTable

from kalshi_pipeline.store.catalog import staged_markets
from kalshi_pipeline.store.tables import QUOTE_COLUMNS, latest_quotes, markets, price_snapshots

_stage = staged_markets.table
_stored = (*QUOTE_COLUMNS, "received_at")
_tick_id = bindparam("tick", type_=Integer)
_every = bindparam("every", type_=Boolean)

# What is new is found once, into a small table with the markets' keys; both tables are then written from it.
_new_quotes = Table(
    "new_quotes",
    MetaData(),
    Column("market_id", Integer, primary_key=True),
    *(Column(name, BigInteger) for name in _stored),
    prefixes=["TEMPORARY"],
)
_create = CreateTable(_new_quotes, if_not_exists=True)

# The market's row at this very tick may be there already: a run that is tried again adds nothing (R29).
_find = insert(_new_quotes).from_select(
    ["market_id", *_stored],
    select(markets.c.id, *(_stage.c[name] for name in _stored))
    .select_from(
        _stage.join(markets, markets.c.ticker == _stage.c.ticker).outerjoin(
            latest_quotes, latest_quotes.c.market_id == markets.c.id
        )
    )
    .where(
        or_(
            latest_quotes.c.market_id.is_(None),
            and_(
                latest_quotes.c.tick_id < _tick_id,
                or_(
                    _every,
                    *(latest_quotes.c[name].is_distinct_from(_stage.c[name]) for name in QUOTE_COLUMNS),
                ),
            ),
        )
    ),
)
_append = insert(price_snapshots).from_select(
    ["tick_id", "market_id", *_stored],
    select(_tick_id, _new_quotes.c.market_id, *(_new_quotes.c[name] for name in _stored)),
)
_refresh_latest = (
    update(latest_quotes)
    .values({"tick_id": _tick_id, **{name: _new_quotes.c[name] for name in _stored}})
    .where(latest_quotes.c.market_id == _new_quotes.c.market_id)
)
_begin_latest = insert(latest_quotes).from_select(
    ["market_id", "tick_id", *_stored],
    select(_new_quotes.c.market_id, _tick_id, *(_new_quotes.c[name] for name in _stored)).where(
        ~exists().where(latest_quotes.c.market_id == _new_quotes.c.market_id)
    ),
)


def append_quotes(connection: Connection, tick_id: int, *, every: bool) -> int:
    """Append the quotes of the staged markets to the tick, and give how many rows that took.

    A quote is stored where it differs from the market's last one, or always with `every`; `latest_quotes` then
    holds the same row. `tick_id` must be the newest tick, under the snapshot lock: 'differs from the last one'
    has no meaning in the past.
    """
    connection.execute(_create)
    connection.execute(_new_quotes.delete())
    inserted = connection.execute(_find, {"tick": tick_id, "every": every}).rowcount
    if inserted:
        for statement in (_append, _refresh_latest, _begin_latest):
            connection.execute(statement, {"tick": tick_id})
    return inserted
