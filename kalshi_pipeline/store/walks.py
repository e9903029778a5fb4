"""The record of long walks, of which each goes on where it was stopped: a day of trades, all that ever settled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from kalshi_pipeline.store.runs import State
from kalshi_pipeline.store.tables import walks


@dataclass(frozen=True)
class StoredWalk:
    """A row of `walks`: where it goes on (None at its beginning), and whether it was complete before."""

    id: int
    name: str
    state: State
    cursor: str | None


def restart_walk(connection: Connection, walk: StoredWalk, at: int) -> StoredWalk:
    """Begin a walk anew: its cursor is refused, or led from a place that is the end no more. Its counts go on."""
    values = {"state": State.RUNNING, "reason": None, "cursor": None, "started_at": at, "finished_at": None}
    connection.execute(update(walks).where(walks.c.id == walk.id).values(values))
    return StoredWalk(walk.id, walk.name, State.RUNNING, None)


def open_walk(connection: Connection, name: str, at: int, *, again: bool = False) -> StoredWalk:
    """Open a walk by its name: a new one, or the one that was stopped; a complete one stays so, unless `again`.

    Walked again, it begins anew and keeps its counts.
    """
    found = connection.execute(select(walks).where(walks.c.name == name)).mappings().one_or_none()
    if found is None:
        counts = dict.fromkeys(("pages", "received", "inserted", "quarantined"), 0)
        values = {"name": name, "state": State.RUNNING, "started_at": at, **counts}
        new = connection.execute(insert(walks).values(values).returning(walks.c.id)).scalar_one()
        return StoredWalk(new, name, State.RUNNING, None)
    is_complete = found["state"] == State.COMPLETE
    if is_complete and not again:
        return StoredWalk(found["id"], name, State.COMPLETE, None)
    running: dict[str, object] = {"state": State.RUNNING, "reason": None, "finished_at": None}
    if is_complete:
        running["cursor"] = None
    connection.execute(update(walks).where(walks.c.id == found["id"]).values(running))
    return StoredWalk(found["id"], name, State.RUNNING, None if is_complete else found["cursor"])


def add_walk_page(
    connection: Connection,
    walk: StoredWalk,
    cursor: str | None,
    *,
    received: int,
    inserted: int,
    quarantined: int = 0,
) -> None:
    """Count a page in the transaction that stores it, and remember where the walk goes on behind it."""
    counts = {"pages": 1, "received": received, "inserted": inserted, "quarantined": quarantined}
    added = {name: walks.c[name] + count for name, count in counts.items()}
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
