"""The command `export`, which writes a view or an answer of `open_store` to a file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kalshi_pipeline.cli.analysis import analysis
from kalshi_pipeline.cli.options import Db, address_of
from kalshi_pipeline.cli.terminal import print_message
from kalshi_pipeline.cli.times import instant_given, span_given
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.units import datetime_of

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
_Time = Annotated[
    str | None, typer.Option(metavar="TIME", help="Such as 2026-11-22T14:05:00Z, or yesterday.")
]
_Of = Annotated[str | None, typer.Option(metavar="TICKER", help="Only the rows of this ticker.")]


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
    ticker: _Of = None,
    event: _Of = None,
    series: _Of = None,
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
    given: dict[str, Any] = {
        name: text
        for name, text in (("ticker", ticker), ("event", event), ("series", series))
        if text is not None
    }
    if freq is not None:
        given["freq"] = span_given("--freq", freq)
    given |= {
        name: datetime_of(instant_given(f"--{name}", text))
        for name, text in (("start", start), ("end", end), ("at", at))
        if text is not None
    }
    from kalshi_pipeline.notebooks.store import Store, open_store

    with open_store(address_of(db)) as store:
        if what in _ANSWERS:
            question = getattr(Store, what)
            known = question.__wrapped__.__annotations__
            if wrong := [name for name in given if name not in known]:
                raise ConfigurationError([f"{what} takes no --{wrong[0]}: leave it out"])
            table = question(store, **given)
        else:
            of_view = {"ticker": "ticker", "event": "event_ticker", "series": "series_ticker"}
            if wrong := [name for name in given if name not in of_view]:
                raise ConfigurationError([f"a view takes no --{wrong[0]}: leave it out, or export an answer"])
            table = store.view(what, **{of_view[name]: text for name, text in given.items()})
        table.export(path, overwrite=overwrite)
    print_message(f"{what} is in {path}")
