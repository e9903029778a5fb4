"""The kinds of payload fields: how each number and time is written, and which blanks mean that it is absent.

Absent is None and never 0. A blank is a missing field, `null`, or the empty string. A JSON number that is not an
integer is refused here, because it would already have passed through float; `pages` reads such a page again with its
numbers as text.

Each kind has two sides: what pydantic accepts, and a `Wire` with what msgspec reads fast. Kinds of older generations
have an `Older` in its place, so that a deprecated field does no harm if it cannot be read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import BeforeValidator, PlainValidator, StringConstraints

from kalshi_pipeline.units import (
    LARGEST_INTEGER,
    MICROS_PER_SECOND,
    parse_cents,
    parse_contracts,
    parse_dollars,
    parse_instant,
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
    """How a kind of field is read fast: its type in today's JSON, and the expression that parses it.

    In the expression `{0}` is the value; the names in it are those of this module.
    """

    type: Any
    expression: str = "{0}"


@dataclass(frozen=True)
class Older:
    """How the field of an older generation is read. It is kept as it came, and read where the newer one is absent."""

    read: Callable[[object], Any]


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
        raise ValueError(f"{value!r} is neither text nor an integer")  # noqa: TRY004  (pydantic's way)
    return value


read_dollars = _remembering(parse_dollars)
read_cents = _remembering(parse_cents)
read_instant = _remembering(parse_instant)
read_multiplier = _remembering(parse_millionths)


def read_contracts(value: object) -> int | None:
    """Return the hundredths of a contract of a text or an integer. They rarely repeat, so they are not cached."""
    if isinstance(value, str):
        return parse_contracts(value) if value else None
    return None if value is None else parse_contracts(_text(value))


def read_dollars_or_cents(value: object) -> int | None:
    """Return the micro-dollars of a text, which is dollars, or of an integer, which is cents."""
    return read_cents(value) if isinstance(value, int) else read_dollars(value)


def read_epoch_seconds(value: object) -> int:
    """Return the instant of Unix seconds."""
    return parse_seconds(_text(value))


def read_text(value: object) -> str | None:
    """Return an optional text; the blank one is absent."""
    if not isinstance(value, str | None):
        raise ValueError(f"{value!r} is not text")  # noqa: TRY004  (pydantic's way)
    return value or None


def read_older(read: Callable[[object], Value], value: object, name: str) -> Value:
    """Return what a field of an older generation says; an error names the field."""
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def read_tags(value: object) -> str | None:
    """Return a list of texts as one text, separated by commas."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError(f"{value!r} is not a list of texts")
    return ",".join(value) if value else None


def _blank_to_none(value: object) -> object:
    return None if value == "" else value


def loose_text(value: object) -> str | None:
    """Return an optional text; anything else is absent, and so is a text that holds half a character."""
    if not isinstance(value, str) or not (value.isascii() or _is_whole(value)):
        return None
    return value or None


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def loose_flag(value: object) -> bool | None:
    """Return an optional yes or no; anything else is absent."""
    return value if isinstance(value, bool) else None


def loose_integer(value: object) -> int | None:
    """Return an optional integer, or one that is written as text; anything else is absent."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value if is_integer and abs(value) <= LARGEST_INTEGER else None  # type: ignore[return-value, arg-type]


def loose_instant(value: object) -> int | None:
    """Return the instant of an optional time; anything else is absent."""
    try:
        return read_instant(value)
    except ValueError:
        return None


def loose_dollars(value: object) -> int | None:
    """Return the micro-dollars of an optional decimal string; anything else is absent."""
    try:
        return read_dollars(value) if isinstance(value, str) else None
    except ValueError:
        return None


def loose_multiplier(value: object) -> int | None:
    """Return the millionths of an optional number, such as 0.5, or of its text; anything else is absent."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_millionths(str(value))
    except ValueError:
        return None


def _json_numbers(value: object) -> object:
    """Return JSON with its fractions as text, so that it is the same however it was read."""
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return [_json_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _json_numbers(item) for key, item in value.items()}
    return value


def read_json(value: object) -> str | None:
    """Return optional JSON as text with sorted keys; null and what is empty are absent."""
    if value in (None, "", [], {}):
        return None
    try:
        return _encode_json(_json_numbers(value)).decode()
    except (OverflowError, RecursionError, ValueError):  # too large, too deep, or with half a character
        return None


_MOST_JSON = 10_000
_encode_json = msgspec.json.Encoder(order="sorted").encode
NO_JSON = msgspec.Raw(b"null")
"""What a field of JSON has that is missing."""
_known_json: dict[bytes, str | None] = {}


def read_raw_json(value: msgspec.Raw) -> str | None:
    """Return the same of JSON that was not read yet. Most of it repeats from market to market."""
    raw = bytes(value)
    if raw not in _known_json:
        if len(_known_json) >= _MOST_JSON:
            _known_json.clear()
        try:
            _known_json[raw] = read_json(msgspec.json.decode(raw))
        except (RecursionError, ValueError):
            _known_json[raw] = None
    return _known_json[raw]


LONGEST_TICKER = 255
_MOST_SECONDS = LARGEST_INTEGER // MICROS_PER_SECOND

WireTicker = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TICKER)]
Ticker = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TICKER), Wire(WireTicker)]
"""What identifies a record: required, and never blank."""

Text = Annotated[str | None, BeforeValidator(_blank_to_none), Wire(str | None, "{0} or None")]
"""Optional text; the blank string is absent."""

Word = Annotated[str | None, Wire(str | None)]
"""An optional word of a vocabulary of which the blank string is a part."""

Tags = Annotated[str | None, BeforeValidator(read_tags), Wire(list[str] | None, "read_tags({0})")]
"""An optional list of texts."""

Dollars = Annotated[int | None, PlainValidator(read_dollars), Wire(str | None, "read_dollars({0})")]
"""A decimal string of dollars ("0.0150"), as micro-dollars."""

Cents = Annotated[int | None, PlainValidator(read_cents)]
"""Integer cents, as sent until March 2026, as micro-dollars."""

Contracts = Annotated[int | None, PlainValidator(read_contracts), Wire(str | None, "read_contracts({0})")]
"""A decimal string of contracts ("2985.50"), or an integer as sent until March 2026, as hundredths."""

Multiplier = Annotated[
    int | None, PlainValidator(read_multiplier), Wire(int | str | None, "read_multiplier({0})")
]
"""An optional JSON number such as 1 or 0.5, as millionths. One with decimals takes the slow way, which keeps them."""

Instant = Annotated[int | None, PlainValidator(read_instant), Wire(str | None, "read_instant({0})")]
"""An RFC 3339 time, as microseconds since 1970; the zero time is absent."""

Moment = Annotated[
    int | None, PlainValidator(read_instant), Wire(str | None, "parse_instant({0}) if {0} else None")
]
"""The same, of a time that hardly any two records share: to remember it would only cost time."""

EpochSeconds = Annotated[
    int,
    PlainValidator(read_epoch_seconds),
    Wire(Annotated[int, msgspec.Meta(ge=-_MOST_SECONDS, le=_MOST_SECONDS)], "{0} * MICROS_PER_SECOND"),
]
"""Unix seconds, as microseconds since 1970; never blank, because they identify a candlestick."""

Number = Annotated[float | None, BeforeValidator(_blank_to_none), Wire(float | None)]
"""An optional number that is neither a price nor a quantity, such as a strike."""

Flag = Annotated[bool | None, BeforeValidator(_blank_to_none), Wire(bool | None)]
"""An optional yes or no."""

# Of what describes a record and is no part of its quote, an odd value costs its own field and no more.
# What msgspec has read as text is whole.
LooseText = Annotated[
    Any, PlainValidator(loose_text), Wire(Any, "({0} or None) if {0}.__class__ is str else None")
]
"""Optional text; the blank string is absent, and so is anything else."""

LooseFlag = Annotated[Any, PlainValidator(loose_flag), Wire(Any, "{0} if {0}.__class__ is bool else None")]
"""An optional yes or no; anything else is absent."""

LooseInteger = Annotated[
    Any, PlainValidator(loose_integer), Wire(Any, "None if {0} is None else loose_integer({0})")
]
"""An optional integer; anything else is absent."""

LooseInstant = Annotated[
    Any, PlainValidator(loose_instant), Wire(Any, "None if {0} is None else loose_instant({0})")
]
"""An optional RFC 3339 time, as microseconds since 1970; anything else is absent."""

LooseDollars = Annotated[
    Any, PlainValidator(loose_dollars), Wire(Any, "None if {0} is None else loose_dollars({0})")
]
"""An optional decimal string of dollars, as micro-dollars; anything else is absent."""

LooseMultiplier = Annotated[Any, PlainValidator(loose_multiplier), Wire(Any, "loose_multiplier({0})")]
"""An optional number, as millionths; anything else is absent."""

Json = Annotated[
    Any, PlainValidator(read_json), Wire(msgspec.Raw, "None if {0} is NO_JSON else read_raw_json({0})")
]
"""Any JSON, as text with sorted keys; null and what is empty are absent."""

OlderText = Annotated[Any, Older(read_text)]
"""Optional text."""

OlderCents = Annotated[Any, Older(read_cents)]
"""Integer cents, as sent until March 2026."""

OlderDollarsOrCents = Annotated[Any, Older(read_dollars_or_cents)]
"""A decimal string of dollars, as in the historical tier, or integer cents, as sent until March 2026."""

OlderContracts = Annotated[Any, Older(read_contracts)]
"""An integer, as sent until March 2026, or a decimal string of contracts, as in the historical tier."""
