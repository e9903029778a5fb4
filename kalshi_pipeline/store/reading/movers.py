"""Movers: the markets whose price has changed most in a window of time."""

from typing import NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from kalshi_pipeline.errors import RangeError
from kalshi_pipeline.store.reading.in_force import bound_tick, last_sent, newest_repeat, tick_in_force
from kalshi_pipeline.store.reading.provenance import Provenances, QuoteState
from kalshi_pipeline.store.reading.quotes import midpoint_of
from kalshi_pipeline.store.reading.taken_ticks import TakenTick, newest_tick
from kalshi_pipeline.store.schema.tables import latest_quotes, markets, price_snapshots
from kalshi_pipeline.units import MICROS_PER_SECOND


class Mover(NamedTuple):
    """A market whose midpoint or last price changed, with its newer quote and its base (micro-dollars, hundredths).

    They are from the ticks `quoted_at` and `base_quoted_at`; the base is at or before the start of the window, and
    `volume_change` was traded in between. `state` is that of the newer quote.
    """

    ticker: str
    title: str | None
    quoted_at: int
    base_quoted_at: int
    state: QuoteState
    yes_bid: int | None
    yes_ask: int | None
    last_price: int | None
    base_yes_bid: int | None
    base_yes_ask: int | None
    base_last_price: int | None
    volume_change: int | None

    @property
    def midpoint(self) -> float | None:
        """The newer midpoint; None unless both sides are quoted."""
        return midpoint_of(self.yes_bid, self.yes_ask)

    @property
    def base_midpoint(self) -> float | None:
        """The midpoint of the base; None unless both sides are quoted."""
        return midpoint_of(self.base_yes_bid, self.base_yes_ask)

    @property
    def midpoint_change(self) -> float | None:
        """The change of the midpoint; None if either is None."""
        new, base = self.midpoint, self.base_midpoint
        return None if new is None or base is None else new - base

    @property
    def last_price_change(self) -> int | None:
        """The change of the last price; None if either is unknown."""
        new, base = self.last_price, self.base_last_price
        return None if new is None or base is None else new - base


_tick_id = bound_tick("tick_id")
_base_tick_id = bound_tick("base_tick_id")
_latest = latest_quotes.c
_now = price_snapshots.alias("now_rows")
_base = price_snapshots.alias("base_rows")
# A market without a row within the window has not moved.
_found = (
    select(
        _latest.market_id,
        tick_in_force(_tick_id).label("tick_id"),
        tick_in_force(_base_tick_id).label("base_tick_id"),
    )
    .where(_latest.tick_id > _base_tick_id)
    .cte("found")
    .prefix_with("MATERIALIZED")
)
_twice_midpoint_change = (_now.c.yes_bid + _now.c.yes_ask) - (_base.c.yes_bid + _base.c.yes_ask)
# Before the first trade the exchange writes 0, which is no price.
_now_last, _base_last = (func.nullif(row.c.last_price, 0) for row in (_now, _base))
_last_price_change = _now_last - _base_last
_query = (
    select(
        markets.c.ticker,
        func.coalesce(markets.c.title, markets.c.yes_sub_title),
        _found.c.market_id,
        markets.c.event_id,
        markets.c.is_combo,
        _found.c.tick_id,
        _found.c.base_tick_id,
        _now.c.yes_bid,
        _now.c.yes_ask,
        _now_last,
        _base.c.yes_bid,
        _base.c.yes_ask,
        _base_last,
        _now.c.volume - _base.c.volume,
    )
    .select_from(
        _found.join(_now, and_(_now.c.tick_id == _found.c.tick_id, _now.c.market_id == _found.c.market_id))
        .join(_base, and_(_base.c.tick_id == _found.c.base_tick_id, _base.c.market_id == _found.c.market_id))
        .join(markets, markets.c.id == _found.c.market_id)
    )
    # A terminal row has no numbers, so a market that was not listed at one of the two is left out.
    .where(or_(_twice_midpoint_change != 0, _last_price_change != 0))
    .order_by(
        func.abs(_twice_midpoint_change).desc().nulls_last(),
        func.abs(_last_price_change).desc().nulls_last(),
        markets.c.ticker,
    )
)


class Window(NamedTuple):
    """The window in which movers are determined."""

    start: int
    end: int


def window_of(connection: Connection, window_seconds: float, at: int | None = None) -> Window | None:
    """Return the window that ends at an instant, by default at the newest complete tick; None if there is none.

    Raises RangeError for an empty window.
    """
    found = _last_tick(connection, window_seconds, at)
    return None if found is None else found[1]


def _last_tick(
    connection: Connection, window_seconds: float, at: int | None
) -> tuple[TakenTick, Window] | None:
    if not window_seconds > 0:
        raise RangeError(f"a window of {window_seconds:g} s is invalid: choose a positive length")
    tick = newest_tick(connection, at, is_complete=at is None)
    if tick is None:
        return None
    end = tick.tick_at if at is None else at
    if not window_seconds * MICROS_PER_SECOND < end:
        raise RangeError(f"a window of {window_seconds:g} s begins before 1970: choose a shorter one")
    return tick, Window(end - round(window_seconds * MICROS_PER_SECOND), end)


def movers(
    connection: Connection, window_seconds: float, at: int | None = None, limit: int = 20
) -> list[Mover]:
    """Return the listed markets that moved most in the window that ends `at` an instant (default: the newest complete
    tick).

    Ranked by the absolute change of the midpoint, then of the last price. The base is a market's last quote at or
    before the start of the window, however old. Markets that were not listed then are not included.
    """
    last = _last_tick(connection, window_seconds, at)
    base = None if last is None else newest_tick(connection, last[1].start)
    if last is None or base is None:
        return []
    tick, window = last
    rows = connection.execute(_query.limit(limit), {"tick_id": tick.id, "base_tick_id": base.id}).all()
    known = Provenances(connection, min((row[6] for row in rows), default=tick.id), tick.id, window.end)
    has_repeats = newest_repeat(connection, tick.id) is not None
    found = []
    for ticker, title, market_id, event_id, is_combo, row_tick_id, base_tick_id, *rest in rows:
        new_id, base_id = row_tick_id, base_tick_id
        if has_repeats:
            new_id = last_sent(connection, market_id, row_tick_id, tick.id)
            base_id = last_sent(connection, market_id, base_tick_id, base.id)
        of_market = known.of(market_id, event_id, is_combo)
        new, old = of_market.of_row(new_id, row_tick_id), of_market.of_row(base_id, base_tick_id)
        found.append(Mover(ticker, title, new.quoted_at, old.quoted_at, new.state, *rest))
    return found
