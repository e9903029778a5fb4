"""The terminal: what a command prints where, and the session that it works on."""

import contextlib
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from kalshi_pipeline.cli import tables
from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.settings import load_settings

out = Console()
err = Console(stderr=True)


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
        err.status(f"asking {settings.api_url} …") as spinner,
        open_session(settings, lambda line: spinner.update(escape(line)), is_backfill=is_backfill) as session,
    ):
        yield session


def print_message(line: str) -> None:
    """Print a line for a person, apart from the results."""
    err.print(escape(line), highlight=False, soft_wrap=True)


def print_report(report: Report, title: str = "") -> None:
    """Print what a run did, in one line after its title, and the notes of its report."""
    out.print(escape(title) + tables.report_line(report), highlight=False, soft_wrap=True)
    for note in report.notes:
        print_message(f"note: {note}")


def expect_no_failure(reports: Sequence[Report]) -> None:
    """Raise ExchangeError if anything that was selected could not be fetched, so that the exit code says so."""
    if failures := sum(report.failures for report in reports):
        raise ExchangeError(
            f"{failures:,} of what was selected could not be fetched: see above, then run again"
        )
