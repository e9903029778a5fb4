"""What the exchange changed in its descriptions of series, events and markets, as people read it."""

from typing import NamedTuple

from sqlalchemy import Connection, column, select, table

from kalshi_pipeline.units import iso_of, parse_instant


class Change(NamedTuple):
    """A field of a series, an event or a market (`kind`), as text before and after; `seen_at` is an instant."""

    seen_at: int
    kind: str
    ticker: str
    field: str
    before: str | None
    after: str | None


_view = table("change_history", *(column(name) for name in Change._fields))


def changes_since(
    connection: Connection, since: int, kind: str | None, ticker: str | None, limit: int | None
) -> list[Change]:
    """Return the changes seen at or after an instant, oldest first; the newest ones of them if there are many.

    They are those of all, or of what has a ticker, of a kind if one is named.
    """
    query = select(*(_view.c[name] for name in Change._fields)).where(_view.c.seen_at >= iso_of(since))
    if kind is not None:
        query = query.where(_view.c.kind == kind)
    if ticker is not None:
        query = query.where(_view.c.ticker == ticker)
    newest_first = query.order_by(_view.c.seen_at.desc(), _view.c.ticker.desc(), _view.c.field.desc())
    rows = connection.execute(newest_first.limit(limit)).all()
    return [Change(parse_instant(row[0]) or 0, *row[1:]) for row in reversed(rows)]
