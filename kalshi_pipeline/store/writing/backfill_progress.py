"""The record of long walks, of which each goes on where it was stopped: a day of trades, all that ever settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, func, insert, literal, select, update

from kalshi_pipeline.store.dialects.statements import greatest, least
from kalshi_pipeline.store.schema.tables import walks
from kalshi_pipeline.store.writing.runs import State


@dataclass(frozen=True)
class StoredWalk:
    """A row of `walks`: where it goes on (None at its beginning), and whether it was complete before.

    `since_at` is the bound of its query: one that goes on keeps the bound that it began with.
    """

    id: int
    name: str
    state: State
    cursor: str | None
    since_at: int | None = None


def restart_walk(connection: Connection, walk: StoredWalk, at: int) -> StoredWalk:
    """Begin a walk anew: its cursor is refused, or led from a place that is the end no more. Its counts go on."""
    values = {"state": State.RUNNING, "reason": None, "cursor": None, "started_at": at, "finished_at": None}
    connection.execute(update(walks).where(walks.c.id == walk.id).values(values))
    return replace(walk, state=State.RUNNING, cursor=None)


def open_walk(
    connection: Connection, name: str, at: int, *, again: bool = False, since_at: int | None = None
) -> StoredWalk:
    """Open a walk by its name: a new one, or the one that was stopped; a complete one stays so, unless `again`.

    Walked again, it begins anew, with `since_at` as the bound of its query, and keeps its counts.
    """
    found = connection.execute(select(walks).where(walks.c.name == name)).mappings().one_or_none()
    if found is None:
        counts = dict.fromkeys(("pages", "received", "inserted", "quarantined"), 0)
        values = {"name": name, "state": State.RUNNING, "started_at": at, "since_at": since_at, **counts}
        new = connection.execute(insert(walks).values(values).returning(walks.c.id)).scalar_one()
        return StoredWalk(new, name, State.RUNNING, None, since_at)
    is_complete = found["state"] == State.COMPLETE
    if is_complete and not again:
        return StoredWalk(found["id"], name, State.COMPLETE, None, found["since_at"])
    running: dict[str, object] = {"state": State.RUNNING, "reason": None, "finished_at": None}
    if is_complete or found["cursor"] is None:
        running |= {"cursor": None, "started_at": at, "since_at": since_at}
    connection.execute(update(walks).where(walks.c.id == found["id"]).values(running))
    begun = {**found, **running}
    return StoredWalk(found["id"], name, State.RUNNING, begun["cursor"], begun["since_at"])


def add_walk_page(
    connection: Connection,
    walk: StoredWalk,
    cursor: str | None,
    *,
    received: int,
    inserted: int,
    quarantined: int = 0,
    newest_at: int | None = None,
) -> None:
    """Count a page in the transaction that stores it, and remember where the walk goes on behind it.

    `newest_at` is the newest instant that the page names.
    """
    counts = {"pages": 1, "received": received, "inserted": inserted, "quarantined": quarantined}
    added: dict[str, ColumnElement[int]] = {name: walks.c[name] + count for name, count in counts.items()}
    if newest_at is not None:
        newest = literal(newest_at, BigInteger)
        added["newest_at"] = greatest(func.coalesce(walks.c.newest_at, newest), newest)
    connection.execute(update(walks).where(walks.c.id == walk.id).values(cursor=cursor, **added))


def close_walk(connection: Connection, walk: StoredWalk, state: State, reason: str | None, at: int) -> None:
    """Close a walk; one that is not complete goes on from its last page when it is opened again."""
    values: dict[str, object] = {"state": state, "reason": reason, "finished_at": at}
    if state is State.COMPLETE:
        values["cursor"] = None
    connection.execute(update(walks).where(walks.c.id == walk.id).values(values))


def walk_of(connection: Connection, name: str) -> Mapping[str, Any] | None:
    """Give a walk's row; None where it was never begun."""
    row = connection.execute(select(walks).where(walks.c.name == name)).mappings().one_or_none()
    return None if row is None else dict(row)


def watermark(connection: Connection, names: Sequence[str]) -> int | None:
    """Give the instant up to which the newest complete walk of these names saw everything; None where there is none.

    What happened after a walk began may have escaped it, wherever it is on the pages that were seen before: so it
    is the newest instant that the walk has met, and never later than its beginning.
    """
    seen = select(func.max(least(walks.c.newest_at, walks.c.started_at))).where(
        walks.c.name.in_(names), walks.c.state == State.COMPLETE
    )
    found: int | None = connection.execute(seen).scalar_one()
    return found
