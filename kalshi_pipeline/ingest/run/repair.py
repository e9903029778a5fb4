"""Repairs for runs that find rows whose parents another program deleted: they are set aside, and the run is
repeated.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.writing.set_aside import SetAside, set_aside_orphans

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def repairing(
    run: Callable[Concatenate[Session, Parameters], Result],
) -> Callable[Concatenate[Session, Parameters], Result]:
    """Decorate a run that is repeated once if a statement fails because a row's parent is missing.

    The repetition starts without cached knowledge, because every run continues what an earlier attempt stored.
    """

    @wraps(run)
    def run_with_repair(session: Session, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return run(session, *args, **kwargs)
        except StoreError as error:
            if error.problem is not StoreProblem.BROKEN_KEY:
                raise
        found = set_aside(session)
        result = run(session, *args, **kwargs)
        if isinstance(result, Report):
            note_set_aside(result, found)
        return result

    return run_with_repair


def set_aside(session: Session) -> SetAside:
    """Set aside the rows that block a run, in a separate transaction, and report them immediately."""
    with session.database.begin() as connection:
        found = set_aside_orphans(connection, session.run_name, session.clock.now())
    if found.sentence:
        session.repairs.append(found.sentence)
    return found


def note_set_aside(report: Report, found: SetAside) -> None:
    """Record in a run's report what was set aside."""
    report.counts["set_aside"] += found.rows.total()
    if found.sentence:
        report.notes.append(found.sentence)
