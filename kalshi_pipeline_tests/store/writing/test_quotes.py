"""Quotes: one row per tick and market if something changed, and the table `latest_quotes`."""

import itertools
import random
import sqlite3
from collections import Counter
from collections.abc import Container
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.records import Market
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    latest_quotes,
    markets,
    price_snapshots,
)
from kalshi_pipeline.store.writing.parents import merge_markets
from kalshi_pipeline.store.writing.quotes import Appended, Ended
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import iso_of, tick_iso_of
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.store.conftest import NewDatabase
from kalshi_pipeline_tests.store.samples import (
    INSIDE,
    KEYFRAME_SECONDS,
    LATER,
    MINUTE,
    NARROW,
    NOON,
    SCOPE,
    SECOND,
    Row,
    Tick,
    changed,
    close,
    contents,
    event,
    market,
    open_run,
    query,
    sqlite_url,
    store_events,
    store_inside,
    take,
    unchanged_quotes,
)

_COLUMNS = ", ".join(("market_id", "tick_id", *QUOTE_COLUMNS, "received_ms", "is_terminal"))
_LATEST = f"SELECT {_COLUMNS} FROM latest_quotes ORDER BY market_id"
_NEWEST = f"""
    SELECT {_COLUMNS} FROM price_snapshots AS p
    WHERE tick_id = (SELECT max(tick_id) FROM price_snapshots WHERE market_id = p.market_id)
    ORDER BY market_id
"""
_MODES = pytest.mark.parametrize("every", [False, True], ids=["changes", "every"])


def _unchanged(tick_id: int, market_id: int, received_ms: int = 1000) -> Row:
    return {"tick_id": tick_id, "market_id": market_id, "received_ms": received_ms}


def _snapshot(tick_id: int, market_id: int, row: Market, received_ms: int = 1000) -> Row:
    quote = row.quote._asdict()
    given: Row = {"tick_id": tick_id, "market_id": market_id, **quote}
    return {**given, "received_ms": received_ms, "is_terminal": False}


def _end(tick_id: int, market_id: int) -> Row:
    """The row that ends a history: no numbers."""
    quote = dict.fromkeys(QUOTE_COLUMNS)
    return {
        "tick_id": tick_id,
        "market_id": market_id,
        **quote,
        "received_ms": 2000,
        "is_terminal": True,
    }


def _written(database: Database) -> list[tuple[object, ...]]:
    """The quotes inserted, those among them that are keyframes, and the histories ended, of each tick."""
    return query(database, "SELECT inserted, keyframes, ended FROM ticks ORDER BY id")


def _assert_latest_is_newest(database: Database) -> None:
    assert query(database, _LATEST) == query(database, _NEWEST)


def test_first_quote_of_a_market_is_stored(database: Database) -> None:
    rows = [market("M-1"), market("M-2")]
    assert take(database, NOON, rows) == 2
    expected = [_snapshot(1, 1, rows[0]), _snapshot(1, 2, rows[1])]
    assert contents(database, price_snapshots) == expected
    assert contents(database, latest_quotes) == expected


def test_first_quote_is_stored_even_if_it_is_empty(database: Database) -> None:
    """Absent is NULL, never 0."""
    unquoted = market("M-1", **dict.fromkeys(QUOTE_COLUMNS))
    assert take(database, NOON, [unquoted]) == 1
    assert contents(database, price_snapshots) == [_snapshot(1, 1, unquoted)]
    assert take(database, LATER, [unquoted]) == 0


def test_unchanged_quote_adds_nothing(database: Database) -> None:
    first = market("M-1")
    take(database, NOON, [first])
    assert take(database, LATER, [first]) == 0
    assert contents(database, price_snapshots) == [_snapshot(1, 1, first)]
    assert contents(database, latest_quotes) == [_snapshot(1, 1, first)]


_ENDS = (None, 0, 1_000_000)
_STEPS = list(itertools.product(QUOTE_COLUMNS, _ENDS, _ENDS))


@pytest.fixture(scope="module")
def stepped(new_database: NewDatabase) -> Database:
    """Two ticks of a market for each step of one number through its range; read only."""
    database = new_database()
    before = [market(f"{step}", **{step[0]: step[1]}) for step in _STEPS]
    after = [market(f"{step}", **{step[0]: step[2]}) for step in _STEPS]
    assert take(database, NOON, before) == len(_STEPS)
    assert take(database, LATER, after) == sum(old != new for _, old, new in _STEPS)
    return database


@pytest.mark.parametrize("old", _ENDS, ids=["was_absent", "was_zero", "was_a_dollar"])
@pytest.mark.parametrize("new", _ENDS, ids=["is_absent", "is_zero", "is_a_dollar"])
@pytest.mark.parametrize("name", QUOTE_COLUMNS)
def test_quote_counts_as_changed_when_one_number_does(
    stepped: Database, name: str, old: int | None, new: int | None
) -> None:
    """Absent, zero and one dollar are distinct in each number."""
    market_id = _STEPS.index((name, old, new)) + 1
    expected = [_snapshot(1, market_id, market("M-1", **{name: old}))]
    if old != new:
        expected.append(_snapshot(2, market_id, market("M-1", **{name: new})))
    assert contents(stepped, price_snapshots, of_market=market_id) == expected
    assert contents(stepped, latest_quotes, of_market=market_id) == expected[-1:]


@pytest.mark.parametrize("name", QUOTE_COLUMNS)
def test_quote_counts_as_changed_by_the_smallest_step(database: Database, name: str) -> None:
    first = market("M-1")
    take(database, NOON, [first])
    moved = changed(first, **{name: getattr(first.quote, name) + 1})
    assert take(database, LATER, [moved]) == 1
    assert contents(database, price_snapshots) == [_snapshot(1, 1, first), _snapshot(2, 1, moved)]


def test_change_of_the_market_alone_does_not_change_its_quote(database: Database) -> None:
    take(database, NOON, [market("M-1")])
    assert take(database, LATER, [market("M-1", status="closed", title="New", close_at=LATER)]) == 0


def test_quote_that_returns_to_an_earlier_value_is_stored_again(database: Database) -> None:
    """Only the last stored quote is compared, not earlier ones."""
    low, high = market("M-1"), market("M-1", yes_bid=300_000)
    for minute, row in enumerate([low, high, high, low]):
        take(database, NOON + minute * MINUTE, [row])
    assert contents(database, price_snapshots) == [
        _snapshot(1, 1, low),
        _snapshot(2, 1, high),
        _snapshot(4, 1, low),
    ]


def test_every_keeps_unchanged_quotes_too(database: Database) -> None:
    """They are in their own table: the numbers are in the previous row, and each tick has its own time."""
    row = market("M-1")
    stored = [take(database, NOON + minute * MINUTE, [row], every=True) for minute in range(3)]
    assert stored == [1, 0, 0]
    assert contents(database, price_snapshots) == [_snapshot(1, 1, row)]
    assert contents(database, latest_quotes) == [_snapshot(1, 1, row)]
    assert contents(database, unchanged_quotes) == [_unchanged(2, 1), _unchanged(3, 1)]
    shown = query(database, "SELECT tick_at, received_at, yes_bid, is_terminal FROM price_history ORDER BY 1")
    assert shown == [
        (tick_iso_of(NOON + n * MINUTE), iso_of(NOON + n * MINUTE + SECOND), 0.29, 0) for n in range(3)
    ]


def test_modes_can_alternate(database: Database) -> None:
    row = market("M-1")
    stored = [
        take(database, NOON + n * MINUTE, [row], every=every)
        for n, every in enumerate([False, False, True, False])
    ]
    assert stored == [1, 0, 0, 0]
    assert query(database, "SELECT tick_id FROM price_snapshots") == [(1,)]
    assert query(database, "SELECT tick_id FROM unchanged_quotes") == [(3,)]
    _assert_latest_is_newest(database)


def test_run_that_is_retried_keeps_one_of_an_unchanged_and_a_changed_quote(database: Database) -> None:
    """The last attempt decides, even if it stores only changed quotes."""
    row, moved = market("M-1"), market("M-1", yes_bid=280_000)
    take(database, NOON, [row])
    Tick(database, LATER, every=True).store([row])
    assert contents(database, unchanged_quotes) == [_unchanged(2, 1)]
    assert Tick(database, LATER).store([moved]) == Appended(1, 0)
    assert contents(database, unchanged_quotes) == []
    assert Tick(database, LATER, every=True).store([row]) == Appended(0, 0)
    assert contents(database, unchanged_quotes) == []
    assert contents(database, price_snapshots) == [_snapshot(1, 1, row), _snapshot(2, 1, moved)]


def test_unchanged_quote_keeps_the_time_of_its_first_answer(database: Database) -> None:
    """This holds for two pages of a tick with the same market, and for a retry. One answer's markets may be on two
    pages.
    """
    rows = [market(f"M-{number}") for number in range(1, 6)]
    take(database, NOON, rows)
    tick = Tick(database, LATER, every=True)
    tick.store(rows[:2], received_at=LATER + SECOND)
    tick.store(rows[1:4], received_at=LATER + 2 * SECOND)
    tick.store(rows[4:], received_at=LATER + SECOND)
    Tick(database, LATER, every=True).store([*rows[:3], changed(rows[3], yes_bid=1)], received_at=LATER)
    assert contents(database, unchanged_quotes) == [
        _unchanged(2, 1, 1000),
        _unchanged(2, 2, 1000),
        _unchanged(2, 3, 2000),
        _unchanged(2, 5, 1000),
    ]


def test_each_page_has_the_time_at_which_it_was_received(database: Database) -> None:
    """In whole milliseconds after the tick. An unchanged quote keeps the time of its own answer."""
    first, second, third = market("M-1"), market("M-2"), market("M-3")
    tick = Tick(database, NOON)
    tick.store([first], received_at=NOON)
    tick.store([second], received_at=NOON + 1_234_567)
    tick.store([third], received_at=NOON + 15 * MINUTE + 999)
    tick.close()
    take(database, LATER, [first, second, third])
    expected = [
        _snapshot(1, 1, first, 0),
        _snapshot(1, 2, second, 1234),
        _snapshot(1, 3, third, 900_000),
    ]
    assert contents(database, price_snapshots) == expected
    assert contents(database, latest_quotes) == expected


@_MODES
def test_same_tick_again_adds_and_changes_nothing(database: Database, every: bool) -> None:
    """This holds although the exchange has moved meanwhile."""
    tick = Tick(database, NOON, every=every)
    first = [market("M-1"), market("M-2")]
    assert tick.store(first) == Appended(2, 0)
    before = contents(database, price_snapshots), contents(database, latest_quotes)
    moved = [changed(row, yes_bid=1) for row in first]
    assert tick.store(first, received_at=LATER) == Appended(0, 0)
    assert tick.store(moved, received_at=LATER) == Appended(0, 0)
    assert (contents(database, price_snapshots), contents(database, latest_quotes)) == before


@_MODES
def test_tick_that_was_cut_continues_over_what_it_has_stored(database: Database, every: bool) -> None:
    """The retry gets stored pages, a new page, and overlapping pages."""
    pages = [[market(f"M-{page}-{n}") for n in range(3)] for page in range(3)]
    take(database, NOON, *pages)
    moved = [[changed(row, yes_bid=280_000) for row in page] for page in pages]
    cut = Tick(database, LATER, every=every)
    cut.store(moved[0])
    resumed = Tick(database, LATER, every=every)
    assert resumed.run.id == cut.run.id
    stored = [resumed.store(page).inserted for page in (*moved, moved[1][:2])]
    assert stored == [0, 3, 3, 0]
    flat = [row for page in moved for row in page]
    assert contents(database, latest_quotes) == [
        _snapshot(2, market_id, row) for market_id, row in enumerate(flat, start=1)
    ]
    _assert_latest_is_newest(database)


@_MODES
@pytest.mark.parametrize("cut_after", ["a_page", "every_page", "its_ends"])
def test_tick_that_was_cut_ends_with_the_rows_of_an_undisturbed_one(
    database: Database, tmp_path: Path, cut_after: str, every: bool
) -> None:
    """The markets are unchanged, changed, due for a keyframe, gone, returned and new."""
    same, moves, aged, goes, back = (market(name) for name in ("SAME", "MOVES", "AGED", "GOES", "BACK"))
    pages = [[changed(moves, yes_bid=280_000), aged], [same, back, market("NEW")]]

    def begin(database: Database) -> Tick:
        return Tick(database, NOON + 3 * MINUTE, every=every, keyframe_seconds=180)

    def prepare(database: Database) -> None:
        take(database, NOON, [aged])
        take(database, NOON + MINUTE, [aged, same, moves, goes, back])
        take(database, NOON + 2 * MINUTE, [aged, same, moves, goes])

    def finish(tick: Tick) -> None:
        for page in pages:
            tick.store(page)
        tick.close()

    prepare(database)
    cut = begin(database)
    for page in pages[:1] if cut_after == "a_page" else pages:
        cut.store(page)
    if cut_after == "its_ends":
        cut.end()
    finish(begin(database))
    with closing(Database(sqlite_url(tmp_path / "undisturbed.db"))) as undisturbed:
        prepare(undisturbed)
        finish(begin(undisturbed))
        for table in (price_snapshots, latest_quotes, unchanged_quotes):
            assert contents(database, table) == contents(undisturbed, table)
        assert _written(database) == _written(undisturbed)
    assert _written(database)[-1] == (4, 1, 1)
    assert len(contents(database, unchanged_quotes)) == (1 if every else 0)


@pytest.mark.parametrize(
    "seconds", [KEYFRAME_SECONDS, 90, 0.25], ids=["six_hours", "ninety_seconds", "a_quarter_of_a_second"]
)
def test_unchanged_quote_is_stored_again_at_the_age_of_a_keyframe(database: Database, seconds: float) -> None:
    """At exactly that age, not a microsecond earlier. The age then counts from the keyframe."""
    row, age = market("M-1"), round(seconds * SECOND)
    ticks = [NOON, NOON + age - 1, NOON + age, NOON + 2 * age - 1, NOON + 2 * age]
    stored = [take(database, tick_at, [row], keyframe_seconds=seconds) for tick_at in ticks]
    assert stored == [1, 0, 1, 0, 1]
    assert _written(database) == [(1, 0, 0), (0, 0, 0), (1, 1, 0), (0, 0, 0), (1, 1, 0)]
    assert contents(database, price_snapshots) == [_snapshot(tick_id, 1, row) for tick_id in (1, 3, 5)]
    assert contents(database, latest_quotes) == [_snapshot(5, 1, row)]


def test_age_counts_from_a_changed_quote_too(database: Database) -> None:
    first, moved = market("M-1"), market("M-1", yes_bid=1)
    page = [(0, first), (5, moved), (9, moved), (10, moved), (14, moved), (15, moved)]
    for minute, row in page:
        take(database, NOON + minute * MINUTE, [row], keyframe_seconds=600)
    assert _written(database) == [(1, 0, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (1, 1, 0)]


def test_only_unchanged_quotes_are_counted_as_keyframes(database: Database) -> None:
    """New, changed and returned quotes are stored at any age."""
    aged = [market("AGED-1"), market("AGED-2")]
    take(database, NOON, [*aged, market("MOVES"), market("LEAVES")])
    take(database, NOON + MINUTE, [*aged, market("MOVES")])
    tick = Tick(database, LATER, keyframe_seconds=240)
    assert tick.store([aged[0], market("MOVES", volume=1), market("LEAVES"), market("NEW")]) == Appended(4, 1)
    assert tick.store([aged[1]]) == Appended(1, 1)
    tick.close()
    assert _written(database)[-1] == (5, 2, 0)


def test_missed_tick_does_not_age_quotes(database: Database) -> None:
    """Its key may exceed that of a newer tick, because it was late."""
    take(database, NOON, [market("M-1")])
    assert open_run(database, NOON - 60 * MINUTE).state is State.SKIPPED
    assert take(database, LATER, [market("M-1")], keyframe_seconds=3600) == 0
    assert take(database, NOON + 60 * MINUTE, [market("M-1")], keyframe_seconds=3600) == 1


@_MODES
def test_market_that_left_the_listing_gets_one_terminal_row(database: Database, every: bool) -> None:
    stays, leaves = market("STAYS"), market("LEAVES")
    take(database, NOON, [stays, leaves])
    for minute in range(1, 4):
        take(database, NOON + minute * MINUTE, [stays], every=every, keyframe_seconds=120)
    ended = [row for row in contents(database, price_snapshots) if row["market_id"] == 2]
    assert ended == [_snapshot(1, 2, leaves), _end(2, 2)]
    assert [row for row in contents(database, price_snapshots) if row not in ended] == [
        _snapshot(1, 1, stays),
        _snapshot(3, 1, stays),
    ]
    assert contents(database, unchanged_quotes) == ([_unchanged(2, 1), _unchanged(4, 1)] if every else [])
    assert contents(database, latest_quotes) == [_snapshot(3, 1, stays), _end(2, 2)]
    assert query(database, "SELECT ended FROM ticks") == [(0,), (1,), (0,), (0,)]


def test_market_that_never_comes_back_stays_ended(database: Database) -> None:
    """This holds at the age of a keyframe too, and if nothing else is listed."""
    take(database, NOON, [market("M-1"), market("M-2")])
    for minute in range(1, 10):
        take(database, NOON + minute * MINUTE, keyframe_seconds=120)
    assert query(database, "SELECT tick_id FROM price_snapshots WHERE is_terminal") == [(2,), (2,)]
    assert contents(database, latest_quotes) == [_end(2, 1), _end(2, 2)]
    assert _written(database) == [(2, 0, 0), (0, 0, 2), *[(0, 0, 0)] * 8]


def test_market_that_comes_back_gets_a_row_though_its_quote_is_the_same(database: Database) -> None:
    row = market("M-1")
    for minute, page in enumerate([[row], [], [row], [row], []]):
        take(database, NOON + minute * MINUTE, page)
    assert contents(database, price_snapshots) == [
        _snapshot(1, 1, row),
        _end(2, 1),
        _snapshot(3, 1, row),
        _end(5, 1),
    ]
    assert _written(database) == [(1, 0, 0), (0, 0, 1), (1, 0, 0), (0, 0, 0), (0, 0, 1)]


def test_market_that_comes_back_unquoted_is_not_ended_any_more(database: Database) -> None:
    """Its numbers equal those of the terminal row, but it gets a new row that is not terminal."""
    unquoted = market("M-1", **dict.fromkeys(QUOTE_COLUMNS))
    for minute, page in enumerate([[unquoted], [], [unquoted]]):
        take(database, NOON + minute * MINUTE, page)
    assert contents(database, price_snapshots) == [
        _snapshot(1, 1, unquoted),
        _end(2, 1),
        _snapshot(3, 1, unquoted),
    ]


def test_market_that_a_cut_tick_had_listed_is_ended_by_the_next(database: Database) -> None:
    """It left between the two attempts; its row at this tick is unchanged."""
    cut = Tick(database, NOON)
    cut.store([market("M-1")])
    take(database, NOON, [])
    assert contents(database, price_snapshots) == [_snapshot(1, 1, market("M-1"))]
    take(database, LATER, [])
    assert contents(database, price_snapshots) == [_snapshot(1, 1, market("M-1")), _end(2, 1)]


@pytest.mark.parametrize("state", [State.PARTIAL, State.FAILED])
def test_tick_that_has_not_seen_every_page_ends_nothing(database: Database, state: State) -> None:
    listed, beyond, leaves = market("LISTED"), market("BEYOND"), market("LEAVES")
    take(database, NOON, [listed, beyond, leaves])
    take(database, NOON + MINUTE, [listed], state=state)
    assert len(contents(database, price_snapshots)) == 3
    take(database, NOON + 2 * MINUTE, [listed, beyond])
    assert contents(database, price_snapshots)[3:] == [_end(3, 3)]
    assert _written(database) == [(3, 0, 0), (0, 0, 0), (0, 0, 1)]


def test_narrower_scope_ends_nothing_outside_it(database: Database) -> None:
    """A quote that is unchanged in both scopes is stored once."""
    store_inside(database)
    inside, outside = market("INSIDE", INSIDE), market("OUTSIDE")
    take(database, NOON, [inside, outside])
    for minute in (1, 2):
        take(database, NOON + minute * MINUTE, [inside], scope=NARROW)
    take(database, NOON + 3 * MINUTE, [inside, outside])
    assert contents(database, price_snapshots) == [_snapshot(1, 1, inside), _snapshot(1, 2, outside)]
    assert contents(database, unchanged_quotes) == []
    assert _written(database) == [(2, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]


def test_history_is_ended_by_any_tick_that_covers_it(database: Database) -> None:
    store_inside(database)
    take(database, NOON, [market("WIDE"), market("NARROW", INSIDE)])
    take(database, NOON + MINUTE, [], scope=NARROW)
    assert contents(database, latest_quotes) == [_snapshot(1, 1, market("WIDE")), _end(2, 2)]
    take(database, NOON + 2 * MINUTE, [market("NARROW", INSIDE)], scope=NARROW)
    take(database, NOON + 3 * MINUTE, [])
    assert contents(database, latest_quotes) == [_end(4, 1), _end(4, 2)]


def test_market_that_one_scope_ended_comes_back_in_another(database: Database) -> None:
    store_inside(database)
    row = market("M-1", INSIDE)
    take(database, NOON, [row])
    take(database, NOON + MINUTE, [])
    take(database, NOON + 2 * MINUTE, [row], scope=NARROW)
    assert contents(database, latest_quotes) == [_snapshot(3, 1, row)]
    assert _written(database) == [(1, 0, 0), (0, 0, 1), (1, 0, 0)]


def test_listed_market_of_unknown_series_leaves_a_row_at_each_tick_of_some_series(database: Database) -> None:
    """As far as known, the scope does not cover it, so without a row no reader could tell that it was listed."""
    row = market("M-1")
    for minute in range(3):
        take(database, NOON + minute * MINUTE, [row], scope=NARROW)
    take(database, NOON + 3 * MINUTE, [], scope=NARROW)
    assert contents(database, latest_quotes) == [_snapshot(1, 1, row)]
    assert [row["tick_id"] for row in contents(database, unchanged_quotes)] == [2, 3]


def test_market_may_move_to_other_events_again_and_again(database: Database) -> None:
    """Ticks of its former series could list it, so none of them is in doubt."""
    store_inside(database)
    take(database, NOON, [market("M-1", INSIDE)])
    for minute in (1, 2, 3):
        take(database, NOON + minute * MINUTE, [market("M-1", f"KXRAIN-{minute}")], scope=NARROW)
    assert query(database, "SELECT * FROM unlisted_spans") == []


def test_tick_that_is_retried_may_miss_what_it_had_moved(database: Database) -> None:
    store_inside(database)
    take(database, NOON, [market("M-1", INSIDE)])
    Tick(database, LATER, scope=NARROW).store([market("M-1", "KXRAIN-ELSEWHERE")])
    take(database, LATER, [], scope=NARROW, missed=["M-1"])
    assert query(database, "SELECT * FROM unlisted_spans") == [(1, 2, None)]


def test_tick_of_paused_markets_ends_nothing_and_stores_what_it_lists(database: Database) -> None:
    """A paused market that is not listed may trade again."""
    paused = replace(SCOPE, status=StatusFilter.PAUSED)
    rows = [market("M-1", status="inactive"), market("M-2", status="inactive")]
    take(database, NOON, rows)
    take(database, NOON + MINUTE, rows[:1], scope=paused)
    assert contents(database, latest_quotes) == [_snapshot(1, 1, rows[0]), _snapshot(1, 2, rows[1])]
    assert [(row["tick_id"], row["market_id"]) for row in contents(database, unchanged_quotes)] == [(2, 1)]


class _Model:
    """The rule of quotes, implemented for one market at a time."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], Row] = {}
        self.last_tick: dict[int, int] = {}
        self.unchanged: set[tuple[int, int]] = set()
        self.spans: list[list[int | None]] = []
        self.why: Counter[str] = Counter()
        self._ids: dict[str, int] = {}
        self._ticks: dict[int, int] = {}

    def open(self, tick_id: int, tick_at: int, covered: Container[str], unplaced: Container[str]) -> None:
        """Begin a tick that covers some markets, and perhaps others of unknown series."""
        self._tick = tick_id
        self._unplaced = unplaced
        self._covered = covered
        self._ticks[tick_id] = tick_at
        self._listed: set[int] = set()

    def list(self, row: Market, *, every: bool, keyframe_seconds: int) -> str | None:
        """Return why the row is stored, if it is."""
        market_id = self._ids.setdefault(row.ticker, len(self._ids) + 1)
        self._listed.add(market_id)
        self._close_span(market_id)
        given = _snapshot(self._tick, market_id, row)
        reasons = self._reasons(market_id, given, keyframe_seconds)
        why = next((why for why, holds in reasons.items() if holds), None)
        if why is not None:
            self._store(market_id, given, why)
            self.unchanged.discard((self._tick, market_id))
        elif every and self.last_tick[market_id] != self._tick:
            self.unchanged.add((self._tick, market_id))
        return why

    def end(self, missed: Container[str]) -> Ended:
        """End the covered markets that are not listed; the missed ones stay unconfirmed."""
        unlisted = {
            ticker: market_id
            for ticker, market_id in self._ids.items()
            if market_id not in self._listed
            and ticker in self._covered
            and not self.rows[self.last_tick[market_id], market_id]["is_terminal"]
            and self.last_tick[market_id] != self._tick
        }
        gone = [market_id for ticker, market_id in unlisted.items() if ticker not in missed]
        for market_id in gone:
            self._store(market_id, _end(self._tick, market_id), "ended")
            self._close_span(market_id)
        for ticker, market_id in self._ids.items():
            last = self.last_tick[market_id]
            is_open = market_id not in self._listed and not self.rows[last, market_id]["is_terminal"]
            may_be_covered = ticker in self._covered or ticker in self._unplaced
            has_span = any(span[0] == market_id and span[2] is None for span in self.spans)
            if is_open and last != self._tick and may_be_covered and not has_span:
                self.spans.append([market_id, self._tick, None])
        return Ended(len(gone), len(unlisted) - len(gone))

    def _close_span(self, market_id: int) -> None:
        for span in self.spans:
            if span[0] == market_id and span[2] is None:
                span[2] = self._tick

    def _reasons(self, market_id: int, given: Row, keyframe_seconds: int) -> dict[str, bool]:
        last_tick = self.last_tick.get(market_id)
        if last_tick is None:
            return {"new": True}
        if last_tick == self._tick:
            return {}
        last = self.rows[last_tick, market_id]
        age = self._ticks[self._tick] - self._ticks[last_tick]
        return {
            "returned": bool(last["is_terminal"]),
            "changed": any(last[name] != given[name] for name in QUOTE_COLUMNS),
            "aged": age >= keyframe_seconds * SECOND,
        }

    def _store(self, market_id: int, row: Row, why: str) -> None:
        self.rows[self._tick, market_id] = row
        self.last_tick[market_id] = self._tick
        self.why[why] += 1


def test_quotes_are_those_of_the_rule_after_any_sequence_of_ticks(database: Database) -> None:
    """Random pages, both modes, two scopes, truncated ticks, and repeated ones."""
    chance = random.Random(20261122)
    store_inside(database)
    model, listed = _Model(), {f"M-{n}" for n in range(12)}
    for number in range(120):
        tick_at = NOON + number * MINUTE
        every, is_cut = chance.random() < 0.1, chance.random() < 0.2
        scope, numbers = (NARROW, range(6)) if chance.random() < 0.2 else (SCOPE, range(12))
        listed ^= set(chance.sample(sorted(f"M-{n}" for n in range(12)), chance.choice([0, 0, 1, 3])))
        for attempt in range(chance.choice([1, 1, 2])):
            tick = Tick(database, tick_at, every=every, keyframe_seconds=300, scope=scope)
            unplaced = {f"M-{n}" for n in range(6, 12)}
            model.open(tick.run.id, tick_at, {f"M-{n}" for n in numbers}, unplaced)
            rows = [
                market(
                    f"M-{n}",
                    INSIDE if n < 6 else "KXRAIN-26NOV23",
                    yes_bid=chance.choice([None, *[290_000] * 8]),
                    volume=chance.choice([0] * 9 + [1]),
                )
                for n in numbers
                if f"M-{n}" in listed
            ]
            pages = [rows[:3], rows[3:7], rows[7:]]
            for page in pages[: 1 + attempt] if is_cut else pages:
                why = [model.list(row, every=every, keyframe_seconds=300) for row in page]
                keyframes = why.count("aged")
                assert tick.store(page) == Appended(len(why) - why.count(None), keyframes)
        if is_cut:
            tick.close(State.PARTIAL)
        else:
            missed = {f"M-{n}" for n in range(12) if chance.random() < 0.3}
            assert tick.end(missed=missed) == model.end(missed)
            close(database, tick.run)
    assert min(model.why.values()) >= 10
    assert set(model.why) == {"new", "returned", "changed", "aged", "ended"}
    assert contents(database, price_snapshots) == [row for _, row in sorted(model.rows.items())]
    assert contents(database, unchanged_quotes) == [_unchanged(*key) for key in sorted(model.unchanged)]
    assert len(model.unchanged) >= 10
    spans = query(database, "SELECT * FROM unlisted_spans")
    assert sorted(spans, key=str) == sorted(map(tuple, model.spans), key=str)
    assert len(spans) >= 10
    latest = [model.rows[tick_id, market_id] for market_id, tick_id in sorted(model.last_tick.items())]
    assert contents(database, latest_quotes) == latest
    _assert_latest_is_newest(database)


def test_tick_that_moves_a_market_to_another_series_confirms_it(database: Database) -> None:
    """A tick of its former series does not, because by present knowledge it did not cover the market."""
    store_inside(database)
    store_events(database, event("SNOW", "KXSNOW"))
    inside = market("M-1", INSIDE)
    take(database, NOON, [inside])
    take(database, NOON + MINUTE, [inside], scope=NARROW)
    take(database, NOON + 2 * MINUTE, [inside])
    take(database, NOON + 3 * MINUTE, [changed(inside, event_ticker="SNOW")])
    assert query(database, "SELECT * FROM unlisted_spans") == []
    shown = "SELECT tick_id, state, is_tick_complete FROM quotes_by_tick ORDER BY tick_id"
    assert query(database, shown) == [
        (1, "observed", 1),
        (3, "observed", 1),
        (4, "observed", 1),
    ]
    assert query(database, "SELECT state, confirmed_at FROM latest_prices") == [
        ("observed", tick_iso_of(NOON + 3 * MINUTE))
    ]


def test_numbers_are_stored_to_the_last_digit(database: Database) -> None:
    """Up to the largest value of a column."""
    row = market(
        "M-1",
        yes_bid=1,
        yes_ask=999_999,
        last_price=123_457,
        yes_bid_size=1,
        volume=2**63 - 1,
        open_interest=2**53 + 1,
    )
    take(database, NOON, [row])
    assert contents(database, price_snapshots) == [_snapshot(1, 1, row)]


def test_quotes_of_an_unknown_tick_are_refused_whole(database: Database) -> None:
    tick = Tick(database, NOON)
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ticks")
    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"):
        tick.store([market("M-1")])
    for table in (markets, price_snapshots, latest_quotes):
        assert contents(database, table) == []


def test_page_reads_the_latest_quotes_by_their_keys(database: Database) -> None:
    """Otherwise the cost of a page would grow with the number of markets, and that of a listing with its square."""
    take(database, NOON, [market(f"M-{number}") for number in range(50)])
    quotes = Tick(database, LATER).quotes
    plans: list[str] = []

    def explain(_: object, cursor: sqlite3.Cursor, statement: str, parameters: Any, *__: object) -> None:
        if statement.startswith(("INSERT", "UPDATE")):
            steps = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(step[3] for step in steps)

    with database.begin() as connection:
        merge_markets(connection, [market("M-7", yes_bid=1), market("NEW")], LATER)
        sqlalchemy_event.listen(connection, "before_cursor_execute", explain)
        assert quotes.append(connection, LATER) == (2, 0)
        sqlalchemy_event.remove(connection, "before_cursor_execute", explain)
    assert [
        plan
        for plan in plans
        if plan.startswith("SCAN") and "staged" not in plan and "new_quotes" not in plan
    ] == []
    assert any(plan.startswith("SEARCH latest_quotes") for plan in plans)
