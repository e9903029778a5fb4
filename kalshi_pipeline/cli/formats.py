"""Formats of single values: exact for programs; with ages, signs and thousands separators for people."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from kalshi_pipeline.cli.answer import Column, Kind
from kalshi_pipeline.quoting import is_printable, printable
from kalshi_pipeline.units import (
    MICROS_PER_DOLLAR,
    MICROS_PER_SECOND,
    contracts_of,
    datetime_of,
    dollars_of,
    iso_of,
)


def printable_json(text: str) -> str:
    """Return JSON with terminal control characters escaped; its values are unchanged."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if char == "\n" or is_printable(char) else json.dumps(char)[1:-1] for char in text)


def dollars(micros: int) -> str:
    """Return a price exactly, without trailing zeros."""
    return f"{dollars_of(micros):f}"


def contracts(hundredths: int) -> str:
    """Return a count of contracts exactly."""
    return f"{contracts_of(hundredths):f}"


def half_dollars(micros: float, sign: str = "") -> str:
    """Return dollars, possibly with half a micro-dollar."""
    return f"{micros / MICROS_PER_DOLLAR:{sign}.7f}".rstrip("0").rstrip(".")


def instant(at: int, *, is_local: bool = False) -> str:
    """Return an instant to the second, in UTC or in this computer's zone."""
    if not is_local:
        return f"{datetime_of(at):%Y-%m-%d %H:%M:%SZ}"
    return f"{datetime_of(at).astimezone():%Y-%m-%d %H:%M:%S %z}"


def _exact_instant(at: int, *, is_local: bool = False) -> str:
    return datetime_of(at).astimezone().isoformat(timespec="microseconds") if is_local else iso_of(at)


def age(seconds: float) -> str:
    """Return a span in a readable unit."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def _span(seconds: float) -> str:
    """Return a span as a table shows it: to a tenth of a second if it is short."""
    return f"{seconds:.1f} s" if 0 <= seconds < _SHORT_SECONDS else age(seconds)


def ago(at: int, now: int) -> str:
    """Return how long ago an instant was, or the time until then."""
    seconds = (now - at) / MICROS_PER_SECOND
    return f"{age(seconds)} ago" if seconds >= 0 else f"in {age(-seconds)}"


_Writer = Callable[[Any], str]
_SHORT_SECONDS = 9.95

_EXACT: Mapping[Kind, _Writer] = {
    Kind.TEXT: str,
    Kind.TICKER: str,
    Kind.DOLLARS: dollars,
    Kind.HALF_DOLLARS: half_dollars,
    Kind.CHANGE: half_dollars,
    Kind.CONTRACTS: contracts,
    Kind.INSTANT: _exact_instant,
    Kind.SPAN: lambda seconds: f"{seconds:.3f}".rstrip("0").rstrip("."),
    Kind.COUNT: str,
    Kind.FLAG: lambda value: str(int(value)),
}
_SHOWN: Mapping[Kind, _Writer] = {
    **_EXACT,
    Kind.TEXT: lambda value: printable(str(value)),
    Kind.TICKER: lambda value: printable(str(value)),
    Kind.CHANGE: lambda micros: half_dollars(micros, "+"),
    Kind.CONTRACTS: lambda hundredths: f"{contracts_of(hundredths):,f}",
    Kind.SPAN: _span,
    Kind.COUNT: lambda count: f"{count:,}",
    Kind.FLAG: lambda value: "yes" if value else "no",
}
_WORDS = (Kind.TEXT, Kind.TICKER)
_DECIMALS = (Kind.DOLLARS, Kind.HALF_DOLLARS, Kind.CHANGE, Kind.CONTRACTS)


def with_equal_decimals(texts: Sequence[str], column: Column) -> list[str]:
    """Return the numbers of a column with as many decimals each, so that they align; other columns as they are."""
    if column.kind not in _DECIMALS:
        return list(texts)
    most = max((len(text.partition(".")[2]) for text in texts), default=0)
    if not most:
        return list(texts)

    def padded(text: str) -> str:
        whole, _, decimals = text.partition(".")
        return f"{whole}.{decimals:0<{most}}" if whole[-1:].isdigit() else text

    return [padded(text) for text in texts]


def exact_writer(column: Column, *, is_local: bool = False, is_plain: bool = False) -> _Writer:
    """Return the formatter of a column for programs; absent values are blank. With `is_plain`, control characters are
    replaced.
    """
    if column.kind is Kind.INSTANT and is_local:
        return lambda at: "" if at is None else _exact_instant(at, is_local=True)
    write = _SHOWN[column.kind] if is_plain and column.kind in _WORDS else _EXACT[column.kind]
    return lambda value: "" if value is None else write(value)


def shown_writer(column: Column, *, is_local: bool = False) -> _Writer:
    """Return the formatter of a column for people."""
    if column.kind is Kind.INSTANT:
        return lambda at: column.absent if at is None else instant(at, is_local=is_local)
    write = _SHOWN[column.kind]
    return lambda value: column.absent if value is None or value == "" else write(value)


def json_writer(column: Column, *, is_local: bool = False) -> _Writer:
    """Return the formatter of a column for JSON: exact numbers, and null for absent values."""
    write = exact_writer(column, is_local=is_local)
    if column.kind is Kind.FLAG:
        return lambda value: "null" if value is None else json.dumps(bool(value))
    if column.kind in (*_WORDS, Kind.INSTANT):
        return lambda value: "null" if value is None else json.dumps(write(value), ensure_ascii=False)
    return lambda value: "null" if value is None else write(value)


def day_of(at: int) -> str:
    """Return the UTC day of an instant."""
    return f"{datetime_of(at).astimezone(UTC):%Y-%m-%d}"
