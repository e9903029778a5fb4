"""The commands under `kalshi-pipeline backfill`, which collect the past. Each continues where it stopped."""

from datetime import date, datetime
from functools import partial
from typing import Annotated

import typer

from kalshi_pipeline.cli.terminal import print_whole_report, reporting_session, run_and_print
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.run.steps import Step
from kalshi_pipeline.ingest.settlements import backfill_settlements
from kalshi_pipeline.ingest.trades import collect_trades, days_between

backfill = typer.Typer(
    name="backfill",
    help="Collect the past, with a part of the request limit. Each command continues where it was stopped.",
    no_args_is_help=True,
)

_DAY = ["%Y-%m-%d"]
_Start = Annotated[datetime, typer.Option(formats=_DAY, metavar="DAY", help="The first UTC day.")]
_End = Annotated[
    datetime | None,
    typer.Option(formats=_DAY, metavar="DAY", help="The last UTC day, included; by default the first."),
]


@backfill.command()
def settlements() -> None:
    """Store the settlement of every market that ever settled, from both tiers."""
    with reporting_session(is_backfill=True) as session:
        print_whole_report(backfill_settlements(session))


@backfill.command()
def trades(
    *,
    start: _Start,
    end: _End = None,
    again: Annotated[
        bool, typer.Option("--again", help="Walk complete days again, to add what is missing.")
    ] = False,
) -> None:
    """Store the trades of each UTC day from the first to the last, one after the other."""
    days = _days(start, end)
    with reporting_session(is_backfill=True) as session:
        run_and_print(
            Step(f"trades of {day}", partial(collect_trades, session, day, again=again)) for day in days
        )


@backfill.command()
def candlesticks(
    *,
    start: _Start,
    end: _End = None,
    series: Annotated[
        list[str] | None, typer.Option(help="Every market of a series; may be repeated.")
    ] = None,
    market: Annotated[list[str] | None, typer.Option(help="One market; may be repeated.")] = None,
    minutes: Annotated[int | None, typer.Option(help="Length of a candlestick: 1, 60 or 1440.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Request complete days again.")] = False,
) -> None:
    """Store the candlesticks of each UTC day, of these markets or of those that the settings select."""
    days = _days(start, end)
    selected: dict[str, object] = {} if minutes is None else {"candlestick_minutes": minutes}
    if series or market:
        selected |= {"candlestick_series": tuple(series or ()), "candlestick_markets": tuple(market or ())}
    with reporting_session(is_backfill=True, **selected) as session:
        if not session.settings.candlestick_series and not session.settings.candlestick_markets:
            raise ConfigurationError(
                ["backfill candlesticks: pass --series or --market, or select markets in the settings"]
            )
        run_and_print(
            Step(f"candlesticks of {day}", partial(collect_candlesticks, session, day, again=again))
            for day in days
        )


def _days(start: datetime, end: datetime | None) -> list[date]:
    first, last = start.date(), (end or start).date()
    if last < first:
        raise ConfigurationError([f"backfill: --end {last} is before --start {first}: swap them"])
    return list(days_between(first, last))
