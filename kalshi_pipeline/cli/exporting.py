"""The command `export`, which writes a view or an answer of `open_store` to a file."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalshi_pipeline.cli.analysis import analysis
from kalshi_pipeline.cli.options import Db, address_of
from kalshi_pipeline.cli.terminal import print_message
from kalshi_pipeline.cli.times import instant_given, span_given
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.tickers import typed_ticker
from kalshi_pipeline.units import datetime_of

if TYPE_CHECKING:
    from kalshi_pipeline.notebooks.store import Store
    from kalshi_pipeline.notebooks.table import Table

_ANSWERS = (
    "quotes",
    "history",
    "quotes_on_grid",
    "movers",
    "trades",
    "candlesticks",
    "settlements",
    "changes",
    "catalogue",
    "fees",
    "coverage",
)
_COLUMNS = {"ticker": "ticker", "event": "event_ticker", "series": "series_ticker"}
"""The columns of a view that the options select by."""

_Time = Annotated[
    str | None, typer.Option(metavar="TIME", help="Such as 2026-11-22T14:05:00Z, or yesterday.")
]
_Ticker = Annotated[str | None, typer.Option(metavar="TICKER", help="Only the rows of this market.")]
_Event = Annotated[str | None, typer.Option(metavar="TICKER", help="Only the markets of this event.")]
_Series = Annotated[str | None, typer.Option(metavar="TICKER", help="Only the markets of this series.")]


@analysis.command(
    "analysis export price_history quotes.parquet",
    "analysis export trades trades.csv --series KXBTCD --start yesterday",
)
def export(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help=f"A view (docs/views.md), or one of: {', '.join(_ANSWERS)}.")
    ],
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A new file; .parquet, .csv or .jsonl selects the format.")
    ],
    *,
    ticker: _Ticker = None,
    event: _Event = None,
    series: _Series = None,
    start: _Time = None,
    end: _Time = None,
    at: _Time = None,
    freq: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Step of a grid, such as 30s, 5m, 1h30m or 2d.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    db: Db = None,
) -> None:
    """Write a view or an answer to a file.

    Decimals are exact, and times are in UTC. The file appears only when it is complete.
    """
    texts = {"ticker": ticker, "event": event, "series": series}
    given: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    if freq is not None:
        given["freq"] = span_given("--freq", freq)
    given |= {
        name: datetime_of(instant_given(f"--{name}", text))
        for name, text in (("start", start), ("end", end), ("at", at))
        if text is not None
    }
    from kalshi_pipeline.notebooks.store import open_store

    with open_store(address_of(db)) as store:
        _table(store, what, given).export(path, overwrite=overwrite)
    print_message(f"{what} is in {path}")


def _table(store: "Store", what: str, given: Mapping[str, Any]) -> "Table":
    """Return an answer or a view with the given options. Raises ConfigurationError for one that it does not take."""
    if what in _ANSWERS:
        question = getattr(store, what)
        _check_options(given, question.__wrapped__.__annotations__, f"{what} takes", "leave it out")
        table: Table = question(**given)
        return table
    _check_options(given, _COLUMNS, "a view takes", "leave it out, or export an answer")
    store.view(what)  # an unknown name is refused first
    tickers = {_COLUMNS[name]: _stored_ticker(store, name, text) for name, text in given.items()}
    return store.view(what, **tickers)


def _check_options(given: Collection[str], known: Collection[str], taker: str, advice: str) -> None:
    for name in given:
        if name not in known:
            raise ConfigurationError([f"{taker} no --{name}: {advice}"])


def _stored_ticker(store: "Store", option: str, text: str) -> str:
    """Return the stored ticker of an option in any case. Raises UnknownTickerError, which names similar tickers."""
    ticker = typed_ticker(text, f"--{option}")
    # `ticker` of a view of changes may be that of an event or a series.
    kinds = ("market", "event", "series") if option == "ticker" else (option,)
    return store.records.find_ticker(ticker, kinds)[1]
