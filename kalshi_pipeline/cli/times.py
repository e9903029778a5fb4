"""Instants and spans on the command line."""

import math
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.units import MICROS_PER_SECOND, datetime_of, instant_of, parse_instant, parse_span

EXAMPLES = "RFC 3339 such as 2026-11-22T14:05:00Z, a date, 14:05, yesterday, yesterday 14:05, 2h ago or now"

_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_SPANS = "one such as 90m, 1h30m or 2d"
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_SECONDS_PER_MINUTE = 60
_MOST_MINUTES = 366 * 1440
_DAYS = {"today": 0, "yesterday": -1}
_TO_THE_MINUTE = re.compile(r"(\S+[T ][0-9]{2}:[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# As tables show local times: a blank before the offset, and no colon in it.
_WITH_OFFSET = re.compile(r"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?) ?([+-][0-9]{2}):?([0-9]{2})$")
_WITHOUT_ZONE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
)


def instant_given(option: str, text: str, *, is_local: bool = False) -> int:
    """Return the instant of an option, in microseconds since 1970.

    Days and times of day are UTC, or with `is_local` this computer's. A time of day is the last one before now. Raises
    ConfigurationError for anything that is not a time.
    """
    now = SYSTEM_CLOCK.now()
    try:
        found = _instant(" ".join(text.split()), now, None if is_local else UTC)
    except (ValueError, OverflowError) as error:
        reason = str(error) if isinstance(error, _NoZoneError) else f"is not a time: write {EXAMPLES}"
        raise ConfigurationError([f"{option} {quoted(text)} {reason}"]) from error
    if found is not None and found < 0:
        raise ConfigurationError([f"{option} {quoted(text)} is before 1970: choose a later time"])
    if found is None:
        raise ConfigurationError(
            [f"{option} {quoted(text)} is not a time: the exchange writes it for 'not set'"]
        )
    return found


def day_given(option: str, text: str) -> date:
    """Return the UTC day of an option's instant. Raises ConfigurationError for anything that is not a time."""
    return datetime_of(instant_given(option, text)).date()


def span_given(option: str, text: str) -> float:
    """Return the seconds of a span such as 90m, 1h30m or 2d. Raises ConfigurationError for anything else, without a
    unit, and for an empty span.
    """
    seconds = parse_span(text)
    if seconds is None or not 0 < seconds < math.inf:
        number = text.strip()
        if seconds is not None:
            reason = f"is {'too long' if seconds else 'empty'}: write {_SPANS}"
        elif _NUMBER.fullmatch(number):
            reason = f"has no unit: write {number}s, {number}m, {number}h or {number}d"
        else:
            reason = f"is not a span: write {_SPANS}"
        raise ConfigurationError([f"{option} {quoted(text)} {reason}"])
    return seconds


def minutes_given(option: str, text: str, least: float) -> float:
    """Return the minutes of an option that takes a number of minutes, or a span. Raises ConfigurationError for anything
    else, for less than `least`, and for more than a year.
    """
    seconds = parse_span(text)
    try:
        minutes = float(text) if seconds is None else seconds / _SECONDS_PER_MINUTE
    except ValueError:
        minutes = math.nan
    if math.isnan(minutes):
        problem = "is neither a number of minutes nor a span: write 5, 90s or 1h30m"
    elif minutes < least:
        problem = f"is too short: the least is {least:g} minutes"
    elif minutes > _MOST_MINUTES:
        problem = "is too long: the most is 366 days"
    else:
        return minutes
    raise ConfigurationError([f"{option} {quoted(text)} {problem}"])


class _NoZoneError(ValueError):
    """A date with a time of day that is not one instant without an offset."""


def _instant(text: str, now: int, zone: tzinfo | None) -> int | None:
    text = _WITH_OFFSET.sub(r"\1\2:\3", text)
    lower = text.lower()
    today = datetime_of(now).astimezone(zone)
    if lower == "now":
        return now
    name, _, of_day = lower.partition(" ")
    if name in _DAYS and (match := _OF_DAY.fullmatch(of_day or "00:00")):
        return _at(today + timedelta(days=_DAYS[name]), _time_of(match), zone)
    # A span alone means 'ago', like `--since 1h` in other programs.
    if (seconds := parse_span(lower.removesuffix("ago"))) is not None:
        ago = now - round(seconds * MICROS_PER_SECOND)
        datetime_of(ago)
        return ago
    if match := _OF_DAY.fullmatch(lower):
        of_today = _at(today, _time_of(match), zone)
        return of_today if of_today <= now else _at(today - timedelta(days=1), _time_of(match), zone)
    if _DATE.fullmatch(text):
        return _midnight(datetime.fromisoformat(text), zone)
    if match := _WITHOUT_ZONE.fullmatch(text):
        if zone is UTC:
            raise _NoZoneError("names no time zone: end it with Z for UTC, or an offset such as +01:00")
        day, of_day = match.groups()
        moment = datetime.combine(datetime.fromisoformat(day), time.fromisoformat(of_day))
        _check_clocks(moment)
        return _at(moment, moment.time(), zone)
    return parse_instant(_TO_THE_MINUTE.sub(r"\1:00\2", text))


def _time_of(match: re.Match[str]) -> time:
    hour, minute, second = (int(part or 0) for part in match.groups())
    return time(hour, minute, second)


def _check_clocks(moment: datetime) -> None:
    """Raise _NoZoneError for a time that this computer's clocks show twice, or skip, as in spring and autumn."""
    first, second = (moment.replace(fold=fold).astimezone() for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return
    if first.replace(tzinfo=None) != moment:
        raise _NoZoneError("is skipped by the clocks of this zone: end it with an offset, such as +01:00")
    offsets = " or ".join(_offset(found) for found in (first, second))
    raise _NoZoneError(f"is shown twice by the clocks of this zone: end it with the offset, {offsets}")


def _offset(moment: datetime) -> str:
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:5]}"


def _midnight(day: datetime, zone: tzinfo | None) -> int:
    return _at(day, time(), zone)


def _at(day: datetime, of_day: time, zone: tzinfo | None) -> int:
    """Return an instant of a zone; None means this computer's zone, whose offset may change from day to day."""
    moment = datetime.combine(day.date(), of_day)
    return instant_of(moment.astimezone() if zone is None else moment.replace(tzinfo=zone))
