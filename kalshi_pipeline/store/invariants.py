"""The invariants of a whole store beyond its schema: how they are checked and, if possible, repaired.

No run needs this module. `verify` reads everything, which takes minutes with years of quotes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)

from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.dialects import broken_keys, damages, search_index_of
from kalshi_pipeline.store.document_blocks import digest_of, lines_in
from kalshi_pipeline.store.schema.tables import (
    DOCUMENTS_OF,
    document_blocks,
    document_dictionaries,
    latest_quotes,
    market_fingerprints,
    markets,
    metadata,
    price_snapshots,
    quarantine,
    row_counts,
    subject_documents,
    ticks,
    unlisted_spans,
)
from kalshi_pipeline.store.writing.merging import Staging
from kalshi_pipeline.store.writing.row_counts import COUNTED
from kalshi_pipeline.store.writing.runs import State, state_left_open
from kalshi_pipeline.store.writing.set_aside import HISTORY, SetAside, set_aside_orphans

_REPAIRED = "run `kalshi data verify --repair`"
_RESTORED = "restore a backup, or recover what can be read: see docs/backups.md"

_REATTACHED = (
    "this history is kept, and no run depends on it: use a backup to reattach it to the market of the same ticker, or "
    "delete it (docs/backups.md, 'History without its market')"
)


@dataclass(frozen=True)
class Fault:
    """An inconsistency in a store, and what to do about it; `is_repairable` if `repair` fixes it."""

    subject: str
    fact: str
    remedy: str

    @property
    def is_repairable(self) -> bool:
        """Whether `repair` fixes it."""
        return self.remedy == _REPAIRED

    @property
    def sentence(self) -> str:
        """The line that reports it."""
        return f"{self.subject}: {self.fact}; {self.remedy}"


def find_faults(connection: Connection) -> list[Fault]:
    """Return every fault of a store: of its pages, of its foreign keys, and of what this program keeps in or beside it.

    If pages are damaged, nothing else is checked, because reads may be wrong.
    """
    if damaged := [Fault("damaged", line, _RESTORED) for line in damages(connection)]:
        return damaged
    return [
        *_broken_keys(connection),
        *_broken_invariants(connection),
        *_unreadable_documents(connection),
        *(Fault("search index", line, _REPAIRED) for line in search_index_of(connection).damages()),
    ]


def repair(connection: Connection, at: int) -> SetAside:
    """Set aside rows whose parents are missing, and recompute derived rows.

    A damaged search index is deleted: the next sync rebuilds it, and until then searches read every text.
    """
    found = set_aside_orphans(connection, None, at)
    for invariant in _INVARIANTS:
        if invariant.mend is not None:
            invariant.mend(connection)
    if (index := search_index_of(connection)).damages():
        index.remove()
    return found


def _broken_keys(connection: Connection) -> Iterator[Fault]:
    for table, parent, count in broken_keys(connection):
        remedy = _REPAIRED
        if table in HISTORY:
            remedy = _REATTACHED
        elif table not in metadata.tables:
            remedy = "the table is not of this program: repair or drop it"
        yield Fault(table, f"{count:,} rows refer to rows of {parent} that are missing", remedy)


@dataclass(frozen=True)
class _Invariant:
    """An invariant: a query that counts violations, their description, and the repair, if there is one."""

    subject: str
    fact: str
    broken: Select[Any]
    mend: Callable[[Connection], None] | None
    remedy: str = _REPAIRED


def _broken_invariants(connection: Connection) -> Iterator[Fault]:
    for invariant in _INVARIANTS:
        count = connection.execute(select(func.count()).select_from(invariant.broken.subquery())).scalar_one()
        if count:
            yield Fault(invariant.subject, f"{count:,} {invariant.fact}", invariant.remedy)


def _by(*statements: Any) -> Callable[[Connection], None]:  # noqa: ANN401  (an update, an insert or a delete)
    def mend(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return mend


_latest, _stored = latest_quotes.c, price_snapshots.c
_newest = (
    select(_stored.market_id, func.max(_stored.tick_id).label("tick_id"))
    .group_by(_stored.market_id)
    .subquery("newest")
)
_differs = or_(
    _stored.market_id.is_(None), *(column.is_distinct_from(_stored[column.name]) for column in _latest)
)
_wrong_quotes = union(
    select(_newest.c.market_id)
    .select_from(_newest.join(markets, markets.c.id == _newest.c.market_id).outerjoin(latest_quotes))
    .where(_latest.tick_id.is_distinct_from(_newest.c.tick_id)),
    select(_latest.market_id)
    .select_from(
        latest_quotes.outerjoin(
            price_snapshots, and_(_stored.tick_id == _latest.tick_id, _stored.market_id == _latest.market_id)
        )
    )
    .where(_differs),
)
_wrong = Staging("wrong_quotes", Column("market_id", Integer))


def _mend_latest(connection: Connection) -> None:
    rows = connection.execute(_wrong_quotes).all()
    _wrong.fill(connection, [(row.market_id,) for row in rows])
    connection.execute(delete(latest_quotes).where(_latest.market_id.in_(select(_wrong.table.c.market_id))))
    again = (
        select(*(_stored[column.name] for column in _latest))
        .join(_newest, and_(_newest.c.market_id == _stored.market_id, _newest.c.tick_id == _stored.tick_id))
        .join(_wrong.table, _wrong.table.c.market_id == _stored.market_id)
        .where(
            exists().where(markets.c.id == _stored.market_id), exists().where(ticks.c.id == _stored.tick_id)
        )
    )
    connection.execute(insert(latest_quotes).from_select([column.name for column in _latest], again))


_has_no_fingerprint = (
    select(markets.c.id, literal(0).label("version"))
    .outerjoin(market_fingerprints)
    .where(market_fingerprints.c.market_id.is_(None), ~markets.c.is_placeholder)
)

_later = ticks.alias("later")
_is_dead = and_(ticks.c.state == State.RUNNING, exists().where(_later.c.tick_at > ticks.c.tick_at))

_span = unlisted_spans.c
_end_of_market = (
    select(_latest.tick_id)
    .where(_latest.market_id == _span.market_id, _latest.is_terminal, _latest.tick_id >= _span.from_tick_id)
    .scalar_subquery()
)
_is_endless = and_(_span.to_tick_id.is_(None), _end_of_market.is_not(None))


def _rows_of(*, is_terminal: bool) -> ColumnElement[int]:
    counted = case((_stored.is_terminal, int(is_terminal)), else_=int(not is_terminal))
    return func.coalesce(
        select(func.sum(counted)).where(_stored.tick_id == ticks.c.id).scalar_subquery(), literal(0)
    )


_of_tick = {"inserted": _rows_of(is_terminal=False), "ended": _rows_of(is_terminal=True)}
_is_miscounted = ticks.c.inserted + ticks.c.ended != sum(_of_tick.values(), start=literal(0))

_real_counts = case(
    *(
        (
            row_counts.c.table_name == name,
            select(func.count()).select_from(metadata.tables[name]).scalar_subquery(),
        )
        for name in sorted(COUNTED)
    ),
    else_=row_counts.c.row_count,
)

_first = (
    select(_stored.market_id, func.min(_stored.tick_id).label("tick_id"))
    .group_by(_stored.market_id)
    .subquery("first")
)
_was_replayed = exists().where(
    quarantine.c.record_key == markets.c.ticker, quarantine.c.replayed_at.is_not(None)
)

_INVARIANTS = (
    _Invariant(
        "latest_quotes",
        "markets do not have the newest row of price_snapshots",
        select(_wrong_quotes.subquery().c.market_id),
        _mend_latest,
    ),
    _Invariant(
        "market_fingerprints",
        "markets have none",
        _has_no_fingerprint,
        _by(insert(market_fingerprints).from_select(["market_id", "version"], _has_no_fingerprint)),
    ),
    _Invariant(
        "ticks",
        "are running although a later one was taken",
        select(ticks.c.id).where(_is_dead),
        _by(
            update(ticks)
            .where(_is_dead)
            .values(state=state_left_open(ticks), reason="the run ended without reporting")
        ),
    ),
    _Invariant(
        "ticks",
        "say that they stored more or fewer quotes than there are",
        select(ticks.c.id).where(_is_miscounted),
        _by(update(ticks).where(_is_miscounted).values(_of_tick)),
    ),
    _Invariant(
        "unlisted_spans",
        "are open although the market has ended",
        select(_span.market_id).where(_is_endless),
        _by(update(unlisted_spans).where(_is_endless).values(to_tick_id=_end_of_market)),
    ),
    _Invariant(
        "unlisted_spans",
        "end before they begin",
        select(_span.market_id).where(_span.to_tick_id < _span.from_tick_id),
        _by(
            update(unlisted_spans)
            .where(_span.to_tick_id < _span.from_tick_id)
            .values(to_tick_id=_span.from_tick_id)
        ),
    ),
    _Invariant(
        "row_counts",
        "are not the sizes of their tables",
        select(row_counts.c.table_name).where(row_counts.c.row_count != _real_counts),
        _by(update(row_counts).values(row_count=_real_counts)),
    ),
    _Invariant(
        "markets",
        "have quotes from before they were first seen",
        select(markets.c.id)
        .join(_first, _first.c.market_id == markets.c.id)
        .join(ticks, ticks.c.id == _first.c.tick_id)
        .where(ticks.c.finished_at < markets.c.first_seen_at, ~_was_replayed),
        None,
        "another program gave them the keys of markets that it had deleted: restore a backup from before",
    ),
)


def _unreadable_documents(connection: Connection) -> Iterator[Fault]:
    """Yield a fault for each table of documents that do not match their digests. Each block is read once."""
    for table in (*(table for _, table in DOCUMENTS_OF.values()), subject_documents):
        placed = select(table.c.block_id, table.c.line, table.c.digest).order_by(table.c.block_id)
        count = sum(
            _count_unreadable(connection, block_id, [(row.line, row.digest) for row in rows])
            for block_id, rows in groupby(connection.execute(placed), lambda row: row.block_id)
        )
        if count:
            yield Fault(table.name, f"{count:,} documents differ from what was stored", _RESTORED)


_block = (
    select(document_blocks.c.body, document_dictionaries.c.body.label("dictionary"))
    .outerjoin(document_dictionaries)
    .where(document_blocks.c.id == bindparam("block_id"))
)


def _count_unreadable(connection: Connection, block_id: int, placed: Sequence[tuple[int, int]]) -> int:
    block = connection.execute(_block, {"block_id": block_id}).one_or_none()
    if block is None:  # a broken key, which is a fault of its own
        return 0
    try:
        lines = lines_in(block.body, block.dictionary)
    except StoreError:
        return len(placed)
    return sum(line >= len(lines) or digest_of(lines[line]) != digest for line, digest in placed)
