"""What people read: decimals that print as the exchange wrote them, and times that sort as text (R42 to R46)."""

import re
from decimal import Decimal

import pytest

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.runs import State
from kalshi_pipeline.store.tables import QUOTE_COLUMNS
from kalshi_pipeline.units import contracts_of, dollars_of, iso_of, parse_dollars
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MILLISECOND,
    MINUTE,
    NOON,
    SECOND,
    Tick,
    event,
    market,
    query,
    series_row,
    store_events,
    store_series,
    take,
)

_VIEWS = pytest.mark.parametrize("view", ["latest_prices", "price_history"])
_PRICES = ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")


def _take_at_each(database: Database, micros: range) -> None:
    page = [market(f"{price:07}", yes_bid=price, yes_ask=price, last_price=price) for price in micros]
    take(database, NOON, page)


def _printed(value: object) -> str:
    return repr(value).removesuffix(".0")


@_VIEWS
@pytest.mark.parametrize(
    "micros",
    [range(0, 1_000_001, 100), range(4_000), range(996_000, 1_000_001)],
    ids=["every_price_step", "low_micro_dollars", "high_micro_dollars"],
)
def test_view_prints_the_exchanges_decimals(database: Database, view: str, micros: range) -> None:
    """R43, sub-cent prices included; the NO side is 1 - the other side, to the last digit."""
    _take_at_each(database, micros)
    shown = query(database, f"SELECT {', '.join(_PRICES)} FROM {view} ORDER BY ticker")
    for price, row in zip(micros, shown, strict=True):
        yes, no = dollars_of(price), 1 - dollars_of(price)
        assert [Decimal(repr(value)) for value in row] == [yes, yes, no, no, yes]
        if 0 < price < 100 or 0 < 1_000_000 - price < 100:
            continue  # Python prints a number below 0.0001 with an exponent
        assert [_printed(value) for value in row] == [str(exact) for exact in (yes, yes, no, no, yes)]


@_VIEWS
def test_view_equals_the_decimal_that_people_write(database: Database, view: str) -> None:
    """R43 in SQL, at every step of 0.0001 dollars: `yes_bid = 0.29` finds the market."""
    micros = range(0, 1_000_001, 100)
    _take_at_each(database, micros)
    literals = ", ".join(f"('{price:07}', {dollars_of(price)}, {1 - dollars_of(price)})" for price in micros)
    found = query(
        database,
        f"WITH literal (ticker, yes, no) AS (VALUES {literals}) SELECT count(*) FROM literal JOIN {view}"
        " USING (ticker) WHERE yes_bid = yes AND yes_ask = yes AND last_price = yes AND no_bid = no AND no_ask = no",
    )
    assert found == [(len(micros),)]


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


_ABSENT_SIDES = {
    "yes_bid": {"yes_bid", "no_ask"},
    "yes_ask": {"yes_ask", "no_bid"},
    **{name: {name} for name in QUOTE_COLUMNS if name not in ("yes_bid", "yes_ask")},
}


@_VIEWS
@pytest.mark.parametrize("name", QUOTE_COLUMNS)
@pytest.mark.parametrize("value", [None, 0, 1_000_000], ids=["absent", "zero", "a_dollar"])
def test_view_keeps_absent_zero_and_a_dollar_apart(
    database: Database, view: str, name: str, value: int | None
) -> None:
    """R45: no quote stays NULL, on both sides."""
    take(database, NOON, [market("A", **{name: value})])
    shown = (*QUOTE_COLUMNS, "no_bid", "no_ask")
    row = dict(zip(shown, query(database, f"SELECT {', '.join(shown)} FROM {view}")[0], strict=True))
    absent = {column for column, number in row.items() if number is None}
    assert absent == (_ABSENT_SIDES[name] if value is None else set())
    if value is not None:
        assert row[name] == value / (1_000_000 if name in _PRICES else 100)


@_VIEWS
def test_view_of_an_unquoted_market_shows_nothing(database: Database, view: str) -> None:
    """R46: never 50 %, never 1 dollar."""
    take(database, NOON, [market("A", **dict.fromkeys(QUOTE_COLUMNS))])
    columns = ", ".join((*QUOTE_COLUMNS, "no_bid", "no_ask"))
    assert query(database, f"SELECT {columns} FROM {view}") == [(None,) * 9]


@_VIEWS
@pytest.mark.parametrize("name", ["yes_bid_size", "yes_ask_size", "volume", "open_interest"])
def test_view_prints_the_exchanges_counts(database: Database, view: str, name: str) -> None:
    """R44: fractional counts, up to a hundred billion contracts."""
    counts = [*range(300), 1_234_567_89, 10**13 - 1]
    take(database, NOON, [market(f"{n:04}", **{name: count}) for n, count in enumerate(counts)])
    shown = [_printed(count) for (count,) in query(database, f"SELECT {name} FROM {view}")]
    assert shown == [str(contracts_of(count)) for count in counts]


@_VIEWS
def test_view_writes_times_of_one_length_that_sort(database: Database, view: str) -> None:
    """R36, R39. As `units.iso_of` writes them, a whole second and a single microsecond included."""
    instants = [NOON, NOON + 1, NOON + 999_999, NOON + SECOND, LATER, NOON + 60 * 24 * 40 * MINUTE]
    for instant in instants:
        tick = Tick(database, instant)
        tick.store([market(f"{instant}")], received_at=instant + MILLISECOND)
        tick.close(State.PARTIAL)
    rows = query(database, f"SELECT tick_at, received_at FROM {view} ORDER BY tick_at")
    assert rows == [(iso_of(instant), iso_of(instant + MILLISECOND)) for instant in instants]
    for text in (text for row in rows for text in row):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(text))
    between = (
        f"SELECT count(*) FROM {view} WHERE tick_at >= '{iso_of(NOON + 1)}' AND tick_at < '{iso_of(LATER)}'"
    )
    assert query(database, between) == [(3,)]


def test_latest_prices_show_one_whole_row_for_each_market(database: Database) -> None:
    """A placeholder event has no series: the market is shown all the same."""
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    page = [market("M-1"), market("M-2", "UNKNOWN", title=None, status="closed", yes_ask=None, volume=None)]
    take(database, NOON, page)
    take(database, LATER, [page[0]._replace(yes_bid=295_000), page[1]])
    assert query(database, "SELECT * FROM latest_prices ORDER BY ticker") == [
        (
            "M-1",
            "KXRAIN-26NOV23",
            "KXRAIN",
            "Will it rain in New York on Nov 23?",
            "active",
            "2026-11-22T12:05:00.000000Z",
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
        ),
        (
            "M-2",
            "UNKNOWN",
            None,
            "It rains",
            "closed",
            "2026-11-22T12:00:00.000000Z",
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
        ),
    ]


def test_price_history_shows_each_stored_quote(database: Database) -> None:
    take(database, NOON, [market("M-1"), market("M-2")])
    take(database, LATER, [market("M-1", last_price=0), market("M-2")])
    rest = (120.5, 80.0, 987.65, 432.1, 0)
    noon = ("2026-11-22T12:00:00.000000Z", "2026-11-22T12:00:01.000000Z")
    later = ("2026-11-22T12:05:00.000000Z", "2026-11-22T12:05:01.000000Z")
    quote = (0.29, 0.31, 0.69, 0.71)
    assert query(database, "SELECT * FROM price_history ORDER BY ticker, tick_at") == [
        ("M-1", *noon, *quote, 0.3, *rest),
        ("M-1", *later, *quote, 0.0, *rest),
        ("M-2", *noon, *quote, 0.3, *rest),
    ]


@_VIEWS
def test_view_shows_the_end_of_a_history_as_one_row_without_numbers(database: Database, view: str) -> None:
    take(database, NOON, [market("M-1")])
    take(database, LATER, [])
    columns = ", ".join((*QUOTE_COLUMNS, "no_bid", "no_ask"))
    ended = f"SELECT ticker, tick_at, received_at, {columns} FROM {view} WHERE is_terminal"
    at = ("2026-11-22T12:05:00.000000Z", "2026-11-22T12:05:02.000000Z")
    assert query(database, ended) == [("M-1", *at, *[None] * 9)]
