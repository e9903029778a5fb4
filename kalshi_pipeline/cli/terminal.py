"""The terminal: what a command prints where, and the session that it works on."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec

from rich.console import Console

from kalshi_pipeline.advice import run_again, with_advice
from kalshi_pipeline.cli import tables
from kalshi_pipeline.cli.formats import escape
from kalshi_pipeline.errors import ExchangeError, PipelineError, SkippedError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.run.steps import Step, run_steps
from kalshi_pipeline.quoting import is_printable
from kalshi_pipeline.settings import load_settings

Shown = ParamSpec("Shown")

# Without emoji: rich would replace `:x:` in a ticker or a title by a picture.
out = Console(emoji=False)
err = Console(stderr=True, emoji=False)


@contextlib.contextmanager
def reporting_session(*, is_backfill: bool = False, **overrides: object) -> Iterator[Session]:
    """Open a session with the settings, `overrides` first, whose progress is shown.

    It is shown beside a spinner, or line by line in a log.
    """
    settings = load_settings(**overrides)
    if not err.is_terminal:
        # Retries are not logged: a failure is one line, which says for how long it was retried.
        with open_session(settings, print_message, report_retries=False, is_backfill=is_backfill) as session:
            yield session
        return
    with (
        err.status(f"asking {escape(settings.api_url)} …") as spinner,
        open_session(settings, lambda line: spinner.update(escape(line)), is_backfill=is_backfill) as session,
    ):
        yield session


def print_message(line: str) -> None:
    """Print a line for a person, apart from the results. It may hold texts of the exchange: it stays one line."""
    err.print(escape(line), highlight=False, soft_wrap=True)


def printable_json(text: str) -> str:
    """Return JSON with every character that a terminal would act upon escaped; its values stay the same."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if char == "\n" or is_printable(char) else json.dumps(char)[1:-1] for char in text)


def print_report(report: Report) -> None:
    """Print what a run did, in one line after its day if it has one, and the notes of its report."""
    title = "" if report.subject.day is None else f"{report.subject.day} "
    out.print(title + tables.report_line(report), highlight=False, soft_wrap=True)
    for note in report.notes:
        print_message(f"note: {note}")


def print_repairs(session: Session) -> None:
    """Print what was set aside on the way, of a command that has no report."""
    for repair in session.repairs:
        print_message(f"note: {repair}")


def print_whole_report(report: Report) -> None:
    """Print what a run did; raise ExchangeError if it is partial, and SkippedError if it is skipped."""
    print_report(report)
    _expect_whole([report.shortfall], [report.skip])


def run_and_print(steps: Iterable[Step]) -> None:
    """Run every step and print what each did.

    Raises ExchangeError at the end, naming what is partial or failed, or else SkippedError, naming what is skipped.
    """
    shortfalls: list[str | None] = []
    skips: list[str | None] = []

    def on_report(report: Report) -> None:
        print_report(report)
        shortfalls.append(report.shortfall)
        skips.append(report.skip)

    def on_failure(name: str, error: ExchangeError) -> None:
        print_failure(name, error)
        shortfalls.append(f"{name} failed")

    run_steps(steps, on_report, on_failure)
    _expect_whole(shortfalls, skips)


def print_failure(name: str, error: PipelineError) -> None:
    """Print what failed, and why, in one line."""
    print_message(f"{name} failed: {'; '.join(with_advice(error).splitlines())}")


def print_if_possible(print_it: Callable[Shown, None]) -> Callable[Shown, None]:
    """Return a function that prints the same, or nothing where the terminal or the pipe is gone, or the disk full."""

    def print_or_not(*args: Shown.args, **kwargs: Shown.kwargs) -> None:
        # Rich ends the program where a pipe is closed, and prints nothing more to it.
        with contextlib.suppress(OSError, ValueError, SystemExit):
            print_it(*args, **kwargs)

    return print_or_not


def _expect_whole(shortfalls: Iterable[str | None], skips: Iterable[str | None]) -> None:
    missing, skipped = list(filter(None, shortfalls)), list(filter(None, skips))
    if not missing and not skipped:
        return
    line = run_again("; ".join(missing + skipped))
    raise ExchangeError(line) if missing else SkippedError(line)
