"""Ticks with quotes: the newest, the first, and those of a span."""

from typing import NamedTuple

from sqlalchemy import Connection, Integer, bindparam, func, select

from kalshi_pipeline.store.schema.tables import price_snapshots, ticks
from kalshi_pipeline.store.writing.runs import TAKEN, State


class TakenTick(NamedTuple):
    """A tick that holds quotes."""

    id: int
    tick_at: int
    scope_id: int | None
    is_complete: bool
    period_seconds: float | None = None


_taken = select(
    ticks.c.id,
    ticks.c.tick_at,
    ticks.c.scope_id,
    (ticks.c.state == State.COMPLETE).label("is_complete"),
    ticks.c.period_seconds,
).where(ticks.c.state.in_(TAKEN))
_newest = _taken.order_by(ticks.c.tick_at.desc()).limit(1)
_newest_complete = _newest.where(ticks.c.state == State.COMPLETE)
_first_at = select(func.min(ticks.c.tick_at)).where(ticks.c.state.in_(TAKEN))
_between = _taken.where(
    ticks.c.id.between(bindparam("first_id", type_=Integer), bindparam("last_id", type_=Integer))
).order_by(ticks.c.id)
_of_market = (
    _between.join_from(ticks, price_snapshots)
    .where(price_snapshots.c.market_id == bindparam("market_id", type_=Integer))
    .order_by(None)
    .order_by(price_snapshots.c.tick_id)
)


def newest_tick(
    connection: Connection, at: int | None = None, *, is_complete: bool = False
) -> TakenTick | None:
    """Return the newest tick with quotes, or the newest complete one; at or before an instant, or of all."""
    query = _newest_complete if is_complete else _newest
    if at is not None:
        query = query.where(ticks.c.tick_at <= at)
    row = connection.execute(query).one_or_none()
    return None if row is None else TakenTick(*row)


def history_begins_at(connection: Connection) -> int | None:
    """Return the time of the oldest tick with quotes; None if there is none."""
    found: int | None = connection.execute(_first_at).scalar_one()
    return found


def ticks_between(
    connection: Connection, first_id: int, last_id: int, market_id: int | None = None
) -> list[TakenTick]:
    """Return the ticks with quotes, or with a row of one market, from the first to the last of them."""
    bound = {"first_id": first_id, "last_id": last_id}
    if market_id is None:
        rows = connection.execute(_between, bound)
    else:
        rows = connection.execute(_of_market, {**bound, "market_id": market_id})
    return [TakenTick(*row) for row in rows]
