"""Queries about completeness, with answers computed by hand."""

import sqlite3
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from kalshi_pipeline.records import READING, Market, Reject
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.catalogue import MarketDetails, busiest_market, market_details
from kalshi_pipeline.store.reading.completeness import (
    Placeholders,
    QuoteFaults,
    count_dangling,
    count_quarantined,
    count_rows,
    last_complete_tick,
    last_listing,
    last_tick,
    listed_before,
    placeholders,
    quote_faults,
    received_before,
    tick_states,
    was_complete,
)
from kalshi_pipeline.store.reading.history import newest_history
from kalshi_pipeline.store.reading.parents import (
    creation_bounds,
    open_placeholder_events,
    open_placeholder_series,
)
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import Quote, latest
from kalshi_pipeline.store.schema.from_records import first_read_in
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS, listings, markets, metadata, ticks
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine
from kalshi_pipeline.store.writing.runs import Run, State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.ticks import open_tick
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    SCOPE,
    SECOND,
    Row,
    Tick,
    bid,
    close,
    contents,
    event,
    market,
    open_run,
    query,
    series_row,
    store_events,
    store_markets,
    store_series,
    take,
)

_UNQUOTED = dict.fromkeys(QUOTE_COLUMNS)


def _ask_for(database: Database, *tickers: str, at: int = NOON) -> None:
    with database.begin() as connection:
        record_event_lookups(connection, tickers, at)


def test_open_placeholder_events_give_the_longest_waiting_first(database: Database) -> None:
    """Placeholders that were never requested come first, in order of creation, then the others by their last
    request.
    """
    store_markets(database, *(market(f"{name}-X", name) for name in ("A", "B", "C", "D", "E")))
    store_events(database, event("C"))
    _ask_for(database, "A", at=LATER)
    _ask_for(database, "D", at=NOON)
    with database.read() as connection:
        assert open_placeholder_events(connection, 10) == ["B", "E", "D", "A"]
        assert open_placeholder_events(connection, 3) == ["B", "E", "D"]
        assert open_placeholder_events(connection, 0) == []


def test_open_placeholder_events_leave_filled_ones_out(database: Database) -> None:
    store_markets(database, market("A-X", "A"))
    _ask_for(database, "A")
    store_events(database, event("A"))
    with database.read() as connection:
        assert open_placeholder_events(connection, 10) == []


def test_open_placeholder_events_are_parted_by_the_kind_of_their_markets(database: Database) -> None:
    """Their tickers decide nothing."""
    store_markets(
        database,
        market("A", "KXMVENUS-27"),
        market("B", "KXPARLAY-1", is_combo=True),
        market("C", "KXRAIN-27"),
    )
    with database.read() as connection:
        assert open_placeholder_events(connection, 10, of_combos=True) == ["KXPARLAY-1"]
        assert open_placeholder_events(connection, 10, of_combos=False) == ["KXMVENUS-27", "KXRAIN-27"]
        assert len(open_placeholder_events(connection, 10)) == 3


def test_open_placeholder_series_give_those_not_filled(database: Database) -> None:
    store_series(database, series_row("KNOWN"))
    store_events(database, event("A-1", "A"), event("B-1", "B"), event("K-1", "KNOWN"))
    with database.read() as connection:
        assert sorted(open_placeholder_series(connection, 10)) == ["A", "B"]
        assert len(open_placeholder_series(connection, 1)) == 1


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_count_rows_knows_every_table(database: Database, name: str) -> None:
    """`price_snapshots` is counted from its ticks, which are written in the same transactions."""
    take(database, NOON, [market("M-1"), market("M-2")])
    take(database, LATER, [market("M-1", yes_bid=1)])
    with database.read() as connection:
        expected = connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
        assert count_rows(connection, name) == expected
        assert count_rows(connection, "price_snapshots") == 4


def test_placeholders_are_counted_with_the_age_of_the_oldest(database: Database) -> None:
    with database.read() as connection:
        none = Placeholders(0, None)
        assert placeholders(connection) == {"series": none, "events": none, "markets": none}
    store_events(database, event("A-1", "A"), at=NOON + MINUTE)
    store_markets(database, market("B-X", "B"), at=LATER)
    store_markets(database, market("C-X", "C"), at=LATER + MINUTE)
    with database.read() as connection:
        assert placeholders(connection) == {
            "series": Placeholders(1, NOON + MINUTE),
            "events": Placeholders(2, LATER),
            "markets": none,
        }


_NOTHING_DANGLES = {
    "events.series_id": 0,
    "markets.event_id": 0,
    "latest_quotes.market_id": 0,
    "latest_quotes.tick_id": 0,
}
_NO_QUOTE_DANGLES = {"price_snapshots.market_id": 0}


def test_nothing_dangles_after_a_snapshot_that_made_its_parents(database: Database) -> None:
    """An event without a series has no foreign key to check."""
    take(database, NOON, [market("M-1"), market("M-2", "OTHER")])
    with database.read() as connection:
        assert count_dangling(connection, 1) == _NO_QUOTE_DANGLES
        assert count_dangling(connection) == _NOTHING_DANGLES


@pytest.mark.parametrize(
    ("deleted", "dangling"),
    [
        pytest.param("series", {"events.series_id": 1}, id="series"),
        pytest.param("events", {"markets.event_id": 2}, id="event"),
        pytest.param("markets", {"price_snapshots.market_id": 2, "latest_quotes.market_id": 2}, id="markets"),
        pytest.param("ticks", {"latest_quotes.tick_id": 2}, id="ticks"),
    ],
)
def test_dangling_rows_are_counted_by_foreign_key(
    database: Database, path: Path, deleted: str, dangling: dict[str, int]
) -> None:
    """Another program deleted the parents, with foreign keys off as SQLite has them by default."""
    store_events(database, event("KXRAIN-26NOV23"))
    take(database, NOON, [market("M-1"), market("M-2")])
    with closing(sqlite3.connect(path)) as other_program, other_program:
        other_program.execute(f"DELETE FROM {deleted}")
    with database.read() as connection:
        found = count_dangling(connection) | count_dangling(connection, 1)
    assert found == _NOTHING_DANGLES | _NO_QUOTE_DANGLES | dangling


def test_dangling_snapshots_are_counted_for_one_tick(database: Database, path: Path) -> None:
    take(database, NOON, [market("M-1"), market("M-2")])
    take(database, LATER, [market("M-1"), market("M-2", yes_bid=1)])
    with closing(sqlite3.connect(path)) as other_program, other_program:
        other_program.execute("DELETE FROM markets")
    with database.read() as connection:
        counts = {tick: count_dangling(connection, tick)["price_snapshots.market_id"] for tick in (1, 2, 3)}
    assert counts == {1: 2, 2: 1, 3: 0}


@pytest.mark.parametrize(
    ("quote", "faults"),
    [
        ({"yes_bid": 310_001, "yes_ask": 310_000}, QuoteFaults(crossed=1, out_of_range=0)),
        ({"yes_bid": 310_000, "yes_ask": 310_000}, QuoteFaults(crossed=0, out_of_range=0)),
        ({"yes_bid": 310_001, "yes_ask": None}, QuoteFaults(crossed=0, out_of_range=0)),
        (_UNQUOTED, QuoteFaults(crossed=0, out_of_range=0)),
        ({"yes_bid": 0, "yes_ask": 1_000_000, "last_price": 0}, QuoteFaults(crossed=0, out_of_range=0)),
        ({"last_price": 1_000_000}, QuoteFaults(crossed=0, out_of_range=0)),
        ({"yes_bid": -1}, QuoteFaults(crossed=0, out_of_range=1)),
        ({"yes_ask": 1_000_001}, QuoteFaults(crossed=0, out_of_range=1)),
        ({"last_price": 1_000_001}, QuoteFaults(crossed=0, out_of_range=1)),
        ({"yes_bid": -1, "yes_ask": 1_000_001, "last_price": -1}, QuoteFaults(crossed=0, out_of_range=1)),
    ],
    ids=[
        "crossed",
        "locked",
        "one_sided",
        "unquoted",
        "zero_and_a_dollar",
        "last_of_a_dollar",
        "bid_below_zero",
        "ask_above_a_dollar",
        "last_above_a_dollar",
        "all_outside_is_one_row",
    ],
)
def test_quote_faults_are_rows_that_cannot_be_quotes(
    database: Database, quote: dict[str, int | None], faults: QuoteFaults
) -> None:
    take(database, NOON, [market("M-1", **quote), market("M-2")])
    with database.read() as connection:
        assert quote_faults(connection, 1) == faults


def test_quote_faults_are_those_of_one_tick(database: Database) -> None:
    take(database, NOON, [market("M-1", yes_bid=900_000), market("M-2", yes_ask=2_000_000)])
    take(database, LATER, [market("M-1"), market("M-2")])
    with database.read() as connection:
        assert quote_faults(connection, 1) == QuoteFaults(crossed=1, out_of_range=1)
        assert quote_faults(connection, 2) == QuoteFaults(crossed=0, out_of_range=0)
        assert quote_faults(connection, 3) == QuoteFaults(crossed=0, out_of_range=0)


OPEN_MARKETS = Subject(SCOPE)
ONLY_COMBOS = replace(SCOPE, combos=Combos.ONLY)


def _listing(
    database: Database,
    asset: str,
    received: int,
    state: State | None = State.COMPLETE,
    subject: Subject = OPEN_MARKETS,
) -> Run:
    with database.begin() as connection:
        run = open_listing(connection, asset, subject, NOON, 0)
        add_page(connection, run, Tally(pages=1, received=received))
        if state is not None:
            close_run(connection, run, state, None, NOON)
    return run


def test_received_before_is_of_the_last_complete_run_of_the_asset_and_scope(database: Database) -> None:
    _listing(database, "markets", 5)
    first = _listing(database, "markets", 10)
    _listing(database, "markets", 20, State.PARTIAL)
    _listing(database, "markets", 21, State.FAILED)
    _listing(database, "markets", 22, None)
    _listing(database, "events", 30)
    _listing(database, "markets", 40, subject=Subject(ONLY_COMBOS))
    _listing(database, "markets", 41, subject=Subject(SCOPE, day="2026-11-22"))
    _listing(database, "markets", 42, subject=Subject(SCOPE, selection="two markets"))
    _listing(database, "markets", 43, subject=Subject())
    this = _listing(database, "markets", 50, None)
    _listing(database, "markets", 60)
    with database.read() as connection:
        assert received_before(connection, this) == 10
        assert received_before(connection, first) == 5


RAIN = replace(SCOPE, series=("KXRAIN",))


@pytest.mark.parametrize(
    ("seen", "asked", "expected"),
    [
        pytest.param([SCOPE], SCOPE, True, id="the same"),
        pytest.param([SCOPE], RAIN, True, id="a wider one"),
        pytest.param([RAIN], SCOPE, False, id="a narrower one"),
        pytest.param([ONLY_COMBOS], RAIN, False, id="another one"),
        pytest.param([ONLY_COMBOS, RAIN, SCOPE], RAIN, True, id="one of several"),
        pytest.param([None], SCOPE, False, id="none"),
        pytest.param([], SCOPE, False, id="no run"),
    ],
)
def test_day_was_complete_where_a_run_saw_all_of_a_scope_that_covers_it(
    database: Database, seen: list[Scope | None], asked: Scope, expected: bool
) -> None:
    day = "2026-11-20"
    for scope in seen:
        _listing(database, "trades", 1, subject=Subject(scope, day))
    # These do not count: another asset or day, no day, or an incomplete run.
    _listing(database, "candlesticks", 1, subject=Subject(SCOPE, day))
    _listing(database, "trades", 1, subject=Subject(SCOPE, "2026-11-21"))
    _listing(database, "trades", 1, subject=Subject(SCOPE))
    for state in (State.PARTIAL, State.FAILED, None):
        _listing(database, "trades", 1, state, Subject(SCOPE, day))
    with database.read() as connection:
        assert was_complete(connection, "trades", Subject(asked, day)) is expected


def test_received_before_distinguishes_none_from_zero(database: Database) -> None:
    first = _listing(database, "markets", 0)
    second = _listing(database, "markets", 0)
    with database.read() as connection:
        assert received_before(connection, first) is None
        assert received_before(connection, second) == 0


def test_listed_before_counts_what_was_requested_once(database: Database) -> None:
    """Repeated records, and records that were not requested, do not count."""
    runs = []
    for number in range(2):
        with database.begin() as connection:
            run = open_tick(connection, NOON + number * MINUTE, None, SCOPE, NOON)
            add_page(connection, run, Tally(pages=1, received=100, duplicates=7, out_of_scope=20))
            close_run(connection, run, State.COMPLETE, None, NOON)
        runs.append(run)
    with database.read() as connection:
        assert [listed_before(connection, run) for run in runs] == [None, 73]
        assert received_before(connection, runs[1]) == 100


def test_received_before_of_a_tick_is_of_its_scope(database: Database) -> None:
    runs = []
    for number, (scope, state) in enumerate(
        [(SCOPE, State.COMPLETE), (SCOPE, State.PARTIAL), (ONLY_COMBOS, State.COMPLETE), (SCOPE, None)]
    ):
        with database.begin() as connection:
            run = open_tick(connection, NOON + number * MINUTE, None, scope, NOON + number * MINUTE)
            add_page(connection, run, Tally(pages=1, received=100 + number))
            if state is not None:
                close_run(connection, run, state, None, NOON)
        runs.append(run)
    with database.read() as connection:
        assert [received_before(connection, run) for run in runs] == [None, 100, None, 100]


def _with_sentence(row: Row) -> Row:
    """A row with its scope in words instead of its key."""
    assert row["scope_id"] == 1
    return {**{name: value for name, value in row.items() if name != "scope_id"}, "scope": SCOPE.sentence}


def test_last_listing_is_the_newest_of_its_asset(database: Database) -> None:
    with database.read() as connection:
        assert last_listing(connection, "markets") is None
    _listing(database, "markets", 1)
    _listing(database, "markets", 2, State.FAILED)
    _listing(database, "events", 3)
    with database.read() as connection:
        found = last_listing(connection, "markets")
    assert found is not None
    assert asdict(found) == _with_sentence(contents(database, listings)[1])


def test_last_ticks_are_by_their_time_and_state(database: Database) -> None:
    with database.read() as connection:
        assert (last_tick(connection), last_complete_tick(connection)) == (None, None)
        assert tick_states(connection) == {}
    take(database, NOON, [])
    take(database, LATER, [])
    close(database, open_run(database, LATER + MINUTE), State.PARTIAL)
    open_run(database, NOON + MINUTE)  # overtaken, so the highest id is not the newest tick
    rows = contents(database, ticks)
    with database.read() as connection:
        found = last_tick(connection), last_complete_tick(connection)
        assert [asdict(tick) for tick in found if tick is not None] == [
            _with_sentence(rows[2]),
            _with_sentence(rows[1]),
        ]
        assert tick_states(connection) == {"complete": 2, "partial": 1, "skipped": 1}


def test_quarantined_records_are_counted_by_kind(database: Database) -> None:
    run = _listing(database, "markets", 3)
    with database.begin() as connection:
        assert count_quarantined(connection) == {}
        add_to_quarantine(connection, run, "markets", [Reject(key, "{}", "bad") for key in ("A", "B")], NOON)
        add_to_quarantine(connection, run, "events", [Reject("A", "{}", "bad")], NOON)
        assert count_quarantined(connection) == {"events": 1, "markets": 2}


def _latest(database: Database, ticker: str) -> Quote:
    with database.read() as connection:
        (found,) = latest(connection, ticker)
    return found


def test_latest_quote_is_the_last_stored_one_with_its_confirmation(database: Database) -> None:
    """It is in force since its own tick. The newest complete tick confirms it; a partial one does not."""
    take(database, NOON, [market("M-1"), market("M-2")])
    take(database, LATER, [market("M-1"), market("M-2", yes_bid=1)])
    close(database, open_run(database, LATER + MINUTE), State.PARTIAL)
    assert _latest(database, "M-1") == Quote(
        ticker="M-1",
        at=LATER + MINUTE,
        quoted_at=NOON,
        received_at=NOON + SECOND,
        is_listed=True,
        state=QuoteState.CARRIED,
        is_observed=False,
        is_tick_complete=False,
        confirmed_at=LATER,
        yes_bid=290_000,
        yes_ask=310_000,
        yes_bid_size=12_050,
        yes_ask_size=8_000,
        last_price=300_000,
        volume=98_765,
        open_interest=43_210,
    )


def test_latest_quote_of_a_market_that_is_listed_no_more_has_no_numbers(database: Database) -> None:
    """Its last prices are no longer valid."""
    take(database, NOON, [market("M-1")])
    take(database, LATER, [])
    found = _latest(database, "M-1")
    assert (found.quoted_at, found.received_at, found.midpoint) == (LATER, LATER + 2 * SECOND, None)
    assert {name: getattr(found, name) for name in QUOTE_COLUMNS} == _UNQUOTED


def test_latest_quote_without_a_complete_tick_is_not_confirmed(database: Database) -> None:
    Tick(database, NOON).store([market("M-1")])
    found = _latest(database, "M-1")
    assert (found.quoted_at, found.confirmed_at) == (NOON, None)


def test_latest_quote_of_a_market_without_one_is_none(database: Database) -> None:
    store_markets(database, market("M-1"))
    with database.read() as connection:
        assert latest(connection, "M-1") == []
        assert latest(connection, "UNKNOWN") == []


@pytest.mark.parametrize(
    ("yes_bid", "yes_ask", "spread", "midpoint"),
    [
        (290_000, 310_000, 20_000, 300_000.0),
        (290_000, 290_100, 100, 290_050.0),
        (290_000, 290_001, 1, 290_000.5),
        (0, 10_000, 10_000, 5_000.0),
        (0, 1_000_000, 1_000_000, 500_000.0),
        (310_000, 310_000, 0, 310_000.0),
        (None, 310_000, None, None),
        (290_000, None, None, None),
        (0, None, None, None),
        (None, None, None, None),
    ],
    ids=[
        "two_cents",
        "sub_cent",
        "half_a_micro_dollar",
        "bid_of_zero",
        "zero_and_a_dollar",
        "locked",
        "no_bid",
        "no_ask",
        "bid_of_zero_and_no_ask",
        "unquoted",
    ],
)
def test_latest_quote_has_a_spread_and_a_midpoint_only_where_two_sided(
    database: Database, yes_bid: int | None, yes_ask: int | None, spread: int | None, midpoint: float | None
) -> None:
    """An unquoted market never shows 50 %."""
    take(database, NOON, [market("M-1", yes_bid=yes_bid, yes_ask=yes_ask)])
    found = _latest(database, "M-1")
    assert (found.spread, found.midpoint) == (spread, midpoint)


def test_busiest_market_has_the_most_two_sided_quotes(database: Database) -> None:
    with database.read() as connection:
        assert busiest_market(connection) is None
    for number in range(4):
        page = [
            market("ONE-SIDED", yes_bid=None, yes_ask=number),
            market("MOVES-TWICE", yes_bid=number // 2),
            market("MOVES-EVERY-TIME", yes_bid=number),
        ]
        take(database, NOON + number * MINUTE, page)
    with database.read() as connection:
        assert busiest_market(connection) == "MOVES-EVERY-TIME"


def test_newest_history_is_the_newest_quotes_oldest_first(database: Database) -> None:
    for number in range(4):
        take(database, NOON + number * MINUTE, [market("M-1", yes_bid=number * 10_000), market("M-2")])
    numbers = market("M-1").quote
    expected = [(NOON + number * MINUTE, number * 10_000, *numbers[1:]) for number in range(4)]

    def newest(ticker: str, limit: int) -> list[tuple[object, ...]]:
        with database.read() as connection:
            found = newest_history(connection, ticker, limit)
        assert all(quote.at == quote.quoted_at and quote.is_observed for quote in found)
        return [(quote.at, *tuple(quote)[-len(QUOTE_COLUMNS) :]) for quote in found]

    assert newest("M-1", 10) == expected
    assert newest("M-1", 2) == expected[2:]
    assert newest("M-2", 10) == [(NOON, *numbers)]
    assert newest("UNKNOWN", 10) == []


def test_newest_history_counts_quotes_that_were_sent_again(database: Database) -> None:
    for number, cents in enumerate((10, 20, 20, 20)):
        take(database, NOON + number * MINUTE, [bid(cents, "M-1")], every=True)
    with database.read() as connection:
        newest = [newest_history(connection, "M-1", limit) for limit in (1, 2, 10)]
    assert [[quote.yes_bid for quote in found] for found in newest] == [
        [200_000],
        [200_000, 200_000],
        [100_000, 200_000, 200_000, 200_000],
    ]
    assert newest[0][0].quoted_at == newest[0][0].at == NOON + 3 * MINUTE


def test_market_details_hold_the_market_with_its_event_and_series(database: Database) -> None:
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    store_markets(database, market("OTHER"), market("M-1"))
    of_market = contents(database, markets)[1]
    expected = {
        **of_market,
        "event_ticker": "KXRAIN-26NOV23",
        "event_title": "Will it rain in New York?",
        "event_sub_title": "On Nov 23, 2026",
        "mutually_exclusive": False,
        "strike_at": NOON + 24 * 60 * MINUTE,
        "event_is_placeholder": False,
        "series_ticker": "KXRAIN",
        "series_title": "Rain in New York",
        "frequency": "daily",
        "tags": '["rain", "weather"]',
        "category": "Climate",
    }
    shown = {field.name for field in fields(MarketDetails)}
    assert expected.keys() - shown == {
        *("id", "event_id", "is_combo", "is_placeholder", "reading", "first_seen_at", "changed_at"),
        *(name for name, since in first_read_in(Market).items() if since == READING),
    }
    with database.read() as connection:
        found = market_details(connection, "M-1")
        assert found is not None
        assert asdict(found) == {name: value for name, value in expected.items() if name in shown}
        assert market_details(connection, "UNKNOWN") is None


@pytest.mark.parametrize(
    ("of_series", "of_event", "category"),
    [("Climate", "Weather", "Climate"), (None, "Weather", "Weather"), (None, None, None)],
    ids=["the_series", "else_the_event", "else_unknown"],
)
def test_market_details_take_the_category_from(
    database: Database, of_series: str | None, of_event: str | None, category: str | None
) -> None:
    store_series(database, series_row("KXRAIN", category=of_series))
    store_events(database, event("KXRAIN-26NOV23", category=of_event))
    store_markets(database, market("M-1"))
    with database.read() as connection:
        found = market_details(connection, "M-1")
    assert found is not None
    assert found.category == category


def test_market_details_of_a_placeholder_event_say_so(database: Database) -> None:
    """Nothing is invented."""
    store_markets(database, market("M-1"))
    with database.read() as connection:
        found = market_details(connection, "M-1")
    assert found is not None
    assert (found.event_ticker, found.event_is_placeholder) == ("KXRAIN-26NOV23", True)
    assert (found.event_title, found.series_ticker) == (None, None)
    assert (found.category, found.title) == (None, "Will it rain in New York on Nov 23?")


@pytest.mark.parametrize("name", ["series", "events", "markets"])
def test_placeholders_are_found_without_reading_their_table(database: Database, name: str) -> None:
    plan = query(
        database, f"EXPLAIN QUERY PLAN SELECT min(first_seen_at) FROM {name} WHERE is_placeholder = 1"
    )
    assert f"ix_{name}_placeholder" in str(plan)


def _bounds(database: Database, parts: int, *combos: bool, at_least: int = 1) -> list[int]:
    with database.read() as connection:
        return creation_bounds(connection, parts, combos or (False,), at_least=at_least)


def test_creation_bounds_part_the_active_markets_into_equal_shares(database: Database) -> None:
    """Each bound is the creation time of the first market of a share; markets that do not trade do not count."""
    active = [market(f"M-{n}", created_at=NOON + n * n) for n in reversed(range(12))]
    combos = [market(f"C-{n}", created_at=LATER + n, is_combo=True) for n in range(4)]
    others = [market("CLOSED", status="closed", created_at=NOON), market("UNKNOWN", created_at=None)]
    store_markets(database, *active, *combos, *others)
    assert _bounds(database, 2) == [NOON + 6 * 6]
    assert _bounds(database, 3) == [NOON + 4 * 4, NOON + 8 * 8]
    assert _bounds(database, 5) == [NOON + n * n for n in (2, 4, 7, 9)]
    assert _bounds(database, 2, True) == [LATER + 2]
    assert _bounds(database, 4, False, True) == [NOON + 4 * 4, NOON + 8 * 8, LATER]


def test_creation_bounds_make_no_share_smaller_than_it_may_be(database: Database) -> None:
    assert _bounds(database, 8) == []
    store_markets(database, *(market(f"M-{n}", created_at=NOON + n) for n in range(12)))
    assert [len(_bounds(database, 8, at_least=least)) + 1 for least in (1, 3, 4, 6, 7, 12)] == [
        8,
        4,
        3,
        2,
        1,
        1,
    ]
    assert _bounds(database, 1) == []
