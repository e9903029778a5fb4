"""Writes of quotes: one row per tick and market, where the quote differs from the last one stored."""

from sqlalchemy import (
    Boolean,
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)

from kalshi_pipeline.store.catalog import staged_markets
from kalshi_pipeline.store.tables import QUOTE_COLUMNS, latest_quotes, markets, price_snapshots

_stage = staged_markets.table
_stored = (*QUOTE_COLUMNS, "received_at")
_tick_id = bindparam("tick", type_=Integer)
_every = bindparam("every", type_=Boolean)

# The market's row at this very tick may be there already: a run that is tried again adds nothing (R29).
_append = insert(price_snapshots).from_select(
    ["tick_id", "market_id", *_stored],
    select(_tick_id, markets.c.id, *(_stage.c[name] for name in _stored))
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
    )
    .order_by(markets.c.id),
)

# `latest_quotes` is always the newest row of `price_snapshots`: it is copied from there and from nowhere else.
_new = (
    select(price_snapshots)
    .join(markets, markets.c.id == price_snapshots.c.market_id)
    .join(_stage, _stage.c.ticker == markets.c.ticker)
    .where(price_snapshots.c.tick_id == _tick_id)
    .subquery("new")
)
_refresh = (
    update(latest_quotes)
    .values({name: _new.c[name] for name in ("tick_id", *_stored)})
    .where(latest_quotes.c.market_id == _new.c.market_id, latest_quotes.c.tick_id < _new.c.tick_id)
)
_begin_latest = insert(latest_quotes).from_select(
    ["market_id", "tick_id", *_stored],
    select(_new.c.market_id, _new.c.tick_id, *(_new.c[name] for name in _stored)).where(
        ~exists().where(latest_quotes.c.market_id == _new.c.market_id)
    ),
)


def append_quotes(connection: Connection, tick_id: int, *, every: bool) -> int:
    """Append the quotes of the staged markets to the tick, and give how many rows that took.

    A quote is stored where it differs from the market's last one, or always with `every`. `tick_id` must be the
    newest tick, under the snapshot lock: 'differs from the last one' has no meaning in the past.
    """
    inserted = connection.execute(_append, {"tick": tick_id, "every": every}).rowcount
    if inserted:
        connection.execute(_refresh, {"tick": tick_id})
        connection.execute(_begin_latest, {"tick": tick_id})
    return inserted
