"""Options that many commands share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kalshi_pipeline.cli.times import instant_given
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.tickers import typed_ticker
from kalshi_pipeline.units import MICROS_PER_DAY

if TYPE_CHECKING:
    from kalshi_pipeline.api import Store

Found = TypeVar("Found")

Db = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="PATH",
        help="The database: a file or an SQLAlchemy URL; by default KALSHI_DATABASE_URL.",
    ),
]
Ticker = Annotated[str, typer.Argument(help="Ticker of the market, in any case.", metavar="TICKER")]


DEMO_DATABASE = Path("data/demo.db")


class Format(Enum):
    """The format of an answer."""

    TERMINAL = auto()
    TABS = auto()
    CSV = auto()
    JSON = auto()


@dataclass(frozen=True)
class Asked:
    """The values of the options of reading commands; `form` is None if the output decides it."""

    db: str | None = None
    form: Format | None = None
    limit: int | None = None
    columns: Sequence[str] = ()
    is_local: bool = False

    def open_store(self) -> "Store":
        """Open the database for reading."""
        from kalshi_pipeline.api import open_store

        return open_store(address_of(self.db))

    def read(self, question: Callable[["Store"], Found]) -> Found:
        """Return what a question finds in one state of the database."""
        with self.open_store() as store:
            return store.together(question)

    def instant(self, option: str, text: str | None, default: int) -> int:
        """Return the instant of an option, or the default if it is not given."""
        return default if text is None else instant_given(option, text, is_local=self.is_local)

    def past(self, option: str, text: str | None, default: int) -> int:
        """Return the instant of an option. Raises ConfigurationError for an instant after now."""
        if text is None:
            return default
        instant, now = self.instant(option, text, default), SYSTEM_CLOCK.now()
        if instant > now:
            raise ConfigurationError(
                [
                    f"{option} {self.written(instant)} is after now ({self.written(now)}): choose an earlier time"
                ]
            )
        return instant

    def span(self, start: str | None, end: str | None) -> tuple[int, int]:
        """Return the instants of `--start` and `--end`, by default the last day. Raises ConfigurationError for an empty
        span.
        """
        until = self.instant("--end", end, SYSTEM_CLOCK.now())
        since = self.past("--start", start, until - MICROS_PER_DAY)
        if since >= until:
            raise ConfigurationError(
                [
                    f"--start {self.written(since)} is not before --end {self.written(until)}: choose an earlier "
                    "start or a later end"
                ]
            )
        return since, until

    def written(self, at: int) -> str:
        """Return an instant as messages and titles write it."""
        from kalshi_pipeline.cli.formats import instant

        return instant(at, is_local=self.is_local)


def tickers_given(option: str, tickers: Sequence[str] | None) -> tuple[str, ...]:
    """Return the tickers of an option. Raises ConfigurationError for one that cannot be a ticker."""
    return tuple(typed_ticker(ticker, option) for ticker in tickers or ())


def address_of(db: str | None) -> str | None:
    """Return the URL of `--db`, None without it. Raises ConfigurationError if this version cannot use it."""
    if db is None:
        return None
    from kalshi_pipeline.store.dialects import url_of_file, url_problem

    address = db if "://" in db else url_of_file(Path(db))
    if not db.strip():
        problem: str | None = "is blank"
    elif db == ":memory:" or (db.startswith(("sqlite:", "file:")) and "://" not in db):
        problem = f"{quoted(db)} is neither a path nor an address such as sqlite:///data/kalshi.db"
    else:
        problem = url_problem(address)
    if problem:
        raise ConfigurationError([f"--db {problem}: pass the path of a file"])
    return address


def settings_of(db: str | None) -> dict[str, object]:
    """Return the settings that `--db` overrides."""
    address = address_of(db)
    return {} if address is None else {"database_url": address}
