"""Quotes that are stored long after their tick, for markets that no later tick has listed."""

from collections.abc import Sequence

from sqlalchemy import Connection, Integer, cast, delete, func, literal, null, select

from kalshi_pipeline.records import Market
from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.tables import ticks, unlisted_spans
from kalshi_pipeline.store.writing.parents import merge_staged_markets
from kalshi_pipeline.store.writing.quotes import TickQuotes
from kalshi_pipeline.store.writing.runs import Run, State
from kalshi_pipeline.store.writing.staged_pages import stage_markets, staged_market_ids

_NEVER_SECONDS = 1e9
_span = unlisted_spans.c


def append_late_quotes(
    connection: Connection,
    tick: Run,
    tick_at: int,
    scope: Scope,
    page: Sequence[Market],
    received_at: int,
    seen_at: int,
) -> None:
    """Store markets and their quotes of a tick. No later tick has listed these markets.

    From the next complete tick on, they are in an unlisted span until a tick lists them.
    """
    next_id = connection.execute(
        select(func.min(ticks.c.id)).where(ticks.c.id > tick.id, ticks.c.state == State.COMPLETE)
    ).scalar()
    merge_staged_markets(connection, stage_markets(connection, page), seen_at, are_listed=False)
    connection.execute(
        delete(unlisted_spans).where(
            _span.to_tick_id.is_(None), _span.from_tick_id > tick.id, _span.market_id.in_(staged_market_ids)
        )
    )
    quotes = TickQuotes(connection, tick, tick_at, scope, every=False, keyframe_seconds=_NEVER_SECONDS)
    quotes.append(connection, received_at)
    if next_id is not None:
        unlisted = staged_market_ids.add_columns(literal(next_id, Integer), cast(null(), Integer))
        connection.execute(upsert(unlisted_spans, ["market_id", "from_tick_id", "to_tick_id"], unlisted))
