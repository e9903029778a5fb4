"""Which row of a market is in force at a tick, and which ticks confirm it: the ground of reading back.

A stored quote is in force from its tick until the market's next row. Ticks of its own scope carry it: a complete one
confirms it, an incomplete one does not. Where every quote is kept, sightings record the ticks at which the exchange
sent it again. Keys of ticks that hold quotes ascend with their instants.
"""

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Case,
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    bindparam,
    case,
    exists,
    func,
    select,
)

from kalshi_pipeline.store.schema.tables import latest_quotes, price_snapshots, sightings, ticks
from kalshi_pipeline.store.writing.runs import TAKEN, State


class TakenTick(NamedTuple):
    """A tick that holds quotes."""

    id: int
    tick_at: int
    scope: str
    is_complete: bool


class Provenance(NamedTuple):
    """How the row of one tick is known at a later one; the fields are those of `quotes.Quote`."""

    quoted_at: int
    is_observed: bool
    is_tick_complete: bool
    confirmed_at: int | None


_taken = select(
    ticks.c.id, ticks.c.tick_at, ticks.c.scope, (ticks.c.state == State.COMPLETE).label("is_complete")
).where(ticks.c.state.in_(TAKEN))
_newest = _taken.order_by(ticks.c.tick_at.desc()).limit(1)
_newest_complete = _newest.where(ticks.c.state == State.COMPLETE)
_newest_at = _newest.where(ticks.c.tick_at <= bindparam("at", type_=BigInteger))
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
    """Return the newest tick that holds quotes: at or before an instant, or of all; or the newest complete one."""
    if at is not None:
        row = connection.execute(_newest_at, {"at": at}).one_or_none()
    else:
        row = connection.execute(_newest_complete if is_complete else _newest).one_or_none()
    return None if row is None else TakenTick(*row)


def ticks_between(
    connection: Connection, first_id: int, last_id: int, market_id: int | None = None
) -> list[TakenTick]:
    """Return the ticks that hold quotes, or a row of one market, from the first to the last of them."""
    bound = {"first_id": first_id, "last_id": last_id}
    if market_id is None:
        rows = connection.execute(_between, bound)
    else:
        rows = connection.execute(_of_market, {**bound, "market_id": market_id})
    return [TakenTick(*row) for row in rows]


def provenances(connection: Connection, first_id: int, last_id: int) -> dict[int, Provenance]:
    """Return for each of these ticks, by its key, how its rows are known at the last one."""
    newest: dict[str, TakenTick] = {}
    confirmed_at: dict[str, int] = {}
    found = {}
    for tick in reversed(ticks_between(connection, first_id, last_id)):
        of_scope = newest.setdefault(tick.scope, tick)
        if tick.is_complete:
            confirmed_at.setdefault(tick.scope, tick.tick_at)
        found[tick.id] = Provenance(
            tick.tick_at, of_scope is tick, of_scope.is_complete, confirmed_at.get(tick.scope)
        )
    return found


def bound_tick(name: str) -> BindParameter[int]:
    """Return a parameter that takes the key of a tick."""
    return bindparam(name, type_=Integer)


def tick_in_force(tick_id: BindParameter[int]) -> Case[int]:
    """Return the tick of the newest row, at or before a tick, of the market of `latest_quotes`.

    It is searched, by one seek in an index, only where the newest row of all is younger.
    """
    rows, newest = price_snapshots.c, latest_quotes.c
    of_market = (rows.market_id == newest.market_id, rows.tick_id <= tick_id)
    sought = select(func.max(rows.tick_id)).where(*of_market).scalar_subquery()
    return case((newest.tick_id <= tick_id, newest.tick_id), else_=sought)


_newest_sighting = select(func.max(sightings.c.tick_id)).where(sightings.c.tick_id <= bound_tick("tick_id"))


def newest_sighting(connection: Connection, tick_id: int) -> int | None:
    """Return the newest tick, up to one, with sightings of any market; None if there are none."""
    found: int | None = connection.execute(_newest_sighting, {"tick_id": tick_id}).scalar_one()
    return found


def sighting_of_market(
    market_id: ColumnElement[int], row_tick_id: ColumnElement[int], last_id: ColumnElement[int]
) -> ScalarSelect[int]:
    """Return the tick of the newest sighting of a market after its row in force, up to a tick.

    Sightings have no index by market: the ticks are searched backwards one by one, and the last ones are the
    likeliest.
    """
    is_sighted = exists().where(sightings.c.tick_id == ticks.c.id, sightings.c.market_id == market_id)
    is_sighted = is_sighted.correlate_except(sightings)
    return (
        select(ticks.c.id)
        .where(ticks.c.id > row_tick_id, ticks.c.id <= last_id, is_sighted)
        .order_by(ticks.c.id.desc())
        .limit(1)
        .correlate_except(ticks)
        .scalar_subquery()
    )


_last_sighting = select(
    sighting_of_market(
        bindparam("market_id", type_=Integer), bound_tick("row_tick_id"), bound_tick("last_id")
    )
)


def last_sent(connection: Connection, market_id: int, row_tick_id: int, last_id: int) -> int:
    """Return the newest tick, up to one, at which the exchange sent the quote of a row: its own, or a sighting's."""
    bound = {"market_id": market_id, "row_tick_id": row_tick_id, "last_id": last_id}
    sighted_id: int | None = connection.execute(_last_sighting, bound).scalar_one()
    return row_tick_id if sighted_id is None else sighted_id
