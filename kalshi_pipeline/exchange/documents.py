"""What the exchange says of a record, whole: the JSON as it came, but for what moves with every quote.

An answer is read for it again, because few of its records are new: the others cost nothing.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from mmap import mmap
from typing import Any, NamedTuple

import msgspec

from kalshi_pipeline.exchange.json_text import load_whole, split_list, split_object
from kalshi_pipeline.exchange.value_readers import loose_dollars, loose_text
from kalshi_pipeline.records import Document, Leg

# The fields of a quote with their NO twins, figures of the last day, and liquidity, in every generation.
_MOVING = re.compile(
    r"(yes|no)_(bid|ask)(_size)?(_dollars|_fp)?"
    r"|(last_price|volume|volume_24h|open_interest|liquidity)(_dollars|_fp)?"
    r"|previous_\w+"
)


_LEGS = "mve_selected_legs"
_NESTED = re.compile("markets")
_NOTHING = re.compile("(?!)")


class _Shape(NamedTuple):
    """How records under a key are named, and which of their fields are left out."""

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
    """Return which of a record's fields are left out. Nearly all records have the same ones."""
    return [name for name in names if shape.left_out.fullmatch(name)]


def outside_of_the_heap(body: bytes) -> bytes | mmap:
    """Return the same bytes in memory of their own, which the system has back as soon as nobody needs them.

    Several pages wait to be stored, each with its megabytes. On the heap, between smaller things, they would take three
    times their space.
    """
    if not body:
        return body
    held = mmap(-1, len(body))
    held.write(body)
    return held


@dataclass(frozen=True)
class Source:
    """The body of an answer with records under a key: a list, or a single one.

    `tickers` are those of its records in their order, where each of them could be read.
    """

    body: bytes | mmap
    key: str
    tickers: Sequence[str] | None = None

    def documents(self, wanted: Collection[str] | None = None) -> Iterator[Document]:
        """Yield what it says of the wanted records, or of all; of one that it has twice, the first.

        A record without a name, or one that cannot be decoded at all, is left out.
        """
        if wanted is not None and not wanted:
            return
        shape = _SHAPES.get(self.key, _OTHER)
        seen: set[str] = set()
        for fields in self._records(wanted):
            ticker = fields.get(shape.identifier)
            if not isinstance(ticker, str) or not ticker or ticker in seen:
                continue
            if wanted is not None and ticker not in wanted:
                continue
            seen.add(ticker)
            for name in _left_out(shape, tuple(fields)):
                del fields[name]
            yield Document(ticker, fields, tuple(legs_of(fields)) if _LEGS in fields else ())

    def _records(self, wanted: Collection[str] | None) -> Iterator[dict[str, Any]]:
        parts = _parts_of(self.body, self.key)
        if wanted is not None and self.tickers is not None and len(self.tickers) == len(parts):
            parts = [part for part, ticker in zip(parts, self.tickers, strict=True) if ticker in wanted]
        for part in parts:
            try:
                fields = load_whole(bytes(part))
            except ValueError:
                continue
            if isinstance(fields, dict):
                yield fields


def legs_of(fields: dict[str, Any]) -> Iterator[Leg]:
    """Yield the legs of a combo; what is odd in one is absent."""
    legs = fields.get(_LEGS)
    for position, leg in enumerate(legs if isinstance(legs, list) else ()):
        if isinstance(leg, dict):
            yield Leg(
                position,
                loose_text(leg.get("market_ticker")),
                loose_text(leg.get("event_ticker")),
                loose_text(leg.get("side")),
                loose_dollars(leg.get("yes_settlement_value_dollars")),
            )


def _parts_of(body: bytes | mmap, key: str) -> Sequence[msgspec.Raw | bytes]:
    """Return the text of each record, or of the single one; none where the body is not JSON with the key."""
    try:
        parts: list[msgspec.Raw] | None = _envelope(key).decode(body).records
    except (RecursionError, ValueError):  # something in it is odd, or there is a single record
        return _parts_of_odd_body(bytes(body), key)
    return parts or ()


def _parts_of_odd_body(body: bytes, key: str) -> list[bytes]:
    try:
        records = split_object(body).get(key, b"[]")
        return split_list(records) if records.startswith(b"[") else [records]
    except ValueError:
        return []


@cache
def _envelope(key: str) -> msgspec.json.Decoder[Any]:
    fields = [("records", list[msgspec.Raw] | None)]
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", fields, rename={"records": key}, gc=False))
