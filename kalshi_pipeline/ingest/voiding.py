"""Voids ticks of a wrong clock: their rows are kept, but no reader sees them any more."""

from collections import Counter
from dataclasses import dataclass

from kalshi_pipeline.store.database import Database, ReadOnlyDatabase
from kalshi_pipeline.store.writing.undoing import Undo
from kalshi_pipeline.store.writing.voiding import (
    VoidableTick,
    batches,
    count_moved,
    count_recomputed,
    void_ticks_from,
    voidable_ticks,
)


@dataclass(frozen=True)
class Voidable:
    """The effect of voiding the ticks after an instant: the ticks, newest first, and the row counts by table.

    `moved` rows belong to the tables of ticks and quotes; `undone` rows are recomputed, removed or corrected.
    """

    after: int
    ticks: list[VoidableTick]
    moved: dict[str, int]
    undone: dict[str, int]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.ticks or self.undone)

    @property
    def states(self) -> Counter[str]:
        """The number of ticks in each state."""
        return Counter(tick.state for tick in self.ticks)


def find_voidable(database: Database | ReadOnlyDatabase, after: int, now: int) -> Voidable:
    """Return what `void_ticks` would do now, without writing."""
    return database.ask(
        lambda connection: Voidable(
            after,
            voidable_ticks(connection, after),
            count_moved(connection, after),
            count_recomputed(connection, after) | Undo(connection, after, now).count(),
        )
    )


def void_ticks(database: Database, after: int, now: int) -> int:
    """Void the ticks after an instant, undo what was recorded with them, and return the number of moved ticks.

    Each tick with quotes is voided in its own transaction, newest first. If this is killed, the store is as if the
    newer ticks had not been taken, and a second call does the rest. Raises StoreError while a snapshot runs.
    """
    with database.snapshot_lock(wait_seconds=0):
        with database.begin() as connection:
            Undo(connection, after, now).run()
        found = database.ask(lambda connection: voidable_ticks(connection, after))
        for first_at in batches(found):
            with database.begin() as connection:
                void_ticks_from(connection, first_at, now)
    return len(found)
