"""The commands that show what is stored; `market` fetches it first."""

import re
import sys
from dataclasses import replace
from typing import Annotated

import typer

from kalshi_pipeline.api import Store, open_store
from kalshi_pipeline.cli import tables
from kalshi_pipeline.cli.csv_output import write_csv
from kalshi_pipeline.cli.formats import instant_given
from kalshi_pipeline.cli.terminal import (
    out,
    print_message,
    print_repairs,
    printable_json,
    reporting_session,
)
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError, ExchangeError
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.monitoring.overview import overview
from kalshi_pipeline.monitoring.request_limit import request_limit
from kalshi_pipeline.settings import load_settings
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_SECOND, iso_of

_MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
_WINDOW = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|h|d|)")
_WINDOW_UNITS = {"": 60, "m": 60, "h": 3600, "d": 86_400}

_Ticker = Annotated[str, typer.Argument(help="Ticker of the market.", metavar="TICKER")]
_Csv = Annotated[bool, typer.Option("--csv", help="Write every row as CSV: exact decimals, times in UTC.")]


def market(
    ticker: _Ticker,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Read the database only.")] = False,
) -> None:
    """Fetch one market with its parents, store them, and show it."""
    if offline:
        with open_store() as store:
            view = store.market(ticker)
    else:
        with reporting_session() as session:
            quote = fetch_market(session, ticker)
            view = replace(Store.of(session.database).market(quote.ticker), quote=quote)
            print_repairs(session)
    out.print(tables.market_tables(view, SYSTEM_CLOCK.now()))


def metrics(ticker: _Ticker) -> None:
    """Show a market's newest stored quote with its age."""
    with open_store() as store:
        quote, market_status = store.latest_quote(ticker)
    out.print(tables.quote_table(quote, market_status, SYSTEM_CLOCK.now()))


def details(
    ticker: Annotated[
        str, typer.Argument(help="Ticker of a market, an event or a series.", metavar="TICKER")
    ],
    *,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The instant, such as 2026-11-22T14:05:00Z; by default now."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="market, event, series or another kind, where several have the ticker."),
    ] = None,
) -> None:
    """Show everything that the exchange said of a ticker but its quote, as JSON with the exchange's own names."""
    instant = None if at is None else instant_given("--at", at)
    with open_store() as store:
        found = store.details(ticker, instant, kind)
    # Not through the console: it would read markup in the texts, and break the lines.
    sys.stdout.write(f"{printable_json(found.indented_json)}\n")
    said = f"{found.kind} {found.ticker} as the exchange has said since {iso_of(found.seen_at)}"
    print_message(printable_json(said))


def history(
    ticker: _Ticker,
    *,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Start, such as 2026-11-22T14:05:00Z; by default a day before the end."
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="TIME", help="End, not included; by default now.")
    ] = None,
    resample: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Show what was known every SECONDS instead."),
    ] = None,
    csv: _Csv = False,
) -> None:
    """Show a market's stored quotes of a time span, beginning with the one in force at its start."""
    until = SYSTEM_CLOCK.now() if end is None else instant_given("--end", end)
    since = until - MICROS_PER_DAY if start is None else instant_given("--start", start)
    with open_store() as store:
        found, begins_at = store.together(
            lambda state: (state.history(ticker, since, until, resample), state.begins_at())
        )
    if csv:
        write_csv(found)
    else:
        out.print(tables.history_table(ticker, found))
    if not found:
        nothing = f"{ticker} was not listed from {iso_of(since)} to {iso_of(until)}"
        print_message(tables.why_empty(nothing, until - 1, begins_at))


def quotes(
    *,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The instant, such as 2026-11-22T14:05:00Z; by default now."),
    ] = None,
    csv: _Csv = False,
) -> None:
    """Show the quotes of the busiest markets as of an instant, or of all listed markets as CSV."""
    instant = SYSTEM_CLOCK.now() if at is None else instant_given("--at", at)
    with open_store() as store:
        found, complete_at, begins_at = store.together(
            lambda state: (state.quotes(at=instant), state.complete_tick(instant), state.begins_at())
        )
    if csv:
        write_csv(sorted(found))
    else:
        out.print(tables.quotes_table(found, instant, complete_at))
    if not found:
        print_message(tables.why_empty(f"no market was listed at {iso_of(instant)}", instant, begins_at))


def movers(
    *,
    window: Annotated[
        str, typer.Option(metavar="SPAN", help="Minutes, or a span such as 90m, 1h or 2d.")
    ] = "1h",
    limit: Annotated[int, typer.Option(min=1, help="How many markets to show at most.")] = 20,
) -> None:
    """Show the markets that moved most up to the newest complete tick."""
    match = _WINDOW.fullmatch(window)
    if match is None:
        raise ConfigurationError(
            [f"--window {window!r} is not a span: use minutes, or a span such as 90m, 1h or 2d"]
        )
    seconds = float(match.group(1)) * _WINDOW_UNITS[match.group(2)]
    with open_store() as store:
        found, span, begins_at = store.together(
            lambda state: (
                state.movers(seconds, limit=limit),
                state.movers_window(seconds),
                state.begins_at(),
            )
        )
    out.print(tables.movers_table(found, span))
    if found:
        return
    if span is None:
        nothing, since = "no tick is complete yet", SYSTEM_CLOCK.now()
    else:
        nothing, since = f"nothing moved from {iso_of(span.start)} to {iso_of(span.end)}", span.start
    print_message(tables.why_empty(nothing, since, begins_at))


def status(
    *,
    max_age: Annotated[
        float | None,
        typer.Option(min=0, metavar="MINUTES", help="Exit with 3 if the newest complete tick is older."),
    ] = None,
) -> None:
    """Show row counts, last runs, completeness, placeholders, quarantine and the request limit in force."""
    with open_store() as store:
        found = overview(store)
    out.print(tables.overview_tables(found))
    for line in found.warnings:
        print_message(f"note: {line}")
    out.print(tables.request_limit_line(request_limit(load_settings())), highlight=False, soft_wrap=True)
    tick = found.last_complete_tick
    if max_age is None or (tick is not None and _minutes_since(tick.tick_at) <= max_age):
        return
    old = "no tick is complete" if tick is None else f"the newest complete tick is of {iso_of(tick.tick_at)}"
    raise ExchangeError(
        f"{old}: view tick_history has the reasons; if no tick follows, restart the collector"
    )


def _minutes_since(instant: int) -> float:
    return (SYSTEM_CLOCK.now() - instant) / _MICROS_PER_MINUTE
