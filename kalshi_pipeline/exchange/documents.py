"""Documents of records: the JSON as sent, without the fields that change with every quote.

The answer is parsed again for the few new records, so unchanged records cost nothing.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from kalshi_pipeline.exchange.json_text import UNPARSABLE, split_list, split_object
from kalshi_pipeline.exchange.known_fields import KnownFields, UnknownFieldsError
from kalshi_pipeline.exchange.value_readers import loose_dollars, loose_text
from kalshi_pipeline.records import Document, DocumentFields, Leg


def _number(text: str) -> Decimal | msgspec.Raw:
    """Return a fraction as `Decimal`, or as text if `Decimal` cannot hold it (1e99999999999999999999)."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return msgspec.Raw(text.encode())


def _integer(text: str) -> int | msgspec.Raw:
    try:
        return int(text)
    except ValueError:  # Python parses no integers of more than 4,300 digits
        return msgspec.Raw(text.encode())


_decode = msgspec.json.Decoder(float_hook=_number).decode
_decode_odd = json.JSONDecoder(
    parse_float=_number, parse_int=_integer, parse_constant=str, strict=False
).decode

# The fields of a quote with their NO counterparts, figures of the last day, and liquidity, in every generation.
_MOVING = re.compile(
    r"(yes|no)_(bid|ask)(_size)?(_dollars|_fp)?"
    r"|(last_price|volume|volume_24h|open_interest|liquidity)(_dollars|_fp)?"
    r"|previous_\w+"
)


_LEGS = "mve_selected_legs"
_NESTED = re.compile("markets")
_NOTHING = re.compile("(?!)")


class _Shape(NamedTuple):
    """How records under a key are identified, and which fields are omitted."""

    identifier: str
    left_out: re.Pattern[str]


_SHAPES = {
    "market": _Shape("ticker", _MOVING),
    "markets": _Shape("ticker", _MOVING),
    "event": _Shape("event_ticker", _NESTED),
    "events": _Shape("event_ticker", _NESTED),
    "series": _Shape("ticker", _MOVING),
}
_OTHER = _Shape("id", _NOTHING)


@lru_cache(maxsize=1000)
def _left_out(shape: _Shape, names: tuple[str, ...]) -> list[str]:
    """Return the fields of a record to omit. Nearly all records have the same fields."""
    return [name for name in names if shape.left_out.fullmatch(name)]


@cache
def _known_fields(shape: _Shape) -> KnownFields:
    return KnownFields(shape.left_out, _number)


@dataclass(frozen=True)
class Source:
    """The body of an answer with records under a key: a list, or a single record.

    `tickers` are its records' tickers in order, if all could be parsed.
    """

    body: bytes | memoryview
    key: str
    tickers: Sequence[str] | None = None

    def documents(self, wanted: Collection[str] | None = None) -> Iterator[Document]:
        """Yield the documents of the wanted records, or of all.

        If a record occurs twice, the first one counts. A record without a ticker is omitted. A value that is nested too
        deeply becomes its JSON text.
        """
        if wanted is not None and not wanted:
            return
        shape = _SHAPES.get(self.key, _OTHER)
        seen: set[str] = set()
        for fields in self._records(shape, wanted):
            ticker = fields.get(shape.identifier)
            if not isinstance(ticker, str) or not ticker or ticker in seen:
                continue
            if wanted is not None and ticker not in wanted:
                continue
            seen.add(ticker)
            yield Document(ticker, fields, legs_of(fields))

    def _records(self, shape: _Shape, wanted: Collection[str] | None) -> Iterator[DocumentFields]:
        known = _known_fields(shape)
        parts = _parts_of(self.body, self.key)
        if wanted is not None and self.tickers is not None and len(self.tickers) == len(parts):
            parts = [part for part, ticker in zip(parts, self.tickers, strict=True) if ticker in wanted]
        for part in parts:
            try:
                yield known.read(part)
            except UnknownFieldsError:
                if (fields := _read_all(part)) is not None:
                    known.learn(fields)
                    for name in _left_out(shape, tuple(fields)):
                        del fields[name]
                    yield fields


def _read_all(part: bytes | msgspec.Raw) -> dict[str, Any] | None:
    """Return every field of a record; None if it is not an object."""
    try:
        fields = _decode(part)
    except UNPARSABLE:
        fields = _read_odd(bytes(part))
    return fields if isinstance(fields, dict) else None


def legs_of(fields: DocumentFields) -> tuple[Leg, ...] | None:
    """Return the legs of a combo; None if the exchange does not send them. Odd values in a leg are absent."""
    legs = fields.get(_LEGS)
    return tuple(_read_legs(legs)) if isinstance(legs, list) else None


def _read_legs(legs: list[Any]) -> Iterator[Leg]:
    for position, leg in enumerate(legs):
        if isinstance(leg, dict):
            yield Leg(
                position,
                loose_text(leg.get("market_ticker")),
                loose_text(leg.get("event_ticker")),
                loose_text(leg.get("side")),
                loose_dollars(leg.get("yes_settlement_value_dollars")),
            )


def _parts_of(body: bytes | memoryview, key: str) -> Sequence[bytes | msgspec.Raw]:
    """Return the JSON text of each record."""
    try:
        parts: list[msgspec.Raw] | None = _envelope(key, list[msgspec.Raw] | None).decode(body).records
    except UNPARSABLE:  # something in it is odd, or it has only one record
        return _split_odd(body, key)
    return parts or []


def _split_odd(body: bytes | memoryview, key: str) -> list[bytes]:
    try:
        found = split_object(bytes(body)).get(key, b"[]")
    except ValueError:
        return []
    try:
        return split_list(found)
    except ValueError:
        return [found]


@cache
def _envelope(key: str, kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401  (a type)
    struct = msgspec.defstruct("Envelope", [("records", kind)], rename={"records": key}, gc=False)
    return msgspec.json.Decoder(struct)


def _read_odd(part: bytes) -> dict[str, Any] | None:
    """Return the fields of a record with values that msgspec cannot parse; None if it is not an object."""
    try:
        return {_whole(name): _value_of(value) for name, value in split_object(part).items()}
    except ValueError:
        return None


def _value_of(part: bytes) -> Any:  # noqa: ANN401  (JSON)
    text = part.decode(errors="surrogateescape")
    try:
        return _whole(_decode_odd(text))
    except UNPARSABLE:
        return _whole(text)


def _whole(value: Any) -> Any:  # noqa: ANN401  (JSON)
    """Return a value with a replacement character for each lone surrogate."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(item) for name, item in value.items()}
    return value
