"""Data for the ledgers of other programs such as Dagster: finished days, and row counts of tables."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.schema.tables import listings
from kalshi_pipeline.store.scopes import stored_scopes
from kalshi_pipeline.store.writing.runs import State, Subject


class LedgerPosition(NamedTuple):
    """The runs that a ledger has: those up to an id, except the open ones. The first position is before all runs.

    Runs get their ids when they start. The times at which they finish would not do: two processes commit in another
    order than they finish, and a clock can be set back.
    """

    last_id: int = 0
    open_ids: tuple[int, ...] = ()

    def without(self, ids: Collection[int]) -> "LedgerPosition":
        """Return the position of a ledger that has left some runs for later."""
        return LedgerPosition(self.last_id, tuple(sorted({*self.open_ids, *ids})))


class FinishedDay(NamedTuple):
    """A finished run over a UTC day."""

    id: int
    started_at: int
    finished_at: int
    asset: str
    day: str
    scope: Scope | None
    selection: str | None
    state: State
    reason: str | None
    received: int
    inserted: int
    quarantined: int

    @property
    def record(self) -> str:
        """The name of the run in reports."""
        return f"{listings.name}/{self.id}"

    def is_of(self, subject: Subject) -> bool:
        """Return whether the run covers everything that a subject is about, as far as the run is complete."""
        if subject.scope is None:
            return self.selection == subject.selection
        return self.scope is not None and self.scope.covers(subject.scope)


class FinishedDays(NamedTuple):
    """Finished runs over days, in the order of their ids, and the position of a ledger that has them too."""

    days: list[FinishedDay]
    position: LedgerPosition


def finished_days(connection: Connection, after: LedgerPosition, limit: int) -> FinishedDays:
    """Return at most `limit` runs over days that finished since a position.

    A position beyond the newest run is of another database, or of this one before it was restored: it counts as the
    first.
    """
    run = listings.c
    if after.last_id > (connection.scalar(select(func.max(run.id))) or 0):
        after = LedgerPosition()
    is_new = run.day.is_not(None) & ((run.id > after.last_id) | run.id.in_(after.open_ids))
    query = (
        select(
            run.id,
            run.started_at,
            run.finished_at,
            run.asset,
            run.day,
            run.scope_id,
            run.selection,
            run.state,
            run.reason,
            run.received,
            run.inserted,
            run.quarantined,
        )
        .where(is_new, run.finished_at.is_not(None))
        .order_by(run.id)
        .limit(limit)
    )
    scopes = stored_scopes(connection)
    days = [
        FinishedDay(
            key, started_at, finished_at, asset, day, scopes.get(scope_id), selection, State(state), *others
        )
        for key, started_at, finished_at, asset, day, scope_id, selection, state, *others in connection.execute(
            query
        )
    ]
    ids = [found.id for found in days]
    last_id = max([after.last_id, *ids])
    # A killed run is closed later without a finish, so it leaves the position.
    may_finish = (run.state == State.RUNNING) | run.finished_at.is_not(None)
    still_open = (
        select(run.id).where(is_new, may_finish, run.id <= last_id, run.id.not_in(ids)).order_by(run.id)
    )
    return FinishedDays(days, LedgerPosition(last_id, tuple(connection.scalars(still_open))))
