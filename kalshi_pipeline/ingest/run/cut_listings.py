"""Listings that may have more than was received: their last page was full, and had no cursor, not even an empty one."""

from typing import Any

from kalshi_pipeline.exchange.listing import Listing
from kalshi_pipeline.ingest.run.report import Report

CUT = "the last page was full and came without a cursor, so more may follow: run again"


def doubt_end(report: Report, listing: Listing[Any]) -> None:
    """Make a complete listing partial if it may have more."""
    if report.is_complete and listing.ended_without_cursor:
        report.leave_partial(CUT)
