"""Checks of instants and spans in arguments."""

from datetime import datetime
from typing import TypeAlias

from kalshi_pipeline.api.arguments import whole_number
from kalshi_pipeline.errors import InstantError, RangeError
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.units import YEAR_10000, brief_iso_of, instant_of

Instant: TypeAlias = int | datetime
"""Microseconds since 1970 in UTC, or an aware datetime."""


def span_of(start: Instant, end: Instant) -> tuple[int, int]:
    """Return the bounds of a span. Raises RangeError if it is empty."""
    first, last = micros_of(start), micros_of(end)
    check_order(first, last)
    return first, last


def check_order(first: int, last: int) -> None:
    """Raise RangeError for a span that is empty."""
    if first >= last:
        raise RangeError(
            f"{brief_iso_of(first)} is not before {brief_iso_of(last)}: choose a start that is earlier than the end"
        )


def check_past(instant: int, now: int, name: str = "") -> None:
    """Raise RangeError for an instant after now. `name` is the argument's name with an equals sign."""
    if instant > now:
        raise RangeError(
            f"{name}{brief_iso_of(instant)} is after now ({brief_iso_of(now)}): choose an earlier time"
        )


def micros_of(instant: Instant) -> int:
    """Return an instant in microseconds. Raises InstantError for a datetime without a time zone, and for other
    values.
    """
    micros = whole_number(instant)
    # pandas' NaT is a datetime that equals nothing.
    if isinstance(instant, datetime) and instant == instant:
        try:
            micros = instant_of(instant)
        except ValueError as error:
            raise InstantError(f"{error}: add one, such as tzinfo=datetime.UTC") from error
    if micros is None:
        raise InstantError(
            f"{quoted(instant)} is not an instant: pass microseconds since 1970 (UTC), or a datetime with a time zone"
        )
    if not 0 <= micros < YEAR_10000:
        raise InstantError(f"{quoted(instant)} is out of range: choose a time from 1970 to 9999")
    return micros
