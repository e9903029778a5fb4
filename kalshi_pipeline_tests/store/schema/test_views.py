"""Values in views: decimals print as the exchange wrote them, and times sort as text."""

import re
from decimal import Decimal

import pytest

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import contracts_of, dollars_of, iso_of, parse_dollars, tick_iso_of
from kalshi_pipeline_tests.store.conftest import NewDatabase
from kalshi_pipeline_tests.store.samples import (
    INSIDE,
    LATER,
    MINUTE,
    NARROW,
    NOON,
    SECOND,
    bid,
    changed,
    event,
    last_price_read,
    market,
    query,
    record,
    series_row,
    store_events,
    store_inside,
    store_series,
    take,
    tick,
)

_VIEWS = pytest.mark.parametrize("view", ["latest_prices", "price_history", "quotes_by_tick"])
_PRICES = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")
_STEPS = range(0, 1_000_001, 100)
_PRICED = sorted({*_STEPS, *range(4_000), *range(996_000, 1_000_001)})


def _printed(value: object) -> str:
    return repr(value).removesuffix(".0")


@pytest.fixture(scope="module")
def priced(new_database: NewDatabase) -> Database:
    """A market for each price in steps of 0.0001 dollars, and for each micro-dollar near 0 and 1; read only."""
    database = new_database()
    take(
        database,
        NOON,
        [market(_named(price), yes_bid=price, yes_ask=price, last_price=price) for price in _PRICED],
    )
    return database


def _named(price: int) -> str:
    return f"{price:07}"


@_VIEWS
def test_view_prints_the_exchanges_decimals(priced: Database, view: str) -> None:
    """Including sub-cent prices. The NO side is exactly 1 minus the other side."""
    shown = query(priced, f"SELECT {', '.join(_PRICES)} FROM {view} ORDER BY ticker")
    for price, row in zip(_PRICED, shown, strict=True):
        yes, no = dollars_of(price), 1 - dollars_of(price)
        exact = [yes, yes, no, no, None if last_price_read(price) is None else yes]
        assert [None if value is None else Decimal(repr(value)) for value in row] == exact
        if 0 < price < 100 or 0 < 1_000_000 - price < 100:
            continue  # Python prints a number below 0.0001 with an exponent
        assert [_printed(value) for value in row] == [str(number) for number in exact]


@_VIEWS
def test_view_equals_the_decimal_that_people_write(priced: Database, view: str) -> None:
    """In SQL, at every step of 0.0001 dollars: `yes_bid = 0.29` finds the market."""
    literals = ", ".join(
        f"('{_named(price)}', {dollars_of(price)}, {1 - dollars_of(price)})" for price in _STEPS
    )
    found = query(
        priced,
        f"WITH literal (ticker, yes, no) AS (VALUES {literals}) SELECT count(*) FROM literal JOIN {view}"
        " USING (ticker) WHERE yes_bid = yes AND yes_ask = yes AND coalesce(last_price, 0) = yes"
        " AND no_bid = no AND no_ask = no",
    )
    assert found == [(len(_STEPS),)]


@_VIEWS
def test_view_is_asked_by_the_price_that_people_know(database: Database, view: str) -> None:
    take(database, NOON, [market("A", yes_bid=parse_dollars("0.29")), market("B", yes_bid=300_000)])
    assert query(database, f"SELECT ticker FROM {view} WHERE yes_bid = 0.29") == [("A",)]
    assert query(database, f"SELECT ticker FROM {view} WHERE yes_bid > 0.29") == [("B",)]
    assert query(database, f"SELECT ticker FROM {view} WHERE no_ask = 0.71") == [("A",)]


@_VIEWS
def test_view_mirrors_the_yes_side_into_the_no_side(database: Database, view: str) -> None:
    """Hand-computed: no_bid = 1 - yes_ask, no_ask = 1 - yes_bid."""
    take(database, NOON, [market("A", yes_bid=290_000, yes_ask=315_500)])
    assert query(database, f"SELECT yes_bid, yes_ask, no_bid, no_ask FROM {view}") == [
        (0.29, 0.3155, 0.6845, 0.71)
    ]


_ENDS = (None, 0, 1_000_000)
_ABSENT_SIDES = {
    "yes_bid": {"yes_bid", "no_ask"},
    "yes_ask": {"yes_ask", "no_bid"},
    **{name: {name} for name in QUOTE_COLUMNS if name not in ("yes_bid", "yes_ask")},
}


@pytest.fixture(scope="module")
def extreme(new_database: NewDatabase) -> Database:
    """A market for each number of a quote and each of its extreme values; read only."""
    database = new_database()
    take(
        database,
        NOON,
        [market(f"{name}={value}", **{name: value}) for name in QUOTE_COLUMNS for value in _ENDS],
    )
    return database


@_VIEWS
@pytest.mark.parametrize("name", QUOTE_COLUMNS)
@pytest.mark.parametrize("value", _ENDS, ids=["absent", "zero", "a_dollar"])
def test_view_keeps_absent_zero_and_a_dollar_apart(
    extreme: Database, view: str, name: str, value: int | None
) -> None:
    """No quote stays NULL, on both sides; a last price of 0 is one before the first trade."""
    shown_value = last_price_read(value) if name == "last_price" else value
    shown = (*QUOTE_COLUMNS, "no_bid", "no_ask")
    ((*numbers,),) = query(extreme, f"SELECT {', '.join(shown)} FROM {view} WHERE ticker = '{name}={value}'")
    row = dict(zip(shown, numbers, strict=True))
    absent = {column for column, number in row.items() if number is None}
    assert absent == (_ABSENT_SIDES[name] if shown_value is None else set())
    if shown_value is not None:
        assert row[name] == shown_value / (1_000_000 if name in _PRICES else 100)


@_VIEWS
def test_view_of_an_unquoted_market_shows_nothing(database: Database, view: str) -> None:
    """Never 50 %, never 1 dollar."""
    take(database, NOON, [market("A", **dict.fromkeys(QUOTE_COLUMNS))])
    columns = ", ".join((*QUOTE_COLUMNS, "no_bid", "no_ask"))
    assert query(database, f"SELECT {columns} FROM {view}") == [(None,) * 9]


@_VIEWS
@pytest.mark.parametrize("name", ["yes_bid_size", "yes_ask_size", "volume", "open_interest"])
def test_view_prints_the_exchanges_counts(database: Database, view: str, name: str) -> None:
    """Fractional counts, up to a hundred billion contracts."""
    counts = [*range(300), 1_234_567_89, 10**13 - 1]
    take(database, NOON, [market(f"{n:04}", **{name: count}) for n, count in enumerate(counts)])
    shown = [_printed(count) for (count,) in query(database, f"SELECT {name} FROM {view}")]
    assert shown == [str(contracts_of(count)) for count in counts]


@_VIEWS
def test_view_writes_times_of_one_length_that_sort(database: Database, view: str) -> None:
    """As `units` writes them: times of ticks in whole seconds, all others with six decimals."""
    stored_at = "quoted_at" if view == "quotes_by_tick" else "tick_at"
    instants = [NOON, NOON + SECOND + 999_999, NOON + 2 * SECOND, LATER, NOON + 60 * 24 * 40 * MINUTE]
    for instant in instants:
        take(database, instant, [market(f"{instant}")], state=State.PARTIAL)
    rows = query(
        database, f"SELECT tick_at, received_at FROM {view} WHERE tick_at = {stored_at} ORDER BY tick_at"
    )
    assert rows == [(tick_iso_of(instant), iso_of(instant + SECOND)) for instant in instants]
    for texts, pattern in zip(zip(*rows, strict=True), (r"", r"\.\d{6}"), strict=True):
        for text in texts:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d" + pattern + "Z", str(text))
    between = (
        f"SELECT tick_at_us FROM {view} WHERE tick_at = {stored_at}"
        f" AND tick_at >= '{tick_iso_of(NOON + SECOND)}' AND tick_at < '{tick_iso_of(LATER)}' ORDER BY 1"
    )
    assert query(database, between) == [(instant,) for instant in instants[1:3]]


def test_latest_prices_show_one_whole_row_for_each_market(database: Database) -> None:
    """A market whose placeholder event has no series is still shown."""
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    page = [market("M-1"), market("M-2", "UNKNOWN", title=None, status="closed", yes_ask=None, volume=None)]
    take(database, NOON, page)
    take(database, LATER, [changed(page[0], yes_bid=295_000), page[1]])
    assert query(database, "SELECT * FROM latest_prices ORDER BY ticker") == [
        (
            "M-1",
            "KXRAIN-26NOV23",
            "KXRAIN",
            "Will it rain in New York on Nov 23?",
            "active",
            "2026-11-22T12:05:00Z",
            "2026-11-22T12:05:01.000000Z",
            0.295,
            0.31,
            0.69,
            0.705,
            0.3,
            120.5,
            80.0,
            987.65,
            432.1,
            0,
            "2026-11-22T12:05:00Z",
            1,
            1,
            "observed",
            LATER,
            0.3025,
            0.015,
        ),
        (
            "M-2",
            "UNKNOWN",
            None,
            "It rains",
            "closed",
            "2026-11-22T12:00:00Z",
            "2026-11-22T12:00:01.000000Z",
            0.29,
            None,
            None,
            0.71,
            0.3,
            120.5,
            80.0,
            None,
            432.1,
            0,
            "2026-11-22T12:05:00Z",
            1,
            1,
            "observed",
            NOON,
            None,
            None,
        ),
    ]


def test_price_history_shows_each_stored_quote(database: Database) -> None:
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    take(database, NOON, [market("M-1"), market("M-2")])
    take(database, LATER, [market("M-1", last_price=0), market("M-2")])
    sizes = (120.5, 80.0, 987.65, 432.1)
    noon = ("2026-11-22T12:00:00Z", "2026-11-22T12:00:01.000000Z")
    later = ("2026-11-22T12:05:00Z", "2026-11-22T12:05:01.000000Z")
    quote = (0.29, 0.31, 0.69, 0.71)
    take(database, LATER + MINUTE, [market("M-1", last_price=1)], state=State.PARTIAL)
    take(database, LATER + 2 * MINUTE, [market("M-1", last_price=1)])
    partial = ("2026-11-22T12:06:00Z", "2026-11-22T12:06:01.000000Z")
    ended = ("2026-11-22T12:07:00Z", "2026-11-22T12:07:02.000000Z")
    parents, middle = ("KXRAIN-26NOV23", "KXRAIN"), (0.3, 0.02)
    last = LATER + 2 * MINUTE
    assert query(database, "SELECT * FROM price_history ORDER BY ticker, tick_at") == [
        ("M-1", *noon, *quote, 0.3, *sizes, 0, 1, *parents, 1, NOON, *middle),
        ("M-1", *later, *quote, None, *sizes, 0, 1, *parents, 2, LATER, *middle),
        ("M-1", *partial, *quote, 0.000001, *sizes, 0, 0, *parents, 3, LATER + MINUTE, *middle),
        ("M-2", *noon, *quote, 0.3, *sizes, 0, 1, *parents, 1, NOON, *middle),
        ("M-2", *ended, *[None] * 9, 1, 1, *parents, 4, last, None, None),
    ]


def test_latest_prices_name_the_tick_that_confirms_them(database: Database) -> None:
    """The newest complete one that covers the market, at or after the quote."""
    store_inside(database)
    narrow = bid(20, "NARROW", INSIDE)
    take(database, tick(0), [bid(10), narrow, bid(30, "GONE"), bid(40, "MOVES")])
    take(database, tick(1), [narrow, bid(50, "IN", INSIDE)], scope=NARROW)
    take(database, tick(2), [bid(10), narrow, bid(50, "IN", INSIDE), bid(40, "MOVES")])
    take(database, tick(3), [bid(41, "MOVES")], state=State.PARTIAL)
    take(database, tick(4), [narrow], scope=NARROW)
    columns = "ticker, yes_bid, tick_at, confirmed_at, is_terminal, state, is_observed, is_tick_complete"
    noon, ten, fifteen, twenty = (tick_iso_of(tick(number)) for number in (0, 2, 3, 4))
    assert query(database, f"SELECT {columns} FROM latest_prices ORDER BY ticker") == [
        ("GONE", None, ten, ten, 1, "unknown", 0, 0),
        ("IN", None, twenty, twenty, 1, "unknown", 0, 1),
        ("M", 0.1, noon, ten, 0, "carried", 0, 0),
        ("MOVES", 0.41, fifteen, None, 0, "stale", 0, 0),
        ("NARROW", 0.2, noon, twenty, 0, "observed", 1, 1),
    ]


def test_quotes_by_tick_carry_what_was_not_stored(database: Database) -> None:
    """One row for each tick and listed market. A tick of another scope shows only the markets that it covers."""
    take(database, tick(0), [bid(10), bid(20, "N")])
    take(database, tick(1), [bid(10), bid(21, "N")])
    take(database, tick(2), [bid(10)])
    take(database, tick(3), state=State.PARTIAL)
    record(database, tick(4), State.MISSED)
    store_inside(database)
    take(database, tick(5), [bid(30, "IN", INSIDE)], scope=NARROW)
    columns = (
        "tick_id, tick_at, ticker, yes_bid, quoted_at, state, confirmed_at, is_observed, is_tick_complete"
    )
    at = [tick_iso_of(tick(number)) for number in range(6)]
    expected = [
        (1, at[0], "M", 0.1, at[0], "observed", at[0], 1, 1),
        (1, at[0], "N", 0.2, at[0], "observed", at[0], 1, 1),
        (2, at[1], "M", 0.1, at[0], "observed", at[1], 1, 1),
        (2, at[1], "N", 0.21, at[1], "observed", at[1], 1, 1),
        (3, at[2], "M", 0.1, at[0], "observed", at[2], 1, 1),
        (4, at[3], "M", 0.1, at[0], "carried", at[2], 0, 0),
        (6, at[5], "IN", 0.3, at[5], "observed", at[5], 1, 1),
    ]
    everything = f"SELECT {columns} FROM quotes_by_tick"
    assert query(database, f"{everything} ORDER BY tick_id, ticker") == expected
    assert sorted(query(database, f"{everything} WHERE tick_id = 2")) == expected[2:4]
    assert query(database, f"{everything} WHERE ticker = 'N' AND tick_id BETWEEN 2 AND 4") == expected[3:4]


@pytest.mark.parametrize(("view", "hours"), [("movers_1h", 1), ("movers_24h", 24)])
def test_movers_show_what_moved_most_first(database: Database, view: str, hours: int) -> None:
    """From the last quote at or before the window's start, which may be old, to the newest complete tick."""
    now = NOON + hours * 60 * MINUTE
    one_sided = {"yes_ask": None, "last_price": 100_000}
    take(
        database,
        NOON - MINUTE,
        [bid(10, "OLD"), market("ONE", **one_sided), bid(70, "STILL"), bid(20, "GONE")],
    )
    take(database, NOON, [bid(10, "OLD"), market("ONE", **one_sided), bid(70, "STILL"), bid(20, "GONE")])
    one_sided["last_price"] = 600_000
    page = [
        changed(bid(15, "OLD"), yes_ask=175_001, volume=100_000),
        market("ONE", **one_sided),
        bid(70, "STILL"),
        bid(5, "BORN"),
    ]
    take(database, now, page)
    take(database, now + MINUTE, [bid(99, "OLD")], state=State.PARTIAL)
    title = "Will it rain in New York on Nov 23?"
    parents = ("KXRAIN-26NOV23", None)
    times = (tick_iso_of(now), tick_iso_of(NOON - MINUTE))
    assert query(database, f"SELECT * FROM {view}") == [
        ("OLD", title, *times, 0.1625005, 0.11, 0.0525005, 0.3, 0.3, 0.0, 12.35, *parents),
        ("ONE", title, *times, None, None, None, 0.6, 0.1, 0.5, 0.0, *parents),
    ]


@pytest.mark.parametrize(
    "question",
    [
        "latest_prices WHERE ticker = 'M'",
        "price_history WHERE ticker = 'M'",
        "quotes_by_tick WHERE tick_id = 7",
        "quotes_by_tick WHERE tick_at = '2026-11-22T12:05:00Z'",
        "quotes_by_tick WHERE ticker = 'M' AND tick_id BETWEEN 7 AND 9",
        "movers_1h LIMIT 20",
        "movers_24h LIMIT 20",
    ],
)
def test_view_never_reads_all_quotes(database: Database, question: str) -> None:
    steps = [str(row[-1]) for row in query(database, f"EXPLAIN QUERY PLAN SELECT * FROM {question}")]
    assert [step for step in steps if re.match(r"SCAN (q|b|p|g|j|sightings)\b", step)] == []
    assert any(step.startswith("SEARCH q") for step in steps)
