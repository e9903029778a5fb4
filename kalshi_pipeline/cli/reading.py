"""Turns a function that returns an answer into a command that prints it, with the common options."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.groups import with_parameters
from kalshi_pipeline.cli.options import Asked, Db, Format
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.tickers import typed_ticker


def reading(function: Callable[..., Answer]) -> Callable[..., None]:
    """Return the command that prints a function's answer. The function takes the common options first, then its own."""

    def call(*, db: str | None, limit: int | None, columns: str | None, local: bool, **own: Any) -> None:  # noqa: ANN401
        is_json, is_csv = own.pop("json"), own.pop("csv")
        if is_json and is_csv:
            raise ConfigurationError(["--json and --csv exclude each other: pass one of them"])
        form = Format.JSON if is_json else Format.CSV if is_csv else None
        names = [name.strip() for name in (columns or "").split(",") if name.strip()]
        if columns is not None and not names:
            raise ConfigurationError(
                [f"--columns {quoted(columns)} names no column: pass names, such as A,B"]
            )
        most = None if limit is None else min(limit, _MOST_ROWS)
        asked = Asked(db, form, most, names, is_local=local)
        if own.get("ticker") is not None:
            own["ticker"] = typed_ticker(own["ticker"])
        answer = function(asked, **own)
        from kalshi_pipeline.cli.output import write_answer

        write_answer(answer, asked)

    return with_parameters(function, call, _OF_READING)


def _option(name: str, kind: Any, *spelling: str, default: object = None, **texts: Any) -> inspect.Parameter:  # noqa: ANN401
    annotation = Annotated[kind, typer.Option(*spelling, **texts)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_MOST_ROWS = 1_000_000_000
_OF_READING = [
    inspect.Parameter("db", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Db),
    _option(
        "json", bool, "--json", default=False, help="Write JSON: every row, exact numbers, times in UTC."
    ),
    _option(
        "csv", bool, "--csv", default=False, help="Write every row as CSV: exact decimals, times in UTC."
    ),
    _option("limit", int | None, "--limit", min=1, metavar="N", help="Maximum number of rows."),
    _option("columns", str | None, "--columns", metavar="A,B", help="Columns to show, in this order."),
    _option("local", bool, "--local", default=False, help="Use this computer's time zone instead of UTC."),
]
