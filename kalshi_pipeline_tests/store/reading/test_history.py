"""Histories of quotes: carried and confirmed quotes, ends and returns, and bounds of ranges."""

import pytest

from kalshi_pipeline.errors import RangeError, UnknownTickerError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.history import history
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import Quote, latest, quotes_as_of
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.store.samples import (
    INSIDE,
    MINUTE,
    NARROW,
    NOON,
    PARTIAL,
    SECOND,
    STEP,
    bid,
    last_price_read,
    market,
    query,
    record,
    store_inside,
    store_markets,
    take,
    tick,
)

NOTHING: tuple[None, ...] = (None,) * len(QUOTE_COLUMNS)


def as_of(database: Database, at: int) -> dict[str, Quote]:
    with database.read() as connection:
        return {quote.ticker: quote for quote in quotes_as_of(connection, at)}


def read(
    database: Database, start: int, end: int, resample_seconds: float | None = None, ticker: str = "M"
) -> list[Quote]:
    with database.read() as connection:
        return history(connection, ticker, start, end, resample_seconds)


def summary_of(quote: Quote) -> tuple[object, ...]:
    """A quote in short: bid in cents, tick of its row, state, and the last tick that confirms it."""
    assert quote.yes_bid is None or quote.is_listed
    assert quote.is_observed == (quote.state is QuoteState.OBSERVED)

    def number(at: int | None) -> float | None:
        return None if at is None else (at - NOON) / STEP

    return (
        quote.yes_bid and quote.yes_bid // 10_000,
        number(quote.quoted_at),
        str(quote.state),
        number(quote.confirmed_at),
        "complete" if quote.is_tick_complete else "incomplete",
    )


def test_quote_in_force_is_one_whole_row(database: Database) -> None:
    """It is stored at noon, and confirmed by a complete tick that wrote no row."""
    take(database, tick(0), [market("M")])
    take(database, tick(1), [market("M")])
    expected = Quote(
        ticker="M",
        at=tick(1) + 7,
        quoted_at=tick(0),
        received_at=tick(0) + SECOND,
        is_listed=True,
        state=QuoteState.OBSERVED,
        is_observed=True,
        is_tick_complete=True,
        confirmed_at=tick(1),
        yes_bid=290_000,
        yes_ask=310_000,
        yes_bid_size=12_050,
        yes_ask_size=8_000,
        last_price=300_000,
        volume=98_765,
        open_interest=43_210,
    )
    assert as_of(database, tick(1) + 7) == {"M": expected}
    assert read(database, tick(1) + 7, tick(9)) == [expected]
    with database.read() as connection:
        assert latest(connection) == latest(connection, "M") == [expected._replace(at=tick(1))]


def test_instant_of_a_tick_belongs_to_it(database: Database) -> None:
    take(database, tick(0), [bid(10)])
    take(database, tick(1), [bid(20)])
    assert as_of(database, tick(0) - 1) == {}
    assert summary_of(as_of(database, tick(0))["M"]) == (10, 0, "observed", 0, "complete")
    assert summary_of(as_of(database, tick(1) - 1)["M"]) == (10, 0, "observed", 0, "complete")
    assert summary_of(as_of(database, tick(1))["M"]) == (20, 1, "observed", 1, "complete")


def test_incomplete_tick_carries_but_does_not_confirm(database: Database) -> None:
    take(database, tick(0), [bid(10), bid(50, "N")])
    take(database, tick(1), [bid(10), bid(60, "N")], state=PARTIAL)
    found = as_of(database, tick(1))
    assert summary_of(found["M"]) == (10, 0, "carried", 0, "incomplete")
    assert summary_of(found["N"]) == (60, 1, "observed", None, "incomplete")

    take(database, tick(2), [bid(10), bid(60, "N")])
    found = as_of(database, tick(2))
    assert summary_of(found["M"]) == (10, 0, "observed", 2, "complete")
    assert summary_of(found["N"]) == (60, 1, "observed", 2, "complete")


def test_running_tick_is_an_incomplete_one(database: Database) -> None:
    take(database, tick(0), [bid(10)])
    take(database, tick(1), [bid(20)], state=State.RUNNING)
    assert summary_of(as_of(database, tick(1))["M"]) == (20, 1, "observed", None, "incomplete")


@pytest.mark.parametrize("state", [State.MISSED, State.SKIPPED, State.FAILED])
def test_tick_that_holds_no_quotes_changes_nothing(database: Database, state: State) -> None:
    take(database, tick(0), [bid(10)])
    record(database, tick(1), state)
    assert summary_of(as_of(database, tick(2))["M"]) == (10, 0, "carried", 0, "complete")
    assert summary_of(as_of(database, tick(2) + 1)["M"]) == (10, 0, "stale", 0, "complete")
    assert [summary_of(quote) for quote in read(database, tick(0), tick(4), 300)] == [
        (10, 0, state, 0, "complete") for state in ("observed", "carried", "carried", "stale")
    ]


def test_period_is_that_of_the_newest_scheduled_tick_that_covers_the_market(database: Database) -> None:
    """Neither a manual tick nor one of other series changes it, and the view agrees."""
    store_inside(database)
    inside = bid(50, "IN", INSIDE)
    take(database, tick(0), [bid(10), inside], period_seconds=60)
    take(database, tick(1), [bid(10), inside])
    take(database, tick(1) + SECOND, [inside], scope=NARROW, period_seconds=3_600)
    since = {0: "observed", MINUTE - 1: "observed", MINUTE: "carried", 2 * MINUTE: "carried"}
    since |= {2 * MINUTE + 1: "stale"}
    for after, state in since.items():
        found = as_of(database, tick(1) + after)
        assert found["M"].state == state
        assert read(database, tick(1) + after, tick(9))[0].state == state
        assert found["IN"].state == "observed"
    shown = "SELECT ticker, state FROM latest_prices ORDER BY ticker"
    assert query(database, shown) == [("IN", "observed"), ("M", "observed")]
    take(database, tick(1) + 2 * MINUTE, [inside], scope=NARROW)
    assert query(database, shown) == [("IN", "observed"), ("M", "carried")]
    take(database, tick(1) + 3 * MINUTE, [inside], scope=NARROW)
    assert query(database, shown) == [("IN", "observed"), ("M", "stale")]


def test_market_that_is_not_listed_has_no_quote(database: Database) -> None:
    """It ends at a complete tick, and comes back later."""
    take(database, tick(0), [bid(10), bid(50, "N")])
    take(database, tick(1), [bid(50, "N")])
    take(database, tick(2), [bid(50, "N")])
    take(database, tick(3), [bid(10), bid(50, "N")])
    assert [set(as_of(database, tick(number))) for number in range(4)] == [
        {"M", "N"},
        {"N"},
        {"N"},
        {"M", "N"},
    ]
    assert summary_of(as_of(database, tick(3))["M"]) == (10, 3, "observed", 3, "complete")


def test_market_that_an_incomplete_tick_did_not_see_is_listed_still(database: Database) -> None:
    take(database, tick(0), [bid(10), bid(50, "N")])
    take(database, tick(1), [bid(50, "N")], state=PARTIAL)
    assert set(as_of(database, tick(1))) == {"M", "N"}


def test_ticks_confirm_and_end_what_their_scope_covers(database: Database) -> None:
    """The scope of the tick that stored the quote does not matter."""
    store_inside(database)
    n, ends = bid(50, "N", INSIDE), bid(60, "ENDS", INSIDE)
    take(database, tick(0), [bid(10), n, ends])
    take(database, tick(1), [n], scope=NARROW)
    found = as_of(database, tick(2))
    assert set(found) == {"M", "N"}
    assert summary_of(found["M"]) == (10, 0, "carried", 0, "complete")
    assert summary_of(found["N"]) == (50, 0, "carried", 1, "complete")
    assert summary_of(as_of(database, tick(2) - 1)["N"]) == (50, 0, "observed", 1, "complete")

    take(database, tick(3), [bid(10), n])
    found = as_of(database, tick(3))
    assert summary_of(found["M"]) == (10, 0, "observed", 3, "complete")
    assert summary_of(found["N"]) == (50, 0, "observed", 3, "complete")
    assert summary_of(as_of(database, tick(2))["N"]) == (50, 0, "carried", 1, "complete")


def test_scope_of_some_series_confirms_no_market_whose_series_is_unknown(database: Database) -> None:
    """Only the tick that lists such a market observes it."""
    take(database, tick(0), [bid(10)])
    take(database, tick(1), [bid(10)], scope=NARROW)
    take(database, tick(2), [], scope=NARROW)
    assert summary_of(as_of(database, tick(2))["M"]) == (10, 1, "carried", 1, "complete")


def test_history_is_half_open_and_begins_with_the_quote_in_force(database: Database) -> None:
    for number, cents in enumerate((10, 10, 20, 30)):
        take(database, tick(number), [bid(cents)])
    assert [(quote.at, summary_of(quote)) for quote in read(database, tick(1), tick(3))] == [
        (tick(1), (10, 0, "observed", 1, "complete")),
        (tick(2), (20, 2, "observed", 2, "complete")),
    ]
    assert [quote.at for quote in read(database, tick(2), tick(3) + 1)] == [tick(2), tick(3)]
    assert [quote.at for quote in read(database, tick(0) - 1, tick(0) + 1)] == [tick(0)]
    assert read(database, tick(0) - 2, tick(0)) == []


def test_history_marks_ends_and_carries_no_quote_past_them(database: Database) -> None:
    for number, page in enumerate(([bid(10)], [], [], [bid(10)])):
        take(database, tick(number), page)
    whole = read(database, tick(0), tick(4))
    assert [(quote.at, quote.is_listed, quote.yes_bid) for quote in whole] == [
        (tick(0), True, 100_000),
        (tick(1), False, None),
        (tick(3), True, 100_000),
    ]
    assert whole[1][-len(NOTHING) :] == NOTHING
    assert [quote.at for quote in read(database, tick(2), tick(4))] == [tick(3)]
    assert [quote.at for quote in read(database, tick(1), tick(3))] == [tick(1)]


def test_resampled_history_has_every_grid_point(database: Database) -> None:
    """Every point has its state: before the first row, carried, confirmed or not, gone, returned."""
    take(database, tick(1), [bid(10)])
    take(database, tick(2), [bid(10)])
    take(database, tick(3), state=PARTIAL)
    take(database, tick(4))
    take(database, tick(5))
    take(database, tick(6), [bid(10)], state=PARTIAL)
    points = read(database, tick(0), tick(8), 300)
    assert [quote.at for quote in points] == [tick(number) for number in range(8)]
    assert [(quote.is_listed, *summary_of(quote)) for quote in points] == [
        (False, None, None, "unknown", None, "incomplete"),
        (True, 10, 1, "observed", 1, "complete"),
        (True, 10, 1, "observed", 2, "complete"),
        (True, 10, 1, "carried", 2, "incomplete"),
        (False, None, 4, "unknown", 4, "complete"),
        (False, None, 4, "unknown", 5, "complete"),
        (True, 10, 6, "observed", None, "incomplete"),
        (True, 10, 6, "stale", None, "incomplete"),
    ]


def test_grid_need_not_meet_the_ticks(database: Database) -> None:
    take(database, tick(0), [bid(10)])
    take(database, tick(1), [bid(20)])
    points = read(database, tick(0) + MINUTE, tick(1) + MINUTE, 120)
    assert [(quote.at - NOON, quote.yes_bid) for quote in points] == [
        (1 * MINUTE, 100_000),
        (3 * MINUTE, 100_000),
        (5 * MINUTE, 200_000),
    ]
    assert [quote.at - NOON for quote in read(database, NOON, NOON + SECOND, 0.4)] == [0, 400_000, 800_000]


def test_market_without_a_quote_has_an_empty_history(database: Database) -> None:
    store_markets(database, market("M"))
    assert read(database, tick(0), tick(1)) == []
    (point,) = read(database, tick(0), tick(1), 300)
    assert point == Quote("M", tick(0), None, None, False, QuoteState.UNKNOWN, False, False, None, *NOTHING)
    assert as_of(database, tick(1)) == {}
    with database.read() as connection:
        assert latest(connection) == latest(connection, "M") == latest(connection, "UNKNOWN") == []


def test_market_that_ended_has_its_end_as_its_newest_quote(database: Database) -> None:
    take(database, tick(0), [bid(10)])
    take(database, tick(1), [])
    with database.read() as connection:
        assert latest(connection) == []
        (quote,) = latest(connection, "M")
    assert (quote.is_listed, quote.quoted_at, quote[-len(NOTHING) :]) == (False, tick(1), NOTHING)
    assert (quote.spread, quote.midpoint) == (None, None)


@pytest.mark.parametrize("name", QUOTE_COLUMNS)
@pytest.mark.parametrize("value", [None, 0, 1_000_000], ids=["absent", "zero", "a_dollar"])
def test_absent_zero_and_a_dollar_come_back(database: Database, name: str, value: int | None) -> None:
    """Except a last price of 0, which the exchange writes before the first trade."""
    take(database, tick(0), [market("M", **{name: value})])
    take(database, tick(1), [market("M", **{name: 500_000})])
    if name == "last_price":
        value = last_price_read(value)
    assert getattr(as_of(database, tick(0))["M"], name) == value
    assert [getattr(quote, name) for quote in read(database, tick(0), tick(2))] == [value, 500_000]


@pytest.mark.parametrize(
    ("start", "end", "step", "line"),
    [
        (NOON, NOON, None, r"2026-11-22T12:00:00Z is not before 2026-11-22T12:00:00Z: choose"),
        (NOON + 1, NOON, 60, "is not before"),
        (NOON, NOON + 1, 0, "a step of 0 s is invalid: choose a positive"),
        (NOON, NOON + 1, -60, "a step of -60 s is invalid"),
        (NOON, NOON + 1, 1e-9, "a step of 1e-09 s is invalid"),
        (NOON, NOON + 1_000_001, 1e-6, r"makes 1,000,001 rows, more than 1,000,000: choose a longer step or"),
    ],
    ids=["empty", "reversed", "no step", "backwards", "too fine to count", "too many"],
)
def test_range_that_cannot_be_read_is_reported(
    database: Database, start: int, end: int, step: float | None, line: str
) -> None:
    store_markets(database, market("M"))
    with pytest.raises(RangeError, match=line) as caught:
        read(database, start, end, step)
    assert "\n" not in str(caught.value)


def test_unknown_ticker_is_reported(database: Database) -> None:
    with pytest.raises(UnknownTickerError, match="KXNOPE is not stored"):
        read(database, tick(0), tick(1), ticker="KXNOPE")


@pytest.mark.parametrize("every", [False, True], ids=["changes", "every"])
def test_rows_are_found_by_their_key(database: Database, plans: list[str], every: bool) -> None:
    """Otherwise every query would read years of quotes."""
    take(database, tick(0), [market("M")])
    take(database, tick(1), [bid(1)])
    take(database, tick(2), [bid(1)], every=every)
    with database.read() as connection:
        quotes_as_of(connection, tick(1))
        quotes_as_of(connection, tick(2))
        latest(connection)
        latest(connection, "M")
        history(connection, "M", tick(0), tick(3))
        history(connection, "M", tick(0), tick(3), 60)
    steps = [step for step in plans if "price_snapshots" in step or "sightings" in step]
    assert any("ix_price_snapshots_market_id_tick_id (market_id=? AND tick_id<?)" in step for step in steps)
    assert any("PRIMARY KEY (tick_id=? AND market_id=?)" in step for step in steps)
    assert [step for step in steps if step.startswith("SCAN")] == []
