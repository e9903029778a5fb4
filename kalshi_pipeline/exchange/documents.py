"""What the exchange says of a record, whole: the JSON as it came, but for what moves with every quote.

An answer is read for it again, because few of its records are new: the others cost nothing.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from kalshi_pipeline.exchange.fields import loose_dollars, loose_text
from kalshi_pipeline.records import Document, Leg

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_decode_parts = msgspec.json.Decoder(list[msgspec.Raw]).decode

# The fields of a quote with their NO twins, figures of the last day, and liquidity, in every generation.
_MOVING = re.compile(
    r"(yes|no)_(bid|ask)(_size)?(_dollars|_fp)?"
    r"|(last_price|volume|volume_24h|open_interest|liquidity)(_dollars|_fp)?"
    r"|previous_\w+"
)


def _moves(name: str) -> bool:
    return _MOVING.fullmatch(name) is not None


def _is_nested(name: str) -> bool:
    return name == "markets"


@dataclass(frozen=True)
class _Shape:
    """How records under a key are named, and which of their fields are left out."""

    identifier: str
    is_left_out: Callable[[str], bool]


_MARKET = _Shape("ticker", _moves)
_EVENT = _Shape("event_ticker", _is_nested)
_SERIES = _Shape("ticker", lambda name: name in ("volume", "volume_fp"))
_SHAPES = {
    "market": _MARKET,
    "markets": _MARKET,
    "event": _EVENT,
    "events": _EVENT,
    "series": _SERIES,
}
NO_SHAPE = _Shape("id", lambda _: False)


@dataclass(frozen=True)
class Source:
    """The body of an answer with records under a key: a list, or a single one.

    `tickers` are those of its records in their order, where each of them could be read.
    """

    body: bytes
    key: str
    tickers: Sequence[str] | None = None

    def documents(self, wanted: Collection[str] | None = None) -> Iterator[Document]:
        """Yield what it says of the wanted records, or of all; of one that it has twice, the first.

        A record without a name, or one that cannot be decoded at all, is left out.
        """
        shape = _SHAPES.get(self.key, NO_SHAPE)
        seen: set[str] = set()
        for fields in self._records(wanted):
            ticker = fields.get(shape.identifier)
            if not isinstance(ticker, str) or not ticker or ticker in seen:
                continue
            if wanted is not None and ticker not in wanted:
                continue
            seen.add(ticker)
            kept = {name: value for name, value in fields.items() if not shape.is_left_out(name)}
            yield Document(ticker, kept, tuple(legs_of(kept)))

    def _records(self, wanted: Collection[str] | None) -> Iterator[dict[str, Any]]:
        try:
            parts = _parts_of(self.body, self.key)
        except (RecursionError, ValueError):
            parts = None
        if parts is None:
            yield from _decoded_slowly(self.body, self.key)
            return
        if wanted is not None and self.tickers is not None and len(self.tickers) == len(parts):
            parts = [part for part, ticker in zip(parts, self.tickers, strict=True) if ticker in wanted]
        for part in parts:
            try:
                fields = _decode(part)
            except (RecursionError, ValueError):
                fields = _without_halves(bytes(part))
            if isinstance(fields, dict):
                yield fields


def legs_of(fields: dict[str, Any]) -> Iterator[Leg]:
    """Yield the legs of a combo; what is odd in one is absent."""
    legs = fields.get("mve_selected_legs")
    for position, leg in enumerate(legs if isinstance(legs, list) else ()):
        if isinstance(leg, dict):
            yield Leg(
                position,
                loose_text(leg.get("market_ticker")),
                loose_text(leg.get("event_ticker")),
                loose_text(leg.get("side")),
                loose_dollars(leg.get("yes_settlement_value_dollars")),
            )


def _parts_of(body: bytes, key: str) -> list[msgspec.Raw]:
    value = _envelope(key).decode(body).records
    text = bytes(memoryview(value)[:1])
    return _decode_parts(value) if text == b"[" else ([] if text == b"n" else [value])


@cache
def _envelope(key: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(
        msgspec.defstruct("Envelope", [("records", msgspec.Raw)], rename={"records": key})
    )


def _decoded_slowly(body: bytes, key: str) -> Iterator[dict[str, Any]]:
    found = _without_halves(body)
    records = found.get(key) if isinstance(found, dict) else None
    for fields in records if isinstance(records, list) else [records]:
        if isinstance(fields, dict):
            yield fields


def _without_halves(body: bytes) -> Any:  # noqa: ANN401  (JSON)
    """Return JSON that holds half a character somewhere, with a replacement character there; None if it is none."""
    try:
        whole = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-16", "surrogatepass")
        return _decode(whole.decode("utf-16", "replace").encode())
    except (RecursionError, ValueError):
        return None
