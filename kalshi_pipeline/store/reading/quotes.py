"""Quotes read back: of every market as of an instant, and of one market over a span, as stored or on a grid."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
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

from kalshi_pipeline.errors import RangeError, UnknownTickerError
from kalshi_pipeline.store.reading.in_force import (
    Standing,
    TakenTick,
    bound_tick,
    newest_sighting,
    newest_tick,
    row_of_market,
    sighting_of_market,
    standings,
    ticks_between,
)
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    latest_quotes,
    markets,
    price_snapshots,
    sightings,
    ticks,
)
from kalshi_pipeline.units import MICROS_PER_MILLISECOND, MICROS_PER_SECOND, iso_of

MOST_GRID_POINTS = 1_000_000


def midpoint_of(yes_bid: int | None, yes_ask: int | None) -> float | None:
    """The middle of bid and ask, of a two-sided quote only: an unquoted market is not worth 50 cents."""
    return None if yes_bid is None or yes_ask is None else (yes_bid + yes_ask) / 2


class Quote(NamedTuple):
    """What is known of a market `at` an instant: the quote in force, in micro-dollars and hundredths of a contract.

    It was stored or, where every quote is kept, given again by the tick `quoted_at`, and received at `received_at`. It
    is observed where that is the newest tick of its scope, else carried.
    `confirmed_at` is the newest complete tick that vouches for it, if any, and `is_tick_complete` tells whether the
    newest tick of its scope is that one. A market that is not listed has no numbers: it was found gone by the tick
    `quoted_at`, or nothing had been stored of it, which is None.
    """

    ticker: str
    at: int
    quoted_at: int | None
    received_at: int | None
    is_listed: bool
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


# The columns below, as the driver gives them: of a hundred thousand rows a name or a conversion is dear.
Stored: TypeAlias = tuple[Any, ...]

_tick_id = bound_tick("tick_id")
_last_id = bound_tick("last_id")
_market_id = bindparam("market_id", type_=Integer)
# The newest tick with sightings.
_sighted_id = bound_tick("sighted_id")
_rows = price_snapshots.c
_latest = latest_quotes.c


def _columns(
    of: ReadOnlyColumnCollection[str, Column[Any]], times: Sequence[ColumnElement[Any]] = ()
) -> Sequence[ColumnElement[Any]]:
    numbers = (of[name] for name in QUOTE_COLUMNS)
    times = times or (of.tick_id, of.received_ms)
    return (markets.c.ticker, *times, type_coerce(of.is_terminal, Integer), *numbers)


def _rows_in_force(*which: ColumnElement[bool], with_sightings: bool = False) -> Select[Any]:
    """The row of each of those markets, terminal ones included: found by its key first, then read, which is fastest.

    With sightings, each has the tick and the time of its newest one, if there is any.
    """
    found = (
        select(_latest.market_id, row_of_market(_tick_id).label("tick_id"))
        .where(*which)
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    of_row = and_(_rows.tick_id == found.c.tick_id, _rows.market_id == found.c.market_id)
    joined = found.join(price_snapshots, of_row).join(markets, markets.c.id == _rows.market_id)
    if not with_sightings:
        return select(*_columns(_rows)).select_from(joined)
    sighted = sightings.c
    last_id = sighting_of_market(found.c.market_id, found.c.tick_id, _sighted_id)
    of_sighting = and_(sighted.tick_id == last_id, sighted.market_id == found.c.market_id)
    times = (
        func.coalesce(sighted.tick_id, _rows.tick_id),
        func.coalesce(sighted.received_ms, _rows.received_ms),
    )
    return select(*_columns(_rows, times)).select_from(joined.outerjoin(sightings, of_sighting))


_has_ended = and_(_latest.is_terminal, _latest.tick_id <= _tick_id)
_is_listed = not_(_rows.is_terminal)
_listed_rows = _rows_in_force(not_(_has_ended)).where(_is_listed)
_sighted_listed_rows = _rows_in_force(not_(_has_ended), with_sightings=True).where(_is_listed)
# What is in force at the newest tick has been kept at hand.
_newest_listed_rows = (
    select(*_columns(_latest)).select_from(latest_quotes.join(markets)).where(not_(_latest.is_terminal))
)
_market_row = _rows_in_force(_latest.market_id == _market_id)
_sighted_market_row = _rows_in_force(_latest.market_id == _market_id, with_sightings=True)
_later_rows = (
    select(*_columns(_rows))
    .select_from(price_snapshots.join(markets))
    .where(_rows.market_id == _market_id, _rows.tick_id > _tick_id, _rows.tick_id <= _last_id)
    .order_by(_rows.tick_id)
)
_later_sightings = select(sightings.c.tick_id, sightings.c.received_ms).where(
    sightings.c.market_id == _market_id,
    sightings.c.tick_id.in_(select(ticks.c.id).where(ticks.c.id > _tick_id, ticks.c.id <= _last_id)),
)


def quotes_as_of(connection: Connection, at: int) -> list[Quote]:
    """Give the quote in force at an instant of each market that was listed then, in no particular order."""
    tick = newest_tick(connection, at)
    if tick is None:
        return []
    bound = {"tick_id": tick.id, "sighted_id": newest_sighting(connection, tick.id)}
    if bound["sighted_id"] is not None:
        query = _sighted_listed_rows
    else:
        query = _newest_listed_rows if tick == newest_tick(connection) else _listed_rows
    return _standing_at(connection, at, tick, _read(connection, query, bound))


def latest(connection: Connection, ticker: str | None = None) -> list[Quote]:
    """Give the newest quotes, as of the newest tick: of each listed market, or of one, which may have ended.

    Empty where none is stored.
    """
    tick = newest_tick(connection)
    if tick is None:
        return []
    if ticker is None:
        return quotes_as_of(connection, tick.tick_at)
    rows = _read_of_market(connection, _market_id_of(connection, ticker), tick.id)
    return _standing_at(connection, tick.tick_at, tick, rows)


def _read_of_market(connection: Connection, market_id: int | None, tick_id: int) -> list[Stored]:
    bound = {"tick_id": tick_id, "market_id": market_id, "sighted_id": newest_sighting(connection, tick_id)}
    return _read(connection, _market_row if bound["sighted_id"] is None else _sighted_market_row, bound)


def _read(connection: Connection, query: Select[Any], bound: Mapping[str, int | None]) -> list[Stored]:
    """Give the driver's own rows: wrapping each of a hundred thousand takes a third of the time."""
    cursor = connection.execute(query, bound).cursor
    return [] if cursor is None else list(cursor.fetchall())


def _standing_at(connection: Connection, at: int, tick: TakenTick, rows: Sequence[Stored]) -> list[Quote]:
    standing = standings(connection, min((row[1] for row in rows), default=tick.id), tick.id)
    return [_quote(row, at, standing[row[1]]) for row in rows]


def history(
    connection: Connection, ticker: str, start: int, end: int, resample_seconds: float | None = None
) -> list[Quote]:
    """Give the history of one market in [start, end), oldest first.

    The quote in force at `start`, if there is one; then each stored quote, as of its tick, and each tick that found
    the market gone. With `resample_seconds` what is known at start, start + step, ... instead, whether the market
    was listed then or not. Raises UnknownTickerError, and RangeError where the span or the grid is none.
    """
    grid = _grid(start, end, resample_seconds)
    market_id = _market_id_of(connection, ticker)
    if market_id is None:
        raise UnknownTickerError(ticker)
    first_tick, last_tick = newest_tick(connection, start), newest_tick(connection, end - 1)
    first_id, last_id = (0 if tick is None else tick.id for tick in (first_tick, last_tick))
    span = {"market_id": market_id, "tick_id": first_id, "last_id": last_id}
    rows = {row[1]: row for row in _read_of_market(connection, market_id, first_id)}
    rows |= {row[1]: row for row in _read(connection, _later_rows, span)}
    sighted = newest_sighting(connection, last_id) is not None
    if sighted:
        rows = _with_sightings(rows, _read(connection, _later_sightings, span))
    # Between the stored quotes, a tick matters to a grid only.
    taken = ticks_between(connection, min(rows, default=last_id), first_id)
    taken += ticks_between(connection, first_id + 1, last_id, None if grid or sighted else market_id)
    if grid is not None:
        return list(_known_at(ticker, grid, taken, rows))
    instants = [start, *(tick.tick_at for tick in taken if tick.tick_at > start and tick.id in rows)]
    known = _known_at(ticker, instants, taken, rows)
    return [quote for quote in known if quote.is_listed or quote.quoted_at == quote.at]


def _with_sightings(rows: Mapping[int, Stored], sighted: Sequence[Stored]) -> dict[int, Stored]:
    """Put a row for each sighting between the others, by their ticks: the one before, given again."""
    received_ms: dict[int, int] = dict(sighted)
    given: dict[int, Stored] = {}
    last: Stored = ()
    for tick_id in sorted({*rows, *received_ms}):
        last = rows.get(tick_id) or (last[0], tick_id, received_ms[tick_id], *last[3:])
        given[tick_id] = last
    return given


def _grid(start: int, end: int, step_seconds: float | None) -> range | None:
    if start >= end:
        raise RangeError(
            f"{iso_of(start)} is not before {iso_of(end)}: give a start that is earlier than the end"
        )
    if step_seconds is None:
        return None
    step = round(step_seconds * MICROS_PER_SECOND)
    if step <= 0:
        raise RangeError(f"a step of {step_seconds:g} s leads nowhere: give a positive number of seconds")
    grid = range(start, end, step)
    if len(grid) > MOST_GRID_POINTS:
        raise RangeError(
            f"a step of {step_seconds:g} s makes {len(grid):,} rows, more than {MOST_GRID_POINTS:,}: give a longer "
            "step or a shorter span"
        )
    return grid


def _market_id_of(connection: Connection, ticker: str) -> int | None:
    return connection.execute(select(markets.c.id).where(markets.c.ticker == ticker)).scalar_one_or_none()


def _known_at(
    ticker: str, instants: Iterable[int], taken: Sequence[TakenTick], rows: Mapping[int, Stored]
) -> Iterator[Quote]:
    """Walk along the ticks, and say at each instant what they had told by then."""
    known = Quote(ticker, 0, None, None, False, False, False, None, *[None] * len(QUOTE_COLUMNS))  # noqa: FBT003
    scope = None
    upcoming = 0
    for at in instants:
        while upcoming < len(taken) and (tick := taken[upcoming]).tick_at <= at:
            upcoming += 1
            confirmed_at = tick.tick_at if tick.is_complete else None
            if (row := rows.get(tick.id)) is not None:
                scope = tick.scope
                known = _quote(
                    row,
                    at,
                    Standing(
                        quoted_at=tick.tick_at,
                        is_observed=True,
                        is_tick_complete=tick.is_complete,
                        confirmed_at=confirmed_at,
                    ),
                )
            elif tick.scope == scope:
                known = known._replace(
                    is_observed=False,
                    is_tick_complete=tick.is_complete,
                    confirmed_at=confirmed_at or known.confirmed_at,
                )
        yield known if known.at == at else Quote(ticker, at, *known[2:])


def _quote(row: Stored, at: int, standing: Standing) -> Quote:
    # Name by name: it takes half the time of what unpacks the rest of a row.
    ticker, _, received_ms, is_terminal, bid, ask, bid_size, ask_size, last_price, volume, open_interest = row
    quoted_at, is_observed, is_tick_complete, confirmed_at = standing
    return Quote(
        ticker,
        at,
        quoted_at,
        quoted_at + received_ms * MICROS_PER_MILLISECOND,
        not is_terminal,
        is_observed,
        is_tick_complete,
        confirmed_at,
        bid,
        ask,
        bid_size,
        ask_size,
        last_price,
        volume,
        open_interest,
    )
