"""The row of a market that is in force at a tick.

A stored quote is in force from its tick until the market's next row. If every quote is kept, `unchanged_blocks` records
the ticks at which the exchange sent it again.
"""

from sqlalchemy import (
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

from kalshi_pipeline.store.schema.tables import latest_quotes, price_snapshots, ticks, unchanged_blocks
from kalshi_pipeline.store.unchanged import is_unchanged_at


def bound_tick(name: str) -> BindParameter[int]:
    """Return a parameter for the key of a tick."""
    return bindparam(name, type_=Integer)


def tick_in_force(tick_id: BindParameter[int]) -> Case[int]:
    """Return the tick of the newest row at or before a tick, for the market of a row of `latest_quotes`.

    It is searched by one seek in an index, and only if the newest row of all is later.
    """
    rows, newest = price_snapshots.c, latest_quotes.c
    of_market = (rows.market_id == newest.market_id, rows.tick_id <= tick_id)
    sought = select(func.max(rows.tick_id)).where(*of_market).scalar_subquery()
    return case((newest.tick_id <= tick_id, newest.tick_id), else_=sought)


_newest_repeat = select(func.max(unchanged_blocks.c.tick_id)).where(
    unchanged_blocks.c.tick_id <= bound_tick("tick_id")
)


def newest_repeat(connection: Connection, tick_id: int) -> int | None:
    """Return the newest tick up to one with any unchanged quotes; None if there are none."""
    found: int | None = connection.execute(_newest_repeat, {"tick_id": tick_id}).scalar_one()
    return found


def repeat_of_market(
    market_id: ColumnElement[int], row_tick_id: ColumnElement[int], last_id: ColumnElement[int]
) -> ScalarSelect[int]:
    """Return the newest tick up to one that found the quote of a market's row in force unchanged.

    Unchanged quotes have no index by market: the ticks are searched backwards, and the last ones are the likeliest.
    """
    is_repeated = exists().where(is_unchanged_at(market_id, ticks.c.id)).correlate_except(unchanged_blocks)
    return (
        select(ticks.c.id)
        .where(ticks.c.id > row_tick_id, ticks.c.id <= last_id, is_repeated)
        .order_by(ticks.c.id.desc())
        .limit(1)
        .correlate_except(ticks)
        .scalar_subquery()
    )


_last_repeat = select(
    repeat_of_market(bindparam("market_id", type_=Integer), bound_tick("row_tick_id"), bound_tick("last_id"))
)


def last_sent(connection: Connection, market_id: int, row_tick_id: int, last_id: int) -> int:
    """Return the newest tick up to one at which the exchange sent the quote of a row: its own or a later one."""
    bound = {"market_id": market_id, "row_tick_id": row_tick_id, "last_id": last_id}
    repeated_id: int | None = connection.execute(_last_repeat, bound).scalar_one()
    return row_tick_id if repeated_id is None else repeated_id
