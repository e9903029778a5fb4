"""The commands under `kalshi data backfill`, which fetch past data. Each resumes where it stopped."""

from datetime import date
from typing import Annotated

import typer

from kalshi_pipeline.cli.groups import Group
from kalshi_pipeline.cli.options import Db, tickers_given
from kalshi_pipeline.cli.times import day_given
from kalshi_pipeline.errors import ConfigurationError

backfill = Group(
    "backfill",
    "Fetch past data. Each command resumes where it stopped, and uses part of the request limit.",
)

_MINUTES = (1, 60, 1440)
_Start = Annotated[
    str, typer.Option(metavar="DAY", help="The first UTC day, such as 2026-11-22, yesterday or 7d ago.")
]
_End = Annotated[
    str | None, typer.Option(metavar="DAY", help="The last UTC day, included; by default the first.")
]


@backfill.command("data backfill settlements")
def settlements(*, db: Db = None) -> None:
    """Store every settlement.

    Covers every market that ever settled, from both tiers.
    """
    from kalshi_pipeline.cli import runs

    runs.backfill_settlements(db)


@backfill.command("data backfill trades --start 2026-11-01 --end 2026-11-07")
def trades(
    *,
    start: _Start,
    end: _End = None,
    again: Annotated[
        bool, typer.Option("--again", help="Walk complete days again, to add what is missing.")
    ] = False,
    db: Db = None,
) -> None:
    """Store the trades of UTC days.

    From the first to the last day, inclusive.
    """
    days = _days(start, end)
    from kalshi_pipeline.cli import runs

    runs.backfill_trades(days, db, again=again)


@backfill.command(
    "data backfill candlesticks --start 2026-11-01 --end 2026-11-07 --series KXBTCD --minutes 60"
)
def candlesticks(
    *,
    start: _Start,
    end: _End = None,
    series: Annotated[
        list[str] | None, typer.Option(metavar="TICKER", help="Every market of a series; may be repeated.")
    ] = None,
    market: Annotated[
        list[str] | None, typer.Option(metavar="TICKER", help="One market; may be repeated.")
    ] = None,
    minutes: Annotated[
        int | None, typer.Option(metavar="MINUTES", help="Length of a candlestick: 1, 60 or 1440.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Request complete days again.")] = False,
    db: Db = None,
) -> None:
    """Store the candlesticks of UTC days.

    For these markets, or by default those of the settings.
    """
    days = _days(start, end)
    if minutes not in (None, *_MINUTES):
        raise ConfigurationError([f"--minutes {minutes}: the exchange has candlesticks of 1, 60 and 1440"])
    from kalshi_pipeline.cli import runs

    selected: dict[str, object] = {} if minutes is None else {"candlestick_minutes": minutes}
    if series or market:
        selected |= {
            "candlestick_series": tickers_given("--series", series),
            "candlestick_markets": tickers_given("--market", market),
        }
    runs.backfill_candlesticks(days, selected, db, again=again)


def _days(start: str, end: str | None) -> tuple[date, date]:
    """Return the first and the last day."""
    first = day_given("--start", start)
    last = first if end is None else day_given("--end", end)
    if last < first:
        raise ConfigurationError([f"backfill: --end {last} is before --start {first}: swap them"])
    return first, last
