"""Cursors: where a listing goes on, as unpadded base64url of a small protobuf message (API.md §1.6).

Keyset, not offset: the time and the identifier of the last row, so that births do not shift pages. A checksum
of the query stands beside them, because a cursor belongs to its query; real cursors were not seen to refuse
another query, but a client that changes its filters on the way is wrong in any case.
"""

import base64
import binascii
from typing import NamedTuple
from zlib import crc32

from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.sandbox.shapes.json_format import MICROS

_INVALID = "invalid cursor"
# What narrows a listing. The page size may change on the way, and names that nobody knows are ignored.
_FILTERS = {
    *("status", "mve_filter", "event_ticker", "series_ticker", "collection_ticker", "ticker", "tickers"),
    *("is_block_trade", "min_ts", "max_ts"),
    *(
        f"{bound}_{family}_ts"
        for bound in ("min", "max")
        for family in ("created", "updated", "close", "settled")
    ),
}


class Keyset(NamedTuple):
    """The last row of a page: an instant in microseconds and what tells rows of that instant apart."""

    at: int
    identifier: str


def query_mark(path: str, parameters: list[tuple[str, str]]) -> int:
    """A checksum of what is asked."""
    asked = sorted((name, value) for name, value in parameters if name in _FILTERS and value)
    return crc32(repr((path, asked)).encode())


def encode_cursor(keyset: Keyset, mark: int) -> str:
    seconds, micros = divmod(keyset.at, MICROS)
    moment = b"\x08" + _varint(seconds & (1 << 64) - 1) + b"\x10" + _varint(micros * 1_000)
    identifier = keyset.identifier.encode()
    message = b"\x0a" + _varint(len(moment)) + moment + b"\x12" + _varint(len(identifier)) + identifier
    message += b"\x18" + _varint(mark)
    return base64.urlsafe_b64encode(message).decode().rstrip("=")


def decode_cursor(text: str, mark: int) -> Keyset:
    """The keyset of a cursor that this exchange wrote for this query; BadRequestError for any other text."""
    try:
        message = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        keyset = _read(message)
    except (binascii.Error, ValueError, IndexError) as error:
        raise BadRequestError(_INVALID) from error
    if encode_cursor(keyset, mark) != text:
        raise BadRequestError(_INVALID)
    return keyset


def _read(message: bytes) -> Keyset:
    _, at = _read_varint(message, 1)
    seconds, at = _read_varint(message, at + 1)
    nanos, at = _read_varint(message, at + 1)
    length, at = _read_varint(message, at + 1)
    if seconds >= 1 << 63:
        seconds -= 1 << 64
    return Keyset(seconds * MICROS + nanos // 1_000, message[at : at + length].decode())


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
