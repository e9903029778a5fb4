"""Parsers of single JSON values, which raise ValueError for a value that the field cannot have.

JSON numbers are `Number`, with every digit. Absent is None, never 0.
"""

import json
import math
import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from kalshi_pipeline.exchange.json_text import DEEPEST, Number, check_depth, load
from kalshi_pipeline.quoting import is_text, quoted
from kalshi_pipeline.units import (
    LARGEST_INTEGER,
    MICROS_PER_DOLLAR,
    MICROS_PER_SECOND,
    parse_contracts,
    parse_dollars,
    parse_instant,
    parse_integer,
    parse_millionths,
    parse_seconds,
)

Parse = Callable[[str], int | None]
Value = TypeVar("Value")

# Prices and times repeat across markets and pages, and every field of every market needs them. A text that was parsed
# before costs one look-up and no call.
_MOST_REMEMBERED = 100_000


LONGEST_TICKER = 1000
MOST_SECONDS = LARGEST_INTEGER // MICROS_PER_SECOND


class Remembered(dict[object, int | None]):
    """A cache of parsed texts: a new text is parsed at its first look-up, and blanks are None."""

    def __init__(self, parse: Parse) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, value: object) -> int | None:
        if value is None or value == "":
            return None
        parsed = self._parse(_text(value))
        if isinstance(value, str):  # numbers are not cached, because True and 1 would be the same key
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[value] = parsed
        return parsed

    def read(self, value: object) -> int | None:
        """Return the parsed value of any JSON type."""
        try:
            return self[value]
        except TypeError:  # a list or an object
            return self._parse(_text(value))


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is neither text nor a number")  # noqa: TRY004  (pydantic's way)
    return value


def _dollars(text: str) -> int:
    """Return the micro-dollars of a text. A whole number above 1 without decimals may be cents, and is refused."""
    micros = parse_dollars(text)
    if abs(micros) > MICROS_PER_DOLLAR and "." not in text and not micros % MICROS_PER_DOLLAR:
        raise ValueError(f"{quoted(text)} may be dollars or cents")
    return micros


known_dollars = Remembered(_dollars)
known_instants = Remembered(parse_instant)
read_dollars, read_instant = known_dollars.read, known_instants.read
read_multiplier = Remembered(parse_millionths).read


def read_contracts(value: object) -> int | None:
    """Parse contracts into hundredths, from a text or an integer. They rarely repeat, so they are not cached."""
    if isinstance(value, str):
        return parse_contracts(value) if value else None
    return None if value is None else parse_contracts(_text(value))


def read_epoch_seconds(value: object) -> int:
    """Parse Unix seconds into an instant."""
    if value is None or value == "":
        raise ValueError("it is missing")
    return parse_seconds(_text(value))


def read_word(value: object) -> str | None:
    """Return an optional text, which may be blank. A NUL (unsupported by PostgreSQL) or a lone surrogate is refused."""
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, Number):
        raise ValueError(f"{quoted(value)} is not text")  # noqa: TRY004  (as the other readers)
    if not is_text(value):
        raise ValueError("it contains a NUL or a lone surrogate")
    return value


def read_text(value: object) -> str | None:
    """Return an optional text; a blank text is absent."""
    return read_word(value) or None


def read_ticker(value: object) -> str:
    """Return a record's identifier."""
    text = read_word(value)
    if not text:
        raise ValueError("it is missing")
    if len(text) > LONGEST_TICKER:
        raise ValueError(f"it is longer than {LONGEST_TICKER} characters")
    return text


def read_older(read: Callable[[object], Value], value: object, name: str) -> Value:
    """Return the value of a field of an older generation; an error names the field."""
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def read_tags(value: object) -> str | None:
    """Parse a list of texts into one text, separated by commas."""
    if value is None or value == "":
        return None
    tags = [read_word(tag) for tag in value] if isinstance(value, list) else [None]
    if None in tags:
        raise ValueError(f"{quoted(value)} is not a list of texts")
    return ",".join(tag for tag in tags if tag is not None) if tags else None


def blank_to_none(value: object) -> object:
    """Return a value, or None for the empty string."""
    return None if value == "" else value


def read_flag(value: object) -> bool | None:
    """Parse an optional boolean."""
    if value is None or value == "":
        return None
    if not isinstance(value, bool):
        raise ValueError(f"{quoted(value)} is neither true nor false")  # noqa: TRY004  (as the other readers)
    return value


def read_integer(value: object) -> int | None:
    """Return an optional integer, which may be written as text."""
    if value is None or value == "":
        return None
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and -LARGEST_INTEGER <= value <= LARGEST_INTEGER
    ):
        return value
    return parse_integer(_text(value))


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def read_number(value: object) -> float | None:
    """Parse an optional number that is neither a price nor a quantity."""
    if value is None or value == "":
        return None
    text = _text(value)
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{quoted(text)} is not a number that can be stored")
    return number


def loose_text(value: object) -> str | None:
    """Parse an optional text; anything else is absent."""
    try:
        return read_text(value)
    except ValueError:
        return None


def loose_instant(value: object) -> int | None:
    """Return the instant of an optional RFC 3339 time; anything else is absent."""
    try:
        return read_instant(value)
    except ValueError:
        return None


def loose_dollars(value: object) -> int | None:
    """Parse an optional decimal string into micro-dollars; anything else is absent."""
    try:
        return read_dollars(value) if isinstance(value, str) else None
    except ValueError:
        return None


_MOST_JSON = 10_000
_encode_json = msgspec.json.Encoder(order="sorted").encode
NO_JSON = msgspec.Raw(b"null")
"""The value of a missing JSON field."""
_known_json: dict[bytes, str | None] = {}
_known_multipliers: dict[bytes, int | None] = {}


def read_raw_json(value: msgspec.Raw) -> str | None:
    """Return optional JSON as text with sorted keys; null and empty values are absent.

    Most values repeat across markets.
    """
    raw = bytes(value)
    if raw not in _known_json:
        if len(_known_json) >= _MOST_JSON:
            _known_json.clear()
        _known_json[raw] = _canonical(raw)
    return _known_json[raw]


def _canonical(raw: bytes) -> str | None:
    check_depth(raw)
    try:
        value = msgspec.json.decode(raw)
        return None if value in (None, "", [], {}) else _encode_json(_json_numbers(value)).decode()
    except (OverflowError, RecursionError, ValueError) as error:
        raise ValueError(f"it is not JSON that can be stored ({error})") from error


def _json_numbers(value: object) -> object:
    """Parse JSON with fractions as text."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return [_json_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _json_numbers(item) for key, item in value.items()}
    return value


def read_json(value: object) -> str | None:
    """Return JSON that was parsed with numbers as `Number` as text with sorted keys."""
    try:
        return read_raw_json(msgspec.Raw(_text_of(value).encode()))
    except RecursionError as error:
        raise ValueError(f"it has more than {DEEPEST} levels") from error


def _text_of(value: object) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return f"[{','.join(map(_text_of, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_text_of(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def read_raw_multiplier(value: msgspec.Raw) -> int | None:
    """Return the millionths of an unparsed number, because a parsed JSON number may have lost digits."""
    raw = bytes(value)
    if raw not in _known_multipliers:
        if len(_known_multipliers) >= _MOST_JSON:
            _known_multipliers.clear()
        _known_multipliers[raw] = read_multiplier(load(raw))
    return _known_multipliers[raw]
