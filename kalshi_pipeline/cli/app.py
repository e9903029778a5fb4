"""The command line: thin commands over the same functions that Dagster's assets call.

Exit codes: 0 the work was done; 1 a fault of this program; 2 a wrong setting or argument; 3 the exchange failed
or refused; 4 the database failed; 5 the ticker is not known; 130 stopped by Ctrl-C.
"""

import contextlib
import csv
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from kalshi_pipeline.cli import tables as screens
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.terminal import expect_no_failure
from kalshi_pipeline.cli.terminal import out as _out
from kalshi_pipeline.cli.terminal import show as _show
from kalshi_pipeline.cli.terminal import tell as _tell
from kalshi_pipeline.cli.terminal import told_session as _session
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import (
    ConfigurationError,
    ExchangeError,
    NotFoundError,
    PipelineError,
    RangeError,
    StoreError,
    UnknownTickerError,
)
from kalshi_pipeline.ingest.collect import collect_forever, collect_once
from kalshi_pipeline.ingest.collect import sync as sync_all
from kalshi_pipeline.ingest.market import fetch_market, stored_market, stored_quote
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.monitoring.overview import overview
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.signals import until_signalled
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.movers import movers as read_movers
from kalshi_pipeline.store.reading.quotes import Quote, quotes_as_of
from kalshi_pipeline.store.reading.quotes import history as read_history
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, parse_instant

if TYPE_CHECKING:
    from kalshi_pipeline.sandbox import Shape

EXIT_CODES: tuple[tuple[type[PipelineError], int], ...] = (
    (ConfigurationError, 2),
    (RangeError, 2),
    (NotFoundError, 5),
    (UnknownTickerError, 5),
    (ExchangeError, 3),
    (StoreError, 4),
)
_DAY = 86_400 * MICROS_PER_SECOND
_WINDOW = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|h|d|)")
_WINDOW_UNITS = {"": 60, "m": 60, "h": 3600, "d": 86_400}

app = typer.Typer(
    help="Collect the public market data of the Kalshi exchange into your own database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(backfill)

Csv = Annotated[bool, typer.Option("--csv", help="Write every row as CSV: exact decimals, times in UTC.")]
Status = Annotated[bool, typer.Option("--status", help="Show the last runs instead of starting one.")]


@app.command()
def demo() -> None:
    """Show the whole pipeline on a local sandbox exchange: no account, no network, under two minutes."""
    from kalshi_pipeline.cli.demo import run_demo  # Dagster takes seconds to import

    run_demo(_out)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port on the loopback interface; 0 takes a free one.")] = 8765,
    markets: Annotated[int, typer.Option(help="Open markets at the start.")] = 2_000,
    combos: Annotated[int, typer.Option(help="Open combos (KXMVE) at the start.")] = 300,
    births_per_step: Annotated[int, typer.Option(help="Markets born per step.")] = 1,
    closes_per_step: Annotated[int, typer.Option(help="Markets closed early per step.")] = 1,
    combos_per_step: Annotated[int, typer.Option(help="Combos minted per step.")] = 5,
    change_share: Annotated[float, typer.Option(help="Share of the quotes that move per step.")] = 0.1,
    shape: Annotated[str, typer.Option(help="The API's generation: 2026-01, 2026-10 or future.")] = "2026-10",
    seed: Annotated[int, typer.Option(help="Equal seeds make equal worlds.")] = 1,
    step_seconds: Annotated[float, typer.Option(min=0, help="Seconds between steps; 0 stands still.")] = 2.0,
    requests_per_second: Annotated[float, typer.Option(min=0, help="Its rate limit; 0 has none.")] = 20.0,
    recordings: Annotated[Path | None, typer.Option(help="Serve a folder of recorded responses too.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="A fault, as name=value; repeat it.")] = None,
) -> None:
    """Serve a local exchange that speaks the Kalshi API, until Ctrl-C or SIGTERM."""
    # No other command needs a server.
    from kalshi_pipeline.sandbox import Faults, RateLimit, WorldConfig, serve

    try:
        world = WorldConfig(
            seed=seed,
            markets=markets,
            combos=combos,
            births_per_step=births_per_step,
            closes_per_step=closes_per_step,
            combos_per_step=combos_per_step,
            change_share=change_share,
            shape=cast("Shape", shape),  # the world refuses any other word
            start=datetime_of(SYSTEM_CLOCK.now()),
            step_seconds=step_seconds or 1.0,
            recordings=recordings,
        )
        faults = Faults.parse(fault or [])
        limit = RateLimit(requests_per_second) if requests_per_second else None

        def show_address(url: str) -> None:
            _tell(
                f"Serving {markets:,} markets and {combos:,} combos until Ctrl-C. Point the pipeline at it with:"
            )
            _out.print(f"KALSHI_API_URL={url}", highlight=False)

        serve(
            world,
            faults,
            port=port,
            step_every_seconds=step_seconds or None,
            limit=limit,
            on_start=show_address,
        )
    except (ValueError, OSError) as error:
        raise ConfigurationError([f"sandbox: {error}; change the option and run again"]) from error
    _tell("stopped")


@app.command()
def init() -> None:
    """Make the database, or bring an older one up to date."""
    with contextlib.closing(Database(load_settings().database_url, migrate=True)) as database:
        _out.print(
            f"{database.path} is ready. Next: kalshi-pipeline collect --once", highlight=False, soft_wrap=True
        )


@app.command()
def sync(*, status: Status = False) -> None:
    """Sync series, events and markets, parents first."""
    if status:
        with _database() as database:
            _out.print(screens.runs_table(overview(database).listings.items()))
        return
    with _session() as session:
        for report in sync_all(session):
            _show(report)


@app.command()
def snapshot(*, status: Status = False) -> None:
    """Take one snapshot of every open market, with the parents that it needs."""
    if status:
        with _database() as database:
            found = overview(database)
            _out.print(
                screens.runs_table(
                    [("last tick", found.last_tick), ("last complete", found.last_complete_tick)]
                )
            )
        return
    tick_at = SYSTEM_CLOCK.now()
    with _session() as session:
        _show(take_snapshot(session, tick_at))


@app.command()
def collect(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Sync everything, take one snapshot, and end.")
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option(min=0.01, help="Take a snapshot every so many minutes until Ctrl-C or SIGTERM."),
    ] = None,
) -> None:
    """Sync everything and take snapshots, once or at an interval: what Dagster's jobs do, without Dagster."""
    if once == (interval is not None):
        raise ConfigurationError(["collect: give either --once or --interval MINUTES"])
    if interval is None:
        with _session() as session:
            for report in collect_once(session):
                _show(report)
        return
    settings = load_settings()
    Database(settings.database_url).close()  # a database that cannot be used is told now, not at every tick
    with until_signalled():
        collect_forever(settings, interval * 60, tell=_tell, on_report=_show)
    _tell("stopped")


@app.command()
def order_books() -> None:
    """Store the order books of the markets of KALSHI_ORDER_BOOK_MARKETS, as they are now."""
    with _session() as session:
        if not session.settings.order_book_markets:
            raise ConfigurationError(["order-books: no market is chosen; set KALSHI_ORDER_BOOK_MARKETS"])
        report = take_order_books(session)
        _show(report)
        expect_no_failure([report])


@app.command()
def market(
    ticker: str,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask the database only.")] = False,
) -> None:
    """Fetch one market with its parents, store them, and show it."""
    if offline:
        with _database() as database:
            view = stored_market(database, ticker)
    else:
        with _session() as session:
            view = fetch_market(session, ticker)
    _out.print(screens.market_screen(view, SYSTEM_CLOCK.now()))


@app.command()
def metrics(ticker: str) -> None:
    """Show a market's newest stored quote with its age."""
    with _database() as database:
        _out.print(screens.quote_table(stored_quote(database, ticker), SYSTEM_CLOCK.now()))


@app.command()
def history(
    ticker: str,
    *,
    start: Annotated[
        str | None, typer.Option(metavar="TIME", help="From then on; else a day before the end.")
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Until before then; else now.")] = None,
    resample: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="What was known every so many seconds instead.")
    ] = None,
    csv: Csv = False,
) -> None:
    """Show a market's stored quotes, from the one in force at the start on."""
    until = SYSTEM_CLOCK.now() if end is None else _instant("--end", end)
    since = until - _DAY if start is None else _instant("--start", start)
    with _database() as database, database.read() as connection:
        quotes = read_history(connection, ticker, since, until, resample)
    if csv:
        _write_csv(quotes)
    else:
        _out.print(screens.history_screen(ticker, quotes))


@app.command()
def quotes(
    *,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="As of then; else now.")] = None,
    csv: Csv = False,
) -> None:
    """Show the quote of every market that was listed at an instant; the busiest of them, unless as CSV."""
    instant = SYSTEM_CLOCK.now() if at is None else _instant("--at", at)
    with _database() as database, database.read() as connection:
        found = quotes_as_of(connection, instant)
    if csv:
        _write_csv(sorted(found))
    else:
        _out.print(screens.quotes_screen(found, instant))


@app.command()
def movers(
    *,
    window: Annotated[str, typer.Option(help="Minutes, or 90m, 1h, 2d.")] = "1h",
    limit: Annotated[int, typer.Option(min=1, help="The most markets to show.")] = 20,
) -> None:
    """Show the markets that moved most until the newest complete tick."""
    match = _WINDOW.fullmatch(window)
    if match is None:
        raise ConfigurationError(
            [f"--window {window!r} is no span: give minutes, or one such as 90m, 1h, 2d"]
        )
    seconds = float(match.group(1)) * _WINDOW_UNITS[match.group(2)]
    with _database() as database, database.read() as connection:
        _out.print(screens.movers_table(read_movers(connection, seconds, limit=limit)))


@app.command()
def status() -> None:
    """Show rows, last runs, completeness, placeholders and quarantine."""
    with _database() as database:
        _out.print(screens.overview_screen(overview(database)))


@contextlib.contextmanager
def _database() -> Iterator[Database]:
    with contextlib.closing(Database(load_settings().database_url, create=False)) as database:
        yield database


def _instant(option: str, text: str) -> int:
    try:
        instant = parse_instant(text)
    except ValueError as error:
        raise ConfigurationError([f"{option} {error}"]) from error
    if instant is None:
        raise ConfigurationError([f"{option} {text!r} is no time: it stands for 'not set'"])
    return instant


def _write_csv(quotes: Iterable[Quote]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    try:
        writer.writerow(Quote._fields)
        writer.writerows(map(screens.exact, quotes))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has enough, as `head` has: that is no fault, and what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command line; an error of the pipeline is one line and an exit code, never a traceback."""
    try:
        app()
    except PipelineError as error:
        _tell(error.told)
        sys.exit(next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1))
