"""How far long walks have come, so that each continues where it stopped: a day of trades, all that ever settled."""

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
    """How far a walk has come."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    """It was cut short, and continues at its cursor."""
    CAUGHT_UP = "caught_up"
    """It reached its end, and more will be added to it: its day is not over."""


class WalkKey(NamedTuple):
    """Which walk: its name, such as `trades/2026-11-20/live`, and its scope."""

    name: str
    scope: Scope

    @property
    def sentence(self) -> str:
        """The walk as people read it."""
        return f"{self.name} ({self.scope.sentence})"


@dataclass(frozen=True)
class StoredWalk:
    """A row of `backfill_progress`: where it continues (None at its beginning), and whether it was complete before.

    `since_at` is the bound of its query: one that continues keeps the bound that it began with.
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
    """Restart a walk at its beginning: its cursor is refused, or its end is the end no more. Its counts continue."""
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
    """Open a walk by its key: a new one, or the one that was stopped; a complete one stays so, unless `again`.

    Walked again, it restarts at its beginning, with `since_at` as the bound of its query, and keeps its counts.
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
    """Count pages in the transaction that stores them, and remember where the walk continues behind them.

    `newest_at` is the newest instant that they name.
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
    """Have a walk continue at its cursor when it is opened again."""
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
    """Return a walk as it is stored; None if it was never begun."""
    row = connection.execute(_stored.where(*_is(key))).one_or_none()
    if row is None:
        return None
    walk_id, _, state, *rest = row
    return StoredWalk(walk_id, key.name, WalkState(state), *rest)


def watermark(connection: Connection, keys: Sequence[WalkKey]) -> int | None:
    """Return the instant up to which the newest complete one of some walks saw everything; None if there is none.

    A walk may miss what is added, after its beginning, to pages that it has already passed: so it is the newest
    instant that the walk has met, and never later than its beginning.
    """
    seen = select(func.max(least(backfill_progress.c.newest_at, backfill_progress.c.started_at))).where(
        or_(*(and_(*_is(key)) for key in keys)), backfill_progress.c.state == WalkState.COMPLETE
    )
    found: int | None = connection.execute(seen).scalar_one()
    return found


def _is(key: WalkKey) -> tuple[ColumnElement[bool], ...]:
    same_scope = backfill_progress.c.scope_id == select_id(key.scope).scalar_subquery()
    return backfill_progress.c.name == key.name, same_scope
