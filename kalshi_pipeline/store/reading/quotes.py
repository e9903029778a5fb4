"""Quotes as of an instant: of every listed market, or of one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    not_,
    select,
    type_coerce,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from kalshi_pipeline.store.dialects.statements import in_parts
from kalshi_pipeline.store.reading.in_force import bound_tick, newest_repeat, repeat_of_market, tick_in_force
from kalshi_pipeline.store.reading.provenance import Provenance, Provenances, QuoteState
from kalshi_pipeline.store.reading.taken_ticks import TakenTick, newest_tick
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    latest_quotes,
    markets,
    price_snapshots,
    unchanged_blocks,
)
from kalshi_pipeline.store.unchanged import is_unchanged_at
from kalshi_pipeline.units import MICROS_PER_MILLISECOND


def midpoint_of(yes_bid: int | None, yes_ask: int | None) -> float | None:
    """Return the midpoint if both sides are quoted: an unquoted market is not worth 50 cents."""
    return None if yes_bid is None or yes_ask is None else (yes_bid + yes_ask) / 2


class Quote(NamedTuple):
    """The quote of a market in force `at` an instant, in micro-dollars and hundredths of a contract.

    The tick `quoted_at` stored it or, if every quote is kept, last sent it; it was received at `received_at`.
    `is_observed` is whether its `state` is observed. `confirmed_at` is the newest complete tick that confirms it, if
    any, and `is_tick_complete` is whether that is the newest tick that covers the market. A market that is not listed
    has no numbers: its history ended at the tick `quoted_at`, or nothing had been stored and `quoted_at` is None. The
    numbers are those of `records.Quote`, in order.
    """

    ticker: str
    at: int
    quoted_at: int | None
    received_at: int | None
    is_listed: bool
    state: QuoteState
    is_observed: bool
    is_tick_complete: bool
    confirmed_at: int | None
    yes_bid: int | None
    yes_ask: int | None
    yes_bid_size: int | None
    yes_ask_size: int | None
    last_price: int | None
    volume: int | None
    open_interest: int | None

    @property
    def spread(self) -> int | None:
        """Ask minus bid; None unless both sides are quoted."""
        return None if self.yes_bid is None or self.yes_ask is None else self.yes_ask - self.yes_bid

    @property
    def midpoint(self) -> float | None:
        """The midpoint; None unless both sides are quoted."""
        return midpoint_of(self.yes_bid, self.yes_ask)


_new = tuple.__new__

# The columns below, as the driver returns them: for a hundred thousand rows, names or conversions would be expensive.
Stored: TypeAlias = tuple[Any, ...]

TICK_ID = bound_tick("tick_id")
MARKET_ID = bindparam("market_id", type_=Integer)
# The newest tick with unchanged quotes.
_repeated_id = bound_tick("repeated_id")
_rows = price_snapshots.c
_latest = latest_quotes.c


def quote_columns(
    of: ReadOnlyColumnCollection[str, Column[Any]], times: Sequence[ColumnElement[Any]] = ()
) -> Sequence[ColumnElement[Any]]:
    """Return the columns of a `Stored` row.

    They are the ticker, the tick and time at which it was last sent, whether it is terminal, the market, event and
    kind, the tick that stored it, and its numbers.
    """
    # Before the first trade the exchange writes 0.
    last_price = func.nullif(of.last_price, 0)
    numbers = (last_price if name == "last_price" else of[name] for name in QUOTE_COLUMNS)
    times = times or (of.tick_id, of.received_ms)
    kind = (markets.c.id, markets.c.event_id, type_coerce(markets.c.is_combo, Integer))
    return (markets.c.ticker, *times, type_coerce(of.is_terminal, Integer), *kind, of.tick_id, *numbers)


def _rows_in_force(*which: ColumnElement[bool], with_repeats: bool = False) -> Select[Any]:
    """The row in force of each of those markets, including terminal rows: its key is found first, which is fastest.

    With repeats, it has the tick and time at which its quote was last found unchanged, if any.
    """
    found = (
        select(_latest.market_id, tick_in_force(TICK_ID).label("tick_id"))
        .where(*which)
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    of_row = and_(_rows.tick_id == found.c.tick_id, _rows.market_id == found.c.market_id)
    joined = found.join(price_snapshots, of_row).join(markets, markets.c.id == _rows.market_id)
    if not with_repeats:
        return select(*quote_columns(_rows)).select_from(joined)
    repeats = unchanged_blocks.c
    last_id = repeat_of_market(found.c.market_id, found.c.tick_id, _repeated_id)
    of_repeat = is_unchanged_at(found.c.market_id, last_id)
    times = (
        func.coalesce(repeats.tick_id, _rows.tick_id),
        func.coalesce(repeats.received_ms, _rows.received_ms),
    )
    return select(*quote_columns(_rows, times)).select_from(joined.outerjoin(unchanged_blocks, of_repeat))


_has_ended = and_(_latest.is_terminal, _latest.tick_id <= TICK_ID)
_is_listed = not_(_rows.is_terminal)
_listed_rows = _rows_in_force(not_(_has_ended)).where(_is_listed)
_repeated_listed_rows = _rows_in_force(not_(_has_ended), with_repeats=True).where(_is_listed)
# What is in force at the newest tick has a table of its own.
_newest_listed_rows = (
    select(*quote_columns(_latest)).select_from(latest_quotes.join(markets)).where(not_(_latest.is_terminal))
)
_market_ids: BindParameter[Sequence[int]] = bindparam("market_ids", expanding=True)
_rows_of_some = _rows_in_force(_latest.market_id.in_(_market_ids))
_repeated_rows_of_some = _rows_in_force(_latest.market_id.in_(_market_ids), with_repeats=True)
_market_row = _rows_in_force(_latest.market_id == MARKET_ID)
_repeated_market_row = _rows_in_force(_latest.market_id == MARKET_ID, with_repeats=True)


def quotes_as_of(connection: Connection, at: int) -> list[Quote]:
    """Return the quote in force at an instant of each market that was listed then, in no particular order."""
    tick = newest_tick(connection, at)
    if tick is None:
        return []
    bound = {"tick_id": tick.id, "repeated_id": newest_repeat(connection, tick.id)}
    if bound["repeated_id"] is not None:
        query = _repeated_listed_rows
    else:
        query = _newest_listed_rows if tick == newest_tick(connection) else _listed_rows
    return _known_at(connection, at, tick, read_stored(connection, query, bound))


def latest(connection: Connection, ticker: str | None = None, at: int | None = None) -> list[Quote]:
    """Return the newest quotes of each listed market, or of one, which may have ended; empty if none are stored.

    They are as known at an instant, by default at the newest tick.
    """
    tick = newest_tick(connection, at)
    if tick is None:
        return []
    instant = tick.tick_at if at is None else at
    if ticker is None:
        return quotes_as_of(connection, instant)
    rows = row_in_force(connection, market_id_of(connection, ticker), tick.id)
    return _known_at(connection, instant, tick, rows)


def quotes_of(connection: Connection, market_ids: Sequence[int], at: int) -> list[Quote]:
    """Return what is known of some markets at an instant, including ended ones; markets without a quote are missing."""
    tick = newest_tick(connection, at)
    if tick is None:
        return []
    repeated_id = newest_repeat(connection, tick.id)
    query = _rows_of_some if repeated_id is None else _repeated_rows_of_some
    rows: list[Stored] = []
    for some in in_parts(market_ids):
        bound = {"tick_id": tick.id, "repeated_id": repeated_id, "market_ids": some}
        rows += read_stored(connection, query, bound)
    return _known_at(connection, at, tick, rows)


def _known_at(connection: Connection, at: int, tick: TakenTick, rows: Sequence[Stored]) -> list[Quote]:
    known = Provenances(connection, min((row[7] for row in rows), default=tick.id), tick.id, at)
    return [quote_of(row, at, known.of(*row[4:7]).of_row(row[1], row[7])) for row in rows]


def rows_in_force(
    of_markets: Callable[[ColumnElement[int]], Iterable[ColumnElement[bool]]], *, with_repeats: bool
) -> Select[Any]:
    """Return the query for the rows in force of some markets at a tick, including terminal ones."""
    return _rows_in_force(*of_markets(_latest.market_id), with_repeats=with_repeats)


def market_id_of(connection: Connection, ticker: str) -> int | None:
    """Return the key of a market; None if it is not stored."""
    return connection.execute(select(markets.c.id).where(markets.c.ticker == ticker)).scalar_one_or_none()


def row_in_force(connection: Connection, market_id: int | None, tick_id: int) -> list[Stored]:
    """Return the row of a market in force at a tick, which may be terminal; empty if there is none."""
    bound = {"tick_id": tick_id, "market_id": market_id, "repeated_id": newest_repeat(connection, tick_id)}
    query = _market_row if bound["repeated_id"] is None else _repeated_market_row
    return read_stored(connection, query, bound)


def read_stored(connection: Connection, query: Select[Any], bound: Mapping[str, object]) -> list[Stored]:
    """Return the driver's own rows: wrapping each of a hundred thousand rows takes a third of the time."""
    cursor = connection.execute(query, bound).cursor
    return [] if cursor is None else list(cursor.fetchall())


def quote_of(row: Stored, at: int, provenance: Provenance) -> Quote:
    """Return the quote of a row at an instant."""
    quoted_at, state, is_tick_complete, confirmed_at = provenance
    if row[3]:
        state = QuoteState.UNKNOWN
    received_at = quoted_at + row[2] * MICROS_PER_MILLISECOND
    # Half the time of unpacking the row and of the constructor that NamedTuple writes.
    is_observed = state is QuoteState.OBSERVED
    known = (
        row[0],
        at,
        quoted_at,
        received_at,
        not row[3],
        state,
        is_observed,
        is_tick_complete,
        confirmed_at,
    )
    return _new(Quote, (*known, *row[8:]))
