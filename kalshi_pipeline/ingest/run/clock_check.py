"""Compares the computer's clock with the exchange's before a run writes.

Only two agreeing answers stop a run. Without an answer the run continues with a note.
"""

from dataclasses import dataclass

from kalshi_pipeline.clock import MOST_OFFSET_SECONDS
from kalshi_pipeline.errors import ClockError, ExchangeError
from kalshi_pipeline.exchange.status import ExchangeStatus
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.units import iso_of

_SECONDS_BEFORE_SECOND_LOOK = 2.0
_AGREEING_SECONDS = 5.0
UNCHECKED = "clock not checked"
"""The beginning of the note of a run that could not check the clock."""
_NO_DATE = "the answer of /exchange/status has no `Date` that can be read"


@dataclass(frozen=True)
class ClockCheck:
    """The exchange's status, and how far the clock is ahead of it, or why that is unknown."""

    status: ExchangeStatus | None
    offset_seconds: float | None
    why_unchecked: str | None
    requests: int

    def note_in(self, report: Report) -> None:
        """Record the result and its requests in a report."""
        report.clock_offset_seconds = self.offset_seconds
        report.requests += self.requests
        if self.why_unchecked is not None:
            report.notes.append(f"{UNCHECKED}: {self.why_unchecked}")


def check_clock(session: Session) -> ClockCheck:
    """Request the exchange's time. Raises ClockError if two answers show that the clock is more than a minute off."""
    before = session.client.requests
    status, offset_seconds, why_unchecked = _compare(session)
    return ClockCheck(status, offset_seconds, why_unchecked, session.client.requests - before)


def _compare(session: Session) -> tuple[ExchangeStatus | None, float | None, str | None]:
    session.read_clock_again()
    try:
        first = session.client.fetch_exchange_status()
    except ExchangeError as error:
        return None, None, str(error)
    if first.offset_seconds is None:
        return first, None, _NO_DATE
    if abs(first.offset_seconds) <= MOST_OFFSET_SECONDS:
        return first, first.offset_seconds, None
    session.clock.sleep(_SECONDS_BEFORE_SECOND_LOOK)
    session.read_clock_again()
    try:
        second = session.client.fetch_exchange_status(is_uncached=True)
    except ExchangeError as error:
        return (
            first,
            None,
            f"it seems {first.offset_seconds:,.0f} s ahead, and the second request failed: {error}",
        )
    if second.offset_seconds is None:
        return second, None, _NO_DATE
    if abs(second.offset_seconds) <= MOST_OFFSET_SECONDS:
        return second, second.offset_seconds, None
    if is_proved(first, second):
        by_date = second.offset_by_date_seconds
        if by_date is not None and abs(by_date) <= MOST_OFFSET_SECONDS:
            return second, by_date, None  # a cache's `Date` does not advance, so this `Age` is wrong
        raise ClockError(_message(second, second.offset_seconds))
    return second, None, "two answers of /exchange/status disagree on the time"


def is_proved(first: ExchangeStatus, second: ExchangeStatus) -> bool:
    """Return whether two answers agree on the clock's offset, and the second is not a repetition of the first."""
    if first.date is None or second.date is None:
        return False
    apart = abs((first.offset_seconds or 0) - (second.offset_seconds or 0))
    return second.date > first.date and apart <= _AGREEING_SECONDS


def _message(status: ExchangeStatus, offset_seconds: float) -> str:
    here, there = iso_of(status.received_at), iso_of(status.written_at or 0)
    direction = "ahead of" if offset_seconds > 0 else "behind"
    return (
        f"this computer's clock says {here}, {abs(offset_seconds):,.0f} s {direction} the exchange's ({there}), so "
        "nothing was written; set the clock, for example with NTP, then run again"
    )
