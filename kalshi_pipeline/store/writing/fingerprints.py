"""Fingerprints of markets' descriptions: a snapshot compares in full only what has another one than is stored.

A fingerprint is stored with the description that it was made of, in one transaction, and only of what a listing or the
live tier said. A row that is changed in another way has none until a listing shows the market again.
"""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, Update, delete, exists, null, update
from xxhash import xxh3_64_digest

from kalshi_pipeline.records import READING, Market
from kalshi_pipeline.store.schema.tables import market_fingerprints, markets

_BITS = 64
_encode = msgspec.msgpack.Encoder().encode


class Encoding(NamedTuple):
    """How a fingerprint is made.

    The description's fields and `updated_time`, in their order, are written as an array of MessagePack: integers,
    floats, texts, booleans and nil, each in its shortest form. The fingerprint is its XXH3 digest of 64 bits, read as a
    signed integer.
    """

    version: int
    bits: int = _BITS

    def of(self, page: Sequence[Market]) -> list[int]:
        """Return the fingerprint of each market's description."""
        texts = [_encode(market.dated_description) for market in page]
        digests = b"".join([xxh3_64_digest(text) for text in texts])
        fingerprints = struct.unpack(f">{len(page)}q", digests)
        return [fingerprint >> (_BITS - self.bits) for fingerprint in fingerprints]


CURRENT = Encoding(version=READING)


def forget_fingerprints(market_ids: Select[Any]) -> Update:
    """Return the statement that has markets compared in full the next time that they are listed."""
    return (
        update(market_fingerprints)
        .values(fingerprint=null())
        .where(market_fingerprints.c.market_id.in_(market_ids))
    )


_delete_foreign = delete(market_fingerprints).where(
    ~exists().where(markets.c.id == market_fingerprints.c.market_id)
)


def delete_foreign_fingerprints(connection: Connection) -> int:
    """Delete the fingerprints of markets that are not stored, and return how many there were.

    They do no harm, because a market is found by its ticker first; but another program has been here.
    """
    return connection.execute(_delete_foreign).rowcount
