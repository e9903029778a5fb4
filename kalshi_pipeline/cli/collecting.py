"""The commands that collect: they run the same functions as Dagster's assets."""

import contextlib
from typing import Annotated

import typer

from kalshi_pipeline.api import open_store
from kalshi_pipeline.cli import tables
from kalshi_pipeline.cli.formats import escape
from kalshi_pipeline.cli.terminal import (
    out,
    print_failure,
    print_if_possible,
    print_message,
    print_repairs,
    print_report,
    print_whole_report,
    reporting_session,
    run_and_print,
)
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.collect import collect_forever, collect_steps, last_steps, sync_steps
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.replay import replay as replay_quarantine
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.run.ticks import new_run_id
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.monitoring.overview import overview
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Database

_Status = Annotated[bool, typer.Option("--status", help="Show the last runs instead of starting one.")]


def init() -> None:
    """Create the database, or bring an older one up to date."""
    with contextlib.closing(
        Database(load_settings().database_url, migrate=True, on_wait=print_message)
    ) as database:
        if database.copied_to:
            out.print(
                f"before the upgrade it was copied to {escape(str(database.copied_to))}",
                highlight=False,
                soft_wrap=True,
            )
        out.print(
            f"{escape(str(database.place))} is ready. Next: kalshi-pipeline collect --once",
            highlight=False,
            soft_wrap=True,
        )


def sync(*, status: _Status = False) -> None:
    """Sync series, events and markets, parents first, then changes of fees, milestones and the like."""
    if status:
        with open_store() as store:
            out.print(tables.runs_table(overview(store).listings.items()))
        return
    with reporting_session() as session:
        run_and_print([*sync_steps(session), *last_steps(session)])


def snapshot(*, status: _Status = False) -> None:
    """Take one snapshot of every open market, with the parents that it needs."""
    if status:
        with open_store() as store:
            found = overview(store)
        ticks = [("last tick", found.last_tick), ("last complete", found.last_complete_tick)]
        out.print(tables.runs_table(ticks))
        return
    created_at = SYSTEM_CLOCK.now()
    with reporting_session() as session:
        print_whole_report(take_snapshot(session, created_at, run_id=new_run_id()))


def collect(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Sync everything, take one snapshot, and end.")
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="MINUTES", help="Take a snapshot at this interval until Ctrl-C."),
    ] = None,
) -> None:
    """Sync everything and take snapshots, once or at an interval, as Dagster's jobs do."""
    if once == (interval is not None):
        raise ConfigurationError(["collect: pass either --once or --interval MINUTES"])
    if interval is None:
        with reporting_session() as session:
            run_and_print(collect_steps(session))
        return
    settings = load_settings()
    # What is wrong with the database or a proxy ends the command now, and later only a tick.
    with open_session(settings) as session:
        print_message(f"collecting into {session.database.place}")
        identity = session.database.identity
    collect_forever(
        settings,
        interval * 60,
        on_message=print_if_possible(print_message),
        on_report=print_if_possible(print_report),
        on_failure=print_if_possible(print_failure),
        database=identity,
    )


def replay() -> None:
    """Store what quarantine holds, after an update that can read it."""
    with reporting_session() as session:
        out.print(tables.replay_line(replay_quarantine(session)), highlight=False, soft_wrap=True)
        print_repairs(session)


def order_books() -> None:
    """Store the present order books of the markets of KALSHI_ORDER_BOOK_MARKETS."""
    with reporting_session() as session:
        if not session.settings.order_book_markets:
            raise ConfigurationError(["order-books: no market is selected; set KALSHI_ORDER_BOOK_MARKETS"])
        print_whole_report(take_order_books(session))
