"""The records of runs: `ticks` for snapshots, `listings` for all other assets.

A row is opened before the run's first page, counts each page in that page's transaction, and is closed at the end. So a
killed run leaves exactly the pages that it committed. `ticks` decides whether a tick is taken.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache

from sqlalchemy import ColumnElement, Connection, Integer, Table, Update, bindparam, case, literal, update

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.schema.tables import listings
from kalshi_pipeline.store.scopes import scope_id
from kalshi_pipeline.store.writing.ids import insert_one
from kalshi_pipeline.store.writing.tally import Tally


class State(StrEnum):
    """The state of a run; `skipped` and `missed` are ticks without a snapshot."""

    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSED = "missed"


@dataclass(frozen=True)
class Subject:
    """The subject of a run in `listings`: a scope, a UTC day of it, or selected markets (in words)."""

    scope: Scope | None = None
    day: str | None = None
    selection: str | None = None

    @property
    def sentence(self) -> str:
        """The subject, for messages."""
        scope = None if self.scope is None else self.scope.sentence
        return ", ".join(filter(None, (self.day, self.selection, scope)))


@dataclass(frozen=True)
class Run:
    """A row of `listings` or `ticks`: the state found or set by opening it, and the number of pages that it had.

    `is_overtaken` is True for a skipped tick if a newer one of its scope is complete, so that nothing is missing.
    """

    table: Table
    id: int
    state: State
    reason: str | None = None
    pages: int = 0
    is_overtaken: bool = False

    @property
    def name(self) -> str:
        """The name of the run in `quarantine`."""
        return f"{self.table.name}/{self.id}"


KILLED = "the run ended without reporting (killed, or the machine stopped); the next one continues"
"""The reason of a run that was left open."""

TAKEN = (State.RUNNING, State.COMPLETE, State.PARTIAL)
"""States of ticks that hold quotes."""


def open_listing(connection: Connection, asset: str, subject: Subject, at: int, dead_before: int) -> Run:
    """Open a row of `listings`, and close those of runs that started before `dead_before` and cannot be alive."""
    connection.execute(
        update(listings)
        .where(
            listings.c.asset == asset, listings.c.state == State.RUNNING, listings.c.started_at < dead_before
        )
        .values(state=State.PARTIAL, reason=KILLED)
    )
    values = {
        "asset": asset,
        "scope_id": None if subject.scope is None else scope_id(connection, subject.scope),
        "day": subject.day,
        "selection": subject.selection,
        "started_at": at,
        "state": State.RUNNING,
        **counts_of(listings, Tally()),
    }
    return Run(listings, insert_one(connection, listings, values), State.RUNNING)


def add_page(connection: Connection, run: Run, tally: Tally) -> None:
    """Add a page's counts to its run, in the page's own transaction."""
    counts = {_added(name): count for name, count in counts_of(run.table, tally).items()}
    if any(counts.values()):
        connection.execute(_add_counts(run.table), {"of_run": run.id, **counts})


@cache
def _add_counts(table: Table) -> Update:
    """Return the statement that adds to the counts of a run. It is cached, because building it takes time."""
    counts = {
        name: table.c[name] + bindparam(_added(name), type_=Integer) for name in counts_of(table, Tally())
    }
    return update(table).where(table.c.id == bindparam("of_run", type_=Integer)).values(counts)


def _added(name: str) -> str:
    return f"added_{name}"


def close_run(
    connection: Connection, run: Run, state: State, reason: str | None, at: int, windows: int = 1
) -> None:
    """Close a run's row; `windows` is the number of parallel walks of its listing."""
    table = run.table
    values = {"state": state, "reason": reason, "finished_at": at, "windows": windows}
    connection.execute(update(table).where(table.c.id == run.id).values(values))


def close_left_open(connection: Connection, run: Run, reason: str, at: int) -> None:
    """Close a run's row if it is still open."""
    row = run.table.c
    values = {"state": state_left_open(run.table), "reason": reason, "finished_at": at}
    is_open = row.state == State.RUNNING
    connection.execute(update(run.table).where(row.id == run.id, is_open).values(values))


def state_left_open(table: Table) -> ColumnElement[str]:
    """Return the state of a run that was left open: partial if it stored pages, otherwise failed."""
    return case((table.c.pages > 0, literal(State.PARTIAL)), else_=literal(State.FAILED))


def counts_of(table: Table, tally: Tally) -> dict[str, int]:
    """Return the counts of a tally that a table of runs has."""
    return {name: count for name, count in asdict(tally).items() if name in table.c}
