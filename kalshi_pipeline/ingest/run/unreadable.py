"""Counts unreadable records, and keeps them in quarantine while there is room."""

from collections.abc import Sequence

from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Reject
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine
from kalshi_pipeline.store.writing.runs import State


def keep_unreadable(
    session: Session, report: Report, connection: Connection, kind: str, rejects: Sequence[Reject], at: int
) -> None:
    """Quarantine the unreadable records of a page, in the page's transaction."""
    most_bytes = session.settings.quarantine_bytes
    if not_kept := add_to_quarantine(connection, report.run, kind, rejects, at, most_bytes):
        report.counts["quarantine_full"] += not_kept


def doubt_unreadable(report: Report) -> None:
    """Make a complete listing partial if most of its records could not be read: its work was not done."""
    tally = report.tally
    records = tally.received - tally.duplicates - tally.out_of_scope
    if report.is_complete and 2 * tally.quarantined > records:
        report.state = State.PARTIAL
        report.reason = (
            f"{tally.quarantined:,} of {records:,} records could not be read and are in quarantine: check whether the "
            "exchange's API has changed; after an update, `kalshi data replay` stores them"
        )
