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
    """Return the hundredths of a contract of a text or an integer. Counts rarely repeat, so none is remembered."""
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

OlderText = Annotated[Any, Older(read_text)]
"""Optional text."""

OlderCents = Annotated[Any, Older(read_cents)]
"""Integer cents, as sent until March 2026."""

OlderDollarsOrCents = Annotated[Any, Older(read_dollars_or_cents)]
"""A decimal string of dollars, as in the historical tier, or integer cents, as sent until March 2026."""

OlderContracts = Annotated[Any, Older(read_contracts)]
"""An integer, as sent until March 2026, or a decimal string of contracts, as in the historical tier."""
