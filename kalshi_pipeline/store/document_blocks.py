"""The format of stored documents: lines of JSON, compressed in blocks, with a dictionary for those of a family.

A line is an array of two objects with sorted keys: the document's fields, and the keys in `texts` of long texts that
many documents share.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import xxhash
import zstandard

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.records import DocumentFields

_LEVEL = 3
# Few documents at a time are most of them in the long run: two milliseconds of a tick save a seventh of their space.
_LEVEL_OF_FEW = 19
_MOST_OF_DICTIONARY = 1 << 16
_MOST_DECOMPRESSED = 1 << 30
# This order is that of the names, for a struct as for a dict: a struct of fields has them sorted.
_encode = msgspec.json.Encoder(order="deterministic", decimal_format="number").encode
_encode_text = msgspec.json.Encoder().encode


def line_of(fields: DocumentFields, shared: dict[str, int]) -> bytes:
    """Return a document as a line, from its other fields and the keys of its shared texts by field."""
    return _encode((fields, shared))


def digest_of(body: bytes) -> int:
    """Return the signed 64-bit XXH3 digest of a line."""
    return int.from_bytes(xxhash.xxh3_64_digest(body), "big", signed=True)


def dictionary_of(line: bytes) -> bytes:
    """Return a dictionary made of a line, in its stored form."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(line[:_MOST_OF_DICTIONARY])


def compressed(lines: Sequence[bytes], dictionary: bytes | None) -> bytes:
    """Compress lines into a block, with a stored dictionary if there is one."""
    level = _LEVEL if dictionary is None else _LEVEL_OF_FEW
    compressor = zstandard.ZstdCompressor(level=level, dict_data=_loaded(dictionary), write_dict_id=False)
    return compressor.compress(b"\n".join(lines))


def lines_in(block: bytes, dictionary: bytes | None) -> list[bytes]:
    """Return the lines of a block; StoreError if it cannot be decompressed."""
    try:
        decompressor = zstandard.ZstdDecompressor(dict_data=_loaded(dictionary))
        return decompressor.decompress(block, max_output_size=_MOST_DECOMPRESSED).split(b"\n")
    except zstandard.ZstdError as error:
        raise StoreError(f"a block of documents cannot be read: {error}", StoreProblem.DAMAGED) from error


def line_in(block: bytes, dictionary: bytes | None, number: int, digest: int) -> bytes:
    """Return one line of a block; StoreError if it differs from what was stored."""
    lines = lines_in(block, dictionary)
    if number >= len(lines) or digest_of(lines[number]) != digest:
        raise StoreError("a document differs from what was stored", StoreProblem.DAMAGED)
    return lines[number]


def _loaded(dictionary: bytes | None) -> zstandard.ZstdCompressionDict | None:
    if dictionary is None:
        return None
    raw = zstandard.ZstdDecompressor().decompress(dictionary)
    return zstandard.ZstdCompressionDict(raw, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


class Fields(NamedTuple):
    """The content of a line: the JSON text of each field, and the keys of shared texts by field."""

    fields: dict[str, str]
    keys: dict[str, int]


def fields_in(line: bytes) -> Fields:
    """Parse a line; numbers are as the exchange wrote them."""
    fields, keys = msgspec.json.decode(line, type=tuple[dict[str, msgspec.Raw], dict[str, int]])
    return Fields({name: bytes(value).decode() for name, value in fields.items()}, keys)


def json_of(fields: dict[str, str], texts: dict[str, str]) -> str:
    """Return a document as JSON with sorted keys, from the JSON texts of its fields and its shared texts."""
    whole = {**fields, **{name: _encode_text(text).decode() for name, text in texts.items()}}
    return "{" + ",".join(f"{json.dumps(name)}:{whole[name]}" for name in sorted(whole)) + "}"
