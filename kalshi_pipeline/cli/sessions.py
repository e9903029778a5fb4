"""Opens the session of a collecting command, and runs and reports its steps."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from kalshi_pipeline.advice import run_again, with_advice
from kalshi_pipeline.cli.options import DEMO_DATABASE, settings_of
from kalshi_pipeline.cli.reports import report_line
from kalshi_pipeline.cli.terminal import print_line, print_message, show_step, status_line
from kalshi_pipeline.errors import (
    ConfigurationError,
    ExchangeError,
    PipelineError,
    SkippedError,
    StoreError,
    StoreProblem,
)
from kalshi_pipeline.ingest.run.clock_check import UNCHECKED
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.run.steps import Step, run_steps
from kalshi_pipeline.settings import Settings, load_settings

_THIS_COMPUTER = ("127.0.0.1", "localhost", "::1")
_LONGEST_LAST_LINE = 400
"""A longer line only names what is partial or skipped; the lines above it have the reasons."""


def settings_to_collect(db: str | None, **overrides: object) -> Settings:
    """Return the settings (`--db` and `overrides` first) of a command that uses the exchange.

    Raises ConfigurationError for the demo's database with an exchange that is not on this computer, because the demo's
    tickers are invented, and data of two exchanges in one database cannot be separated.
    """
    settings = load_settings(**settings_of(db), **overrides)
    is_local = urlsplit(settings.api_url).hostname in _THIS_COMPUTER
    if settings.database_url.endswith(f"/{DEMO_DATABASE.as_posix()}") and not is_local:
        way = "pass another --db" if db else "unset KALSHI_DATABASE_URL"
        raise ConfigurationError(
            [
                f"{DEMO_DATABASE} has the data of the demo's exchange, and KALSHI_API_URL is another one: {way}, or "
                "run `kalshi demo --ui` and set KALSHI_API_URL to the address that it prints"
            ]
        )
    return settings


@contextlib.contextmanager
def reporting_session(
    db: str | None, *, is_backfill: bool = False, create: bool = True, **overrides: object
) -> Iterator[Session]:
    """Open a session with the settings (`--db` and `overrides` first) that shows its progress.

    A missing database is created only with `create`. A terminal shows progress in one updated line, a log line by line.
    """
    settings = settings_to_collect(db, **overrides)
    with status_line() as status:
        # A log has no lines for retries; the line of a failure has their duration.
        show, with_retries = (print_message, False) if status is None else (status.show, True)
        if status is not None:
            status.step(f"asking {settings.api_url}", 1, 1)
        with open_session(
            settings, show, report_retries=with_retries, is_backfill=is_backfill, create=create
        ) as session:
            yield session


def print_report(report: Report, *, with_clock: bool = True) -> None:
    """Print the result of a run in one line, after its day if it has one, and the notes of its report.

    Without `with_clock`, the note about an unchecked clock is omitted.
    """
    title = "" if report.subject.day is None else f"{report.subject.day} "
    print_line(title + report_line(report))
    for note in report.notes:
        if with_clock or not note.startswith(UNCHECKED):
            print_message(f"note: {note}")


def print_repairs(session: Session) -> None:
    """Print what was set aside by a command without a report."""
    for repair in session.repairs:
        print_message(f"note: {repair}")


def print_whole_report(report: Report) -> None:
    """Print the result of a run. Raises ExchangeError if it is partial, and SkippedError if it is skipped."""
    print_report(report)
    _expect_whole([report.shortfall], [report.skip])


def run_and_print(steps: Sequence[Step]) -> None:
    """Run every step and print its result.

    At the end, raises StoreError if the database failed a step, ExchangeError with what is partial or failed, or else
    SkippedError with what is skipped.
    """
    shortfalls: list[str | None] = []
    skips: list[str | None] = []
    problems: list[StoreProblem] = []
    is_clock_noted = False

    def on_report(report: Report) -> None:
        nonlocal is_clock_noted
        print_report(report, with_clock=not is_clock_noted)
        is_clock_noted = is_clock_noted or any(note.startswith(UNCHECKED) for note in report.notes)
        shortfalls.append(report.shortfall)
        skips.append(report.skip)

    def on_failure(name: str, error: ExchangeError | StoreError) -> None:
        print_failure(name, error)
        shortfalls.append(f"{name} failed")
        if isinstance(error, StoreError):
            problems.append(error.problem)

    run_steps(_shown(steps), on_report, on_failure)
    if problems:
        raise StoreError("; ".join(filter(None, shortfalls)), problems[0])
    _expect_whole(shortfalls, skips)


def _shown(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the steps, and show the start of each."""
    for number, step in enumerate(steps, 1):
        show_step(step.name, number, len(steps))
        yield step


def print_failure(name: str, error: PipelineError) -> None:
    """Print a failure with its reason, in one line."""
    print_message(f"{name} failed: {'; '.join(with_advice(error).splitlines())}")


def _expect_whole(shortfalls: Iterable[str | None], skips: Iterable[str | None]) -> None:
    missing, skipped = list(filter(None, shortfalls)), list(filter(None, skips))
    if not missing and not skipped:
        return
    line = "; ".join(missing + skipped)
    if len(line) > _LONGEST_LAST_LINE:
        line = "; ".join(named.partition(": ")[0] for named in missing + skipped)
    line = run_again(line)
    raise ExchangeError(line) if missing else SkippedError(line)
