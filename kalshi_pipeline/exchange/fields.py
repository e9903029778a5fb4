"""The types of payload fields: how each number and time is written, and which blanks mean 'absent'.

Absent is None and never 0. A blank is a missing field, `null`, or the empty string (kalshi/API.md §3, last
paragraph). A JSON number that is no integer is refused here: it would already have passed through float;
`pages` reads such a page again with its numbers as text.
"""

from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, PlainValidator, StringConstraints

from kalshi_pipeline.units import parse_cents, parse_contracts, parse_dollars, parse_instant, parse_seconds

Parse = Callable[[str], int | None]

# Prices and times repeat from market to market and from page to page; these are called for every field of
# every market, so what was read before is looked up and nothing else is done.
_MOST_REMEMBERED = 100_000


def _remembering(parse: Parse) -> Callable[[object], int | None]:
    """Read a field by `parse`, blanks as None, and remember what a text was read as."""
    known: dict[object, int | None] = {None: None, "": None}

    def read(value: object) -> int | None:
        try:
            return known[value]
        except (KeyError, TypeError):
            parsed = parse(_text(value))
            if isinstance(value, str):  # True equals 1, so that numbers would be taken for each other
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


def _epoch_seconds(value: object) -> int:
    return parse_seconds(_text(value))


def _blank_to_none(value: object) -> object:
    return None if value == "" else value


LONGEST_TICKER = 255
read_dollars = _remembering(parse_dollars)
read_instant = _remembering(parse_instant)
read_contracts = _remembering(parse_contracts)

Ticker = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TICKER)]
"""What identifies a record: required, and never blank."""

Text = Annotated[str | None, BeforeValidator(_blank_to_none)]
"""Optional text; the blank string is absent."""

Dollars = Annotated[int | None, PlainValidator(read_dollars)]
"""A decimal string of dollars ("0.0150"), as micro-dollars."""

Cents = Annotated[int | None, PlainValidator(_remembering(parse_cents))]
"""Integer cents, as found until March 2026, as micro-dollars."""

Contracts = Annotated[int | None, PlainValidator(read_contracts)]
"""A decimal string of contracts ("2985.50"), or an integer as found until March 2026, as hundredths."""

Instant = Annotated[int | None, PlainValidator(read_instant)]
"""An RFC 3339 time, as microseconds since 1970; the zero time is absent."""

EpochSeconds = Annotated[int, PlainValidator(_epoch_seconds)]
"""Unix seconds, as microseconds since 1970; never blank: they identify a candlestick."""

Number = Annotated[float | None, BeforeValidator(_blank_to_none)]
"""An optional number that is neither a price nor a quantity, such as a strike."""

Flag = Annotated[bool | None, BeforeValidator(_blank_to_none)]
"""An optional yes or no."""
