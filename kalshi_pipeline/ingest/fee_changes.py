"""Past and scheduled fee changes of series and of events' overrides.

If the exchange fails here, the run is partial instead of failed, so no other step is skipped.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.run.cut_listings import doubt_end
from kalshi_pipeline.ingest.run.lenient import leaving_partial
from kalshi_pipeline.ingest.run.recorded_listing import begin_listing, closing_run, store_pages
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.run.unreadable import LISTED_AGAIN, doubt_unreadable
from kalshi_pipeline.records import EventFeeChange, SeriesFeeChange
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.completeness import listed_before
from kalshi_pipeline.store.writing.fee_changes import (
    merge_event_fee_changes,
    merge_series_fee_changes,
    withdraw_unlisted,
)
from kalshi_pipeline.store.writing.runs import Subject
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import FeeType

Change = TypeVar("Change", SeriesFeeChange, EventFeeChange)

_KNOWN_TYPES = frozenset(FeeType)
# A change that takes effect during the listing may be missing without being withdrawn; clocks differ a little.
_WITHDRAWABLE_SECONDS = 60
# A listing that loses more than half of at least this many changes at once may be truncated.
_MANY_CHANGES = 10


@repairing
def sync_series_fee_changes(session: Session, walk_seconds: float | None = None) -> Report:
    """Store every past and scheduled change of every series' fee."""
    seconds = session.seconds_of(walk_seconds)
    listing = session.client.list_series_fee_changes(walk_seconds=seconds)
    return _sync(
        session,
        "series_fee_changes",
        listing,
        merge_series_fee_changes,
        lambda changes: (change.fee_type for change in changes),
    )


@repairing
def sync_event_fee_changes(session: Session, walk_seconds: float | None = None) -> Report:
    """Store every listed change of every event's fee override."""
    seconds = session.seconds_of(walk_seconds)
    listing = session.client.list_event_fee_changes(
        max_pages=session.settings.max_pages, walk_seconds=seconds
    )
    return _sync(
        session,
        "event_fee_changes",
        listing,
        merge_event_fee_changes,
        lambda changes: (change.fee_type_override for change in changes),
    )


def _sync(
    session: Session,
    asset: str,
    listing: Listing[Change],
    merge_changes: Callable[[Connection, Sequence[Change], int], Tally],
    types_of: Callable[[Sequence[Change]], Iterable[str | None]],
) -> Report:
    report = begin_listing(session, asset, subject=Subject(selection="all changes"))
    listed: set[str] = set()

    def merge(connection: Connection, changes: Sequence[Change]) -> Tally:
        listed.update(change.change_id for change in changes)
        report.unknown_words.update(
            f"fee_type={word}" for word in types_of(changes) if word is not None and word not in _KNOWN_TYPES
        )
        return merge_changes(connection, changes, session.clock.now())

    with closing_run(session, report):
        with leaving_partial(report, listing.path):
            store_pages(session, report, listing, lambda page: page.records, merge)
            doubt_end(report, listing)
            doubt_unreadable(report, LISTED_AGAIN)
        if listing.complete and report.is_complete and not report.tally.quarantined:
            _withdraw(session, report, listed)
    return report


def _withdraw(session: Session, report: Report, listed: set[str]) -> None:
    """Mark scheduled changes missing from a complete listing as withdrawn.

    A listing that has suddenly lost most changes counts only after the next one confirms it.
    """
    now = session.clock.now()
    with session.database.begin() as connection:
        before = listed_before(connection, report.run) or 0
        if (before and not listed) or (before >= _MANY_CHANGES and 2 * len(listed) < before):
            report.notes.append(
                f"{len(listed):,} changes are listed, {before:,} were before: none counts as withdrawn until the "
                "next listing confirms it"
            )
            return
        withdrawn = withdraw_unlisted(
            connection,
            report.asset,
            listed,
            after=now + _WITHDRAWABLE_SECONDS * MICROS_PER_SECOND,
            seen_at=now,
        )
    if withdrawn:
        report.counts["withdrawn"] += withdrawn
