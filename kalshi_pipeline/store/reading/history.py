"""The history of markets over a span: as stored, or on a grid."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, select

from kalshi_pipeline.errors import RangeError, UnknownTickerError
from kalshi_pipeline.store.reading.in_force import bound_tick, newest_repeat
from kalshi_pipeline.store.reading.quotes import (
    MARKET_ID,
    TICK_ID,
    Quote,
    Stored,
    market_id_of,
    quote_columns,
    read_stored,
    rows_in_force,
)
from kalshi_pipeline.store.reading.taken_ticks import newest_tick, ticks_between
from kalshi_pipeline.store.reading.timelines import Followed, Timelines
from kalshi_pipeline.store.schema.tables import (
    BLOCK_SIZE,
    markets,
    price_snapshots,
    ticks,
    unchanged_blocks,
)
from kalshi_pipeline.units import MICROS_PER_SECOND, brief_iso_of

MOST_GRID_POINTS = 1_000_000
_AT_ONCE = 1_000  # rows

OfMarkets: TypeAlias = Callable[[ColumnElement[int]], Iterable[ColumnElement[bool]]]
"""Turns a column of market keys into conditions that select the requested markets."""
# A tick, by its key or its place among those that are read; the key of a market; and the row that the tick stored of
# it, or the time at which the exchange sent the one before again.
_Sent: TypeAlias = tuple[int, int, Stored | int]

_last_id = bound_tick("last_id")
_rows, _blocks = price_snapshots.c, unchanged_blocks.c


class _Statements(NamedTuple):
    """The statements that read the requested markets."""

    in_force: Select[Any]
    in_force_or_repeated: Select[Any]
    later_rows: Select[Any]
    later_blocks: Select[Any]


def _statements(of_markets: OfMarkets) -> _Statements:
    # If some markets are requested, use their index: a planner might prefer the order of the key.
    some = list(of_markets(_rows.market_id))
    order = _rows.tick_id + 0 if some else _rows.tick_id
    later_rows = (
        select(*quote_columns(_rows))
        .select_from(price_snapshots.join(markets))
        .where(_rows.tick_id > TICK_ID, _rows.tick_id <= _last_id, *some)
        .order_by(order)
    )
    later_ids = select(ticks.c.id).where(ticks.c.id > TICK_ID, ticks.c.id <= _last_id)
    later_blocks = (
        select(_blocks.tick_id, _blocks.block, _blocks.received_ms, _blocks.remainders)
        .where(_blocks.tick_id.in_(later_ids))
        .order_by(_blocks.tick_id)
    )
    if some:
        block = select(markets.c.id // BLOCK_SIZE).where(*of_markets(markets.c.id))
        later_blocks = later_blocks.where(_blocks.block.in_(block))
    in_force, in_force_or_repeated = (
        rows_in_force(of_markets, with_repeats=is_kept) for is_kept in (False, True)
    )
    return _Statements(in_force, in_force_or_repeated, later_rows, later_blocks)


_OF_MARKET = _statements(lambda market_id: [market_id == MARKET_ID])


def history(
    connection: Connection, ticker: str, start: int, end: int, resample_seconds: float | None = None
) -> list[Quote]:
    """Return the history of one market in [start, end), oldest first.

    It has the quote in force at `start`, if any; then each stored quote as of its tick, and each tick at which the
    market's history ended. With `resample_seconds`, it has what was known at start, start + step, ... instead, even if
    the market was not listed. Raises UnknownTickerError, and RangeError if the span or grid is empty, or the grid too
    fine.
    """
    grid = grid_of(start, end, resample_seconds)
    market_id = market_id_of(connection, ticker)
    if market_id is None:
        raise UnknownTickerError(ticker)
    return list(_histories(connection, {market_id: ticker}, _OF_MARKET, start, end, grid))


def histories(
    connection: Connection,
    tickers: Mapping[int, str],
    of_markets: OfMarkets,
    start: int,
    end: int,
    grid: range | None,
) -> Iterator[Quote]:
    """Yield the histories of many markets, given by key and ticker: oldest first, and at one instant ordered by ticker.

    `grid_of` makes the grid. The connection is in use until the end. Memory holds the ticks and one row of each market.
    """
    return _histories(connection, tickers, _statements(of_markets), start, end, grid)


def newest_history(connection: Connection, ticker: str, limit: int) -> list[Quote]:
    """Return at most `limit` of the newest quotes of a market, oldest first; empty if none are stored."""
    tick = newest_tick(connection)
    stored_at = (
        select(ticks.c.tick_at)
        .select_from(price_snapshots.join(markets).join(ticks))
        .where(markets.c.ticker == ticker)
        .order_by(price_snapshots.c.tick_id.desc())
        .limit(limit)
    )
    *_, first_at = connection.execute(stored_at).scalars().all() or [None]
    if tick is None or first_at is None:
        return []
    return history(connection, ticker, first_at, tick.tick_at + 1)[-limit:]


def _histories(
    connection: Connection,
    tickers: Mapping[int, str],
    statements: _Statements,
    start: int,
    end: int,
    grid: range | None,
) -> Iterator[Quote]:
    first_tick, last_tick = newest_tick(connection, start), newest_tick(connection, end - 1)
    first_id, last_id = (0 if tick is None else tick.id for tick in (first_tick, last_tick))
    repeated_id = newest_repeat(connection, last_id)
    market_id = next(iter(tickers)) if len(tickers) == 1 else None
    span = {"market_id": market_id, "tick_id": first_id, "last_id": last_id}
    in_force = _rows_in_force(connection, statements, span)
    taken = ticks_between(connection, min((row[7] for row in in_force), default=first_id + 1), first_id)
    # Between the stored quotes, a tick matters to a grid only.
    are_all_needed = grid is not None or repeated_id is not None
    taken += ticks_between(connection, first_id + 1, last_id, None if are_all_needed else market_id)
    timelines = Timelines(connection, taken)
    by_ticker = sorted(tickers.items(), key=itemgetter(1))
    followed = {key: Followed(timelines, key, ticker) for key, ticker in by_ticker}
    for row in in_force:
        _begin(followed, timelines, row)
    sent = _sent_later(connection, statements, span, timelines, followed, has_repeats=repeated_id is not None)
    times = [tick.tick_at for tick in taken]
    if grid is not None:
        yield from _on_grid(grid, followed, sent, times)
    else:
        yield from _as_sent(start, followed, sent, times)


def _rows_in_force(
    connection: Connection, statements: _Statements, span: Mapping[str, int | None]
) -> list[Stored]:
    first_id = span["tick_id"]
    assert first_id is not None
    bound = {**span, "repeated_id": newest_repeat(connection, first_id)}
    query = statements.in_force if bound["repeated_id"] is None else statements.in_force_or_repeated
    return read_stored(connection, query, bound)


def _begin(followed: Mapping[int, Followed], timelines: Timelines, row: Stored) -> None:
    """Apply to a market the tick that stored its row, and the one that last sent it.

    Ticks in between may confirm it.
    """
    market = followed.get(row[4])
    if market is None:
        return
    for tick_id in dict.fromkeys((row[7], row[1])):
        if (place := timelines.place_of(tick_id)) is not None:
            market.meet(place, (row[0], tick_id, *row[2:]))


def _sent_later(
    connection: Connection,
    statements: _Statements,
    span: Mapping[str, int | None],
    timelines: Timelines,
    followed: Mapping[int, Followed],
    *,
    has_repeats: bool,
) -> Iterator[_Sent]:
    """Yield what later ticks stored or sent again, oldest first: for each tick, repeated quotes before stored rows."""
    rows = ((row[1], row[4], row) for row in _read(connection, statements.later_rows, span))
    blocks = _read(connection, statements.later_blocks, span) if has_repeats else ()
    sent: Iterator[_Sent] = merge(_repeats(blocks, followed), rows, key=itemgetter(0))
    for tick_id, market_id, row in sent:
        place = timelines.place_of(tick_id)
        if place is not None and market_id in followed:
            yield place, market_id, row


def _repeats(blocks: Iterable[Stored], market_ids: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    by_block: dict[int, list[tuple[int, int]]] = {}
    for market_id in market_ids:
        block, remainder = divmod(market_id, BLOCK_SIZE)
        by_block.setdefault(block, []).append((remainder, market_id))
    for tick_id, block, received_ms, remainders in blocks:
        for remainder, market_id in by_block.get(block, ()):
            if remainder in remainders:
                yield tick_id, market_id, received_ms


def _read(connection: Connection, query: Select[Any], bound: Mapping[str, int | None]) -> Iterator[Stored]:
    """Yield the driver's rows, one batch at a time."""
    cursor = connection.execute(query, bound).cursor
    while cursor is not None and (rows := cursor.fetchmany(_AT_ONCE)):
        yield from rows


def _on_grid(
    grid: range, followed: Mapping[int, Followed], sent: Iterator[_Sent], times: Sequence[int]
) -> Iterator[Quote]:
    upcoming = next(sent, None)
    for at in grid:
        place = bisect_right(times, at) - 1
        while upcoming is not None and upcoming[0] <= place:
            _meet(followed, upcoming)
            upcoming = next(sent, None)
        for market in followed.values():
            yield market.at(at, place)


def _as_sent(
    start: int, followed: Mapping[int, Followed], sent: Iterator[_Sent], times: Sequence[int]
) -> Iterator[Quote]:
    place = bisect_right(times, start) - 1
    yield from _shown(followed.values(), start, place)
    for place, of_tick in groupby(sent, key=itemgetter(0)):
        changed = {_meet(followed, one) for one in of_tick}
        yield from _shown(sorted(changed, key=attrgetter("ticker")), times[place], place)


def _shown(changed: Iterable[Followed], at: int, place: int) -> Iterator[Quote]:
    """Yield what is known of markets that are listed, or whose history ended at the instant."""
    for market in changed:
        quote = market.at(at, place)
        if quote.is_listed or quote.quoted_at == at:
            yield quote


def _meet(followed: Mapping[int, Followed], one: _Sent) -> Followed:
    place, market_id, row = one
    market = followed[market_id]
    if isinstance(row, int):
        market.meet_again(place, row)
    else:
        market.meet(place, row)
    return market


def grid_of(start: int, end: int, step_seconds: float | None) -> range | None:
    """Return the instants of a grid over [start, end); None without a step.

    Raises RangeError if the span or the grid is empty, or the grid too fine.
    """
    if start >= end:
        raise RangeError(
            f"{brief_iso_of(start)} is not before {brief_iso_of(end)}: choose a start that is earlier than the end"
        )
    if step_seconds is None:
        return None
    step = round(step_seconds * MICROS_PER_SECOND) if math.isfinite(step_seconds) else 0
    if step <= 0:
        raise RangeError(f"a step of {step_seconds:g} s is invalid: choose a positive number of seconds")
    grid = range(start, end, step)
    if len(grid) > MOST_GRID_POINTS:
        raise RangeError(
            f"a step of {step_seconds:g} s makes {len(grid):,} rows, more than {MOST_GRID_POINTS:,}: choose a longer "
            "step or a shorter span"
        )
    return grid
