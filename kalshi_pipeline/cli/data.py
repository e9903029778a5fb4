"""The commands under `kalshi data`, which collect, check and repair the data."""

from pathlib import Path
from typing import Annotated

import typer

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.groups import Group, one_of
from kalshi_pipeline.cli.options import Asked, Db, tickers_given
from kalshi_pipeline.cli.reading import reading
from kalshi_pipeline.cli.times import minutes_given
from kalshi_pipeline.errors import ConfigurationError

data = Group("data", "Collect, check and repair data.")

_MARKET_STATUSES = ("open", "unopened", "paused", "closed", "settled", "all")
_QUOTED_STATUSES = ("open", "paused")
_MarketStatus = Annotated[
    str, typer.Option(metavar="STATUS", help=f"Which markets: {', '.join(_MARKET_STATUSES)}.")
]
_QuotedStatus = Annotated[
    str, typer.Option(metavar="STATUS", help="Which markets: open (paused ones included) or paused.")
]
_OnlyOpen = Annotated[str, typer.Option(metavar="STATUS", help="The status of markets.", hidden=True)]
_Since = Annotated[str, typer.Option(metavar="TIME", help="Start, such as 2026-11-22, yesterday or 12h ago.")]


@data.command("data init", "data init --db data/kalshi.db")
def init(*, db: Db = None) -> None:
    """Create the database, or upgrade an older one."""
    from kalshi_pipeline.cli import runs

    runs.init(db)


@data.command("data sync", "data sync --db data/kalshi.db")
def sync(*, status: _OnlyOpen = "open", db: Db = None) -> None:
    """Sync everything except quotes and settlements.

    Series, events and markets, parents first, then fee changes, milestones and the like.
    """
    one_of("--status", status, ("open",))
    from kalshi_pipeline.cli import runs

    runs.sync(db)


@data.command("data sync-markets --status open", "data sync-markets --status settled --db data/kalshi.db")
def sync_markets(*, status: _MarketStatus = "open", db: Db = None) -> None:
    """Sync the markets of a status.

    Stores them with their events and series, and settled ones with their results.
    """
    word = one_of("--status", status, _MARKET_STATUSES, meant=_filter_of(status))
    from kalshi_pipeline.cli import runs

    runs.sync_markets(word, db)


@data.command("data snapshot --status open", "data snapshot --db data/kalshi.db")
def snapshot(*, status: _QuotedStatus = "open", db: Db = None) -> None:
    """Take one snapshot.

    It stores the quote of every open market, with the parents that it needs.
    """
    word = _quoted_status(status)
    from kalshi_pipeline.cli import runs

    runs.snapshot(word, db)


@data.command("data collect --once", "data collect --interval 5 --db data/kalshi.db")
def collect(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Sync everything, take one snapshot, and exit.")
    ] = False,
    interval: Annotated[
        str | None,
        typer.Option(
            metavar="MINUTES",
            help="Take a snapshot at this interval until Ctrl-C; also as 30s, 5m or 1h30m.",
        ),
    ] = None,
    status: _QuotedStatus = "open",
    db: Db = None,
) -> None:
    """Collect everything, once or at an interval.

    Take a snapshot at each interval and sync every hour, as Dagster's jobs do.
    """
    if once == (interval is not None):
        raise ConfigurationError(["collect: pass either --once or --interval MINUTES"])
    minutes = None if interval is None else minutes_given("--interval", interval, least=0.01)
    word = _quoted_status(status)
    from kalshi_pipeline.cli import runs

    if minutes is None:
        runs.collect_once(word, db)
    else:
        runs.collect_forever(word, minutes * 60, db)


data.add(backfill)


@data.command("data order-books --market TICKER")
def order_books(
    *,
    market: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TICKER",
            help="One market; may be repeated. By default those of KALSHI_ORDER_BOOK_MARKETS.",
        ),
    ] = None,
    db: Db = None,
) -> None:
    """Store the current order books of the selected markets."""
    from kalshi_pipeline.cli import runs

    runs.order_books(tickers_given("--market", market), db)


@data.command("data status", "data status --json")
@reading
def status(
    asked: Asked,
    *,
    max_age: Annotated[
        str | None,
        typer.Option(
            metavar="MINUTES",
            help="Exit with 3 if the newest complete tick is older; also as 90s, 20m or 1h30m.",
        ),
    ] = None,
) -> Answer:
    """Show whether collecting is on time, and what is missing.

    Also list the last runs and the row count of each table.
    """
    minutes = None if max_age is None else minutes_given("--max-age", max_age, least=0)
    from kalshi_pipeline.cli.answers.state import status as answer

    return answer(asked, minutes)


@data.command("data ticks", "data ticks --limit 100 --csv")
@reading
def ticks(asked: Asked) -> Answer:
    """Show the newest ticks and their results."""
    from kalshi_pipeline.cli.answers.state import ticks as answer

    return answer(asked)


@data.command("data gaps", "data gaps --since 24h")
@reading
def gaps(asked: Asked, *, since: _Since = "7d ago") -> Answer:
    """Show the spans without a complete tick, and why.

    The last span may still be open.
    """
    instant = asked.past("--since", since, 0)
    from kalshi_pipeline.cli.answers.state import gaps as answer

    return answer(asked, instant)


@data.command("data backup backups/kalshi-2026-11-27.db")
def backup(
    path: Annotated[
        Path, typer.Argument(help="The new file. An existing file is never overwritten.", metavar="PATH")
    ],
    *,
    db: Db = None,
) -> None:
    """Copy the database to a new file.

    Other programs may write to it meanwhile. The copy is compared with the original.
    """
    from kalshi_pipeline.cli import safekeeping

    safekeeping.backup(path, db)


@data.command("data verify", "data verify --repair")
def verify(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set aside or recompute what can be repaired, then verify again.")
    ] = False,
    db: Db = None,
) -> None:
    """Check the whole database.

    Checks pages, foreign keys and the consistency of the data. Each line names a problem and the next step. With years
    of quotes it takes minutes. Collectors may run meanwhile, but wait during a repair.
    """
    from kalshi_pipeline.cli import safekeeping

    safekeeping.verify(db, with_repair=repair)


@data.command("data replay")
def replay(*, db: Db = None) -> None:
    """Store the records in quarantine.

    Use it after an update that can read them.
    """
    from kalshi_pipeline.cli import runs

    runs.replay(db)


@data.command("data void-ticks --after now", "data void-ticks --after 2026-11-22T14:05:00Z --yes")
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
        typer.Option("--yes/--dry-run", help="Void them; by default, only show what would be done."),
    ] = False,
    db: Db = None,
) -> None:
    """Void ticks that were taken while the clock was ahead.

    Afterwards the data is as if they had never been taken. Their rows move to the tables void_ticks, void_snapshots and
    void_unchanged_blocks, and everything that runs recorded ahead of now is undone.
    """
    from kalshi_pipeline.cli.repairing import void_ticks as void

    void(after, db, is_confirmed=yes)


def _filter_of(status: str) -> str | None:
    """Return the filter word of the markets that have a status, if it is one."""
    from kalshi_pipeline.vocabulary import STATUSES_OF

    return next((word for word, statuses in STATUSES_OF.items() if status.lower() in statuses), None)


def _quoted_status(status: str) -> str:
    """Return the status of markets whose quotes are stored.

    Quotes of settled markets are reset to 0 and 1 dollar; they would continue histories that have ended.
    """
    if status.lower() in _MARKET_STATUSES and status.lower() not in _QUOTED_STATUSES:
        raise ConfigurationError(
            [
                f"--status {status}: only open and paused markets have quotes; `kalshi data sync-markets` "
                "takes every status"
            ]
        )
    return one_of("--status", status, _QUOTED_STATUSES)
