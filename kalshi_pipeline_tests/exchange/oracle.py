"""An independent parser of records after the contract: exact fractions, field by field, without code of the product.

A field is either required (an odd value refuses the record) or optional (an odd value is omitted and counted).
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

LARGEST = 2**63 - 1
DOLLAR = 1_000_000
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)


class OddError(Exception):
    """A value that the field cannot have."""


class RefusedError(Exception):
    """A record that cannot be read."""


class Written(NamedTuple):
    """A number of JSON, as it is written."""

    text: str


def read(text: str) -> Any:
    """JSON with its numbers as they are written."""
    return json.loads(text, parse_int=Written, parse_float=Written, parse_constant=Written)


def _blank(value: object) -> bool:
    return value is None or value == ""


def _number_text(value: object) -> str:
    text = value.text if isinstance(value, Written) else value
    if not isinstance(text, str) or _NUMBER.fullmatch(text) is None:
        raise OddError
    return text


def fraction(value: object) -> Fraction:
    """The exact number of a text or of a number."""
    text = _number_text(value)
    try:
        return Fraction(text)
    except ValueError:  # of more digits than Python reads
        raise OddError from None


def _scaled(value: object, scale: int) -> int | None:
    if _blank(value):
        return None
    scaled = fraction(value) * scale
    if scaled.denominator != 1 or abs(scaled) > LARGEST:
        raise OddError
    return int(scaled)


def dollars(value: object) -> int | None:
    micros = _scaled(value, DOLLAR)
    if (
        micros is not None
        and abs(micros) > DOLLAR
        and micros % DOLLAR == 0
        and "." not in _number_text(value)
    ):
        raise OddError  # it may be cents
    return micros


def contracts(value: object) -> int | None:
    return _scaled(value, 100)


def millionths(value: object) -> int | None:
    return _scaled(value, 1_000_000)


def integer(value: object) -> int | None:
    return _scaled(value, 1)


def seconds(value: object) -> int:
    found = _scaled(value, 1_000_000)
    if found is None:
        raise OddError
    return found


def strike(value: object) -> float | None:
    if _blank(value):
        return None
    number = float(_number_text(value))
    if number in (float("inf"), float("-inf")):
        raise OddError
    return number


def word(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        raise OddError
    return value


def text(value: object) -> str | None:
    return word(value) or None


def ticker(value: object) -> str:
    found = text(value)
    if found is None or len(found) > 1000:
        raise OddError
    return found


def tags(value: object) -> str | None:
    if _blank(value) or value == []:
        return None
    if not isinstance(value, list) or None in value:
        raise OddError
    return ",".join(str(word(tag)) for tag in value)


def flag(value: object) -> bool | None:
    if _blank(value):
        return None
    if value is not True and value is not False:
        raise OddError
    return value


def time(value: object) -> int | None:
    """Microseconds since 1970, computed from the calendar."""
    if _blank(value):
        return None
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise OddError
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    sign, hours, minutes = match[9], int(match[10] or 0), int(match[11] or 0)
    if hour > 23 or minute > 59 or second > 60 or hours > 23 or minutes > 59:
        raise OddError
    try:
        days = date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError:
        raise OddError from None
    if year == 1:
        return None
    offset = (hours * 60 + minutes) * (-60 if sign == "-" else 60)
    total = days * 86_400 + hour * 3600 + minute * 60 + second - offset
    if second == 60 and (total - 1) % 86_400 != 86_399:
        raise OddError
    micros = total * 1_000_000 + int(((match[7] or "") + "000000")[:6])
    if total >= (date(9999, 12, 31).toordinal() - date(1970, 1, 1).toordinal() + 1) * 86_400:
        raise OddError
    return micros


def free_json(value: object) -> object:
    """Free JSON with its fractions as text; the product stores it as text with sorted keys."""
    plain = _plain(value, 1)
    return None if plain in (None, "", [], {}) else plain


def _plain(value: object, level: int) -> object:
    if isinstance(value, list | dict) and level > 100:
        raise OddError
    if isinstance(value, Written):
        if re.fullmatch(r"-?\d+", value.text, re.ASCII):
            if len(value.text) > 4300:
                raise OddError  # Python reads no longer ones
            return int(value.text)
        number = float(value.text)
        if number != number or number in (float("inf"), float("-inf")):
            raise OddError
        return str(number)
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise OddError
        return value
    if isinstance(value, list):
        return [_plain(item, level + 1) for item in value]
    if isinstance(value, dict):
        return {_plain(key, level): _plain(item, level + 1) for key, item in value.items()}
    return value


class Field(NamedTuple):
    """How a field of a record is sent."""

    sent: str
    read: Callable[[object], Any]
    is_needed: bool = False
    older: str | None = None


Fields = Mapping[str, Field]


class Found(NamedTuple):
    """The result: values by the record's names, and odd fields by the API's names."""

    values: dict[str, Any]
    odd: Counter[str]


def found_in(sent: object, fields: Fields, prices: tuple[str, ...] = ()) -> Found:
    """Read a record's fields. The older names of the fields in `prices` all have one unit."""
    if not isinstance(sent, dict):
        raise RefusedError
    values: dict[str, Any] = {}
    odd: Counter[str] = Counter()
    older_prices: dict[str, object] = {}

    def settle(name: str, alias: str, value: object, read: Callable[[object], Any]) -> Any:
        try:
            return read(value)
        except OddError:
            if fields[name].is_needed:
                raise RefusedError from None
            odd[alias] += 1
            return None

    for name, field in fields.items():
        values[name] = settle(name, field.sent, _at(sent, field.sent), field.read)
        if field.older is None or values[name] is not None:
            continue
        older = _at(sent, field.older)
        if _blank(older):
            continue
        if name not in prices:
            values[name] = settle(name, field.older, older, text if field.read is text else contracts)
        elif settle(name, field.older, older, price) is not None:
            older_prices[name] = older
    one_unit = _in_the_unit_of_the_needed(older_prices, fields)
    odd.update(str(fields[name].older) for name in older_prices.keys() - one_unit.keys())
    return Found(values | one_unit, odd)


def _in_the_unit_of_the_needed(sent: Mapping[str, object], fields: Fields) -> dict[str, int]:
    try:
        return in_one_unit(sent)
    except RefusedError:
        return in_one_unit({name: value for name, value in sent.items() if fields[name].is_needed})


def _at(sent: dict[str, Any], path: str) -> object:
    outer, _, inner = path.rpartition(".")
    part = sent.get(outer) if outer else sent
    if part is None:
        return None
    if not isinstance(part, dict):
        raise RefusedError
    return part.get(inner)


def price(value: object) -> Fraction:
    """A price of unknown unit."""
    if _scaled(value, DOLLAR) is None:
        raise OddError
    return fraction(value)


def in_one_unit(sent: Mapping[str, object]) -> dict[str, int]:
    """Micro-dollars of prices whose names do not show the unit."""
    values = {name: fraction(value) for name, value in sent.items()}
    if not any(values.values()):
        return dict.fromkeys(values, 0)
    texts = [_number_text(value) for value in sent.values()]
    has_fraction = any(value.denominator != 1 for value in values.values())
    has_more_than_one = any(abs(value) > 1 for value in values.values())
    if has_fraction and not has_more_than_one:
        unit = Fraction(1)
    elif has_more_than_one and not has_fraction and not any("." in text for text in texts):
        unit = Fraction(1, 100)
    elif has_more_than_one:
        raise RefusedError
    elif all(
        isinstance(value, str) and len(text.partition(".")[2]) > 1
        for value, text in zip(sent.values(), texts, strict=True)
    ):
        unit = Fraction(1)
    else:
        raise RefusedError
    return {name: int(value * unit * DOLLAR) for name, value in values.items()}
