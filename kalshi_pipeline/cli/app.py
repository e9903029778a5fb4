"""The command line: its commands, and how it ends (`exits` has the codes).

A command of several steps runs all of them before it ends with the code of what was missing.
"""

import sys
from collections.abc import Callable, Mapping, Sequence

import typer

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.collecting import collect, init, order_books, replay, snapshot, sync
from kalshi_pipeline.cli.exits import exit_code_of
from kalshi_pipeline.cli.reading import details, history, market, metrics, movers, quotes, status
from kalshi_pipeline.cli.repairing import void_ticks
from kalshi_pipeline.cli.safekeeping import backup, verify
from kalshi_pipeline.cli.sandbox import demo, sandbox
from kalshi_pipeline.cli.terminal import print_if_possible, print_message
from kalshi_pipeline.errors import ConfigurationError, PipelineError, StoppedError
from kalshi_pipeline.quoting import cut, is_text
from kalshi_pipeline.signals import raising_signals

_COMMANDS: Mapping[str, Sequence[Callable[..., None]]] = {
    "Try it": (demo, sandbox),
    "Collect": (init, sync, snapshot, collect, order_books),
    "Repair": (verify, backup, void_ticks, replay),
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
        with raising_signals():
            _check_arguments(sys.argv[1:])
            app()
    except ConfigurationError as error:
        for problem in error.problems:
            print_message(problem)
        sys.exit(exit_code_of(error))
    except PipelineError as error:
        print_message(with_advice(error))
        sys.exit(exit_code_of(error))
    except StoppedError as stop:
        print_if_possible(print_message)(f"stopped by {stop}")
        sys.exit(stop.exit_code)


def _check_arguments(arguments: Sequence[str]) -> None:
    """Raise ConfigurationError for arguments that are not text: no ticker, path or date is written so."""
    problems = [
        f"{cut(ascii(argument))} is not UTF-8 text: write it again"
        for argument in arguments
        if not is_text(argument)
    ]
    if problems:
        raise ConfigurationError(problems)
