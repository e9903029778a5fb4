"""Writes of settlements, from the tier of the exchange that reports them best.

A settlement is in force until its market is seen without a result, which `parents` detects, and again from when a
result is published again. Earlier published results are kept as amendments.

The markets are staged and merged by `parents` first, because a settlement refers to its market, and the market's
earlier result is kept among its changes.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
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
from kalshi_pipeline.store.schema.tables import market_changes, markets, settlement_amendments, settlements
from kalshi_pipeline.store.writing.merging import STAGED_ROW, Staging, make_empty
from kalshi_pipeline.store.writing.row_counts import count_added, count_changed
from kalshi_pipeline.store.writing.staged_pages import staged_markets, staged_quotes
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import DETERMINED, Result, SettledAtSource

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
_is_withdrawn = _stored.withdrawn_at.is_not(None)
# The result that is stored was not final, or the tier that reported it has lost the market.
_is_provisional = or_(
    markets.c.status.in_([status.value for status in DETERMINED]), markets.c.gone_at.is_not(None)
)
_counts = or_(
    _stage.tier == _stored.tier,
    _is_provisional,
    and_(_is_reported, not_(_was_reported)),
    and_(or_(_is_reported == _was_reported, _is_withdrawn), _stage.is_current_tier),
)
_outranked = Table(
    "outranked_settlements", MetaData(), Column("ticker", Text, primary_key=True), prefixes=["TEMPORARY"]
)
_find_outranked = insert(_outranked).from_select(
    ["ticker"], select(_stage.ticker).select_from(_matched).where(not_(_counts))
)
_drop_outranked = [
    delete(staged).where(staged.c.ticker.in_(select(_outranked.c.ticker)))
    for staged in (_staging.table, staged_markets.table, staged_quotes.table)
]

# A substitute never replaces a time that the exchange reported, nor an earlier substitute, because the market had
# settled by then. The time of a withdrawn settlement does not apply to the next one.
_is_later = _stage.settled_at > _stored.settled_at
_keeps_time = and_(
    not_(_is_withdrawn),
    or_(_stage.settled_at.is_(None), and_(not_(_is_reported), or_(_was_reported, _is_later))),
)
# An absent value never replaces a known one, except that of another result.
_is_other_result = and_(_stored.result.is_not(None), _stage.result != _stored.result)
_new: dict[str, ColumnElement[Any]] = {
    "result": func.coalesce(_stage.result, _stored.result),
    "settlement_value": case(
        (_is_other_result, _stage.settlement_value),
        else_=func.coalesce(_stage.settlement_value, _stored.settlement_value),
    ),
    "settled_at": case((_keeps_time, _stored.settled_at), else_=func.coalesce(_stage.settled_at, _seen_at)),
    "settled_at_source": case((_keeps_time, _stored.settled_at_source), else_=_stage.settled_at_source),
    "tier": _stage.tier,
    "withdrawn_at": cast(null(), BigInteger),
}
_differs = {name: _stored[name].is_distinct_from(value) for name, value in _new.items()}
# A market that moves to the other tier has the same outcome there.
_is_other_outcome = or_(*(differs for name, differs in _differs.items() if name != "tier"))
_is_amended = or_(
    *(and_(_stored[name].is_not(None), _differs[name]) for name in ("result", "settlement_value"))
)
_changed = Table(
    "changed_settlements",
    MetaData(),
    Column("market_id", Integer, primary_key=True),
    Column(STAGED_ROW, Integer),
    Column("is_other_outcome", Boolean),
    prefixes=["TEMPORARY"],
)
_find_changed = insert(_changed).from_select(
    ["market_id", STAGED_ROW, "is_other_outcome"],
    select(_stored.market_id, _stage[STAGED_ROW], _is_other_outcome)
    .select_from(_matched)
    .where(or_(*_differs.values())),
)
_count_other_outcomes = select(func.count()).select_from(_changed).where(_changed.c.is_other_outcome)
_changing = _changed.join(settlements, _stored.market_id == _changed.c.market_id).join(
    _staging.table, _stage[STAGED_ROW] == _changed.c[STAGED_ROW]
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
    .select_from(_changing)
    .where(_differs["settlement_value"]),
)
_log_amendments = insert(settlement_amendments).from_select(
    ["market_id", "seen_at", "result_before", "result_after", "value_before", "value_after"],
    select(
        _stored.market_id,
        _seen_at,
        _stored.result,
        _new["result"],
        _stored.settlement_value,
        _new["settlement_value"],
    )
    .select_from(_changing)
    .where(_is_amended),
)
_update_changed = (
    update(settlements)
    .values({**_new, "amended_at": case((_is_amended, _seen_at), else_=_stored.amended_at)})
    .where(
        _stored.market_id == _changed.c.market_id,
        _stored.market_id.in_(select(_changed.c.market_id)),  # where SQLite begins, as in `merging`
        _stage[STAGED_ROW] == _changed.c[STAGED_ROW],
    )
)
_first = {
    "market_id": markets.c.id,
    **{name: _stage[name] for name in _new if name in _stage},
    "settled_at": func.coalesce(_stage.settled_at, _seen_at),
    "first_seen_at": _seen_at,
    "amended_at": null(),
    "withdrawn_at": null(),
}
_insert_new = insert(settlements).from_select(
    list(_first),
    select(*_first.values())
    .select_from(_staging.table.join(markets, markets.c.ticker == _stage.ticker))
    .where(~exists().where(_stored.market_id == markets.c.id)),
)


def stage_settlements(connection: Connection, rows: Sequence[Settlement]) -> int:
    """Stage a page's settlements, and drop those with a better stored record; return the number of dropped ones.

    The exchange may show a market in both tiers, with differences. A later record of the same tier counts. One of the
    other tier counts if only it has the time of settlement; or if both or neither have it, or the stored one is
    withdrawn, and the exchange now keeps the market in that tier. If the stored result is not final, or the market was
    gone, every later record counts. Staged markets of dropped records are dropped too.
    """
    _staging.fill(connection, rows)
    make_empty(connection, _outranked)
    outranked = connection.execute(_find_outranked).rowcount
    if outranked:
        for statement in _drop_outranked:
            connection.execute(statement)
    return outranked


def merge_staged_settlements(connection: Connection, staged: int, seen_at: int) -> Tally:
    """Insert or update the staged settlements; a change of a known result or value is an amendment.

    `staged` is the number of records on the page, including dropped ones. Withdrawn settlements are then in force
    again, and count as changed. A settlement that the other tier has too is unchanged, although its tier is updated.
    """
    at = {"seen_at": seen_at}
    make_empty(connection, _changed)
    changed = 0
    if connection.execute(_find_changed, at).rowcount:
        changed = connection.execute(_count_other_outcomes).scalar_one()
        for statement in (_log_value, _log_amendments, _update_changed):
            connection.execute(statement, at)
    inserted = connection.execute(_insert_new, at).rowcount
    count_added(connection, settlements, inserted)
    count_changed(connection, settlements, changed)
    return Tally(inserted=inserted, changed=changed, unchanged=staged - inserted - changed)


def count_scalars_without_value(connection: Connection) -> int:
    """Count settlements in force with another result than yes or no whose payout is unknown.

    Before the result is final, the payout may still come.
    """
    has_word = func.coalesce(_stored.result, "").in_((Result.YES, Result.NO))
    is_final = func.coalesce(markets.c.status, "").not_in([status.value for status in DETERMINED])
    query = (
        select(func.count())
        .select_from(settlements.join(markets))
        .where(_stored.settlement_value.is_(None), ~has_word, not_(_is_withdrawn), is_final)
    )
    return connection.execute(query).scalar_one()
