"""How the exchange spells numbers, times and texts in its JSON (API.md §1.4 and quirk 8)."""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache

MICROS = 1_000_000  # per second, and per dollar
ZERO_TIME = "0001-01-01T00:00:00Z"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEN_THOUSANDTHS = tuple(f"{number // 10_000}.{number % 10_000:04d}" for number in range(10_001))
HUNDREDTHS = tuple(f".{number:02d}" for number in range(100))


@lru_cache(maxsize=65_536)
def spell_time(micros: int) -> str:
    """RFC 3339 in UTC with `Z`; trailing zeros of the fraction are cut, as Go's encoder does."""
    minutes, micros = divmod(micros, 60 * MICROS)
    seconds, fraction = divmod(micros, MICROS)
    if not fraction:
        return f"{_spell_minute(minutes)}:{seconds:02d}Z"
    return f"{_spell_minute(minutes)}:{seconds:02d}.{fraction:06d}".rstrip("0") + "Z"


@lru_cache(maxsize=65_536)
def _spell_minute(minutes: int) -> str:
    """A minute since 1970; most rows of a page share a few."""
    moment = _EPOCH + timedelta(minutes=minutes)
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M}"


def spell_dollars(micros: int) -> str:
    """Four decimals, or six where four would lose something: "0.0150", "0.123456"."""
    if 0 <= micros <= MICROS and not micros % 100:
        return TEN_THOUSANDTHS[micros // 100]
    return spell_micros(micros)


def spell_micros(micros: int) -> str:
    return f"{micros // MICROS}.{micros % MICROS:06d}"


def spell_contracts(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def spell_text(text: str) -> str:
    """A JSON string in its quotes; non-ASCII letters stay as they are."""
    return json.dumps(text, ensure_ascii=False)


def micros_of(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, of any year."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def datetime_of(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
