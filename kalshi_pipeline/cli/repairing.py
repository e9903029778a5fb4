"""The commands that repair what is stored."""

import contextlib
import sys
from typing import Annotated

import typer

from kalshi_pipeline.cli import tables
from kalshi_pipeline.cli.formats import instant_given
from kalshi_pipeline.cli.terminal import out, print_message, reporting_session
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.ingest.run.clock_check import check_clock
from kalshi_pipeline.ingest.voiding import Voidable, find_voidable
from kalshi_pipeline.ingest.voiding import void_ticks as void_found
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.units import iso_of


def void_ticks(
    *,
    after: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Void the ticks after this time, such as 2026-11-22T14:05:00Z, or now."
        ),
    ],
    yes: Annotated[
        bool,
        typer.Option("--yes/--dry-run", help="Void them; by default only what would be done is shown."),
    ] = False,
) -> None:
    """Void ticks that were taken while the clock was ahead, as if they had never been taken.

    They are moved with their quotes to the tables void_ticks, void_snapshots
    and void_unchanged_blocks, and what runs recorded ahead of now is undone.

    Example: kalshi-pipeline void-ticks --after now shows what would be done, and with --yes does it.
    """
    now = SYSTEM_CLOCK.now()
    instant = now if after.lower() == "now" else instant_given("--after", after)
    url = load_settings().database_url
    with contextlib.closing(ReadOnlyDatabase(url)) as database:
        found = find_voidable(database, instant, now)
    if found.is_empty:
        print_message(
            f"there is nothing to void: no tick lies after {iso_of(instant)}, and nothing is ahead of now"
        )
        return
    out.print(tables.voidable_table(found, now))
    if not (yes or _is_confirmed(found)):
        print_message("nothing was changed; pass --yes to void them")
        return
    with reporting_session() as session:
        if (why_unchecked := check_clock(session).why_unchecked) is not None:
            print_message(f"clock not checked: {why_unchecked}")
        moved = void_found(session.database, instant, now)
    ticks = "1 tick" if moved == 1 else f"{moved:,} ticks"
    where = "void_ticks, void_snapshots and void_unchanged_blocks"
    out.print(f"voided {ticks}, whose rows are in {where}", highlight=False, soft_wrap=True)


def _is_confirmed(found: Voidable) -> bool:
    """Ask, where a person can answer."""
    return sys.stdin.isatty() and typer.confirm(f"Void ticks ({len(found.ticks):,})?", err=True)
