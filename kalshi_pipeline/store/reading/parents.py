"""Queries about stored parents for the flows: what to fill, and how to divide a listing into windows."""

from collections.abc import Sequence

from sqlalchemy import Connection, exists, func, not_, or_, select

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import in_parts, written
from kalshi_pipeline.store.schema.tables import (
    event_lookups,
    events,
    latest_quotes,
    markets,
    series,
    ticks,
)
from kalshi_pipeline.store.scopes import is_in, stored_scopes
from kalshi_pipeline.store.spans import is_in_open_span
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.vocabulary import STATUSES_OF, MarketStatus, StatusFilter

HAS_COMBO = exists().where(markets.c.event_id == events.c.id, markets.c.is_combo)
# The exchange no longer shows an event if all of its markets are gone.
HAS_REACHABLE_MARKET = exists().where(markets.c.event_id == events.c.id, markets.c.gone_at.is_(None))


def creation_bounds(
    connection: Connection, parts: int, combos: Sequence[bool], *, at_least: int
) -> list[int]:
    """Return the instants that divide the active markets by creation into `parts` parts of equal size.

    There are fewer, or none, if a part would have fewer than `at_least` markets.
    """
    created_at = markets.c.created_at
    chosen = (
        markets.c.status == written("active", MarketStatus.ACTIVE),  # as their index has it
        markets.c.is_combo.in_(combos),
        created_at.is_not(None),
    )
    count = connection.execute(select(func.count()).select_from(markets).where(*chosen)).scalar_one()
    parts = min(parts, count // at_least)
    if parts < 2:
        return []
    number = func.row_number().over(order_by=created_at)
    numbered = select(created_at, number.label("number")).where(*chosen).subquery()
    firsts = [count * part // parts + 1 for part in range(1, parts)]
    query = select(numbered.c.created_at).where(numbered.c.number.in_(firsts))
    return list(connection.execute(query).scalars())


def series_of_events(connection: Connection, tickers: Sequence[str]) -> dict[str, str]:
    """Return the series of those events that are stored with one."""
    query = select(events.c.ticker, series.c.ticker).join(series)
    return {
        event: of_series
        for some in in_parts(tickers)
        for event, of_series in connection.execute(query.where(events.c.ticker.in_(some)))
    }


def confirmed_events(connection: Connection, scope: Scope, at: int) -> dict[str, str]:
    """Return the events in a scope with a market, not a combo, that the newest complete tick confirmed as open.

    There is one such market for each event. Markets whose announced close lies between that tick and an instant (`at`)
    do not count: they may have closed since. Before the first complete tick, every market counts that is stored as open
    and was not to close by then.
    """
    is_open = markets.c.status.in_([status.value for status in STATUSES_OF[StatusFilter.OPEN]])
    query = (
        select(events.c.ticker, func.max(markets.c.ticker))
        .select_from(markets.join(events))
        .where(is_open, markets.c.gone_at.is_(None), not_(markets.c.is_combo), is_in(scope))
        .group_by(events.c.ticker)
    )
    newest = select(ticks.c.id, ticks.c.tick_at, ticks.c.scope_id).where(ticks.c.state == State.COMPLETE)
    row = connection.execute(newest.order_by(ticks.c.id.desc()).limit(1)).one_or_none()
    if row is None:
        has_closed = markets.c.close_at <= at
    else:
        of_tick = stored_scopes(connection).get(row.scope_id)
        if of_tick is None or not of_tick.shows_absence:
            return {}
        has_closed = markets.c.close_at.between(row.tick_at, at)
        query = query.join(latest_quotes, latest_quotes.c.market_id == markets.c.id).where(
            not_(latest_quotes.c.is_terminal),
            latest_quotes.c.tick_id <= row.id,
            is_in(of_tick),
            not_(is_in_open_span(markets.c.id)),
        )
    query = query.where(or_(markets.c.close_at.is_(None), not_(has_closed)))
    return dict(connection.execute(query).all())


def known_series(connection: Connection) -> set[str]:
    """Return the stored series that are not placeholders."""
    return set(connection.execute(select(series.c.ticker).where(not_(series.c.is_placeholder))).scalars())


def open_placeholder_events(
    connection: Connection, limit: int, *, of_combos: bool | None = None
) -> list[str]:
    """Return tickers of placeholder events, starting with those requested longest ago or never.

    `of_combos` selects those whose markets are combos, or those whose markets are not.
    """
    wanted = [] if of_combos is None else [HAS_COMBO if of_combos else ~HAS_COMBO]
    query = (
        select(events.c.ticker)
        .select_from(events.outerjoin(event_lookups))
        .where(events.c.is_placeholder, HAS_REACHABLE_MARKET, *wanted)
        .order_by(event_lookups.c.asked_at.nulls_first(), events.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def open_placeholder_series(connection: Connection, limit: int) -> list[str]:
    """Return tickers of placeholder series."""
    query = select(series.c.ticker).where(series.c.is_placeholder).limit(limit)
    return list(connection.execute(query).scalars())
