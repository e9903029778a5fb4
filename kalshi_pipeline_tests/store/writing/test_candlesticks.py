"""Candlesticks are stored exactly and once, and fill only gaps between ticks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kalshi_pipeline.records import Candlestick
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import candlestick_days, candlesticks, settlements
from kalshi_pipeline.store.writing.candlesticks import (
    AskedDay,
    Coverage,
    CoverageRow,
    chosen_markets,
    covered_markets,
    empty_series,
    record_coverage,
    unstored_markets,
    upsert_candlesticks,
)
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline_tests.store.samples import (
    MINUTE,
    NOON,
    SCOPE,
    contents,
    event,
    market,
    query,
    series_row,
    store_events,
    store_markets,
    store_series,
    take,
)

HOUR = 60 * MINUTE
DAY = 24 * HOUR
TICKER = "KXRAIN-26NOV23-T0.1"


def candle(end_at: int = NOON, **changes: Any) -> Candlestick:
    """A candlestick without a first bid and ask, then 1.5 to 6 cents, and trades at 4 and 5 cents."""
    row = Candlestick(
        end_at,
        *(0, 20_000, 0, 15_000),
        *(1_000_000, 1_000_000, 60_000, 60_000),
        *(40_000, 50_000, 40_000, 50_000),
        price_mean=45_550,
        price_previous=30_000,
        volume=1_418,
        open_interest=0,
    )
    return row._replace(**changes)


def silent(end_at: int) -> Candlestick:
    """A period without a trade."""
    none: dict[str, Any] = dict.fromkeys(
        ("price_open", "price_high", "price_low", "price_close", "price_mean")
    )
    return candle(end_at, volume=0, **none)


def store(database: Database, *candles: Candlestick, minutes: int = 60) -> Tally:
    """Store candlesticks of the first market."""
    with database.begin() as connection:
        return upsert_candlesticks(connection, minutes, {(1, candle.end_at): candle for candle in candles})


@pytest.fixture
def _market(database: Database) -> None:
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    store_markets(database, market(TICKER, open_at=NOON - 2 * DAY, close_at=NOON + DAY))


@pytest.mark.usefixtures("_market")
def test_candlesticks_are_stored_once_and_exactly(database: Database) -> None:
    """0, NULL and 1 dollar stay distinct."""
    hours = [candle(NOON), silent(NOON + HOUR)]
    for outcome in ("inserted", "unchanged"):
        assert store(database, *hours) == Tally(**{outcome: 2})
        assert store(database, candle(NOON), minutes=1440) == Tally(**{outcome: 1})
    rows = [(1, 60, *hours[0]), (1, 60, *hours[1]), (1, 1440, *candle(NOON))]
    assert [tuple(row.values()) for row in contents(database, candlesticks)] == rows


@pytest.mark.usefixtures("_market")
def test_candlestick_that_differs_is_replaced_as_a_whole(database: Database) -> None:
    store(database, candle(NOON), candle(NOON + HOUR))
    replaced = candle(NOON, volume=1_500, price_previous=None)
    assert store(database, replaced, candle(NOON + HOUR), candle(NOON + 2 * HOUR)) == Tally(
        inserted=1, changed=1, unchanged=1
    )
    assert tuple(contents(database, candlesticks)[0].values()) == (1, 60, *replaced)


@pytest.mark.usefixtures("_market")
def test_history_shows_decimals_and_iso_times(database: Database) -> None:
    store(database, candle(NOON), silent(NOON + HOUR))
    assert query(database, "SELECT * FROM candlestick_history ORDER BY end_at") == [
        (
            TICKER,
            60,
            "2026-11-22T12:00:00.000000Z",
            *(0.0, 0.02, 0.0, 0.015),
            *(1.0, 1.0, 0.06, 0.06),
            *(0.04, 0.05, 0.04, 0.05),
            *(0.04555, 0.03),
            *(14.18, 0.0),
            *("KXRAIN-26NOV23", "KXRAIN", NOON),
        ),
        (
            TICKER,
            60,
            "2026-11-22T13:00:00.000000Z",
            *(0.0, 0.02, 0.0, 0.015),
            *(1.0, 1.0, 0.06, 0.06),
            *(None, None, None, None),
            *(None, 0.03),
            *(0.0, 0.0),
            *("KXRAIN-26NOV23", "KXRAIN", NOON + HOUR),
        ),
    ]


@pytest.mark.usefixtures("_market")
def test_coverage_is_the_last_word_on_a_market_and_day(database: Database) -> None:
    day = AskedDay(NOON - 12 * HOUR, 60)
    rows = [CoverageRow(1, Coverage.FAILED, "live", "answered 500")]
    with database.begin() as connection:
        record_coverage(connection, day, rows, NOON)
        assert covered_markets(connection, day) == set()
    with database.begin() as connection:
        record_coverage(connection, day, [CoverageRow(1, Coverage.COMPLETE, "historical", None)], NOON + DAY)
        assert covered_markets(connection, day) == {1}
        assert covered_markets(connection, AskedDay(day.at, 1)) == set()
        assert covered_markets(connection, AskedDay(day.at + DAY, 60)) == set()
    assert len(contents(database, candlestick_days)) == 1
    parents = ("KXRAIN-26NOV23", "KXRAIN")
    assert query(database, "SELECT * FROM candlestick_coverage") == [
        (
            TICKER,
            "2026-11-22",
            60,
            "complete",
            "historical",
            None,
            "2026-11-23T12:00:00.000000Z",
            *parents,
            NOON + DAY,
        )
    ]


def test_markets_are_selected_by_series_and_ticker_where_they_were_open(database: Database) -> None:
    store_series(database, series_row("KXRAIN"), series_row("KXSNOW"), series_row("KXHAIL"))
    store_events(database, event("KXRAIN-1"), event("KXSNOW-1", "KXSNOW"))
    spans: dict[str, tuple[int | None, int | None]] = {
        "OVER": (NOON - DAY, NOON - 1),
        "ENDS": (NOON - DAY, NOON),
        "LASTS": (NOON - DAY, NOON + 2 * DAY),
        "BEGINS": (NOON + HOUR - 1, NOON + DAY),
        "LATER": (NOON + HOUR, NOON + DAY),
        "UNKNOWN": (None, None),
    }
    store_markets(
        database,
        *(
            market(f"KXRAIN-1-{name}", "KXRAIN-1", created_at=None, open_at=open_at, close_at=close_at)
            for name, (open_at, close_at) in spans.items()
        ),
        market("KXSNOW-1-A", "KXSNOW-1"),
        market("KXSNOW-1-B", "KXSNOW-1"),
    )
    with database.begin() as connection:
        connection.execute(
            settlements.insert().values(
                market_id=2, settled_at=NOON + 5, settled_at_source="x", tier="live", first_seen_at=NOON
            )
        )
    with database.read() as connection:
        chosen = chosen_markets(connection, ["KXRAIN"], ["KXSNOW-1-B", "KXNONE"], alive=(NOON, NOON + HOUR))
        assert unstored_markets(connection, ["KXSNOW-1-B", "KXNONE"]) == ["KXNONE"]
        assert empty_series(connection, ["KXRAIN", "KXHAIL", "KXNONE"]) == ["KXHAIL", "KXNONE"]
    assert [found.ticker for found in chosen] == [
        "KXRAIN-1-BEGINS",
        "KXRAIN-1-ENDS",
        "KXRAIN-1-LASTS",
        "KXRAIN-1-UNKNOWN",
        "KXSNOW-1-B",
    ]
    ends = chosen[1]
    assert (ends.id, ends.close_at, ends.settled_at) == (2, NOON, NOON + 5)


def filled(database: Database) -> list[tuple[object, ...]]:
    """When, from where, by which period."""
    times = (
        "SELECT substr(quote_at, 12, 5), source, period_minutes FROM price_history_filled ORDER BY quote_at"
    )
    return query(database, times)


def hourly(database: Database, *hours: int) -> None:
    store(database, *(candle(NOON + hour * HOUR) for hour in hours))


@pytest.mark.usefixtures("_market")
def test_gap_is_filled_by_the_closes_of_candlesticks_and_marked(database: Database) -> None:
    """With ticks at 12:00 and 15:30, the periods ending at 13:00 (which starts at a tick), 14:00 and 15:00 fill the
    gap.
    """
    take(database, NOON, [market(TICKER)])
    take(database, NOON + 210 * MINUTE, [market(TICKER, yes_bid=300_000)])
    hourly(database, 0, 1, 2, 3, 4)
    assert filled(database) == [
        ("12:00", "snapshot", None),
        ("13:00", "candlestick", 60),
        ("14:00", "candlestick", 60),
        ("15:00", "candlestick", 60),
        ("15:30", "snapshot", None),
    ]
    quote = "yes_bid, yes_ask, no_bid, no_ask, last_price, yes_bid_size, yes_ask_size, volume, open_interest"
    columns = f"ticker, {quote}, is_terminal"
    rows = query(database, f"SELECT {columns} FROM price_history_filled ORDER BY quote_at LIMIT 2")
    assert rows == [
        (TICKER, 0.29, 0.31, 0.69, 0.71, 0.3, 120.5, 80.0, 987.65, 432.1, 0),
        (TICKER, 0.015, 0.06, 0.94, 0.985, 0.05, None, None, None, 0.0, 0),
    ]


@pytest.mark.usefixtures("_market")
def test_filled_row_is_unquoted_at_0_and_1_dollar_and_carries_the_last_trade(database: Database) -> None:
    """A period without a trade has the price of the previous trade."""
    store(database, silent(NOON)._replace(yes_bid_close=0, yes_ask_close=1_000_000))
    quote = "SELECT yes_bid, yes_ask, no_bid, no_ask, last_price FROM price_history_filled"
    assert query(database, quote) == [(None, None, None, None, 0.03)]


@pytest.mark.usefixtures("_market")
@pytest.mark.parametrize(
    ("state", "scope", "is_filled"),
    [
        pytest.param(State.COMPLETE, SCOPE, False, id="a complete tick"),
        pytest.param(
            State.COMPLETE,
            replace(SCOPE, series=("KXRAIN",), combos=Combos.INCLUDE),
            False,
            id="one of its series",
        ),
        pytest.param(
            State.COMPLETE,
            replace(SCOPE, series=("KXSNOW", "KXRAIN")),
            False,
            id="one of its series and another",
        ),
        pytest.param(State.PARTIAL, SCOPE, True, id="a partial tick"),
        pytest.param(State.COMPLETE, replace(SCOPE, combos=Combos.ONLY), True, id="a tick of combos"),
        pytest.param(
            State.COMPLETE, replace(SCOPE, series=("KXRAINS",)), True, id="a tick of another series"
        ),
    ],
)
def test_only_a_complete_tick_that_lists_the_market_leaves_no_gap(
    database: Database, state: State, scope: Scope, is_filled: bool
) -> None:
    take(database, NOON - MINUTE, [], state=state, scope=scope)
    hourly(database, 0)
    assert filled(database) == ([("12:00", "candlestick", 60)] if is_filled else [])


@pytest.mark.usefixtures("_market")
def test_time_between_two_ticks_of_a_cadence_is_no_gap(database: Database) -> None:
    """The five-minute tick of 12:05 was missed, and there are one-minute candlesticks."""
    for tick_at in (NOON, NOON + 10 * MINUTE):
        take(database, tick_at, [])
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE ticks SET period_seconds = 300")
    store(database, *(candle(NOON + minute * MINUTE) for minute in range(13)), minutes=1)
    assert [at for at, *_ in filled(database)] == ["12:05", "12:06", "12:07", "12:08", "12:09"]


@pytest.mark.usefixtures("_market")
@pytest.mark.parametrize(("lengths", "expected"), [((1, 60, 1440), 1), ((60, 1440), 60), ((1440,), 1440)])
def test_shortest_of_the_candlesticks_that_end_together_fills(
    database: Database, lengths: Sequence[int], expected: int
) -> None:
    for minutes in lengths:
        store(database, candle(NOON), minutes=minutes)
    assert filled(database) == [("12:00", "candlestick", expected)]


# Ticks are scanned only if every quote is kept.
_VIEWS_AND_TICKS = ("price_history_filled", "t", "CONSTANT ROW")


def test_filled_history_of_a_market_reads_no_other(database: Database) -> None:
    plan = query(database, "EXPLAIN QUERY PLAN SELECT * FROM price_history_filled WHERE ticker = 'M'")
    steps = [str(step[-1]) for step in plan]
    scanned = {step for step in steps if step.startswith("SCAN")}
    assert scanned <= {f"SCAN {name}" for name in _VIEWS_AND_TICKS}
    (shorter,) = [step for step in steps if step.startswith("SEARCH f ")]
    assert all(f"{name}=?" in shorter for name in ("market_id", "period_minutes", "end_at"))
