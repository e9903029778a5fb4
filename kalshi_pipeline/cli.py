"""The command line: thin commands over the same functions that Dagster's assets call.

Exit codes: 0 the work was done; 1 a fault of this program; 2 a wrong setting or argument; 3 the exchange failed
or refused; 4 the database failed; 5 the ticker is not known; 130 stopped by Ctrl-C.
"""

import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.markup import escape

from kalshi_pipeline import screens
from kalshi_pipeline.errors import (
    ConfigurationError,
    ExchangeError,
    NotFoundError,
    PipelineError,
    StoreError,
    UnknownTickerError,
)
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.collect import collect_forever, collect_once
from kalshi_pipeline.ingest.collect import sync as sync_all
from kalshi_pipeline.ingest.market import fetch_market, stored_market, stored_quote
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.overview import overview
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import now

if TYPE_CHECKING:
    from kalshi_pipeline.sandbox import Shape

EXIT_CODES: tuple[tuple[type[PipelineError], int], ...] = (
    (ConfigurationError, 2),
    (NotFoundError, 5),
    (UnknownTickerError, 5),
    (ExchangeError, 3),
    (StoreError, 4),
)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

app = typer.Typer(
    help="Collect the public market data of the Kalshi exchange into your own database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
backfill = typer.Typer(help="Store what happened in the past, day by day.", no_args_is_help=True)
app.add_typer(backfill, name="backfill")
_out = Console()
_err = Console(stderr=True)

Status = Annotated[bool, typer.Option("--status", help="Show the last runs instead of starting one.")]


@app.command()
def demo() -> None:
    """Show the whole pipeline on a local sandbox exchange: no account, no network, under two minutes."""
    from kalshi_pipeline.demo import run_demo  # Dagster takes seconds to import

    run_demo(_out)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port on the loopback interface.")] = 8765,
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
    """Serve a local exchange that speaks the Kalshi API, until Ctrl-C."""
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
            start=datetime.now(UTC),
            step_seconds=step_seconds or 1.0,
            recordings=recordings,
        )
        faults = Faults.parse(fault or [])
        limit = RateLimit(requests_per_second) if requests_per_second else None
        _tell(
            f"Serving {markets:,} markets and {combos:,} combos; Ctrl-C stops. Point the pipeline at it with:"
        )
        _out.print(f"KALSHI_API_URL=http://127.0.0.1:{port}/trade-api/v2", highlight=False)
        serve(world, faults, port=port, step_every_seconds=step_seconds or None, limit=limit)
    except (ValueError, OSError) as error:
        raise ConfigurationError([f"sandbox: {error}; change the option and run again"]) from error


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
    tick_at = now()
    with _session() as session:
        _show(take_snapshot(session, tick_at))


@app.command()
def collect(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Sync everything, take one snapshot, and end.")
    ] = False,
    interval: Annotated[
        float | None, typer.Option(min=0.01, help="Take a snapshot every so many minutes until Ctrl-C.")
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
    for number in _STOP_SIGNALS:
        signal.signal(number, _stop)
    with contextlib.suppress(KeyboardInterrupt):
        collect_forever(settings, interval * 60, tell=_tell, on_report=_show)
    _err.print("stopped")


@backfill.command()
def candlesticks(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first UTC day.")],
    end: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last UTC day.")],
    *,
    series: Annotated[list[str] | None, typer.Option(help="Every market of a series; repeat it.")] = None,
    market: Annotated[list[str] | None, typer.Option(help="One market; repeat it.")] = None,
    minutes: Annotated[int | None, typer.Option(help="Length of a candlestick: 1, 60 or 1440.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask for days that are complete, too.")] = False,
) -> None:
    """Store the candlesticks of the days from --start to --end, of these markets or of those of the settings."""
    if end < start:
        raise ConfigurationError([f"backfill: --end {end:%Y-%m-%d} is before --start {start:%Y-%m-%d}"])
    chosen: dict[str, object] = {} if minutes is None else {"candlestick_minutes": minutes}
    if series or market:
        chosen |= {"candlestick_series": tuple(series or ()), "candlestick_markets": tuple(market or ())}
    days = [start.date() + timedelta(days=number) for number in range((end - start).days + 1)]
    with _session(is_backfill=True, **chosen) as session:
        if not session.settings.candlestick_series and not session.settings.candlestick_markets:
            raise ConfigurationError(
                ["backfill candlesticks: give --series or --market, or choose by settings"]
            )
        _expect_no_failure([_shown(collect_candlesticks(session, day, again=again)) for day in days])


@app.command()
def order_books() -> None:
    """Store the order books of the markets of KALSHI_ORDER_BOOK_MARKETS, as they are now."""
    with _session() as session:
        if not session.settings.order_book_markets:
            raise ConfigurationError(["order-books: no market is chosen; set KALSHI_ORDER_BOOK_MARKETS"])
        _expect_no_failure([_shown(take_order_books(session))])


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
    _out.print(screens.market_screen(view, now()))


@app.command()
def metrics(ticker: str) -> None:
    """Show a market's newest stored quote with its age."""
    with _database() as database:
        _out.print(screens.quote_table(stored_quote(database, ticker), now()))


@app.command()
def status() -> None:
    """Show rows, last runs, completeness, placeholders and quarantine."""
    with _database() as database:
        _out.print(screens.overview_screen(overview(database)))


@contextlib.contextmanager
def _database() -> Iterator[Database]:
    with contextlib.closing(Database(load_settings().database_url, create=False)) as database:
        yield database


@contextlib.contextmanager
def _session(*, is_backfill: bool = False, **overrides: object) -> Iterator[Session]:
    settings = load_settings(**overrides)
    if not _err.is_terminal:
        # In a log, a failure is one line, which says for how long it was tried.
        with open_session(settings, _tell, tell_retries=False, is_backfill=is_backfill) as session:
            yield session
        return
    with (
        _err.status(f"asking {settings.api_url} …") as spinner,
        open_session(settings, lambda line: spinner.update(escape(line)), is_backfill=is_backfill) as session,
    ):
        yield session


def _tell(line: str) -> None:
    _err.print(escape(line), highlight=False, soft_wrap=True)


def _show(report: Report) -> None:
    _out.print(screens.report_line(report), highlight=False, soft_wrap=True)
    for note in report.notes:
        _tell(f"note: {note}")


def _shown(report: Report) -> Report:
    _show(report)
    return report


def _expect_no_failure(reports: Sequence[Report]) -> None:
    """Exit with 0 only where everything that was chosen could be got (R53)."""
    if failures := sum(report.failures for report in reports):
        raise ExchangeError(f"{failures:,} of what was chosen could not be got: see above, then run again")


def _stop(*_: object) -> None:
    """Interrupt whatever goes on, once: a second signal must not cut off the closing of the run's record."""
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; an error of the pipeline is one line and an exit code, never a traceback."""
    try:
        app()
    except PipelineError as error:
        _tell(error.told)
        sys.exit(next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1))


if __name__ == "__main__":
    main()
