"""The command line: its commands, and their exit codes (`exits`).

A command of several steps runs all of them, and then exits with the code of what is missing.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.cli import exporting as exporting  # which registers its command
from kalshi_pipeline.cli.analysis import analysis
from kalshi_pipeline.cli.backfill import backfill
from kalshi_pipeline.cli.data import data
from kalshi_pipeline.cli.exits import exit_code_of
from kalshi_pipeline.cli.groups import Group, UsageError, one_of, usage_lines
from kalshi_pipeline.cli.market import market
from kalshi_pipeline.cli.pasting import naming_database_of
from kalshi_pipeline.cli.terminal import (
    end_output,
    is_of_output,
    print_if_possible,
    print_line,
    print_message,
    write_anything,
)
from kalshi_pipeline.cli.trying import trying
from kalshi_pipeline.errors import ConfigurationError, ExportError, PipelineError, StoppedError
from kalshi_pipeline.quoting import cut, is_text
from kalshi_pipeline.signals import raising_signals

GROUPS = (data, market, analysis)
"""The groups of commands; commands also work without their group."""

_INSTALL = "--install-completion"
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
_EPILOG = """\b
Begin with:
  kalshi demo                          run the whole pipeline on a local exchange
  kalshi data collect --once           collect live data into data/kalshi.db
  kalshi data status                   show whether collecting is on time
  kalshi market quotes | grep KXBTC    list the quotes of open markets
  kalshi --version                     show the version
Commands also work without their group: `kalshi quotes`.
"""


def command_line(*, has_own_options: bool = True) -> typer.Typer:
    """Return all commands.

    The program's own options install completion. Building them takes twice as long as everything else, so they can be
    omitted if the arguments start with a command.
    """
    root = Group(
        None,
        "Collect the public market data of the Kalshi exchange into your own database.",
        has_completion=has_own_options,
        epilog=_EPILOG,
    )
    for group in GROUPS:
        root.add(group)
    root.add_spellings(trying, are_hidden=False)
    for group in GROUPS:
        root.add_spellings(group)
    root.add(backfill, is_hidden=True)
    return root.typer


def main() -> None:
    """Run the command line. A pipeline error becomes one line and an exit code, never a traceback."""
    write_anything(sys.stdout, sys.stderr)
    arguments = _as_options(sys.argv[1:])
    with naming_database_of(arguments):
        code = _code_of(arguments)
    if reason := end_output():
        print_message(f"not all of the output could be written: {reason}; write it to another place")
        code = code or exit_code_of(ExportError())
    sys.exit(code)


def _as_options(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments with `help COMMAND`, as other programs have it, written as `COMMAND --help`."""
    return [*arguments[1:], "--help"] if arguments[:1] == ["help"] else arguments


def _code_of(arguments: Sequence[str]) -> int:
    """Run a command, print the error that ended it, if any, and return its exit code."""
    try:
        with raising_signals():
            _check_arguments(arguments)
            code = _run(arguments)
    except UsageError as error:
        for line in usage_lines(error):
            print_message(line)
        return 2
    except typer.Abort:
        print_message("nothing was done")
        return 1
    except ConfigurationError as error:
        for problem in error.problems:
            print_message(problem)
        return exit_code_of(error)
    except PipelineError as error:
        print_message(with_advice(error))
        return exit_code_of(error)
    except StoppedError as stop:
        print_if_possible(print_message)(f"stopped by {stop}")
        return stop.exit_code
    except SystemExit as end:
        # typer exits with 1 if a pipe closes while it prints help
        code = 0 if isinstance(end.__context__, BrokenPipeError) else end.code
    return code if isinstance(code, int) else 0


def _run(arguments: Sequence[str]) -> object:
    if arguments == ["--version"]:
        from importlib.metadata import version

        print_line(f"kalshi-pipeline {version('kalshi-pipeline')}")
        return 0
    if len(arguments) > 1 and arguments[0] in (_INSTALL, "--show-completion"):
        with _installing():
            return _completion_of(*arguments[:2])
    if not arguments:
        # Completion has no arguments, and renders help with rich if it is importable, which is slow.
        sys.modules["rich"] = None  # type: ignore[assignment]  # Python's way to block an import
    begins_with_command = bool(arguments) and not arguments[0].startswith("-")
    run = command_line(has_own_options=not begins_with_command)
    try:
        with _installing() if _INSTALL in arguments[:1] else contextlib.nullcontext():
            return run(list(arguments), standalone_mode=False)
    except OSError as error:
        # Typer prints help itself, and stops if that fails, as on a full disk; `end_output` reports it.
        if is_of_output(error):
            return 0
        raise


@contextlib.contextmanager
def _installing() -> Iterator[None]:
    """Raise ExportError if a file of the shell cannot be written, or the shell is not installed."""
    try:
        yield
    except OSError as error:
        if error.filename is None:  # of an output
            raise
        raise ExportError(
            f"completion was not installed ({error.filename}: {error.strerror}): `kalshi --show-completion bash`, or "
            "with another shell, prints it"
        ) from error


def _completion_of(option: str, shell: str) -> int:
    """Install or print the completion of a shell that is named: typer itself takes the one that it detects."""
    from typer._completion_shared import get_completion_script, install

    shell, program = one_of(option, shell, _SHELLS), Path(sys.argv[0]).name
    if option == _INSTALL:
        _, path = install(shell=shell, prog_name=program)
        print_line(f"{shell} completion installed in {path}: it works in the next terminal")
    else:
        variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
        script = get_completion_script(prog_name=program, complete_var=variable, shell=shell)
        for line in script.splitlines():
            print_line(line)
    return 0


def _check_arguments(arguments: Sequence[str]) -> None:
    """Raise ConfigurationError for arguments that are not text."""
    problems = [
        f"{cut(ascii(argument))} is not UTF-8 text: write it again"
        for argument in arguments
        if not is_text(argument)
    ]
    if problems:
        raise ConfigurationError(problems)
