"""Records that a run could not read: kept in quarantine as far as there is room, and counted."""

from collections.abc import Sequence

from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Reject
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine


def keep_unreadable(
    session: Session, report: Report, connection: Connection, kind: str, rejects: Sequence[Reject], at: int
) -> None:
    """Keep the unreadable records of a page, in the page's transaction."""
    most_bytes = session.settings.quarantine_bytes
    if not_kept := add_to_quarantine(connection, report.run, kind, rejects, at, most_bytes):
        report.counts["quarantine_full"] += not_kept
