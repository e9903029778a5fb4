"""Writes of settlements: how markets ended, from whichever tier of the exchange tells it best.

The staged markets of `catalog` come first: a settlement hangs on its market, and what a market's result was before
is kept among the changes of markets.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    update,
)

from kalshi_pipeline.store.rows import SettlementRow, Tally
from kalshi_pipeline.store.schema.tables import market_changes, markets, settlements
from kalshi_pipeline.store.writing.merging import STAGED_ROW, Staging, make_empty
from kalshi_pipeline.store.writing.parents import staged_markets

TOLD = "settlement_ts"
"""The source of a time at which the exchange says that a market was settled; any other is a stand-in."""

_staging = Staging("staged_settlements", SettlementRow)
_stage = _staging.table.c
_stored = settlements.c
_seen_at = bindparam("seen_at", type_=Integer)
_matched = _staging.table.join(markets, markets.c.ticker == _stage.ticker).join(
    settlements, _stored.market_id == markets.c.id
)

_is_told, _was_told = _stage.settled_at_source == TOLD, _stored.settled_at_source == TOLD
_counts = or_(
    _stage.tier == _stored.tier,
    and_(_is_told, not_(_was_told)),
    and_(_is_told == _was_told, _stage.is_at_home),
)
_outranked = Table(
    "outranked_settlements", MetaData(), Column("ticker", Text, primary_key=True), prefixes=["TEMPORARY"]
)
_find_outranked = insert(_outranked).from_select(
    ["ticker"], select(_stage.ticker).select_from(_matched).where(not_(_counts))
)
_drop_outranked = [
    delete(staged).where(staged.c.ticker.in_(select(_outranked.c.ticker)))
    for staged in (_staging.table, staged_markets.table)
]

# A stand-in never takes the place of a time that the exchange told, nor of an earlier one, by which it had settled;
# and nothing absent that of something known.
_is_later = _stage.settled_at > _stored.settled_at
_keeps_time = or_(_stage.settled_at.is_(None), and_(not_(_is_told), or_(_was_told, _is_later)))
_new = {
    "result": func.coalesce(_stage.result, _stored.result),
    "settlement_value": func.coalesce(_stage.settlement_value, _stored.settlement_value),
    "settled_at": case((_keeps_time, _stored.settled_at), else_=_stage.settled_at),
    "settled_at_source": case((_keeps_time, _stored.settled_at_source), else_=_stage.settled_at_source),
    "tier": _stage.tier,
}
_is_amended = or_(
    *(
        and_(_stored[name].is_not(None), _stored[name].is_distinct_from(_new[name]))
        for name in ("result", "settlement_value")
    )
)
_changed = Table(
    "changed_settlements",
    MetaData(),
    Column("market_id", Integer, primary_key=True),
    Column(STAGED_ROW, Integer),
    prefixes=["TEMPORARY"],
)
_find_changed = insert(_changed).from_select(
    ["market_id", STAGED_ROW],
    select(_stored.market_id, _stage[STAGED_ROW])
    .select_from(_matched)
    .where(or_(*(_stored[name].is_distinct_from(value) for name, value in _new.items()))),
)
_log_value = insert(market_changes).from_select(
    ["market_id", "seen_at", "field", "before", "after"],
    select(
        _stored.market_id,
        _seen_at,
        literal("settlement_value"),
        cast(_stored.settlement_value, Text),
        cast(_new["settlement_value"], Text),
    )
    .select_from(_changed)
    .join(settlements, _stored.market_id == _changed.c.market_id)
    .join(_staging.table, _stage[STAGED_ROW] == _changed.c[STAGED_ROW])
    .where(_stored.settlement_value.is_distinct_from(_new["settlement_value"])),
)
_update_changed = (
    update(settlements)
    .values({**_new, "amended_at": case((_is_amended, _seen_at), else_=_stored.amended_at)})
    .where(_stored.market_id == _changed.c.market_id, _stage[STAGED_ROW] == _changed.c[STAGED_ROW])
)
_insert_new = insert(settlements).from_select(
    ["market_id", *_new, "first_seen_at", "amended_at"],
    select(
        markets.c.id,
        _stage.result,
        _stage.settlement_value,
        func.coalesce(_stage.settled_at, _seen_at),
        _stage.settled_at_source,
        _stage.tier,
        _seen_at,
        null(),
    )
    .select_from(_staging.table.join(markets, markets.c.ticker == _stage.ticker))
    .where(~exists().where(_stored.market_id == markets.c.id)),
)


def stage_settlements(connection: Connection, rows: Sequence[SettlementRow]) -> int:
    """Hold a page's settlements, and let go of those that a better record is stored of, their staged markets too.

    The exchange may show a market in both tiers, and not the same. A later record of the same tier counts; one of
    the other tier where it tells the time of the settlement and the stored one does not, or where they are equal
    in that and the exchange keeps the market in that tier by now. Gives how many were let go.
    """
    _staging.fill(connection, rows)
    make_empty(connection, _outranked)
    outranked = connection.execute(_find_outranked).rowcount
    if outranked:
        for statement in _drop_outranked:
            connection.execute(statement)
    return outranked


def merge_staged_settlements(connection: Connection, staged: int, seen_at: int) -> Tally:
    """Insert or update the staged settlements; a result or a value that was known and has changed is an amendment.

    `staged` is how many records the page has, whatever became of them.
    """
    at = {"seen_at": seen_at}
    make_empty(connection, _changed)
    changed = connection.execute(_find_changed).rowcount
    if changed:
        connection.execute(_log_value, at)
        connection.execute(_update_changed, at)
    inserted = connection.execute(_insert_new, at).rowcount
    return Tally(inserted=inserted, changed=changed, unchanged=staged - inserted - changed)


def count_scalars_without_value(connection: Connection) -> int:
    """Count the settlements at neither yes nor no of which the exchange has not told what they paid."""
    has_word = func.coalesce(_stored.result, "").in_(("yes", "no"))
    query = select(func.count()).select_from(settlements).where(_stored.settlement_value.is_(None), ~has_word)
    return connection.execute(query).scalar_one()


def settlement_of(connection: Connection, ticker: str) -> Mapping[str, Any] | None:
    """Give how a market ended; None where it is not known."""
    query = select(settlements).join(markets).where(markets.c.ticker == ticker)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)
