"""Undoing what runs recorded at wrong instants, because the clock was wrong, so that later runs record it again.

Descriptions are reset, and the next listing logs their changes again. Lookups, progress and records of runs in the
future are removed. `voiding` moves the ticks themselves. Settlements, trades, candlesticks and order books are kept,
and so is the description of a market with a settlement, because the two belong together.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    null,
    or_,
    select,
    update,
)

from kalshi_pipeline.store.dialects import search_index_of
from kalshi_pipeline.store.reading.descriptions import KINDS, Kind
from kalshi_pipeline.store.schema.tables import (
    backfill_progress,
    candlestick_days,
    document_dictionaries,
    document_fields,
    document_subjects,
    event_documents,
    event_fee_changes,
    event_lookups,
    listings,
    lost_markets,
    market_changes,
    market_documents,
    market_fingerprints,
    market_lookups,
    markets,
    quarantine,
    series_documents,
    series_fee_changes,
    settlements,
    subject_documents,
    ticks,
)
from kalshi_pipeline.store.writing.row_counts import COUNTED_BY_RUNS
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.undone_changes import undo_changes
from kalshi_pipeline.vocabulary import BEFORE_RESULT, MarketStatus

# Not named as any column: SQLAlchemy would set it.
_after = bindparam("after_at", type_=BigInteger)
_now = bindparam("now", type_=BigInteger)
_ahead_of = bindparam("ahead_of", type_=BigInteger)
_earliest_at = bindparam("earliest_at", type_=BigInteger)

_RAN_AHEAD = "it ran while the clock was ahead"


def _is_ahead(*instants: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(instant > _ahead_of for instant in instants))


def _is_wrong(instant: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether an instant is in the future, or within the run of a voided tick."""
    is_within = exists().where(
        ticks.c.tick_at > _after,
        instant.between(ticks.c.started_at, func.coalesce(ticks.c.finished_at, _now)),
    )
    return and_(instant >= _earliest_at, or_(_is_ahead(instant), is_within))


def _is_undone(kind: Kind) -> ColumnElement[bool]:
    """Whether a logged change is undone."""
    log = kind.changes.c
    is_undone = and_(log.field.in_(kind.fields), _is_wrong(log.seen_at))
    return and_(is_undone, ~_belongs_to_settlement()) if kind.table is markets else is_undone


def _belongs_to_settlement() -> ColumnElement[bool]:
    """Whether undoing a market's changes would contradict its settlement.

    A settlement is in force only while there is a result, and a market settles at the earliest when that was seen.
    """
    of_market, log = market_changes.c.market_id, market_changes.alias("changes_of_market")
    had_none = func.coalesce(log.c.before, "").in_([*BEFORE_RESULT, MarketStatus.CLOSED])
    contradicts = or_(
        log.c.field == "result",
        and_(log.c.field == "status", settlements.c.withdrawn_at.is_(None) == had_none),
    )
    return (
        exists()
        .where(settlements.c.market_id == log.c.market_id, log.c.market_id == of_market)
        .where(_is_wrong(log.c.seen_at), contradicts)
        .correlate(market_changes)
    )


class _Correction(NamedTuple):
    """Wrong rows of a table, and their corrected values; without values, they are deleted."""

    table: Table
    is_wrong: ColumnElement[bool]
    values: Mapping[str, Any] | None = None


def _corrections() -> Iterator[_Correction]:
    yield _Correction(markets, _is_wrong(markets.c.gone_at), {"gone_at": null()})
    yield _Correction(lost_markets, _is_wrong(lost_markets.c.since_at))
    yield from _of_lookups()
    yield from _of_runs()
    # Of what is kept, it is not known when it was seen, but not later than now.
    for kind in KINDS.values():
        yield from _not_after_now(kind.table, "first_seen_at", "changed_at")
        yield from _not_after_now(kind.changes, "seen_at")
    for table in (series_fee_changes, event_fee_changes):
        yield from _not_after_now(table, "first_seen_at", "changed_at", "withdrawn_at")
    yield from _not_after_now(quarantine, "first_seen_at", "last_seen_at", "replayed_at")
    yield from _of_documents()


def _of_documents() -> Iterator[_Correction]:
    """Let documents be requested again: of markets by the next snapshot, of others by the next hourly run."""
    is_of_wrong = exists().where(
        market_documents.c.market_id == market_fingerprints.c.market_id, _is_wrong(market_documents.c.seen_at)
    )
    yield _Correction(market_fingerprints, is_of_wrong, {"fingerprint": null()})
    for table in (series_documents, event_documents, market_documents, subject_documents):
        yield _Correction(table, _is_wrong(table.c.seen_at))
    yield from _not_after_now(document_subjects, "asked_at")
    yield from _not_after_now(document_dictionaries, "made_at")
    yield _Correction(document_fields, _is_ahead(document_fields.c.week_at))


def _of_lookups() -> Iterator[_Correction]:
    lookups = market_lookups.c
    is_ahead, was_missing = (
        _is_ahead(lookups.asked_at),
        func.coalesce(lookups.missing_at <= _ahead_of, false()),
    )
    yield _Correction(market_lookups, and_(is_ahead, was_missing), {"asked_at": lookups.missing_at})
    yield _Correction(market_lookups, and_(is_ahead, ~was_missing))
    yield _Correction(event_lookups, _is_ahead(event_lookups.c.asked_at))
    yield _Correction(candlestick_days, _is_ahead(candlestick_days.c.asked_at))


def _of_runs() -> Iterator[_Correction]:
    progress, runs = backfill_progress.c, listings.c
    yield _Correction(backfill_progress, _is_ahead(progress.started_at, progress.finished_at))
    is_ahead = _is_ahead(runs.started_at, runs.finished_at)
    counts = and_(runs.asset.in_(COUNTED_BY_RUNS), runs.inserted > 0)
    kept = {"state": State.PARTIAL, "reason": _RAN_AHEAD, "started_at": _now, "finished_at": _now}
    yield _Correction(listings, and_(is_ahead, counts), kept)
    yield _Correction(listings, is_ahead)


def _not_after_now(table: Table, *names: str) -> Iterator[_Correction]:
    for name in names:
        yield _Correction(table, _is_ahead(table.c[name]), {name: _now})


class Undo:
    """Undoes what was recorded in the future, or while the ticks after an instant ran.

    These ticks have to be voided afterwards.
    """

    def __init__(self, connection: Connection, after: int, now: int) -> None:
        self._connection = connection
        first_started = select(func.min(ticks.c.started_at)).where(ticks.c.tick_at > after)
        started_at = connection.execute(first_started).scalar_one()
        ahead_of = max(after, now)
        self._bound = {
            "after_at": after,
            "now": now,
            "ahead_of": ahead_of,
            "earliest_at": ahead_of if started_at is None else min(started_at, ahead_of),
        }

    def count(self) -> dict[str, int]:
        """Count the rows that are undone or corrected, by table; tables without any are not included."""
        wrong: dict[Table, list[ColumnElement[bool]]] = defaultdict(list)
        for kind in KINDS.values():
            wrong[kind.changes].append(_is_undone(kind))
        for correction in _corrections():
            wrong[correction.table].append(correction.is_wrong)
        queries = {
            table.name: select(func.count()).select_from(table).where(or_(*conditions))
            for table, conditions in wrong.items()
        }
        counts = {
            name: self._connection.execute(query, self._bound).scalar_one() for name, query in queries.items()
        }
        return {name: count for name, count in counts.items() if count}

    def run(self) -> None:
        """Undo everything."""
        for kind in KINDS.values():
            undo_changes(self._connection, kind, _is_undone(kind), self._bound)
        for table, is_wrong, values in _corrections():
            statement = delete(table) if values is None else update(table).values(values)
            self._connection.execute(statement.where(is_wrong), self._bound)
        # It is filled by the logs of changes, which have lost some here.
        search_index_of(self._connection).remove()
