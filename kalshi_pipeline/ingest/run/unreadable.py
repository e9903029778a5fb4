"""Counts unreadable records, and keeps them in quarantine while there is room."""

from collections.abc import Sequence

from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Reject
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine


def keep_unreadable(
    session: Session, report: Report, connection: Connection, kind: str, rejects: Sequence[Reject], at: int
) -> None:
    """Quarantine the unreadable records of a page, in the page's transaction."""
    most_bytes = session.settings.quarantine_bytes
    if not_kept := add_to_quarantine(connection, report.run, kind, rejects, at, most_bytes):
        report.counts["quarantine_full"] += not_kept


# Of a few records, more than half may be odd by chance.
_FEW = 20


def are_doubtful(records: int, unread: int) -> bool:
    """Return whether none, or hardly any, of some records could be read: the exchange's API may have changed."""
    return bool(unread) and (unread == records or (unread > _FEW and 2 * unread > records))


_REPLAYED = "after an update, `kalshi data replay` stores them"
LISTED_AGAIN = "the next run requests them again"
"""The next step for records that every run lists."""


def doubt_unreadable(report: Report, then: str = _REPLAYED) -> None:
    """Make a complete listing partial if none, or hardly any, of its records could be read; `then` is the next step."""
    tally = report.tally
    records, unread = tally.received - tally.duplicates - tally.out_of_scope, tally.quarantined
    if report.is_complete and are_doubtful(records, unread):
        report.leave_partial(
            f"{unread:,} of {records:,} records could not be read and are in quarantine: check whether the "
            f"exchange's API has changed; {then}"
        )
