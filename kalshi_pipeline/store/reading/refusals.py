"""Waiting refusals: records in quarantine that no version has read since, and what is stored of their markets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, func, not_, or_, select, true

from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.schema.tables import (
    events,
    latest_quotes,
    markets,
    quarantine,
    series,
    settlements,
    ticks,
    unchanged_blocks,
    unlisted_spans,
)
from kalshi_pipeline.store.spans import is_in_open_span
from kalshi_pipeline.store.unchanged import lists_market
from kalshi_pipeline.store.writing.runs import TAKEN, Run, State

_PARENTS = {"series": series, "events": events, "markets": markets}


class Refusal(NamedTuple):
    """A refused record; its key is its ticker if that could be read.

    `is_newest` says whether it is the newest waiting refusal of this record.
    """

    id: int
    kind: str
    record_key: str
    raw: str
    run: str
    last_seen_at: int
    is_newest: bool


def waiting_refusals(connection: Connection, after_id: int, limit: int) -> list[Refusal]:
    """Return the next waiting refusals, ordered by key."""
    other = quarantine.alias()
    newer = exists().where(
        other.c.kind == quarantine.c.kind,
        other.c.record_key == quarantine.c.record_key,
        other.c.replayed_at.is_(None),
        or_(
            other.c.last_seen_at > quarantine.c.last_seen_at,
            and_(other.c.last_seen_at == quarantine.c.last_seen_at, other.c.id > quarantine.c.id),
        ),
    )
    columns = [quarantine.c[name] for name in Refusal._fields if name != "is_newest"]
    query = (
        select(*columns, not_(newer))
        .where(quarantine.c.replayed_at.is_(None), quarantine.c.id > after_id)
        .order_by(quarantine.c.id)
        .limit(limit)
    )
    return [Refusal._make(row) for row in connection.execute(query)]


def filled(connection: Connection, table_name: str, tickers: Sequence[str]) -> set[str]:
    """Return which of these series, events or markets are stored, not counting placeholders."""
    table = _PARENTS[table_name]
    query = select(table.c.ticker).where(not_(func.coalesce(table.c.is_placeholder, true())))
    return _found(connection, query, table.c.ticker, tickers)


def settled(connection: Connection, tickers: Sequence[str]) -> set[str]:
    """Return which of these markets have a settlement."""
    query = select(markets.c.ticker).join(settlements, settlements.c.market_id == markets.c.id)
    return _found(connection, query, markets.c.ticker, tickers)


class StoredTick(NamedTuple):
    """A tick with quotes, and its instant."""

    run: Run
    at: int


def tick_of(connection: Connection, run_name: str) -> StoredTick | None:
    """Return the tick of a run named in quarantine; None if it is not a tick with quotes."""
    table, _, key = run_name.partition("/")
    if table != ticks.name or not key.isdecimal():
        return None
    query = select(ticks.c.tick_at).where(ticks.c.id == int(key), ticks.c.state.in_(TAKEN))
    at = connection.execute(query).scalar()
    return None if at is None else StoredTick(Run(ticks, int(key), State.RUNNING), at)


def listed_since(connection: Connection, tickers: Sequence[str], tick_id: int) -> set[str]:
    """Return the markets of which a quote of this tick or of a later one is stored, or may be known to be unchanged."""
    later = select(func.min(ticks.c.id)).where(ticks.c.id > tick_id, ticks.c.state.in_(TAKEN))
    first_later = connection.execute(later).scalar()
    latest = latest_quotes.c
    # Of a market that has a quote and is in no span, nothing shows which of the later ticks listed it unchanged.
    may_be_unchanged = (
        false()
        if first_later is None
        else and_(
            not_(latest.is_terminal),
            not_(is_in_open_span(markets.c.id, unlisted_spans.c.from_tick_id <= first_later)),
        )
    )
    query = (
        select(markets.c.ticker)
        .join(latest_quotes, latest.market_id == markets.c.id)
        .where(
            or_(
                latest.tick_id >= tick_id,
                exists().where(unchanged_blocks.c.tick_id >= tick_id, lists_market(markets.c.id)),
                may_be_unchanged,
            )
        )
    )
    return _found(connection, query, markets.c.ticker, tickers)


def _found(
    connection: Connection, query: Select[Any], ticker: ColumnElement[str], tickers: Sequence[str]
) -> set[str]:
    """Return which of these tickers a query for tickers finds."""
    return {
        found
        for some in in_parts(tickers)
        for found in connection.execute(query.where(ticker.in_(some))).scalars()
    }
