"""Fingerprints of market descriptions: a snapshot compares a description in full only if its fingerprint differs from
the stored one.

A fingerprint is stored in one transaction with the description that it was computed from, and only for records of a
listing or of the live tier. A row that is changed in another way has none until a listing shows the market again. While
the document is not stored yet, which happens in a later transaction, the fingerprint is not used, because the run may
be killed in between.
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
    """The computation of fingerprints.

    The description's fields and `updated_time`, in order, are encoded as a MessagePack array of integers, floats,
    texts, booleans and nil in their shortest forms. The fingerprint is the 64-bit XXH3 digest as a signed integer. It
    has the `pending` version until the document is stored.
    """

    version: int
    bits: int = _BITS

    @property
    def pending(self) -> int:
        """The version of fingerprints whose documents are not stored yet."""
        return -self.version

    def of(self, page: Sequence[Market]) -> list[int]:
        """Return the fingerprint of each market's description."""
        digests = b"".join(map(xxh3_64_digest, map(_encode, map(dated_description_of, page))))
        fingerprints = struct.unpack(f">{len(page)}q", digests)
        return [fingerprint >> (_BITS - self.bits) for fingerprint in fingerprints]


CURRENT = Encoding(version=READING)


def forget_fingerprints(market_ids: Select[Any]) -> Update:
    """Return the statement that makes the next listing compare markets in full."""
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
    """Let snapshots use fingerprints, if they are still stored, now that the documents are."""
    _staged.fill(connection, list(fingerprints.items()))
    connection.execute(_rely, {"of_version": encoding.version, "pending": encoding.pending})


_delete_foreign = delete(market_fingerprints).where(
    ~exists().where(markets.c.id == market_fingerprints.c.market_id)
)


def delete_foreign_fingerprints(connection: Connection) -> int:
    """Delete the fingerprints of markets that are not stored; return their number.

    They do no harm, because a market is found by ticker first, but they show that another program has deleted markets.
    """
    return connection.execute(_delete_foreign).rowcount
