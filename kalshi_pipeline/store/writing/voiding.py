"""Voiding ticks: they are moved with their rows, as if they had never been taken.

`undoing` undoes everything else that runs recorded with the same wrong clock.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Insert,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.tables import (
    latest_quotes,
    price_snapshots,
    ticks,
    unchanged_blocks,
    unlisted_spans,
    void_snapshots,
    void_ticks,
    void_unchanged_blocks,
)
from kalshi_pipeline.store.writing.runs import TAKEN

# The rows of a tick, by the table that they are moved to.
_MOVED = {void_snapshots: price_snapshots, void_unchanged_blocks: unchanged_blocks}
# Ticks without quotes are moved together: a clock that was a year ahead leaves ten thousand of them. To remove one, the
# database looks for it in every row of latest_quotes, which takes 5 ms where there are 100,000.
_MOST_AT_ONCE = 50

_first_at = bindparam("first_at", type_=BigInteger)
_is_voided = ticks.c.tick_at >= _first_at
_voided = select(ticks.c.id).where(_is_voided)


class VoidableTick(NamedTuple):
    """A tick after an instant."""

    tick_at: int
    state: str


def voidable_ticks(connection: Connection, after: int) -> list[VoidableTick]:
    """Return the ticks after an instant, in any state, newest first."""
    query = select(ticks.c.tick_at, ticks.c.state).where(ticks.c.tick_at > after)
    return [VoidableTick(*row) for row in connection.execute(query.order_by(ticks.c.tick_at.desc()))]


def batches(newest_first: list[VoidableTick]) -> Iterator[int]:
    """Yield the instants from which ticks are voided, one transaction after the other: each tick with quotes has its
    own.
    """
    for is_taken, some in groupby(newest_first, key=lambda tick: tick.state in TAKEN):
        instants = [tick.tick_at for tick in some]
        size = 1 if is_taken else _MOST_AT_ONCE
        yield from (instants[min(start + size, len(instants)) - 1] for start in range(0, len(instants), size))


def count_moved(connection: Connection, after: int) -> dict[str, int]:
    """Count the rows that are moved by voiding the ticks after an instant, by table."""
    conditions = {ticks: _is_voided, **{table: _is_of_voided(table) for table in _MOVED.values()}}
    return {table.name: _count(connection, table, is_moved, after) for table, is_moved in conditions.items()}


def count_recomputed(connection: Connection, after: int) -> dict[str, int]:
    """Count the rows that are recomputed, removed or reopened, by table; tables without any are not included."""
    conditions = {
        latest_quotes: _is_of_voided(latest_quotes),
        unlisted_spans: or_(_begins_voided, _ends_voided),
    }
    counts = {table.name: _count(connection, table, is_of, after) for table, is_of in conditions.items()}
    return {name: count for name, count in counts.items() if count}


def void_ticks_from(connection: Connection, first_at: int, at: int) -> None:
    """Move the ticks from an instant on, with their rows, and undo their effects on other tables.

    No newer quotes may exist than theirs: ticks with quotes are voided newest first.
    """
    bound: Mapping[str, int] = {"first_at": first_at, "voided_at": at}
    for statement in _statements():
        connection.execute(statement, bound)


def _is_of_voided(table: Table) -> ColumnElement[bool]:
    return table.c.tick_id.in_(_voided)


_span = unlisted_spans.c
_begins_voided = _span.from_tick_id.in_(_voided)
_ends_voided = _span.to_tick_id.in_(_voided)


def _statements() -> Iterator[Insert | Update | Delete]:
    kept = [column.name for column in ticks.columns]
    voided_at = bindparam("voided_at", type_=BigInteger)
    yield insert(void_ticks).from_select(
        [*kept, "voided_at"], select(*ticks.columns, voided_at).where(_is_voided)
    )
    for target, source in _MOVED.items():
        yield insert(target).from_select(
            [column.name for column in source.columns], select(source).where(_is_of_voided(source))
        )
        yield delete(source).where(_is_of_voided(source))
    yield _restore_latest()
    yield delete(latest_quotes).where(_is_of_voided(latest_quotes))
    yield delete(unlisted_spans).where(_begins_voided)
    # Until the voided tick listed or ended the market, the span was open.
    yield update(unlisted_spans).values(to_tick_id=null()).where(_ends_voided)
    yield delete(ticks).where(_is_voided)


def _restore_latest() -> Insert:
    """Restore the newest remaining row of each market whose latest one is voided."""
    rows, left = price_snapshots.c, price_snapshots.alias("left_rows").c
    newest_id = (
        select(func.max(left.tick_id)).where(left.market_id == latest_quotes.c.market_id).scalar_subquery()
    )
    is_newest = and_(rows.market_id == latest_quotes.c.market_id, rows.tick_id == newest_id)
    columns = [column.name for column in latest_quotes.columns]
    return upsert(
        latest_quotes,
        columns,
        select(*(rows[name] for name in columns))
        .select_from(latest_quotes.join(price_snapshots, is_newest))
        .where(_is_of_voided(latest_quotes)),
    )


def _count(connection: Connection, table: Table, condition: ColumnElement[bool], after: int) -> int:
    query = select(func.count()).select_from(table).where(condition)
    return connection.execute(query, {"first_at": after + 1}).scalar_one()
