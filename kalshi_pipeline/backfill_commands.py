"""The commands under `kalshi-pipeline backfill`: what happened before. Each goes on where it stopped."""

from datetime import datetime
from typing import Annotated

import typer

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.settlements import backfill_settlements
from kalshi_pipeline.ingest.trades import collect_trades, days_between
from kalshi_pipeline.terminal import show, told_session

backfill = typer.Typer(
    name="backfill",
    help="Collect what happened before, with a part of the request limit; each goes on where it was stopped.",
    no_args_is_help=True,
)

_DAY = ["%Y-%m-%d"]


@backfill.command()
def settlements() -> None:
    """Store how every market ended that ever settled, of both tiers."""
    with told_session(is_backfill=True) as session:
        show(backfill_settlements(session))


@backfill.command()
def trades(
    *,
    start: Annotated[datetime, typer.Option(formats=_DAY, metavar="DAY", help="The first UTC day.")],
    end: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, metavar="DAY", help="The last UTC day, included; or just the first."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Walk days again that are complete; it adds what is missing.")
    ] = False,
) -> None:
    """Store the trades of each UTC day from the first to the last, one after the other."""
    first, last = start.date(), (end or start).date()
    if last < first:
        raise ConfigurationError([f"backfill trades: --end {last} lies before --start {first}: swap them"])
    with told_session(is_backfill=True) as session:
        for day in days_between(first, last):
            show(collect_trades(session, day, again=again), f"{day} ")
