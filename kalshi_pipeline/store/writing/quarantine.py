"""Quarantine: unreadable records, stored unchanged within limits, until a later version can read them."""

import hashlib
from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)

from kalshi_pipeline.records import Reject
from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.schema.tables import quarantine
from kalshi_pipeline.store.writing.ids import insert_many
from kalshi_pipeline.store.writing.runs import Run

_LAST = 9
"""The number of refusals of a record that are kept beside its first one."""
_stored = quarantine.c
_seen_again = (
    update(quarantine)
    .where(
        _stored.kind == bindparam("of_kind", type_=Text),
        _stored.record_key == bindparam("of_key", type_=Text),
        _stored.digest == bindparam("of_digest", type_=Text),
    )
    .values(
        times=_stored.times + 1,
        run=bindparam("by_run", type_=Text),
        last_seen_at=bindparam("at", type_=BigInteger),
        replayed_at=None,
    )
)


def add_to_quarantine(
    connection: Connection,
    run: Run,
    kind: str,
    rejects: Sequence[Reject],
    at: int,
    most_bytes: int | None = None,
) -> int:
    """Store unreadable records; return the number of records that were not stored.

    The first and the last nine different refusals of a record are kept; a repeated one is counted in its row. A new one
    that would exceed `most_bytes` in total is not stored.
    """
    if not rejects:
        return 0
    refused = {_identity(reject): reject for reject in rejects}
    known = _known(connection, kind, refused)
    again = [
        {"of_kind": kind, "of_key": key, "of_digest": digest, "by_run": run.name, "at": at}
        for key, digest in known
    ]
    if again:
        connection.execute(_seen_again, again)
    new = {identity: reject for identity, reject in refused.items() if identity not in known}
    kept = _within(connection, new, most_bytes)
    rows = [
        {
            "kind": kind,
            "record_key": key,
            "digest": digest,
            "bytes": len(reject.raw.encode()),
            "times": 1,
            "run": run.name,
            "first_seen_at": at,
            "last_seen_at": at,
            "error": reject.error,
            "raw": reject.raw,
        }
        for (key, digest), reject in kept.items()
    ]
    insert_many(connection, quarantine, rows)
    _forget_middle(connection, kind, [key for key, _ in kept])
    return len(new) - len(kept)


def mark_replayed(connection: Connection, ids: Sequence[int], at: int) -> None:
    """Record that these rows can be read now, and were stored as far as possible."""
    for some in in_parts(ids):
        connection.execute(update(quarantine).where(_stored.id.in_(some)).values(replayed_at=at))


_Identity = tuple[str, str]


def _identity(reject: Reject) -> _Identity:
    """Return the key of a record, and a digest of the record and its error."""
    raw = reject.raw.encode()
    digest = hashlib.sha256(raw + b"\n" + reject.error.encode()).hexdigest()
    return reject.ticker or hashlib.sha256(raw).hexdigest(), digest


def _known(connection: Connection, kind: str, refused: dict[_Identity, Reject]) -> set[_Identity]:
    known: set[_Identity] = set()
    for keys in in_parts([key for key, _ in refused]):
        query = select(_stored.record_key, _stored.digest).where(
            _stored.kind == kind, _stored.record_key.in_(keys)
        )
        known |= {(key, digest) for key, digest in connection.execute(query)}
    return known & refused.keys()


def _within(
    connection: Connection, new: dict[_Identity, Reject], most_bytes: int | None
) -> dict[_Identity, Reject]:
    """Return the first new refusals, as many as there is room for."""
    if most_bytes is None or not new:
        return new
    held = connection.execute(select(func.coalesce(func.sum(_stored.bytes), 0))).scalar_one()
    kept: dict[_Identity, Reject] = {}
    for identity, reject in new.items():
        held += len(reject.raw.encode())
        if held > most_bytes:
            break
        kept[identity] = reject
    return kept


def _forget_middle(connection: Connection, kind: str, keys: Sequence[str]) -> None:
    """Delete refusals that are neither the first nor among the last ones of a record."""
    for some in in_parts(keys):
        from_last = (_stored.last_seen_at.desc(), _stored.id.desc())
        ranked = (
            select(
                _stored.id,
                func.row_number()
                .over(partition_by=_stored.record_key, order_by=_stored.id)
                .label("from_first"),
                func.row_number()
                .over(partition_by=_stored.record_key, order_by=from_last)
                .label("from_last"),
            )
            .where(_stored.kind == kind, _stored.record_key.in_(some))
            .subquery()
        )
        middle = select(ranked.c.id).where(ranked.c.from_first > 1, ranked.c.from_last > _LAST)
        connection.execute(delete(quarantine).where(_stored.id.in_(middle)))
