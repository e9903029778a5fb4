"""The work of `backup` and `verify`."""

import contextlib
from pathlib import Path

from kalshi_pipeline.cli.options import settings_of
from kalshi_pipeline.cli.terminal import print_line, print_message
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Database, ReadOnlyDatabase, back_up
from kalshi_pipeline.store.invariants import Fault, find_faults
from kalshi_pipeline.store.invariants import repair as repair_store


def backup(path: Path, db: str | None) -> None:
    """Copy the database to a new file, and compare the copy."""
    target = path.absolute()
    place = back_up(load_settings(**settings_of(db)).database_url, target)
    print_line(f"{place} was copied to {target} ({target.stat().st_size:,} bytes), and the copy was verified")


def verify(db: str | None, *, with_repair: bool) -> None:
    """Print the faults of the database and the next steps. Raises StoreError if there are any."""
    url = load_settings(**settings_of(db)).database_url
    faults = _look(url)
    if with_repair and any(fault.is_repairable for fault in faults):
        _repair(url)
        faults = _look(url)
    for fault in faults:
        print_line(fault.sentence)
    if faults:
        found = "1 fault was" if len(faults) == 1 else f"{len(faults)} faults were"
        raise StoreError(f"{found} found in the database", StoreProblem.UNHEALTHY)
    print_line("the database is sound")


def _look(url: str) -> list[Fault]:
    with contextlib.closing(ReadOnlyDatabase(url)) as database:
        return database.ask_at_length(find_faults)


def _repair(url: str) -> None:
    with (
        contextlib.closing(Database(url, create=False)) as database,
        database.snapshot_lock(print_message),
        database.begin() as connection,
    ):
        found = repair_store(connection, SYSTEM_CLOCK.now())
    if found.sentence:
        print_message(f"note: {found.sentence}")
