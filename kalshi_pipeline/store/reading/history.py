"""The history of one market over a span: as stored, or on a grid."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from kalshi_pipeline.errors import RangeError, UnknownTickerError
from kalshi_pipeline.store.reading.in_force import (
    Coverage,
    Provenance,
    QuoteState,
    TakenTick,
    bound_tick,
    newest_repeat,
    newest_tick,
    period_of,
    state_at,
    ticks_between,
)
from kalshi_pipeline.store.reading.quotes import (
    MARKET_ID,
    TICK_ID,
    Quote,
    Stored,
    market_id_of,
    quote_columns,
    quote_of,
    read_stored,
    row_in_force,
)
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    markets,
    price_snapshots,
    ticks,
    unchanged_blocks,
)
from kalshi_pipeline.store.unchanged import lists_market
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of

MOST_GRID_POINTS = 1_000_000

_last_id = bound_tick("last_id")
_rows = price_snapshots.c
_later_rows = (
    select(*quote_columns(_rows))
    .select_from(price_snapshots.join(markets))
    .where(_rows.market_id == MARKET_ID, _rows.tick_id > TICK_ID, _rows.tick_id <= _last_id)
    .order_by(_rows.tick_id)
)
_later_repeats = select(unchanged_blocks.c.tick_id, unchanged_blocks.c.received_ms).where(
    lists_market(MARKET_ID),
    unchanged_blocks.c.tick_id.in_(select(ticks.c.id).where(ticks.c.id > TICK_ID, ticks.c.id <= _last_id)),
)


def history(
    connection: Connection, ticker: str, start: int, end: int, resample_seconds: float | None = None
) -> list[Quote]:
    """Return the history of one market in [start, end), oldest first.

    The quote in force at `start`, if there is one; then each stored quote, as of its tick, and each tick that found
    the market gone. With `resample_seconds` what is known at start, start + step, ... instead, whether the market
    was listed then or not. Raises UnknownTickerError, and RangeError if the span or the grid is empty or the grid too
    fine.
    """
    grid = _grid(start, end, resample_seconds)
    market_id = market_id_of(connection, ticker)
    if market_id is None:
        raise UnknownTickerError(ticker)
    first_tick, last_tick = newest_tick(connection, start), newest_tick(connection, end - 1)
    first_id, last_id = (0 if tick is None else tick.id for tick in (first_tick, last_tick))
    span = {"market_id": market_id, "tick_id": first_id, "last_id": last_id}
    rows = {}
    for row in row_in_force(connection, market_id, first_id):
        # Ticks between the one that stored it and the one that sent it last may confirm it.
        rows = {row[7]: (row[0], row[7], *row[2:]), row[1]: row}
    rows |= {row[1]: row for row in read_stored(connection, _later_rows, span)}
    has_repeats = newest_repeat(connection, last_id) is not None
    if has_repeats:
        rows = _with_repeats(rows, read_stored(connection, _later_repeats, span))
    # Between the stored quotes, a tick matters to a grid only.
    taken = ticks_between(connection, min(rows, default=last_id), first_id)
    taken += ticks_between(connection, first_id + 1, last_id, None if grid or has_repeats else market_id)
    carrying = _Carrying(connection, taken, next(iter(rows.values()), None))
    if grid is not None:
        return list(_known_at(ticker, grid, taken, rows, carrying))
    instants = [start, *(tick.tick_at for tick in taken if tick.tick_at > start and tick.id in rows)]
    known = _known_at(ticker, instants, taken, rows, carrying)
    return [quote for quote in known if quote.is_listed or quote.quoted_at == quote.at]


def newest_history(connection: Connection, ticker: str, limit: int) -> list[Quote]:
    """Return the end of a market's history, oldest first, and at most `limit` quotes; empty if none are stored."""
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


class _Carrying:
    """The ticks that cover one market, and what they show of its quote by an instant."""

    def __init__(self, connection: Connection, taken: Sequence[TakenTick], row: Stored | None) -> None:
        self._coverage = Coverage(connection)
        self._market_id, event_id, is_combo = (0, 0, 0) if row is None else row[4:7]
        self._scope_ids = self._coverage.scopes_of(event_id, is_combo=bool(is_combo))
        first_id = taken[0].id if taken else 0
        self._period_seconds = period_of(connection, self._scope_ids | self._coverage.former, first_id)
        self._stored_by: TakenTick | None = None
        self._row: Stored = ()
        self._last: TakenTick | None = None
        self._was_seen = self._is_confirmed = False
        self._confirmed_at: int | None = None
        self._sent_at: int | None = None

    def meet(self, tick: TakenTick, row: Stored | None) -> None:
        """Go on to the next tick, which has a row of the market, or none."""
        if row is not None:
            is_repeat = self._stored_by is not None and row[7] != tick.id
            self._stored_by, self._row, self._last = tick, row, tick
            self._was_seen, self._is_confirmed = True, tick.is_complete
            self._sent_at = tick.tick_at if tick.is_complete else None
            if not is_repeat or (tick.is_complete and self._covers(tick, tick)):
                self._confirmed_at = self._sent_at
        elif self._stored_by is not None and self._covers(tick, self._stored_by):
            self._last = tick
            self._was_seen = self._is_confirmed = tick.is_complete and not self._coverage.is_missed(
                self._market_id, tick.id
            )
            if self._is_confirmed:
                self._confirmed_at = tick.tick_at
        if tick.period_seconds is not None and tick.scope_id in self._scope_ids | self._coverage.former:
            self._period_seconds = tick.period_seconds

    def at(self, ticker: str, at: int) -> Quote:
        """Return what is known at an instant, by the ticks that were met."""
        if self._stored_by is None or self._last is None:
            nothing = [None] * len(QUOTE_COLUMNS)
            return Quote(ticker, at, None, None, False, QuoteState.UNKNOWN, False, False, None, *nothing)  # noqa: FBT003
        # Of the ticks that sent it again without covering its market, the last one counts.
        confirmed_at = max(filter(None, (self._confirmed_at, self._sent_at)), default=None)
        state = state_at(at, self._last.tick_at, confirmed_at, self._period_seconds, was_seen=self._was_seen)
        provenance = Provenance(self._stored_by.tick_at, state, self._is_confirmed, confirmed_at)
        return quote_of(self._row, at, provenance)

    def _covers(self, tick: TakenTick, stored_by: TakenTick) -> bool:
        is_same = tick.scope_id in self._coverage.former and tick.scope_id == stored_by.scope_id
        return is_same or tick.scope_id in self._scope_ids


def _with_repeats(rows: Mapping[int, Stored], repeats: Sequence[Stored]) -> dict[int, Stored]:
    """Insert a row for each tick that found the quote unchanged: the previous row, sent again."""
    received_ms: dict[int, int] = dict(repeats)
    sent: dict[int, Stored] = {}
    last: Stored = ()
    for tick_id in sorted({*rows, *received_ms}):
        last = rows.get(tick_id) or (last[0], tick_id, received_ms[tick_id], *last[3:])
        sent[tick_id] = last
    return sent


def _grid(start: int, end: int, step_seconds: float | None) -> range | None:
    if start >= end:
        raise RangeError(
            f"{iso_of(start)} is not before {iso_of(end)}: choose a start that is earlier than the end"
        )
    if step_seconds is None:
        return None
    step = round(step_seconds * MICROS_PER_SECOND) if math.isfinite(step_seconds) else 0
    if step <= 0:
        raise RangeError(f"a step of {step_seconds:g} s leads nowhere: choose a positive number of seconds")
    grid = range(start, end, step)
    if len(grid) > MOST_GRID_POINTS:
        raise RangeError(
            f"a step of {step_seconds:g} s makes {len(grid):,} rows, more than {MOST_GRID_POINTS:,}: choose a longer "
            "step or a shorter span"
        )
    return grid


def _known_at(
    ticker: str,
    instants: Iterable[int],
    taken: Sequence[TakenTick],
    rows: Mapping[int, Stored],
    carrying: _Carrying,
) -> Iterator[Quote]:
    """Yield at each instant what the ticks that cover the market have shown by then."""
    upcoming = 0
    for at in instants:
        while upcoming < len(taken) and (tick := taken[upcoming]).tick_at <= at:
            upcoming += 1
            carrying.meet(tick, rows.get(tick.id))
        yield carrying.at(ticker, at)
