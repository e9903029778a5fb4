"""A sequence of runs that continues after errors of the exchange."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError, StoreError
from kalshi_pipeline.ingest.run.report import Report

OnReport = Callable[[Report], None]
OnFailure = Callable[[str, ExchangeError | StoreError], None]
"""Receives the name of the failed step and its error."""


class Step(NamedTuple):
    """One of the runs, and its name. `is_alone` if no other run needs its data."""

    name: str
    run: Callable[[], Report]
    is_alone: bool = False


def run_steps(steps: Iterable[Step], on_report: OnReport, on_failure: OnFailure) -> bool:
    """Run every step, and return whether none failed.

    An error that is not the exchange's stops all steps, except a database error in a step that `is_alone`. `on_failure`
    is called for a step that stored nothing, `on_report` for any other.
    """
    are_undisturbed = True
    for step in steps:
        try:
            report = step.run()
        except (ExchangeError, StoreError) as error:
            if isinstance(error, StoreError) and not step.is_alone:
                raise
            on_failure(step.name, error)
            are_undisturbed = False
        else:
            on_report(report)
            are_undisturbed = are_undisturbed and report.error is None
    return are_undisturbed
