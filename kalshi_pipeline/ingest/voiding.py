"""Voiding ticks that a wrong clock dated: nothing is lost, and no reader sees them any more."""

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
    """What voiding the ticks after an instant would do: to which ticks, newest first, and to how many rows by table.

    `moved` are rows of tables that hold the ticks and their quotes, `undone` those that are recomputed, removed or
    corrected.
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
        """How many ticks there are in each state."""
        return Counter(tick.state for tick in self.ticks)


def find_voidable(database: Database | ReadOnlyDatabase, after: int, now: int) -> Voidable:
    """Return what `void_ticks` would do now; nothing is written."""
    return database.ask(
        lambda connection: Voidable(
            after,
            voidable_ticks(connection, after),
            count_moved(connection, after),
            count_recomputed(connection, after) | Undo(connection, after, now).count(),
        )
    )


def void_ticks(database: Database, after: int, now: int) -> int:
    """Void the ticks after an instant and undo what was recorded with them; return how many ticks were moved.

    The newest tick with quotes comes first, each in a transaction of its own: where it is killed, the store is as it
    would be without the newer ones, and a second call does the rest. StoreError while a snapshot runs.
    """
    with database.snapshot_lock(wait_seconds=0):
        with database.begin() as connection:
            Undo(connection, after, now).run()
        found = database.ask(lambda connection: voidable_ticks(connection, after))
        for first_at in batches(found):
            with database.begin() as connection:
                void_ticks_from(connection, first_at, now)
    return len(found)
