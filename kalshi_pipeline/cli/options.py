"""The options that many commands have, and what those of reading commands say."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalshi_pipeline.cli.answer import Answer
from kalshi_pipeline.cli.groups import with_parameters
from kalshi_pipeline.cli.times import instant_given
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import quoted

if TYPE_CHECKING:
    from kalshi_pipeline.api import Store

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="PATH",
        help="The database: a file or an SQLAlchemy URL; by default KALSHI_DATABASE_URL.",
    ),
]
Ticker = Annotated[str, typer.Argument(help="Ticker of the market, in any case.", metavar="TICKER")]


class Format(Enum):
    """How an answer is written."""

    TERMINAL = auto()
    TABS = auto()
    CSV = auto()
    JSON = auto()


@dataclass(frozen=True)
class Asked:
    """What the options say that every command that reads has; `form` is None where the output decides it."""

    db: str | None = None
    form: Format | None = None
    limit: int | None = None
    columns: Sequence[str] = ()
    is_local: bool = False

    def open_store(self) -> "Store":
        """Open the database for reading."""
        from kalshi_pipeline.api import open_store

        return open_store(address_of(self.db))

    def instant(self, option: str, text: str | None, default: int) -> int:
        """Return the instant of an option, or the default if it is not given."""
        return default if text is None else instant_given(option, text, is_local=self.is_local)


def address_of(db: str | None) -> str | None:
    """Return the URL of what `--db` names, None without it; ConfigurationError where this version cannot use it."""
    if db is None:
        return None
    from kalshi_pipeline.store.dialects import url_of_file, url_problem

    address = db if "://" in db else url_of_file(Path(db))
    if not db or (problem := url_problem(address)):
        raise ConfigurationError([f"--db {problem if db else 'is blank'}: pass the path of a file"])
    return address


def settings_of(db: str | None) -> dict[str, object]:
    """Return the settings that `--db` overrides."""
    address = address_of(db)
    return {} if address is None else {"database_url": address}


def reading(function: Callable[..., Answer]) -> Callable[..., None]:
    """Return the command that prints what a function answers; it takes what was asked first, then its own options."""

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
    _option("limit", int | None, "--limit", min=1, metavar="N", help="How many rows at most."),
    _option("columns", str | None, "--columns", metavar="A,B", help="Which columns, in this order."),
    _option(
        "local", bool, "--local", default=False, help="Read and write times of this computer's zone, not UTC."
    ),
]
