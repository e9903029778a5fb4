"""Checks of arguments: the selected markets, instants within the history, and values of views."""

import math
from typing import SupportsIndex

from kalshi_pipeline.api import Store
from kalshi_pipeline.api.arguments import whole_number
from kalshi_pipeline.api.instants import check_order, check_past
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError, OtherKindError, RangeError
from kalshi_pipeline.notebooks.instants import Instant, micros_of
from kalshi_pipeline.quoting import is_text, quoted
from kalshi_pipeline.settings import CANDLESTICK_MINUTES
from kalshi_pipeline.store.database import ReadOnlyDatabase
from kalshi_pipeline.store.reading.streams import Selection, Span
from kalshi_pipeline.store.reading.tickers import find_ticker
from kalshi_pipeline.tickers import check_ticker
from kalshi_pipeline.units import LARGEST_INTEGER, MICROS_PER_DAY, YEAR_10000, iso_of, tick_iso_of

_KINDS = ("market", "event", "series")


def selected(
    database: ReadOnlyDatabase, ticker: str | None, event: str | None, series: str | None
) -> Selection | None:
    """Return the selected markets, None for all. Raises UnknownTickerError, which names similar tickers."""
    given = {
        kind: text for kind, text in zip(_KINDS, (ticker, event, series), strict=True) if text is not None
    }
    if len(given) > 1:
        raise ConfigurationError(["several of ticker, event and series are given: choose one of them"])
    if not given:
        return None
    ((kind, text),) = given.items()
    try:
        return Selection(*_found(database, text, kind))
    except OtherKindError as error:
        error.add_note(f"select by {error.kind}")
        raise


def any_ticker(database: ReadOnlyDatabase, text: str, kind: str | None) -> str:
    """Return the stored ticker of a market, an event or a series. Raises UnknownTickerError with similar tickers."""
    if kind in _KINDS:
        return _found(database, text, kind)[1]
    check_ticker(text)
    return database.ask(lambda connection: find_ticker(connection, text, _KINDS))[1]


def _found(database: ReadOnlyDatabase, text: str, kind: str) -> tuple[str, str]:
    check_ticker(text)
    return database.ask(lambda connection: find_ticker(connection, text, [kind]))


def value_of(column: str, value: object) -> str | float | None:
    """Return a value to compare with a column of a view; numbers of numpy become Python's.

    Raises ConfigurationError for a value of a type that no view has, because the query would silently find nothing.
    """
    whole = whole_number(value)
    if whole is not None and abs(whole) <= LARGEST_INTEGER:
        return whole
    if value is None or isinstance(value, bool) or (isinstance(value, str) and is_text(value)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ConfigurationError(
        [f"{column}={quoted(value)} is not a value of a view: pass text or a number, as the view has it"]
    )


def period_of(minutes: SupportsIndex | None) -> int | None:
    """Return the length of a candlestick, None for all. Raises ConfigurationError for an unknown length."""
    period = whole_number(minutes)
    if minutes is not None and period not in CANDLESTICK_MINUTES:
        known = ", ".join(map(str, CANDLESTICK_MINUTES))
        raise ConfigurationError([f"{quoted(minutes)} is not a length of a candlestick: choose {known}"])
    return period


def past(instant: Instant | None, name: str) -> int:
    """Return an instant, by default now. Raises RangeError for an instant after now."""
    now = SYSTEM_CLOCK.now() - 1  # so that the span of this instant alone has ended
    micros = now if instant is None else micros_of(instant, name)
    check_past(micros, now, f"{name}=")
    return micros


def within_history(records: Store, instant: Instant | None, name: str) -> int:
    """Return an instant, by default now. Raises RangeError for an instant after now or before the first quote."""
    micros, begins_at = past(instant, name), _begins_at(records)
    if micros < begins_at:
        raise RangeError(
            f"{name}={tick_iso_of(micros)} is before the first quote: choose {tick_iso_of(begins_at)} or a later time"
        )
    return micros


def history_span(records: Store, start: Instant | None, end: Instant | None) -> tuple[int, int]:
    """Return a span, by default from the first quote until now. Raises RangeError for a span outside the history."""
    begins_at = _begins_at(records)
    last = SYSTEM_CLOCK.now() if end is None else past(end, "end")
    if last <= begins_at:
        raise RangeError(
            f"end={tick_iso_of(last)} is before the first quote: choose a time after {tick_iso_of(begins_at)}"
        )
    first = begins_at if start is None else micros_of(start, "start")
    check_order(first, last)
    return first, last


def span_of(start: Instant | None, end: Instant | None) -> Span:
    """Return a span; a missing bound is None. Raises RangeError for an empty span."""
    first = None if start is None else micros_of(start, "start")
    last = None if end is None else micros_of(end, "end")
    if first is not None and last is not None:
        check_order(first, last)
    return first, last


def days_of(span: Span) -> tuple[str | None, str | None]:
    """Return the first UTC day of a span, and the day after its last, as a view writes them."""
    first, last = span
    return (
        None if first is None else iso_of(first)[:10],
        # The day of the last microsecond is included.
        None if last is None else iso_of(min(last - 1 + MICROS_PER_DAY, YEAR_10000 - 1))[:10],
    )


def _begins_at(records: Store) -> int:
    begins_at = records.begins_at()
    if begins_at is None:
        raise RangeError("no quote is stored yet: run `kalshi data snapshot`, or `kalshi data collect`")
    return begins_at
