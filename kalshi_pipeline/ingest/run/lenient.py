"""Runs without dependents: an error of the exchange leaves them partial, and a missing endpoint is noted."""

import contextlib
from collections.abc import Iterator

from kalshi_pipeline.errors import ExchangeError, NotFoundError, TransientExchangeError
from kalshi_pipeline.ingest.run.reasons import reason_of
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.store.writing.runs import State

_NOT_FOUND = 404


@contextlib.contextmanager
def leaving_partial(report: Report, path: str) -> Iterator[None]:
    """Record an error of the exchange in the report and make the run partial, so no other step is skipped.

    A 404 before the first page means that the exchange does not offer the path, and the run is complete. After retries,
    this includes a gateway's 404, because gateways answer for unknown paths.
    """
    try:
        yield
    except ExchangeError as error:
        if _is_not_found(error) and not report.tally.pages:
            note_not_offered(report, path, error)
        else:
            report.leave_partial(reason_of(error))
            report.error = error


def _is_not_found(error: ExchangeError) -> bool:
    return isinstance(error, NotFoundError) or (
        isinstance(error, TransientExchangeError) and error.status == _NOT_FOUND
    )


def note_not_offered(report: Report, path: str, error: ExchangeError) -> None:
    """Note in a run's report that the exchange does not offer a path."""
    report.state = State.COMPLETE
    report.notes.append(f"the exchange does not offer {path}, so nothing is stored: {error}")
