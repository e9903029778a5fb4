"""The work of commands that repair stored data."""

import contextlib
import sys

import typer

from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, table
from kalshi_pipeline.cli.formats import instant
from kalshi_pipeline.cli.options import Asked, settings_of
from kalshi_pipeline.cli.output import write_answer
from kalshi_pipeline.cli.sessions import reporting_session
from kalshi_pipeline.cli.terminal import print_line, print_message
from kalshi_pipeline.cli.times import instant_given
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.ingest.run.clock_check import UNCHECKED, check_clock
from kalshi_pipeline.ingest.voiding import Voidable, find_voidable
from kalshi_pipeline.ingest.voiding import void_ticks as void_found
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import ReadOnlyDatabase

_VOIDABLE: Columns[tuple[str, int, str]] = {
    Column("table"): lambda row: row[0],
    Column("rows", Kind.COUNT): lambda row: row[1],
    Column("what_is_done"): lambda row: row[2],
}


def void_ticks(after: str, db: str | None, *, is_confirmed: bool) -> None:
    """Show what voiding the ticks after a time would do, and do it if confirmed."""
    now = SYSTEM_CLOCK.now()
    at = instant_given("--after", after)
    url = load_settings(**settings_of(db)).database_url
    with contextlib.closing(ReadOnlyDatabase(url)) as database:
        found = find_voidable(database, at, now)
    if found.is_empty:
        print_message(f"nothing to void: no tick is after {instant(at)}, and nothing is ahead of now")
        return
    _show(voidable(found, now))
    if not (is_confirmed or _is_confirmed(found)):
        print_message("nothing was changed; pass --yes to void them")
        return
    with reporting_session(db) as session:
        if (why_unchecked := check_clock(session).why_unchecked) is not None:
            print_message(f"{UNCHECKED}: {why_unchecked}")
        moved = void_found(session.database, at, now)
    ticks = "1 tick" if moved == 1 else f"{moved:,} ticks"
    print_line(f"voided {ticks}; the rows are in void_ticks, void_snapshots and void_unchanged_blocks")


def _show(answer: Answer) -> None:
    """Print what would be done; a pipe also gets the text around the table."""
    write_answer(answer, Asked())
    if not sys.stdout.isatty():
        for line in filter(None, (answer.title, *answer.notes)):
            print_line(line)


def voidable(found: Voidable, now: int) -> Answer:
    """Return what voiding would do, by table, with a warning if it includes past ticks."""
    states = ", ".join(f"{count:,} {state}" for state, count in found.states.most_common()) or "none"
    done = {"moved": found.moved, "undone, removed or recomputed": found.undone}
    past = [tick.tick_at for tick in found.ticks if tick.tick_at <= now]
    warning = []
    if past:
        span = f"{instant(min(past))} to {instant(max(past))}"
        warning = [f"not in the future, so their quotes may be right: {len(past):,} of these ticks ({span})"]
    rows = [(name, count, what) for what, counts in done.items() for name, count in counts.items()]
    return table(_VOIDABLE, rows, title=f"ticks after {instant(found.after)}: {states}", notes=warning)


def _is_confirmed(found: Voidable) -> bool:
    """Ask for confirmation if the command is interactive."""
    return sys.stdin.isatty() and typer.confirm(f"Void ticks ({len(found.ticks):,})?", err=True)
