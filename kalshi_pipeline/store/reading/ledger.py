"""Data for the ledgers of other programs such as Dagster: finished days, and row counts of tables."""

from typing import NamedTuple

from sqlalchemy import Connection, select, tuple_

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.schema.tables import listings
from kalshi_pipeline.store.scopes import stored_scopes
from kalshi_pipeline.store.writing.runs import State, Subject


class Place(NamedTuple):
    """A position in the order in which runs finished; the first one is before all runs."""

    finished_at: int = 0
    id: int = 0


class FinishedDay(NamedTuple):
    """A finished run over a UTC day."""

    place: Place
    started_at: int
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
        return f"{listings.name}/{self.place.id}"

    def is_of(self, subject: Subject) -> bool:
        """Return whether the run covers everything that a subject is about, as far as the run is complete."""
        if subject.scope is None:
            return self.selection == subject.selection
        return self.scope is not None and self.scope.covers(subject.scope)


def finished_days(connection: Connection, after: Place, limit: int) -> list[FinishedDay]:
    """Return at most `limit` runs over days that finished after a position, in order."""
    run = listings.c
    query = (
        select(
            run.finished_at,
            run.id,
            run.started_at,
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
        .where(run.day.is_not(None), run.finished_at.is_not(None))
        .where(tuple_(run.finished_at, run.id) > tuple_(*after))
        .order_by(run.finished_at, run.id)
        .limit(limit)
    )
    scopes = stored_scopes(connection)
    return [
        FinishedDay(
            Place(finished_at, key), at, asset, day, scopes.get(scope_id), selection, State(state), *others
        )
        for finished_at, key, at, asset, day, scope_id, selection, state, *others in connection.execute(query)
    ]
