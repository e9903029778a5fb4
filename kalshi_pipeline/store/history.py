"""Quotes read back: of every market as of an instant, and of one market over a span, as stored or on a grid."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    not_,
    select,
    type_coerce,
)

from kalshi_pipeline.errors import RangeError, UnknownTickerError
from kalshi_pipeline.store.in_force import (
    Standing,
    TakenTick,
    bound_tick,
    newest_tick,
    row_of_market,
    standings,
    ticks_between,
)
from kalshi_pipeline.store.tables import QUOTE_COLUMNS, latest_quotes, markets, price_snapshots
from kalshi_pipeline.units import MICROS_PER_MILLISECOND, MICROS_PER_SECOND, iso_of

MOST_GRID_POINTS = 1_000_000


def midpoint_of(yes_bid: int | None, yes_ask: int | None) -> float | None:
    """The middle of bid and ask, of a two-sided quote only: an unquoted market is not worth 50 cents."""
    return None if yes_bid is None or yes_ask is None else (yes_bid + yes_ask) / 2


class Quote(NamedTuple):
    """What is known of a market `at` an instant: the quote in force, in micro-dollars and hundredths of a contract.

    It was stored by the tick `quoted_at`. It is observed where that is the newest tick of its scope, else carried.
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


# The columns below, by position and as they are: of a hundred thousand rows a name or a conversion is dear.
Stored: TypeAlias = Row[*tuple[Any, ...]]

_tick_id = bound_tick("tick_id")
_last_id = bound_tick("last_id")
_market_id = bindparam("market_id", type_=Integer)
_rows = price_snapshots.c
_latest = latest_quotes.c
_columns = (
    markets.c.ticker,
    _rows.tick_id,
    _rows.received_ms,
    type_coerce(_rows.is_terminal, Integer),
    *(_rows[name] for name in QUOTE_COLUMNS),
)


def _rows_in_force(*which: ColumnElement[bool]) -> Select[Any]:
    """The row of each of those markets, terminal ones included: found by its key first, then read, which is fastest."""
    found = (
        select(_latest.market_id, row_of_market(_tick_id).label("tick_id"))
        .where(*which)
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    of_row = and_(_rows.tick_id == found.c.tick_id, _rows.market_id == found.c.market_id)
    return select(*_columns).select_from(
        found.join(price_snapshots, of_row).join(markets, markets.c.id == _rows.market_id)
    )


_has_ended = and_(_latest.is_terminal, _latest.tick_id <= _tick_id)
_listed_rows = _rows_in_force(not_(_has_ended)).where(not_(_rows.is_terminal))
_market_row = _rows_in_force(_latest.market_id == _market_id)
_later_rows = (
    select(*_columns)
    .select_from(price_snapshots.join(markets))
    .where(_rows.market_id == _market_id, _rows.tick_id > _tick_id, _rows.tick_id <= _last_id)
    .order_by(_rows.tick_id)
)


def quotes_as_of(connection: Connection, at: int) -> list[Quote]:
    """Give the quote in force at an instant of each market that was listed then, in no particular order."""
    tick = newest_tick(connection, at)
    if tick is None:
        return []
    rows = connection.execute(_listed_rows, {"tick_id": tick.id}).all()
    return _standing_at(connection, at, tick, rows)


def latest(connection: Connection, ticker: str | None = None) -> list[Quote]:
    """Give the newest quotes, as of the newest tick: of each listed market, or of one, which may have ended.

    Empty where none is stored.
    """
    tick = newest_tick(connection)
    if tick is None:
        return []
    if ticker is None:
        return quotes_as_of(connection, tick.tick_at)
    bound = {"tick_id": tick.id, "market_id": _market_id_of(connection, ticker)}
    return _standing_at(connection, tick.tick_at, tick, connection.execute(_market_row, bound).all())


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
        raise UnknownTickerError.of_market(ticker)
    first_tick, last_tick = newest_tick(connection, start), newest_tick(connection, end - 1)
    first_id, last_id = (0 if tick is None else tick.id for tick in (first_tick, last_tick))
    span = {"market_id": market_id, "tick_id": first_id, "last_id": last_id}
    found = [*connection.execute(_market_row, span), *connection.execute(_later_rows, span)]
    rows = {row.tick_id: row for row in found}
    # Between the stored quotes, a tick matters to a grid only.
    ticks = ticks_between(connection, min(rows, default=last_id), first_id)
    ticks += ticks_between(connection, first_id + 1, last_id, None if grid else market_id)
    if grid is not None:
        return list(_known_at(ticker, grid, ticks, rows))
    instants = [start, *(tick.tick_at for tick in ticks if tick.tick_at > start)]
    known = _known_at(ticker, instants, ticks, rows)
    return [quote for quote in known if quote.is_listed or quote.quoted_at == quote.at]


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
    ticker: str, instants: Iterable[int], ticks: Sequence[TakenTick], rows: Mapping[int, Stored]
) -> Iterator[Quote]:
    """Walk along the ticks, and say at each instant what they had told by then."""
    known = Quote(ticker, 0, None, None, False, False, False, None, *[None] * len(QUOTE_COLUMNS))  # noqa: FBT003
    scope = None
    upcoming = 0
    for at in instants:
        while upcoming < len(ticks) and (tick := ticks[upcoming]).tick_at <= at:
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
    quoted_at, is_observed, is_tick_complete, confirmed_at = standing
    received_at = quoted_at + row[2] * MICROS_PER_MILLISECOND
    flags = (not row[3], is_observed, is_tick_complete)
    return Quote(row[0], at, quoted_at, received_at, *flags, confirmed_at, *row[4:])
