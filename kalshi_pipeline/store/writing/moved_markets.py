"""Markets that move to another series, and the earlier ticks that could not list them."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Insert,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)

from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.tables import (
    events,
    latest_quotes,
    price_snapshots,
    scopes,
    series,
    ticks,
    unlisted_spans,
)
from kalshi_pipeline.store.spans import is_in_span_at
from kalshi_pipeline.store.unchanged import is_unchanged_at
from kalshi_pipeline.store.writing.merging import ticker_with
from kalshi_pipeline.store.writing.runs import State


def _is_named(ticker: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether a scope names a series; NULL where the series is unknown."""
    named = literal(",") + scopes.c.series + ","
    return func.replace(named, literal(",") + ticker + ",", "") != named


def series_with_event(event_id: ColumnElement[Any]) -> ColumnElement[str | None]:
    """Return the ticker of the series of the event with a key."""
    of_event = events.alias("known_events")
    query = select(of_event.c.series_id).where(of_event.c.id == event_id)
    return ticker_with(series, query.correlate_except(of_event).scalar_subquery())


def doubt_ticks_since(
    changing: FromClause,
    has_moved: ColumnElement[bool],
    before: ColumnElement[str | None],
    after: ColumnElement[str | None],
) -> Insert:
    """Put ticks that could not list a market which now moves to another series into unlisted spans.

    These are the ticks since the market's first row whose scope names the new series but not the old one, because
    readers use the series that is known now. Ticks whose scope has both, or all series, have listed the market or
    opened a span.
    """
    rows, since = latest_quotes.c, ticks.alias("since")
    next_id = (
        select(func.min(since.c.id))
        .where(since.c.id > ticks.c.id, since.c.state.in_([State.COMPLETE, State.PARTIAL]))
        .scalar_subquery()
    )
    was_stored = exists().where(
        price_snapshots.c.tick_id == ticks.c.id, price_snapshots.c.market_id == rows.market_id
    )
    was_sent = or_(was_stored, exists().where(is_unchanged_at(rows.market_id, ticks.c.id)))
    first_id = (
        select(func.min(price_snapshots.c.tick_id))
        .where(price_snapshots.c.market_id == rows.market_id)
        .scalar_subquery()
    )
    asks_for_new = or_(_is_named(after), and_(after.is_(None), scopes.c.series != ""))
    is_doubted = and_(not_(_is_named(before)), asks_for_new)
    return upsert(
        unlisted_spans,
        ["market_id", "from_tick_id", "to_tick_id"],
        select(rows.market_id, ticks.c.id, next_id)
        .select_from(changing.join(ticks, ticks.c.id > first_id).join(scopes))
        .where(
            # Usually none has moved, or there is no such scope: then no tick is looked at, in whatever order the
            # database would join them.
            exists(select(rows.market_id).select_from(changing).where(has_moved).correlate(None)),
            has_moved,
            exists(select(scopes.c.id).where(is_doubted).correlate_except(scopes)),
            ticks.c.state == State.COMPLETE,
            # After its end there is no quote to confirm, and nothing would close a span.
            or_(not_(rows.is_terminal), ticks.c.id < rows.tick_id),
            is_doubted,
            not_(was_sent),
            not_(is_in_span_at(rows.market_id, ticks.c.id)),
        ),
    )
