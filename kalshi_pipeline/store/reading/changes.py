"""Changes of series, events and markets, for people."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, column, or_, select, table

from kalshi_pipeline.store.schema.tables import events, markets, series
from kalshi_pipeline.units import iso_of, parse_instant


class Change(NamedTuple):
    """A change of a field of a series, event or market (`kind`), with text before and after; `seen_at` is
    an instant.
    """

    seen_at: int
    kind: str
    ticker: str
    field: str
    before: str | None
    after: str | None


_view = table("change_history", *(column(name) for name in Change._fields))


def changes_since(
    connection: Connection,
    since: int,
    kind: str | None,
    ticker: str | None,
    limit: int | None,
    *,
    with_members: bool = False,
) -> list[Change]:
    """Return changes seen at or after an instant, oldest first; only the newest ones if there are many.

    They are those of all, or of what has a ticker, of a kind if one is named; `with_members` also those of an event's
    markets, or of the events and markets of a series.
    """
    query = select(*(_view.c[name] for name in Change._fields)).where(_view.c.seen_at >= iso_of(since))
    chosen = []
    if kind is not None:
        chosen.append(_view.c.kind == kind)
    if ticker is not None:
        chosen.append(_view.c.ticker == ticker)
    members = _members(kind, ticker) if with_members and ticker is not None else []
    if chosen:
        query = query.where(or_(and_(*chosen), *members))
    newest_first = query.order_by(_view.c.seen_at.desc(), _view.c.ticker.desc(), _view.c.field.desc())
    rows = connection.execute(newest_first.limit(limit)).all()
    return [Change(parse_instant(row[0]) or 0, *row[1:]) for row in reversed(rows)]


def _members(kind: str | None, ticker: str) -> list[ColumnElement[bool]]:
    """Return the conditions of being a market of an event, or an event or a market of a series."""
    of_event = select(events.c.id).where(events.c.ticker == ticker)
    of_series = select(series.c.id).where(series.c.ticker == ticker)
    conditions = []
    if kind in (None, "event"):
        own = select(markets.c.ticker).where(markets.c.event_id.in_(of_event))
        conditions.append(and_(_view.c.kind == "market", _view.c.ticker.in_(own)))
    if kind in (None, "series"):
        own_events = select(events.c.id).where(events.c.series_id.in_(of_series))
        own = select(markets.c.ticker).where(markets.c.event_id.in_(own_events))
        conditions.append(and_(_view.c.kind == "market", _view.c.ticker.in_(own)))
        own = select(events.c.ticker).where(events.c.series_id.in_(of_series))
        conditions.append(and_(_view.c.kind == "event", _view.c.ticker.in_(own)))
    return conditions
