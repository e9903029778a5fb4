"""Instants and spans as people write them in Python."""

from datetime import datetime, timedelta
from typing import TypeAlias

from kalshi_pipeline.api.arguments import positive_number
from kalshi_pipeline.errors import InstantError, RangeError
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.units import YEAR_10000, instant_of, parse_instant, parse_span

Instant: TypeAlias = datetime | str
"""An aware datetime (a pandas Timestamp is one), or RFC 3339 text such as 2026-11-22T14:05:00Z."""

Span: TypeAlias = timedelta | str | float
"""A length of time: a timedelta (a pandas Timedelta is one), seconds, or text such as 30s, 5m, 1h30m or 2d."""


def micros_of(instant: Instant, name: str) -> int:
    """Return an instant in microseconds since 1970.

    Raises InstantError, which names the argument, for any other value and for instants outside the years 1970 to 9999.
    """
    found = _micros_of(instant, name)
    if not 0 <= found < YEAR_10000:
        raise InstantError(f"{name}={instant} is out of range: choose a time from 1970 to 9999")
    return found


def _micros_of(instant: Instant, name: str) -> int:
    # pandas' NaT is a datetime that equals nothing.
    if isinstance(instant, datetime) and instant == instant:
        try:
            return instant_of(instant)
        except ValueError as error:
            raise InstantError(
                f"{name}={instant} names no time zone: add one, such as tzinfo=datetime.UTC"
            ) from error
    if isinstance(instant, str):
        try:
            found = parse_instant(instant)
        except ValueError as error:
            raise InstantError(f"{name}: {error}") from error
        if found is not None:
            return found
    raise InstantError(
        f"{name}={quoted(str(instant))} is not an instant: pass a datetime with a time zone, or text such as "
        "2026-11-22T14:05:00Z"
    )


def seconds_of(span: Span, name: str) -> float:
    """Return a length of time in seconds. Raises RangeError, which names the argument, unless it is positive."""
    number: object = span
    if isinstance(span, timedelta):
        number = span.total_seconds()
    elif isinstance(span, str):
        number = parse_span(span)
    seconds = positive_number(number)
    if seconds is None:
        raise RangeError(
            f"{name}={quoted(str(span))} is not a length of time: pass a positive timedelta, a number of seconds, or "
            "text such as 30s, 5m, 1h30m or 2d"
        )
    return seconds
