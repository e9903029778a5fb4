"""Fingerprints of markets' descriptions: a snapshot compares in full only what has another one than is stored.

A fingerprint is stored with the description that it was made of, in one transaction, and only of what a listing or the
live tier said. A row that is changed in another way has none until a listing shows the market again. One whose document
is stored later, in a transaction of its own, is not relied on before that: a run may be killed in between.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    Select,
    Text,
    Update,
    bindparam,
    delete,
    exists,
    null,
    select,
    update,
)
from xxhash import xxh3_64_digest

from kalshi_pipeline.records import READING, Market, dated_description_of
from kalshi_pipeline.store.schema.tables import market_fingerprints, markets
from kalshi_pipeline.store.writing.merging import Staging

_BITS = 64
_encode = msgspec.msgpack.Encoder().encode


class Encoding(NamedTuple):
    """How a fingerprint is made.

    The description's fields and `updated_time`, in their order, are written as an array of MessagePack: integers,
    floats, texts, booleans and nil, each in its shortest form. The fingerprint is its XXH3 digest of 64 bits, read as a
    signed integer. Until the document of what it was made of is stored, it is of the `pending` version.
    """

    version: int
    bits: int = _BITS

    @property
    def pending(self) -> int:
        """The version of fingerprints that no snapshot relies on yet."""
        return -self.version

    def of(self, page: Sequence[Market]) -> list[int]:
        """Return the fingerprint of each market's description."""
        digests = b"".join(map(xxh3_64_digest, map(_encode, map(dated_description_of, page))))
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


_staged = Staging("staged_fingerprints", Column("ticker", Text), market_fingerprints.c.fingerprint)
_version = bindparam("of_version", type_=Integer)
_pending = bindparam("pending", type_=Integer)
_staged_ids = (
    select(market_fingerprints.c.market_id)
    .select_from(_staged.table)
    .join(markets, markets.c.ticker == _staged.table.c.ticker)
    .join(market_fingerprints, market_fingerprints.c.market_id == markets.c.id)
    .where(
        market_fingerprints.c.fingerprint == _staged.table.c.fingerprint,
        market_fingerprints.c.version == _pending,
    )
)
_rely = (
    update(market_fingerprints)
    .values(version=_version)
    .where(market_fingerprints.c.market_id.in_(_staged_ids))
)


def rely_on_fingerprints(
    connection: Connection, fingerprints: Mapping[str, int], encoding: Encoding = CURRENT
) -> None:
    """Have snapshots rely on markets' fingerprints, if they are still those: their documents are stored."""
    _staged.fill(connection, list(fingerprints.items()))
    connection.execute(_rely, {"of_version": encoding.version, "pending": encoding.pending})


_delete_foreign = delete(market_fingerprints).where(
    ~exists().where(markets.c.id == market_fingerprints.c.market_id)
)


def delete_foreign_fingerprints(connection: Connection) -> int:
    """Delete the fingerprints of markets that are not stored, and return how many there were.

    They do no harm, because a market is found by its ticker first; but another program has been here.
    """
    return connection.execute(_delete_foreign).rowcount
