"""The kinds of payload fields: how each number and time is written, and which blanks mean that it is absent.

Absent is None and never 0. A blank is a missing field, `null`, or the empty string.

Each kind has two readers of one meaning, in its `Wire`: a type with an expression for msgspec, which read what today's
contract says and raise ValueError for anything else, and `read`, which takes any JSON with its numbers as `Number`.
pydantic's side serves the payloads that are read one at a time. Kinds of older generations have an `Older` instead, so
that a deprecated field does no harm if it cannot be read.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import BeforeValidator, PlainValidator, StringConstraints

from kalshi_pipeline.exchange.json_text import DEEPEST, Number, depth_of, load
from kalshi_pipeline.exchange.price_units import form_of
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

# Prices and times repeat from market to market and from page to page. Their readers are called for every field of
# every market, so a text that was read before costs one look-up.
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True)
class Wire:
    """How a kind of field is read: fast by its type in today's JSON and the expression that parses it, or by `read`.

    In the expression `{0}` is the value; the names in it are those of this module. A field `is_needed` if an odd value
    refuses the record; otherwise it costs the field. `instead` names the field whose value is taken in its place.
    """

    type: Any
    expression: str
    read: Callable[[object], Any]
    is_needed: bool = False
    instead: str | None = None


@dataclass(frozen=True)
class Older:
    """How the field of an older generation is read. It is kept as it came, and read where the newer one is absent.

    The unit of a price is decided by all prices of the record; see `price_units`.
    """

    read: Callable[[object], Any]
    is_price: bool = False


def _remembering(parse: Parse) -> Callable[[object], int | None]:
    """Return a reader of fields that parses texts, takes blanks as None, and remembers what a text was parsed as."""
    known: dict[object, int | None] = {None: None, "": None}

    def read(value: object) -> int | None:
        try:
            return known[value]
        except (KeyError, TypeError):
            parsed = parse(_text(value))
            if isinstance(value, str):  # a number is not remembered: as keys, True and 1 would be the same
                if len(known) >= _MOST_REMEMBERED:
                    known.clear()
                    known.update({None: None, "": None})
                known[value] = parsed
            return parsed

    return read


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"{quoted(value)} is neither text nor a number")  # noqa: TRY004  (pydantic's way)
    return value


def _dollars(text: str) -> int:
    """Return the micro-dollars of a text; a whole number above 1 without decimals may be cents, and is refused."""
    micros = parse_dollars(text)
    if abs(micros) > MICROS_PER_DOLLAR and "." not in text and not micros % MICROS_PER_DOLLAR:
        raise ValueError(f"{quoted(text)} may be dollars or cents")
    return micros


read_dollars = _remembering(_dollars)
read_instant = _remembering(parse_instant)
read_multiplier = _remembering(parse_millionths)


def read_contracts(value: object) -> int | None:
    """Return the hundredths of a contract of a text or an integer. They rarely repeat, so they are not cached."""
    if isinstance(value, str):
        return parse_contracts(value) if value else None
    return None if value is None else parse_contracts(_text(value))


def read_epoch_seconds(value: object) -> int:
    """Return the instant of Unix seconds."""
    if value is None or value == "":
        raise ValueError("it is missing")
    return parse_seconds(_text(value))


def read_word(value: object) -> str | None:
    """Return an optional text, which may be blank. PostgreSQL stores no NUL, and nothing stores half a character."""
    if value is None:
        return None
    if not isinstance(value, str) or isinstance(value, Number):
        raise ValueError(f"{quoted(value)} is not text")  # noqa: TRY004  (as the other readers)
    if not is_text(value):
        raise ValueError("it holds a NUL or half a character (a lone surrogate)")
    return value


def read_text(value: object) -> str | None:
    """Return an optional text; the blank one is absent."""
    return read_word(value) or None


def read_ticker(value: object) -> str:
    """Return what identifies a record."""
    text = read_word(value)
    if not text:
        raise ValueError("it is missing")
    if len(text) > LONGEST_TICKER:
        raise ValueError(f"it is longer than {LONGEST_TICKER} characters")
    return text


def read_older(read: Callable[[object], Value], value: object, name: str) -> Value:
    """Return what a field of an older generation says; an error names the field."""
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def read_tags(value: object) -> str | None:
    """Return a list of texts as one text, separated by commas."""
    if value is None or value == "":
        return None
    tags = [read_word(tag) for tag in value] if isinstance(value, list) else [None]
    if None in tags:
        raise ValueError(f"{quoted(value)} is not a list of texts")
    return ",".join(tag for tag in tags if tag is not None) if tags else None


def _blank_to_none(value: object) -> object:
    return None if value == "" else value


def read_flag(value: object) -> bool | None:
    """Return an optional yes or no."""
    if value is None or value == "":
        return None
    if not isinstance(value, bool):
        raise ValueError(f"{quoted(value)} is neither true nor false")  # noqa: TRY004  (as the other readers)
    return value


def read_integer(value: object) -> int | None:
    """Return an optional integer, or one that is written as text."""
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
    """Return an optional number that is neither a price nor a quantity."""
    if value is None or value == "":
        return None
    text = _text(value)
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{quoted(text)} is not a number that can be stored")
    return number


def loose_text(value: object) -> str | None:
    """Return an optional text; anything else is absent."""
    try:
        return read_text(value)
    except ValueError:
        return None


_MOST_JSON = 10_000
_encode_json = msgspec.json.Encoder(order="sorted").encode
NO_JSON = msgspec.Raw(b"null")
"""What a field of JSON has that is missing."""
_known_json: dict[bytes, str | None] = {}
_known_multipliers: dict[bytes, int | None] = {}


def read_raw_json(value: msgspec.Raw) -> str | None:
    """Return optional JSON as text with sorted keys; null and what is empty are absent.

    Most of it repeats from market to market.
    """
    raw = bytes(value)
    if raw not in _known_json:
        if len(_known_json) >= _MOST_JSON:
            _known_json.clear()
        _known_json[raw] = _canonical(raw)
    return _known_json[raw]


def _canonical(raw: bytes) -> str | None:
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and depth_of(raw) > DEEPEST:
        raise ValueError(f"it has more than {DEEPEST} levels")
    try:
        value = msgspec.json.decode(raw)
        return None if value in (None, "", [], {}) else _encode_json(_json_numbers(value)).decode()
    except (OverflowError, RecursionError, ValueError) as error:
        raise ValueError(f"it is no JSON that can be stored ({error})") from error


def _json_numbers(value: object) -> object:
    """Return JSON with its fractions as text."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return [_json_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _json_numbers(item) for key, item in value.items()}
    return value


def read_json(value: object) -> str | None:
    """Return the same of JSON that was read with its numbers as `Number`."""
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
    """Return the millionths of a number that was not read yet; as JSON's own number it may have lost digits."""
    raw = bytes(value)
    if raw not in _known_multipliers:
        if len(_known_multipliers) >= _MOST_JSON:
            _known_multipliers.clear()
        _known_multipliers[raw] = read_multiplier(load(raw))
    return _known_multipliers[raw]


LONGEST_TICKER = 1000
_MOST_SECONDS = LARGEST_INTEGER // MICROS_PER_SECOND

WireTicker = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TICKER)]
Ticker = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_TICKER),
    Wire(WireTicker, "{0}", read_ticker, is_needed=True),
]
"""What identifies a record: required, and never blank."""

ParentTicker = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_TICKER),
    Wire(WireTicker, "{0}", read_ticker, instead="ticker"),
]
"""What identifies the parent of a record. If it is missing, the record's own ticker stands for a parent of its own."""

Text = Annotated[str | None, BeforeValidator(_blank_to_none), Wire(str | None, "{0} or None", read_text)]
"""Optional text; the blank string is absent."""

NeededText = Annotated[
    str | None,
    BeforeValidator(_blank_to_none),
    Wire(str | None, "{0} or None", read_text, is_needed=True),
]
"""The same, where an odd value would change what the record says."""

Word = Annotated[str | None, Wire(str | None, "{0}", read_word)]
"""An optional word of a vocabulary of which the blank string is a part."""

Tags = Annotated[str | None, BeforeValidator(read_tags), Wire(list[str] | None, "read_tags({0})", read_tags)]
"""An optional list of texts."""

_wire_dollars = Wire(str | None, "read_dollars({0})", read_dollars)
LooseDollars = Annotated[int | None, PlainValidator(read_dollars), _wire_dollars]
"""A decimal string of dollars ("0.0150"), as micro-dollars."""

Dollars = Annotated[int | None, PlainValidator(read_dollars), replace(_wire_dollars, is_needed=True)]
"""The same, of a price that the record is about."""

_wire_contracts = Wire(str | None, "read_contracts({0})", read_contracts)
LooseContracts = Annotated[int | None, PlainValidator(read_contracts), _wire_contracts]
"""A decimal string of contracts ("2985.50"), or an integer as sent until March 2026, as hundredths."""

Contracts = Annotated[int | None, PlainValidator(read_contracts), replace(_wire_contracts, is_needed=True)]
"""The same, of a size that the record is about."""

_wire_multiplier = Wire(msgspec.Raw, "None if {0} is NO_JSON else read_raw_multiplier({0})", read_multiplier)
LooseMultiplier = Annotated[int | None, PlainValidator(read_multiplier), _wire_multiplier]
"""An optional JSON number such as 1 or 0.5, as millionths."""

Multiplier = Annotated[int | None, PlainValidator(read_multiplier), replace(_wire_multiplier, is_needed=True)]
"""The same, of a multiplier that the record is about."""

Instant = Annotated[
    int | None, PlainValidator(read_instant), Wire(str | None, "read_instant({0})", read_instant)
]
"""An RFC 3339 time, as microseconds since 1970; the zero time is absent."""

Moment = Annotated[
    int | None,
    PlainValidator(read_instant),
    Wire(str | None, "parse_instant({0}) if {0} else None", read_instant, is_needed=True),
]
"""The same, of a time that the record needs, and that hardly any two share: to remember it would only cost time."""

EpochSeconds = Annotated[
    int,
    PlainValidator(read_epoch_seconds),
    Wire(
        Annotated[int, msgspec.Meta(ge=-_MOST_SECONDS, le=_MOST_SECONDS)],
        "{0} * MICROS_PER_SECOND",
        read_epoch_seconds,
        is_needed=True,
    ),
]
"""Unix seconds, as microseconds since 1970; never blank, because they identify a candlestick."""

Float = Annotated[float | None, PlainValidator(read_number), Wire(float | None, "{0}", read_number)]
"""An optional number that is neither a price nor a quantity, such as a strike."""

Flag = Annotated[bool | None, PlainValidator(read_flag), Wire(bool | None, "{0}", read_flag)]
"""An optional yes or no."""

Integer = Annotated[
    int | None,
    PlainValidator(read_integer),
    Wire(int | str | None, "None if {0} is None else read_integer({0})", read_integer),
]
"""An optional integer."""

Json = Annotated[
    Any,
    PlainValidator(read_json),
    Wire(msgspec.Raw, "None if {0} is NO_JSON else read_raw_json({0})", read_json),
]
"""Any JSON, as text with sorted keys; null and what is empty are absent."""

OlderText = Annotated[Any, Older(read_text)]
"""Optional text."""

OlderPrice = Annotated[Any, Older(form_of, is_price=True)]
"""Integer cents, as sent until March 2026, or a decimal string of dollars, as in the historical tier."""

OlderContracts = Annotated[Any, Older(read_contracts)]
"""An integer, as sent until March 2026, or a decimal string of contracts, as in the historical tier."""
