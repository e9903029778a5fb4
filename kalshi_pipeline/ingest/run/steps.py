"""Runs that follow one another, each of them also after one that the exchange has failed."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kalshi_pipeline.errors import ExchangeError
from kalshi_pipeline.ingest.run.report import Report

OnReport = Callable[[Report], None]
OnFailure = Callable[[str, ExchangeError], None]
"""Takes the name of what failed, and its error."""


class Step(NamedTuple):
    """One of the runs, and its name."""

    name: str
    run: Callable[[], Report]


def run_steps(steps: Iterable[Step], on_report: OnReport, on_failure: OnFailure) -> bool:
    """Run every step, and return whether no error of the exchange stopped any of them. Other errors end them all.

    `on_failure` is called for a step that has stored nothing, `on_report` for any other.
    """
    are_undisturbed = True
    for step in steps:
        try:
            report = step.run()
        except ExchangeError as error:
            on_failure(step.name, error)
            are_undisturbed = False
        else:
            on_report(report)
            are_undisturbed = are_undisturbed and report.error is None
    return are_undisturbed
