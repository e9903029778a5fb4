"""Writes of quotes: a row for each tick and market whose quote differs from the last one, and records of unchanged
quotes.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    false,
    func,
    insert,
    not_,
    null,
    or_,
    select,
    true,
    update,
)

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    latest_quotes,
    markets,
    price_snapshots,
    ticks,
    unchanged_blocks,
    unlisted_spans,
)
from kalshi_pipeline.store.scopes import is_in, may_be_in
from kalshi_pipeline.store.spans import is_in_open_span
from kalshi_pipeline.store.writing.lookups import ListedMarkets
from kalshi_pipeline.store.writing.merging import make_empty
from kalshi_pipeline.store.writing.runs import TAKEN, Run
from kalshi_pipeline.store.writing.staged_pages import staged_market_ids, staged_quotes
from kalshi_pipeline.store.writing.unchanged import list_unchanged
from kalshi_pipeline.units import MICROS_PER_MILLISECOND, MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import NOT_OPEN

_stage = staged_quotes.table
_tick_id = bindparam("tick_id", type_=Integer)
_received_ms = bindparam("received_ms", type_=Integer)
# Quotes of this tick and of those before it are older than a keyframe may be.
_aged_tick_id = bindparam("aged_tick_id", type_=Integer)

_temporary = MetaData()
# New quotes are collected once, with the markets' keys, in a small table from which both tables are written.
_new_quotes = Table(
    "new_quotes",
    _temporary,
    Column("market_id", Integer, primary_key=True),
    *(Column(name, BigInteger) for name in QUOTE_COLUMNS),
    Column("is_keyframe", Boolean),
    prefixes=["TEMPORARY"],
)

_latest = latest_quotes.c
_differs = or_(*(_latest[name].is_distinct_from(_stage.c[name]) for name in QUOTE_COLUMNS))
_is_new = or_(_latest.market_id.is_(None), _latest.is_terminal, _differs)
_find = insert(_new_quotes).from_select(
    ["market_id", *QUOTE_COLUMNS, "is_keyframe"],
    select(markets.c.id, *(_stage.c[name] for name in QUOTE_COLUMNS), not_(_is_new))
    .select_from(
        _stage.join(markets, markets.c.ticker == _stage.c.ticker).outerjoin(
            latest_quotes, _latest.market_id == markets.c.id
        )
    )
    .where(
        or_(
            _latest.market_id.is_(None),
            # The market may have its row of this tick already: a run that is tried again adds nothing.
            and_(_latest.tick_id < _tick_id, or_(_is_new, _latest.tick_id <= _aged_tick_id)),
        )
    ),
)
_new = {
    "tick_id": _tick_id,
    **{name: _new_quotes.c[name] for name in QUOTE_COLUMNS},
    "received_ms": _received_ms,
    "is_terminal": false(),
}
_append = insert(price_snapshots).from_select(
    ["market_id", *_new], select(_new_quotes.c.market_id, *_new.values())
)
# By its key: an update that joined the two tables would read all of `latest_quotes` for each page.
_store_latest = upsert(latest_quotes, ["market_id", *_new], select(_new_quotes.c.market_id, *_new.values()))


def _find_unchanged(*wanted: ColumnElement[bool]) -> Select[Any]:
    # Run it after the new quotes are stored: a market without a row of this tick is then unchanged.
    return (
        select(markets.c.id)
        .select_from(
            _stage.join(markets, markets.c.ticker == _stage.c.ticker).join(
                latest_quotes, _latest.market_id == markets.c.id
            )
        )
        .where(_latest.tick_id < _tick_id, *wanted)
    )


_find_all_unchanged = _find_unchanged()
_find_changed = select(_new_quotes.c.market_id)
_count_keyframes = select(func.coalesce(func.sum(case((_new_quotes.c.is_keyframe, 1), else_=0)), 0))

_end = {
    "tick_id": _tick_id,
    **{name: null() for name in QUOTE_COLUMNS},
    "received_ms": _received_ms,
    "is_terminal": true(),
}
_unlisted = Table(
    "unlisted_quotes", _temporary, Column("market_id", Integer, primary_key=True), prefixes=["TEMPORARY"]
)
_find_unlisted = insert(_unlisted).from_select(
    ["market_id"],
    select(_latest.market_id).where(
        ~_latest.is_terminal, _latest.tick_id < _tick_id, ~ListedMarkets.hold_readable(_latest.market_id)
    ),
)
# Proof of an end: a reported status that is not open, or a market in neither tier. Any run may have stored it.
_has_ended = exists().where(
    markets.c.id == _unlisted.c.market_id,
    or_(markets.c.status.in_(list(NOT_OPEN)), markets.c.gone_at.is_not(None)),
)
_some_are_orphans = select(
    exists(select(_unlisted.c.market_id).where(~exists().where(markets.c.id == _unlisted.c.market_id)))
)
_ended_ids = select(_unlisted.c.market_id).where(_has_ended, ~ListedMarkets.hold(_unlisted.c.market_id))
_append_ends = insert(price_snapshots).from_select(
    ["market_id", *_end], _ended_ids.add_columns(*_end.values())
)
_refresh_ended = update(latest_quotes).values(_end).where(_latest.market_id.in_(_ended_ids))
_forget_ended = delete(_unlisted).where(_unlisted.c.market_id.in_(_ended_ids))
_span = unlisted_spans.c


def _close_spans(market_ids: Select[Any]) -> Update:
    return (
        update(unlisted_spans)
        .values(to_tick_id=_tick_id)
        .where(_span.to_tick_id.is_(None), _span.market_id.in_(market_ids))
    )


_close_spans_of_staged = _close_spans(staged_market_ids)
_some_are_missed = select(exists().where(_span.to_tick_id.is_(None)))
_close_spans_of_ended = _close_spans(_ended_ids)
# A run that was cut short may have closed one that began at the same tick.
_open_spans = upsert(
    unlisted_spans,
    ["market_id", "from_tick_id", "to_tick_id"],
    select(_unlisted.c.market_id, _tick_id, cast(null(), Integer)).where(
        ~is_in_open_span(_unlisted.c.market_id)
    ),
)


class Appended(NamedTuple):
    """The quotes written for a page; `keyframes` of them are unchanged and were written because of their age."""

    inserted: int
    keyframes: int


class Ended(NamedTuple):
    """The markets that a tick did not list: the number of histories that ended on proof, and of unconfirmed markets."""

    ended: int
    unconfirmed: int


class TickQuotes:
    """Writes the quotes of one tick page by page, then the ends of markets that it did not list.

    A quote is stored if the market is new or back, if the quote differs from the market's last one, and as a keyframe
    if that one is older than `keyframe_seconds`. `latest_quotes` then has the same row. With `every`, other quotes are
    listed in `unchanged_blocks`. So are quotes of listed markets that the scope does not seem to cover, because readers
    could not see otherwise that they were listed.

    The tick must be the newest, and the caller holds the snapshot lock: 'differs from the last one' has no meaning for
    an earlier tick. The listed markets are kept in the writing connection.
    """

    def __init__(
        self,
        connection: Connection,
        run: Run,
        tick_at: int,
        scope: Scope,
        *,
        every: bool,
        keyframe_seconds: float,
    ) -> None:
        aged_at = tick_at - round(keyframe_seconds * MICROS_PER_SECOND)
        # Only among ticks that hold quotes: their keys are in the order of their times, those of skipped ticks are not.
        aged = select(func.coalesce(func.max(ticks.c.id), 0)).where(
            ticks.c.tick_at <= aged_at, ticks.c.state.in_(TAKEN)
        )
        has_unchanged = select(exists().where(unchanged_blocks.c.tick_id == run.id))
        self._tick_at = tick_at
        self._scope = scope
        self._find_unchanged: Select[Any] | None = None
        if every or not scope.shows_absence:
            self._find_unchanged = _find_all_unchanged
        elif scope.series:
            self._find_unchanged = _find_unchanged(not_(is_in(scope)))
        self._has_unchanged = (
            self._find_unchanged is not None or connection.execute(has_unchanged).scalar_one()
        )
        self._bound = {"tick_id": run.id, "aged_tick_id": connection.execute(aged).scalar_one()}
        # Markets that are not among them at the end of the tick are looked up.
        self.listed = ListedMarkets(connection)

    def append(self, connection: Connection, received_at: int) -> Appended:
        """Store the quotes of the staged markets, received at an instant.

        That may be before the tick: a cached response is as old as it says.
        """
        make_empty(connection, _new_quotes)
        self.listed.add_staged(connection)
        # Checked for each page, because a page that moves a market to another event opens a span.
        if connection.execute(_some_are_missed).scalar_one():
            connection.execute(_close_spans_of_staged, self._bound)
        at = {**self._bound, "received_ms": self._milliseconds(received_at)}
        inserted = connection.execute(_find, self._bound).rowcount
        if inserted:
            for statement in (_append, _store_latest):
                connection.execute(statement, at)
        if self._has_unchanged:
            self._list_unchanged(connection, at["received_ms"])
        keyframes = connection.execute(_count_keyframes).scalar_one() if inserted else 0
        return Appended(inserted, keyframes)

    def _list_unchanged(self, connection: Connection, received_ms: int) -> None:
        """List the unchanged quotes of a page.

        A retried run may find that a quote has changed which was unchanged before. Only its row is kept then, as
        without the first attempt.
        """
        unchanged: Iterable[int] = ()
        if self._find_unchanged is not None:
            unchanged = connection.execute(self._find_unchanged, self._bound).scalars()
        changed = connection.execute(_find_changed).scalars()
        list_unchanged(connection, self._bound["tick_id"], received_ms, unchanged, changed)

    def note_unreadable(self, connection: Connection, tickers: Sequence[str]) -> None:
        """Add listed markets with unreadable records: they have not ended or vanished."""
        self.listed.add_unreadable(connection, tickers)

    def find_unlisted(self, connection: Connection) -> None:
        """Find the markets with a quote that this tick did not list. It reads all latest quotes and writes nothing."""
        make_empty(connection, _unlisted)
        connection.execute(_find_unlisted, self._bound)

    @staticmethod
    def has_orphans(connection: Connection) -> bool:
        """Return whether some of the quotes that `find_unlisted` found have no stored market."""
        return bool(connection.execute(_some_are_orphans).scalar_one())

    def end(self, connection: Connection, at: int, *, is_complete: bool) -> Ended:
        """End histories on proof, in any scope; then open a span for each market that nothing confirms.

        These are the markets that a complete tick covers, but neither listed nor proved ended, among those that
        `find_unlisted` found.
        """
        bound = {**self._bound, "received_ms": self._milliseconds(at)}
        ended = connection.execute(_append_ends, bound).rowcount
        if ended:
            for statement in (_refresh_ended, _close_spans_of_ended, _forget_ended):
                connection.execute(statement, bound)
        if not is_complete or not self._scope.shows_absence:
            return Ended(ended, 0)
        is_unlisted = markets.c.id == _unlisted.c.market_id
        # If the series of a market is unknown, this tick may be found later to have covered it.
        may_be_covered = exists().where(is_unlisted, may_be_in(self._scope))
        connection.execute(delete(_unlisted).where(~may_be_covered))
        connection.execute(_open_spans, bound)
        covered = select(func.count()).select_from(_unlisted).join(markets, is_unlisted)
        return Ended(ended, connection.execute(covered.where(is_in(self._scope))).scalar_one())

    def _milliseconds(self, at: int) -> int:
        return (at - self._tick_at) // MICROS_PER_MILLISECOND
