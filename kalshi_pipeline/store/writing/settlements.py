"""Writes of settlements: how markets ended, from the tier of the exchange that reports it best.

The staged markets of `parents` come first: a settlement refers to its market, and what a market's result was before is
kept among the changes of markets.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
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

from kalshi_pipeline.records import Settlement
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import market_changes, markets, settlements
from kalshi_pipeline.store.writing.merging import STAGED_ROW, Staging, make_empty
from kalshi_pipeline.store.writing.parents import staged_markets
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import Result, SettledAtSource

_staging = Staging("staged_settlements", *record_columns(Settlement))
_stage = _staging.table.c
_stored = settlements.c
_seen_at = bindparam("seen_at", type_=BigInteger)
_matched = _staging.table.join(markets, markets.c.ticker == _stage.ticker).join(
    settlements, _stored.market_id == markets.c.id
)

# A time of any other source is a substitute for the one that the exchange reports.
_is_reported = _stage.settled_at_source == SettledAtSource.SETTLEMENT_TS
_was_reported = _stored.settled_at_source == SettledAtSource.SETTLEMENT_TS
_counts = or_(
    _stage.tier == _stored.tier,
    and_(_is_reported, not_(_was_reported)),
    and_(_is_reported == _was_reported, _stage.is_current_tier),
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

# A substitute never replaces a time that the exchange reported, nor an earlier substitute, by which it had settled; and
# an absent value never replaces a known one.
_is_later = _stage.settled_at > _stored.settled_at
_keeps_time = or_(_stage.settled_at.is_(None), and_(not_(_is_reported), or_(_was_reported, _is_later)))
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
_first = {
    "market_id": markets.c.id,
    **{name: _stage[name] for name in _new},
    "settled_at": func.coalesce(_stage.settled_at, _seen_at),
    "first_seen_at": _seen_at,
    "amended_at": null(),
}
_insert_new = insert(settlements).from_select(
    list(_first),
    select(*_first.values())
    .select_from(_staging.table.join(markets, markets.c.ticker == _stage.ticker))
    .where(~exists().where(_stored.market_id == markets.c.id)),
)


def stage_settlements(connection: Connection, rows: Sequence[Settlement]) -> int:
    """Stage a page's settlements, drop those that are outranked by a stored record, and return how many they are.

    The exchange may show a market in both tiers, with differences. A later record of the same tier counts; one of the
    other tier counts if it alone reports the time of the settlement, or if the two are equal in that and the exchange
    keeps the market in that tier now. The staged markets of dropped records are dropped too.
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

    `staged` is how many records the page has, dropped ones included.
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
    """Count the settlements at neither yes nor no whose payout the exchange has not reported."""
    has_word = func.coalesce(_stored.result, "").in_((Result.YES, Result.NO))
    query = select(func.count()).select_from(settlements).where(_stored.settlement_value.is_(None), ~has_word)
    return connection.execute(query).scalar_one()
