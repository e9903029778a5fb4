"""How far long walks have come, so that each continues where it stopped: a day of trades, all that ever settled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, ColumnElement, Connection, func, insert, literal, select, update

from kalshi_pipeline.store.dialects.statements import greatest, least
from kalshi_pipeline.store.schema.tables import walks
from kalshi_pipeline.store.writing.runs import State


@dataclass(frozen=True)
class StoredWalk:
    """A row of `walks`: where it continues (None at its beginning), and whether it was complete before.

    `since_at` is the bound of its query: one that continues keeps the bound that it began with.
    """

    id: int
    name: str
    state: State
    cursor: str | None
    since_at: int | None
    started_at: int
    reason: str | None = None


_stored = select(
    walks.c.id,
    walks.c.name,
    walks.c.state,
    walks.c.cursor,
    walks.c.since_at,
    walks.c.started_at,
    walks.c.reason,
)


def restart_walk(connection: Connection, walk: StoredWalk, at: int) -> StoredWalk:
    """Restart a walk at its beginning: its cursor is refused, or its end is the end no more. Its counts continue."""
    values = {"state": State.RUNNING, "reason": None, "cursor": None, "started_at": at, "finished_at": None}
    connection.execute(update(walks).where(walks.c.id == walk.id).values(values))
    return replace(walk, state=State.RUNNING, cursor=None, started_at=at, reason=None)


def open_walk(
    connection: Connection, name: str, at: int, *, again: bool = False, since_at: int | None = None
) -> StoredWalk:
    """Open a walk by its name: a new one, or the one that was stopped; a complete one stays so, unless `again`.

    Walked again, it restarts at its beginning, with `since_at` as the bound of its query, and keeps its counts.
    """
    found = walk_of(connection, name)
    if found is None:
        counts = dict.fromkeys(("pages", "received", "inserted", "quarantined"), 0)
        values = {"name": name, "state": State.RUNNING, "started_at": at, "since_at": since_at, **counts}
        new = connection.execute(insert(walks).values(values).returning(walks.c.id)).scalar_one()
        return StoredWalk(new, name, State.RUNNING, None, since_at, at)
    is_complete = found.state is State.COMPLETE
    if is_complete and not again:
        return found
    begun = replace(found, state=State.RUNNING, reason=None)
    if is_complete or found.cursor is None:
        begun = replace(begun, cursor=None, started_at=at, since_at=since_at)
    connection.execute(
        update(walks)
        .where(walks.c.id == found.id)
        .values(
            state=begun.state,
            reason=None,
            finished_at=None,
            cursor=begun.cursor,
            started_at=begun.started_at,
            since_at=begun.since_at,
        )
    )
    return begun


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
    """Count a page in the transaction that stores it, and remember where the walk continues behind it.

    `newest_at` is the newest instant that the page names.
    """
    counts = {"pages": 1, "received": received, "inserted": inserted, "quarantined": quarantined}
    added: dict[str, ColumnElement[int]] = {name: walks.c[name] + count for name, count in counts.items()}
    if newest_at is not None:
        newest = literal(newest_at, BigInteger)
        added["newest_at"] = greatest(func.coalesce(walks.c.newest_at, newest), newest)
    connection.execute(update(walks).where(walks.c.id == walk.id).values(cursor=cursor, **added))


def close_walk(connection: Connection, walk: StoredWalk, state: State, reason: str | None, at: int) -> None:
    """Close a walk; one that is not complete continues from its last page when it is opened again."""
    values: dict[str, object] = {"state": state, "reason": reason, "finished_at": at}
    if state is State.COMPLETE:
        values["cursor"] = None
    connection.execute(update(walks).where(walks.c.id == walk.id).values(values))


def walk_of(connection: Connection, name: str) -> StoredWalk | None:
    """Return a walk as it is stored; None if it was never begun."""
    row = connection.execute(_stored.where(walks.c.name == name)).one_or_none()
    if row is None:
        return None
    walk_id, _, state, *rest = row
    return StoredWalk(walk_id, name, State(state), *rest)


def watermark(connection: Connection, names: Sequence[str]) -> int | None:
    """Return the instant up to which the newest complete walk of these names saw everything; None if there is none.

    A walk may miss what is added, after its beginning, to pages that it has already passed: so it is the newest
    instant that the walk has met, and never later than its beginning.
    """
    seen = select(func.max(least(walks.c.newest_at, walks.c.started_at))).where(
        walks.c.name.in_(names), walks.c.state == State.COMPLETE
    )
    found: int | None = connection.execute(seen).scalar_one()
    return found
