"""Cursors: the position in a listing, as unpadded base64url of a small protobuf message.

A cursor is a keyset, not an offset: it holds the time and the identifier of the last row, so new rows do not shift
pages (docs/exchange-api.md, Paging and cursors). It also holds a checksum of the query, because a cursor belongs to its
query. Real cursors may not check this, but a client that changes its filters during a walk is wrong in any case.
"""

import base64
import binascii
from typing import NamedTuple
from zlib import crc32

from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.units import MICROS_PER_SECOND

_INVALID = "invalid cursor"
# The parameters that filter a listing. The page size may change during a walk, and unknown parameters are ignored.
_FILTERS = {
    *("status", "mve_filter", "event_ticker", "series_ticker", "collection_ticker", "ticker", "tickers"),
    *("is_block_trade", "min_ts", "max_ts"),
    *("category", "competition", "type", "source_id", "related_event_ticker", "minimum_start_date"),
    *("ids", "associated_event_ticker", "incentive_description"),
    *(
        f"{bound}_{family}_ts"
        for bound in ("min", "max")
        for family in ("created", "updated", "close", "settled")
    ),
}


class Keyset(NamedTuple):
    """The last row of a page: an instant in microseconds, and an identifier that is unique at that instant."""

    at: int
    identifier: str


def query_checksum(path: str, parameters: list[tuple[str, str]]) -> int:
    """Return a checksum of a path and its filters."""
    filters = sorted((name, value) for name, value in parameters if name in _FILTERS and value)
    return crc32(repr((path, filters)).encode())


def encode_cursor(keyset: Keyset, checksum: int) -> str:
    seconds, micros = divmod(keyset.at, MICROS_PER_SECOND)
    moment = b"\x08" + _varint(seconds & (1 << 64) - 1) + b"\x10" + _varint(micros * 1_000)
    identifier = keyset.identifier.encode()
    message = b"\x0a" + _varint(len(moment)) + moment + b"\x12" + _varint(len(identifier)) + identifier
    message += b"\x18" + _varint(checksum)
    return base64.urlsafe_b64encode(message).decode().rstrip("=")


def decode_cursor(text: str, checksum: int) -> Keyset:
    """Return the keyset of a cursor that this exchange wrote for this query; BadRequestError for any other text."""
    try:
        message = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        keyset = _read(message)
    except (binascii.Error, ValueError, IndexError) as error:
        raise BadRequestError(_INVALID) from error
    if encode_cursor(keyset, checksum) != text:
        raise BadRequestError(_INVALID)
    return keyset


def _read(message: bytes) -> Keyset:
    _, at = _read_varint(message, 1)
    seconds, at = _read_varint(message, at + 1)
    nanos, at = _read_varint(message, at + 1)
    length, at = _read_varint(message, at + 1)
    if seconds >= 1 << 63:
        seconds -= 1 << 64
    return Keyset(seconds * MICROS_PER_SECOND + nanos // 1_000, message[at : at + length].decode())


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while message[at] & 0x80:
        number |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | message[at] << shift, at + 1
