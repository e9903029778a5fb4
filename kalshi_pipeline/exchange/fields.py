"""The kinds of payload fields: how numbers and times are written, and which blanks mean 'absent'.

Absent is None and never 0. A blank is a missing field, `null`, or the empty string. Each kind has two equivalent
readers in its `Wire`. A type with an expression for msgspec reads today's contract, and raises ValueError for anything
else. `read` accepts any JSON with its numbers as `Number`. pydantic reads the payloads that come one at a time. Kinds
of older generations have an `Older` instead, so that an unreadable deprecated field does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator, PlainValidator

from kalshi_pipeline.exchange.price_units import form_of
from kalshi_pipeline.exchange.value_readers import (
    LONGEST_TICKER,
    MOST_SECONDS,
    blank_to_none,
    loose_instant,
    read_contracts,
    read_dollars,
    read_epoch_seconds,
    read_flag,
    read_instant,
    read_integer,
    read_json,
    read_multiplier,
    read_number,
    read_tags,
    read_text,
    read_ticker,
    read_word,
)


@dataclass(frozen=True)
class Wire:
    """How a kind of field is parsed: fast by its type in today's JSON and an expression, or by `read`.

    In the expression `{0}` is the value, and names are those of `value_readers`. A field `is_needed` if an odd value
    refuses the record; otherwise only the field is lost. `instead` names the field that replaces it.
    """

    type: Any
    expression: str
    read: Callable[[object], Any]
    is_needed: bool = False
    instead: str | None = None


@dataclass(frozen=True)
class Older:
    """How the field of an older generation is parsed.

    It is kept as sent, and parsed if the newer one is absent. All prices of the record together decide their unit; see
    `price_units`.
    """

    read: Callable[[object], Any]
    is_price: bool = False


WireTicker = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TICKER)]
Ticker = Annotated[
    str,
    PlainValidator(read_ticker),
    Wire(WireTicker, "{0}", read_ticker, is_needed=True),
]
"""The identifier of a record: required, and never blank."""

ParentTicker = Annotated[
    str,
    PlainValidator(read_ticker),
    Wire(WireTicker, "{0}", read_ticker, instead="ticker"),
]
"""The identifier of a record's parent. If it is missing, the record's own ticker is used."""

Text = Annotated[str | None, BeforeValidator(blank_to_none), Wire(str | None, "{0} or None", read_text)]
"""Optional text; the blank string is absent."""

NeededText = Annotated[
    str | None,
    BeforeValidator(blank_to_none),
    Wire(str | None, "{0} or None", read_text, is_needed=True),
]
"""Optional text of which an odd value would change the meaning of the record."""

Word = Annotated[str | None, Wire(str | None, "{0}", read_word)]
"""An optional word of a vocabulary that includes the blank string."""

Tags = Annotated[str | None, BeforeValidator(read_tags), Wire(list[str] | None, "read_tags({0})", read_tags)]
"""An optional list of texts."""

_wire_dollars = Wire(str | None, "known_dollars[{0}]", read_dollars)
LooseDollars = Annotated[int | None, PlainValidator(read_dollars), _wire_dollars]
"""A decimal string of dollars ("0.0150"), as micro-dollars."""

Dollars = Annotated[int | None, PlainValidator(read_dollars), replace(_wire_dollars, is_needed=True)]
"""A price in dollars that the record requires."""

_wire_contracts = Wire(str | None, "read_contracts({0})", read_contracts)
LooseContracts = Annotated[int | None, PlainValidator(read_contracts), _wire_contracts]
"""A decimal string of contracts ("2985.50"), or an integer (until March 2026), in hundredths."""

Contracts = Annotated[int | None, PlainValidator(read_contracts), replace(_wire_contracts, is_needed=True)]
"""A size in contracts that the record requires."""

_wire_multiplier = Wire(msgspec.Raw, "None if {0} is NO_JSON else read_raw_multiplier({0})", read_multiplier)
LooseMultiplier = Annotated[int | None, PlainValidator(read_multiplier), _wire_multiplier]
"""An optional JSON number such as 1 or 0.5, as millionths."""

Multiplier = Annotated[int | None, PlainValidator(read_multiplier), replace(_wire_multiplier, is_needed=True)]
"""A multiplier that the record requires."""

Instant = Annotated[
    int | None, PlainValidator(read_instant), Wire(str | None, "known_instants[{0}]", read_instant)
]
"""An RFC 3339 time, as microseconds since 1970; the zero time is absent."""

LooseInstant = Annotated[int | None, PlainValidator(loose_instant)]
"""The same; anything else is absent."""

Moment = Annotated[
    int | None,
    PlainValidator(read_instant),
    Wire(str | None, "parse_instant({0}) if {0} else None", read_instant, is_needed=True),
]
"""A time that the record requires. Few records share one, so it is not cached."""

EpochSeconds = Annotated[
    int,
    PlainValidator(read_epoch_seconds),
    Wire(
        Annotated[int, msgspec.Meta(ge=-MOST_SECONDS, le=MOST_SECONDS)],
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
"""Any JSON, as text with sorted keys; null and empty values are absent."""

OlderText = Annotated[Any, Older(read_text)]
"""Optional text."""

OlderPrice = Annotated[Any, Older(form_of, is_price=True)]
"""Integer cents, as sent until March 2026, or a decimal string of dollars, as in the historical tier."""

OlderContracts = Annotated[Any, Older(read_contracts)]
"""An integer, as sent until March 2026, or a decimal string of contracts, as in the historical tier."""
