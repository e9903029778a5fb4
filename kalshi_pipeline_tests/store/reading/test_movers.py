"""Movers: their base, their measure, and which markets are excluded."""

import pytest

from kalshi_pipeline.errors import RangeError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.movers import Mover, movers
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS
from kalshi_pipeline_tests.store.samples import (
    MINUTE,
    PARTIAL,
    bid,
    changed,
    market,
    store_markets,
    take,
    tick,
)


def moved(database: Database, minutes: float, at: int | None = None, limit: int = 20) -> list[Mover]:
    with database.read() as connection:
        return movers(connection, minutes * 60, at, limit)


def test_movers_compare_with_the_last_quote_before_the_window(database: Database) -> None:
    """Hand-computed. QUIET has no row in the hour before the window, BORN no base, STILL no change, GONE no end."""
    hour = 12
    take(
        database,
        tick(0),
        [bid(10, "QUIET"), bid(40, "BUSY"), bid(70, "STILL"), bid(20, "GONE")],
    )
    take(
        database,
        tick(hour),
        [bid(10, "QUIET"), bid(45, "BUSY"), bid(70, "STILL"), bid(20, "GONE")],
    )
    now = [
        changed(bid(40, "QUIET"), volume=100_000, last_price=410_000),
        bid(35, "BUSY"),
        bid(70, "STILL"),
        bid(5, "BORN"),
    ]
    take(database, tick(2 * hour), now)
    take(database, tick(2 * hour) + MINUTE, [bid(99, "QUIET")], state=PARTIAL)
    quiet, busy = moved(database, 60)
    assert quiet == Mover(
        ticker="QUIET",
        title="Will it rain in New York on Nov 23?",
        quoted_at=tick(2 * hour),
        base_quoted_at=tick(0),
        state=QuoteState.OBSERVED,
        yes_bid=400_000,
        yes_ask=420_000,
        last_price=410_000,
        base_yes_bid=100_000,
        base_yes_ask=120_000,
        base_last_price=300_000,
        volume_change=100_000 - 98_765,
    )
    assert (quiet.base_midpoint, quiet.midpoint, quiet.midpoint_change) == (110_000, 410_000, 300_000)
    assert quiet.last_price_change == 110_000
    assert (busy.ticker, busy.base_quoted_at, busy.midpoint_change) == ("BUSY", tick(hour), -100_000)
    assert [mover.ticker for mover in moved(database, 60, limit=1)] == ["QUIET"]
    assert [mover.ticker for mover in moved(database, 120)] == ["QUIET", "BUSY"]
    assert moved(database, 121) == []


def test_movers_of_an_instant_end_there(database: Database) -> None:
    for number, cents in enumerate((10, 20, 30, 40)):
        take(database, tick(number), [bid(cents)])
    (mover,) = moved(database, 5, at=tick(2))
    assert (mover.quoted_at, mover.base_quoted_at, mover.midpoint_change) == (tick(2), tick(1), 100_000)
    (mover,) = moved(database, 5, at=tick(3) - 1)
    assert (mover.quoted_at, mover.base_quoted_at) == (tick(2), tick(1))
    assert moved(database, 5, at=tick(0)) == []


def test_movers_need_two_sides_for_a_midpoint(database: Database) -> None:
    """A midpoint is never 50 % by default. Markets with only a moved last price come after those with a midpoint."""
    one_sided = {"yes_ask": None, "yes_ask_size": None}
    take(
        database,
        tick(0),
        [
            market("ONE", **one_sided, last_price=100_000),
            market("UNQUOTED", **dict.fromkeys(QUOTE_COLUMNS)),
            bid(10, "TWO"),
        ],
    )
    take(
        database,
        tick(1),
        [market("ONE", **one_sided, last_price=900_000), bid(50, "UNQUOTED"), bid(11, "TWO")],
    )
    two, one = moved(database, 5)
    assert (two.ticker, two.midpoint_change, two.last_price_change) == ("TWO", 10_000, 0)
    assert (one.ticker, one.midpoint_change, one.last_price_change) == ("ONE", None, 800_000)


def test_first_trade_is_not_a_move(database: Database) -> None:
    """The exchange writes a last price of 0 before it, so there is no base and no change."""
    untraded = [bid(10, "TRADED", last_price=0), bid(10, "MOVED", last_price=0)]
    take(database, tick(0), untraded)
    take(database, tick(1), [bid(10, "TRADED", last_price=990_000), bid(11, "MOVED", last_price=990_000)])
    (mover,) = moved(database, 5)
    assert (mover.ticker, mover.midpoint_change) == ("MOVED", 10_000)
    assert (mover.base_last_price, mover.last_price, mover.last_price_change) == (None, 990_000, None)


def test_movers_exclude_markets_not_listed_at_the_start(database: Database) -> None:
    for number, page in enumerate(([bid(10), bid(1, "N")], [bid(1, "N")], [bid(50), bid(1, "N")])):
        take(database, tick(number), page)
    assert moved(database, 5) == []
    assert [mover.base_quoted_at for mover in moved(database, 10)] == [tick(0)]


@pytest.mark.parametrize("seconds", [0, -1])
def test_movers_need_a_window(database: Database, seconds: float) -> None:
    with database.read() as connection, pytest.raises(RangeError, match="is invalid: choose a positive"):
        movers(connection, seconds)


def test_nothing_moves_in_an_empty_store(database: Database) -> None:
    assert moved(database, 5) == moved(database, 5, at=tick(0)) == []
    store_markets(database, market("M"))
    assert moved(database, 5) == []


def test_moved_rows_are_found_by_their_key(database: Database, plans: list[str]) -> None:
    for number in range(3):
        take(database, tick(number), [bid(10 + number)])
    assert len(moved(database, 5, at=tick(1))) == 1
    steps = [step for step in plans if "price_snapshots" in step or "_rows" in step]
    assert len(steps) == 4
    assert [step for step in steps if step.startswith("SCAN")] == []
