"""The progress of long walks, such as a day of trades or all settlements, so that each continues where it stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import greatest, least
from kalshi_pipeline.store.schema.tables import backfill_progress
from kalshi_pipeline.store.scopes import scope_id, select_id


class WalkState(StrEnum):
    """The state of a walk."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    """It was stopped, and continues at its cursor."""
    CAUGHT_UP = "caught_up"
    """It reached its end, but records are still added, because its day is not over."""


class WalkKey(NamedTuple):
    """The identity of a walk: its name, such as `trades/2026-11-20/live`, and its scope."""

    name: str
    scope: Scope

    @property
    def sentence(self) -> str:
        """The walk, for messages."""
        return f"{self.name} ({self.scope.sentence})"


@dataclass(frozen=True)
class StoredWalk:
    """A row of `backfill_progress`: its cursor (None at the beginning), and its state, COMPLETE if it is not walked
    again.

    `since_at` is the bound of its query; a walk that continues keeps it.
    """

    id: int
    name: str
    state: WalkState
    cursor: str | None
    since_at: int | None
    started_at: int
    reason: str | None = None


_stored = select(
    backfill_progress.c.id,
    backfill_progress.c.name,
    backfill_progress.c.state,
    backfill_progress.c.cursor,
    backfill_progress.c.since_at,
    backfill_progress.c.started_at,
    backfill_progress.c.reason,
)


def restart_walk(connection: Connection, walk: StoredWalk, at: int) -> StoredWalk:
    """Restart a walk at its beginning, because its cursor is refused, or because its end is outdated. Its counts
    continue.
    """
    values = {
        "state": WalkState.RUNNING,
        "reason": None,
        "cursor": None,
        "started_at": at,
        "finished_at": None,
    }
    connection.execute(update(backfill_progress).where(backfill_progress.c.id == walk.id).values(values))
    return replace(walk, state=WalkState.RUNNING, cursor=None, started_at=at, reason=None)


def open_walk(
    connection: Connection, key: WalkKey, at: int, *, again: bool = False, since_at: int | None = None
) -> StoredWalk:
    """Open a walk by its key: a new or a stopped one. A complete one stays complete, unless `again`.

    A repeated walk restarts at its beginning with `since_at` as the bound of its query, and keeps its counts.
    """
    found = walk_of(connection, key)
    if found is None:
        counts = dict.fromkeys(("pages", "received", "inserted", "quarantined"), 0)
        values = {
            "name": key.name,
            "scope_id": scope_id(connection, key.scope),
            "state": WalkState.RUNNING,
            "started_at": at,
            "since_at": since_at,
            **counts,
        }
        new = insert(backfill_progress).values(values).returning(backfill_progress.c.id)
        return StoredWalk(
            connection.execute(new).scalar_one(), key.name, WalkState.RUNNING, None, since_at, at
        )
    is_complete = found.state is WalkState.COMPLETE
    if is_complete and not again:
        return found
    begun = replace(found, state=WalkState.RUNNING, reason=None)
    if is_complete or found.cursor is None:
        begun = replace(begun, cursor=None, started_at=at, since_at=since_at)
    connection.execute(
        update(backfill_progress)
        .where(backfill_progress.c.id == found.id)
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
    pages: int = 1,
    received: int,
    inserted: int,
    quarantined: int = 0,
    newest_at: int | None = None,
) -> None:
    """Count pages in the transaction that stores them, and store the cursor behind them.

    `newest_at` is the newest instant in them.
    """
    counts = {"pages": pages, "received": received, "inserted": inserted, "quarantined": quarantined}
    added: dict[str, ColumnElement[int]] = {
        name: backfill_progress.c[name] + count for name, count in counts.items()
    }
    if newest_at is not None:
        newest = literal(newest_at, BigInteger)
        added["newest_at"] = greatest(func.coalesce(backfill_progress.c.newest_at, newest), newest)
    of_walk = backfill_progress.c.id == walk.id
    connection.execute(update(backfill_progress).where(of_walk).values(cursor=cursor, **added))


def move_walk(connection: Connection, walk: StoredWalk) -> None:
    """Store the walk's cursor, at which it continues when opened again."""
    of_walk = backfill_progress.c.id == walk.id
    connection.execute(update(backfill_progress).where(of_walk).values(cursor=walk.cursor))


def close_walk(
    connection: Connection, walk: StoredWalk, state: WalkState, reason: str | None, at: int
) -> None:
    """Close a walk; one that is not complete continues from its last page when it is opened again."""
    values: dict[str, object] = {"state": state, "reason": reason, "finished_at": at}
    if state is WalkState.COMPLETE:
        values["cursor"] = None
    connection.execute(update(backfill_progress).where(backfill_progress.c.id == walk.id).values(values))


def walk_of(connection: Connection, key: WalkKey) -> StoredWalk | None:
    """Return a stored walk; None if it was never begun."""
    row = connection.execute(_stored.where(*_is(key))).one_or_none()
    if row is None:
        return None
    walk_id, _, state, *rest = row
    return StoredWalk(walk_id, key.name, WalkState(state), *rest)


def watermark(connection: Connection, keys: Sequence[WalkKey]) -> int | None:
    """Return the instant up to which the newest complete walk of some saw everything; None if there is none.

    A walk may miss what is added to pages that it has already passed. So it is the newest instant in the walk, but
    never later than its beginning.
    """
    seen = select(func.max(least(backfill_progress.c.newest_at, backfill_progress.c.started_at))).where(
        or_(*(and_(*_is(key)) for key in keys)), backfill_progress.c.state == WalkState.COMPLETE
    )
    found: int | None = connection.execute(seen).scalar_one()
    return found


def _is(key: WalkKey) -> tuple[ColumnElement[bool], ...]:
    same_scope = backfill_progress.c.scope_id == select_id(key.scope).scalar_subquery()
    return backfill_progress.c.name == key.name, same_scope
