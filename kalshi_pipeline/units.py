"""Exact dollars, contracts and UTC instants.

Parsing turns text into integers; display turns integers into Decimal and datetime. Inside the pipeline a price is an
integer in micro-dollars, a size in hundredths of a contract, an instant in microseconds since 1970 in UTC. Parsing
never uses float. `exchange` knows how payloads spell these numbers, and which blanks mean 'absent'.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kalshi_pipeline.quoting import quoted

MICROS_PER_DOLLAR = 1_000_000
MICROS_PER_SECOND = 1_000_000
MICROS_PER_MILLISECOND = 1000
MICROS_PER_HOUR = 3_600 * MICROS_PER_SECOND
MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND
YEAR_10000 = 253_402_300_800_000_000
"""The first instant that a datetime cannot hold."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
_LONGEST_EXPONENT = 8
_MOST_DIGITS = 19
_PART_OF_SPAN = re.compile(
    r"([0-9]+(?:\.[0-9]+)?) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d|weeks?|w)(?![a-z]) ?"
)
_SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
LARGEST_INTEGER = 2**63 - 1  # the widest integer that SQLite and PostgreSQL store


def parse_dollars(text: str) -> int:
    """Return the micro-dollars of a decimal string such as "0.0150" or "1.5e-2".

    Like the functions below, raises ValueError beyond the stated number of significant decimals (here six), and beyond
    64 bits.
    """
    return _scaled(text, 6)


def parse_millionths(text: str) -> int:
    """Return the millionths of a decimal string such as "0.5", with up to six significant decimals."""
    return _scaled(text, 6)


def parse_seconds(text: str) -> int:
    """Return the microseconds since 1970 of Unix seconds such as "1760500800"."""
    return _scaled(text, 6)


def parse_integer(text: str) -> int:
    """Return a whole number such as "30" or "3e1"."""
    return _scaled(text, 0)


def parse_contracts(text: str) -> int:
    """Return the hundredths of a contract of "1234.50", with up to two significant decimals."""
    # A fast path: nearly all counts have two decimals. They rarely repeat, so a cache does not help.
    whole, _, fraction = text.partition(".")
    if len(fraction) == 2 and whole.isdigit() and fraction.isdigit() and text.isascii() and len(whole) < 17:
        return int(whole + fraction)
    return _scaled(text, 2)


def _scaled(text: str, decimals: int) -> int:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"{quoted(text)} is not a decimal number")
    sign, whole, fraction, exponent = match.group(1), match.group(2), match.group(3) or "", match.group(4)
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 0
    carrying = digits.rstrip("0")
    if exponent is not None and len(exponent.lstrip("+-0")) > _LONGEST_EXPONENT:
        raise ValueError(f"{quoted(text)} has an exponent that is too large to read")
    zeros = len(digits) - len(carrying) - len(fraction) + int(exponent or 0) + decimals
    if zeros < 0:
        raise ValueError(f"{quoted(text)} has more than {decimals} significant decimals")
    # Bound the length first, so that neither digits nor zeros can fill the memory.
    if len(carrying) + zeros > _MOST_DIGITS or (scaled := int(carrying + "0" * zeros)) > LARGEST_INTEGER:
        raise ValueError(f"{quoted(text)} is too large to store")
    return -scaled if sign else scaled


def parse_instant(text: str) -> int | None:
    """Return the microseconds since 1970 of an RFC 3339 time, or None for `0001-01-01T00:00:00Z`, with which the
    exchange means 'not set' (docs/exchange-api.md).

    Digits below a microsecond are cut, and a leap second becomes the first second of the next minute. Raises ValueError
    for any other form, and for a time without an offset.
    """
    match = _RFC_3339.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        is_leap = match.group(1) == "60"
        moment = datetime.fromisoformat((f"{text[:17]}59{text[19:]}" if is_leap else text).upper())
        if moment.year == 1:
            return None
        instant = (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND
        if is_leap:
            if instant % MICROS_PER_DAY < MICROS_PER_DAY - MICROS_PER_SECOND:
                raise ValueError(text)
            instant += MICROS_PER_SECOND
            datetime_of(instant)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{quoted(text)} is not an RFC 3339 time such as 2026-11-22T14:05:00Z") from error
    return instant


def parse_span(text: str) -> float | None:
    """Return the seconds of a length of time such as 30s, 5m, 1h30m, 1.5h, 2 days or 1w; None for any other text.

    A number without a unit is refused, because it could mean minutes or seconds. Each unit appears once, the largest
    first.
    """
    text = text.strip().lower()
    seconds, end, smallest = 0.0, 0, math.inf
    while end < len(text):
        match = _PART_OF_SPAN.match(text, end)
        if match is None or (unit := _SECONDS_OF[match[2][0]]) >= smallest:
            return None
        seconds, end, smallest = seconds + float(match[1]) * unit, match.end(), unit
    return seconds if text else None


def instant_of(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime. Raises ValueError if it is naive."""
    # A time zone may raise instead of returning its offset.
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} names no time zone")
    return (moment - _EPOCH) // _MICROSECOND


def datetime_of(instant: int) -> datetime:
    """Return the aware UTC datetime of an instant in microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=instant)


def iso_of(instant: int) -> str:
    """Return an instant as the views write it, with a fixed length so that text sorts: `2026-11-22T14:05:00.000000Z`.

    The views write the times of ticks by `tick_iso_of`.
    """
    return datetime_of(instant).isoformat(timespec="microseconds").replace("+00:00", "Z")


def tick_iso_of(instant: int) -> str:
    """Return an instant in whole seconds, as the views write ticks, and messages any: `2026-11-22T14:05:00Z`.

    Fractions are cut.
    """
    return datetime_of(instant).isoformat(timespec="seconds").replace("+00:00", "Z")


def brief_iso_of(instant: int) -> str:
    """Return an instant as messages write it, exactly: without a fraction of a second that is zero."""
    return tick_iso_of(instant) if instant % MICROS_PER_SECOND == 0 else iso_of(instant)


def dollars_of(micros: int) -> Decimal:
    """Return exact dollars: 290000 is Decimal('0.29')."""
    return decimal_of_millionths(micros)


def decimal_of_millionths(millionths: int) -> Decimal:
    """Return the exact number: 500000 is Decimal('0.5')."""
    return trimmed(Decimal(millionths).scaleb(-6))


def contracts_of(hundredths: int) -> Decimal:
    """Return exact contracts: 298550 is Decimal('2985.5')."""
    return trimmed(Decimal(hundredths).scaleb(-2))


def trimmed(value: Decimal) -> Decimal:
    """Return an exact number without trailing zeros."""
    # normalize() alone would write 100 as 1E+2.
    return value.to_integral_value() if value == value.to_integral_value() else value.normalize()
