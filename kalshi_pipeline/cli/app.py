"""The command line: its commands, and how it ends.

Exit codes: 0 the work was done; 1 a fault of this program; 2 a wrong setting or argument; 3 the exchange failed
or refused, or what was collected is partial (the last line names it); 4 the database failed; 5 the ticker is not
known; 130 stopped by Ctrl-C. A command of several steps runs all of them before it ends with 3.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

import typer

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.collecting import collect, init, order_books, replay, snapshot, sync
from kalshi_pipeline.cli.reading import details, history, market, metrics, movers, quotes, status
from kalshi_pipeline.cli.repairing import void_ticks
from kalshi_pipeline.cli.sandbox import demo, sandbox
from kalshi_pipeline.cli.terminal import print_message
from kalshi_pipeline.errors import (
    ConfigurationError,
    ExchangeError,
    NotFoundError,
    PipelineError,
    RangeError,
    StoreError,
    UnknownTickerError,
)
from kalshi_pipeline.quoting import cut, is_text

EXIT_CODES: tuple[tuple[type[PipelineError], int], ...] = (
    (ConfigurationError, 2),
    (RangeError, 2),
    (NotFoundError, 5),
    (UnknownTickerError, 5),
    (ExchangeError, 3),
    (StoreError, 4),
)
_COMMANDS: Mapping[str, Sequence[Callable[..., None]]] = {
    "Try it": (demo, sandbox),
    "Collect": (init, sync, snapshot, collect, order_books),
    "Repair": (void_ticks, replay),
    "Read": (market, details, metrics, history, quotes, movers, status),
}

app = typer.Typer(
    help="Collect the public market data of the Kalshi exchange into your own database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _panel, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.add_typer(backfill, rich_help_panel="Collect")


def main() -> None:
    """Run the command line. An error of the pipeline is one line and an exit code, never a traceback."""
    try:
        _check_arguments(sys.argv[1:])
        app()
    except PipelineError as error:
        print_message(with_advice(error))
        sys.exit(next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1))


def _check_arguments(arguments: Sequence[str]) -> None:
    """Raise ConfigurationError for arguments that are not text: no ticker, path or date is written so."""
    problems = [
        f"{cut(argument)!a} is not UTF-8 text: write it again"
        for argument in arguments
        if not is_text(argument)
    ]
    if problems:
        raise ConfigurationError(problems)
