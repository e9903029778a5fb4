"""The terminal of a command: what it prints where, and the session that tells it of its progress."""

import contextlib
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from kalshi_pipeline.cli import tables as screens
from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.settings import load_settings

out = Console()
err = Console(stderr=True)


@contextlib.contextmanager
def told_session(*, is_backfill: bool = False, **overrides: object) -> Iterator[Session]:
    """Open a session of the settings, `overrides` first, which tells of its progress.

    It does so beside a spinner, or line by line in a log.
    """
    settings = load_settings(**overrides)
    if not err.is_terminal:
        # In a log, a failure is one line, which says for how long it was tried.
        with open_session(settings, tell, report_retries=False, is_backfill=is_backfill) as session:
            yield session
        return
    with (
        err.status(f"asking {settings.api_url} …") as spinner,
        open_session(settings, lambda line: spinner.update(escape(line)), is_backfill=is_backfill) as session,
    ):
        yield session


def tell(line: str) -> None:
    """Tell a person something beside the results."""
    err.print(escape(line), highlight=False, soft_wrap=True)


def show(report: Report, title: str = "") -> None:
    """Show what a run did, in one line behind its title, and what a reader should know besides."""
    out.print(escape(title) + screens.report_line(report), highlight=False, soft_wrap=True)
    for note in report.notes:
        tell(f"note: {note}")


def expect_no_failure(reports: Sequence[Report]) -> None:
    """Raise ExchangeError unless everything that was chosen could be got: the exit code says so (R53)."""
    if failures := sum(report.failures for report in reports):
        raise ExchangeError(f"{failures:,} of what was chosen could not be got: see above, then run again")
