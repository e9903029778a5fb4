"""The commands that keep a database safe: a backup of it, and a look at whether it is sound."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from kalshi_pipeline.cli.terminal import out, print_message
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Database, ReadOnlyDatabase, back_up
from kalshi_pipeline.store.invariants import Fault, find_faults
from kalshi_pipeline.store.invariants import repair as repair_store


def backup(
    path: Annotated[
        Path, typer.Argument(help="The new file; what exists is never overwritten.", metavar="PATH")
    ],
) -> None:
    """Copy the database to a new file while others may write to it, and compare the copy.

    Example: kalshi-pipeline backup backups/kalshi-2026-11-27.db
    """
    target = path.absolute()
    place = back_up(load_settings().database_url, target)
    _print(f"{place} was copied to {target} ({target.stat().st_size:,} bytes), and compared")


def verify(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set aside and compute again what can be, then look again.")
    ] = False,
) -> None:
    """Read the whole database: its pages, its foreign keys, and whether what is stored fits together.

    Each line says what is wrong and what to do about it. It takes minutes
    where there are years of quotes; collectors may run meanwhile, but
    for a repair, which they wait for.
    """
    faults = _look()
    if repair and any(fault.is_repairable for fault in faults):
        _repair()
        faults = _look()
    for fault in faults:
        _print(fault.sentence)
    if faults:
        found = "1 fault was" if len(faults) == 1 else f"{len(faults)} faults were"
        raise StoreError(f"{found} found in the database", StoreProblem.UNHEALTHY)
    _print("the database is sound")


def _look() -> list[Fault]:
    with contextlib.closing(ReadOnlyDatabase(load_settings().database_url)) as database:
        return database.ask_at_length(find_faults)


def _repair() -> None:
    with (
        contextlib.closing(Database(load_settings().database_url, create=False)) as database,
        database.snapshot_lock(print_message),
        database.begin() as connection,
    ):
        found = repair_store(connection, SYSTEM_CLOCK.now())
    if found.sentence:
        print_message(f"note: {found.sentence}")


def _print(line: str) -> None:
    out.print(line, highlight=False, soft_wrap=True, markup=False)
