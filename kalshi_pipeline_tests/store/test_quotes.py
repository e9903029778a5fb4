"""Quotes: one row per tick and market where something moved, and `latest_quotes` beside them."""

import random
from collections.abc import Sequence

import pytest

from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.quotes import append_quotes
from kalshi_pipeline.store.rows import MarketRow
from kalshi_pipeline.store.tables import QUOTE_COLUMNS, latest_quotes, price_snapshots
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    SECOND,
    Row,
    close,
    contents,
    market,
    open_run,
    query,
    store_markets,
    store_page,
    take,
)

_NEWEST_ROWS = """
    SELECT * FROM price_snapshots AS p
    WHERE tick_id = (SELECT max(tick_id) FROM price_snapshots WHERE market_id = p.market_id)
    ORDER BY market_id
"""


def _quote(row: MarketRow) -> Row:
    return {name: getattr(row, name) for name in (*QUOTE_COLUMNS, "received_at")}


def _snapshot(tick_id: int, market_id: int, row: MarketRow) -> Row:
    return {"tick_id": tick_id, "market_id": market_id, **_quote(row)}


def _assert_latest_is_newest(database: Database) -> None:
    assert query(
        database,
        "SELECT tick_id, market_id, yes_bid, yes_ask, yes_bid_size, yes_ask_size, last_price, volume,"
        " open_interest, received_at FROM latest_quotes ORDER BY market_id",
    ) == query(database, _NEWEST_ROWS)


def test_first_quote_of_a_market_is_stored(database: Database) -> None:
    rows = [market("M-1"), market("M-2", received_at=NOON + 3 * SECOND)]
    assert take(database, NOON, rows) == 2
    expected = [_snapshot(1, 1, rows[0]), _snapshot(1, 2, rows[1])]
    assert contents(database, price_snapshots) == expected
    assert contents(database, latest_quotes) == expected


def test_first_quote_is_stored_even_where_nobody_quotes(database: Database) -> None:
    """R45: absent is NULL, never 0."""
    unquoted = market("M-1", **dict.fromkeys(QUOTE_COLUMNS))
    assert take(database, NOON, [unquoted]) == 1
    assert contents(database, price_snapshots) == [_snapshot(1, 1, unquoted)]
    assert take(database, LATER, [unquoted]) == 0


def test_unchanged_quote_adds_nothing(database: Database) -> None:
    first = market("M-1")
    take(database, NOON, [first])
    assert take(database, LATER, [first._replace(received_at=LATER + SECOND)]) == 0
    assert contents(database, price_snapshots) == [_snapshot(1, 1, first)]
    assert contents(database, latest_quotes) == [_snapshot(1, 1, first)]


@pytest.mark.parametrize("old", [None, 0, 1_000_000], ids=["was_absent", "was_zero", "was_a_dollar"])
@pytest.mark.parametrize("new", [None, 0, 1_000_000], ids=["is_absent", "is_zero", "is_a_dollar"])
@pytest.mark.parametrize("name", QUOTE_COLUMNS)
def test_quote_counts_as_changed_when_one_number_does(
    database: Database, name: str, old: int | None, new: int | None
) -> None:
    """R45. Absent, zero and a dollar are three different things, in each number."""
    before = market("M-1", **{name: old})
    after = market("M-1", **{name: new}, received_at=LATER + SECOND)
    take(database, NOON, [before])
    stored = take(database, LATER, [after])
    expected = [_snapshot(1, 1, before)] + ([] if old == new else [_snapshot(2, 1, after)])
    assert stored == len(expected) - 1
    assert contents(database, price_snapshots) == expected
    assert contents(database, latest_quotes) == expected[-1:]


@pytest.mark.parametrize("name", QUOTE_COLUMNS)
def test_quote_counts_as_changed_by_the_smallest_step(database: Database, name: str) -> None:
    first = market("M-1")
    take(database, NOON, [first])
    moved = first._replace(**{name: getattr(first, name) + 1})
    assert take(database, LATER, [moved]) == 1
    assert contents(database, price_snapshots) == [_snapshot(1, 1, first), _snapshot(2, 1, moved)]


def test_change_of_the_market_alone_is_no_change_of_its_quote(database: Database) -> None:
    take(database, NOON, [market("M-1")])
    assert take(database, LATER, [market("M-1", status="closed", title="New", close_at=LATER)]) == 0


def test_quote_that_comes_back_is_stored_again(database: Database) -> None:
    """Compared is the last stored quote, not any earlier one."""
    low, high = market("M-1"), market("M-1", yes_bid=300_000)
    for minute, row in enumerate([low, high, high, low]):
        take(database, NOON + minute * MINUTE, [row])
    assert contents(database, price_snapshots) == [
        _snapshot(1, 1, low),
        _snapshot(2, 1, high),
        _snapshot(4, 1, low),
    ]


def test_every_stores_unchanged_quotes_too(database: Database) -> None:
    rows = [market("M-1", received_at=NOON + minute * MINUTE) for minute in range(3)]
    for row in rows:
        assert take(database, row.received_at, [row], every=True) == 1
    assert contents(database, price_snapshots) == [
        _snapshot(tick_id, 1, row) for tick_id, row in enumerate(rows, start=1)
    ]
    assert contents(database, latest_quotes) == [_snapshot(3, 1, rows[2])]


def test_modes_can_alternate(database: Database) -> None:
    row = market("M-1")
    stored = [
        take(database, NOON + n * MINUTE, [row], every=every)
        for n, every in enumerate([False, False, True, False])
    ]
    assert stored == [1, 0, 1, 0]
    assert query(database, "SELECT tick_id FROM price_snapshots") == [(1,), (3,)]
    _assert_latest_is_newest(database)


@pytest.mark.parametrize("every", [False, True], ids=["changes", "every"])
def test_same_tick_again_adds_and_changes_nothing(database: Database, every: bool) -> None:
    """R29, though the exchange has moved in the meantime."""
    run = open_run(database, NOON)
    first = [market("M-1"), market("M-2")]
    assert store_page(database, run, first, every=every) == 2
    before = contents(database, price_snapshots), contents(database, latest_quotes)
    moved = [row._replace(yes_bid=1, received_at=LATER) for row in first]
    assert store_page(database, run, first, every=every) == 0
    assert store_page(database, run, moved, every=every) == 0
    assert (contents(database, price_snapshots), contents(database, latest_quotes)) == before


@pytest.mark.parametrize("every", [False, True], ids=["changes", "every"])
def test_tick_that_was_cut_goes_on_to_the_rows_of_an_undisturbed_one(database: Database, every: bool) -> None:
    """R25: the retry meets stored pages, a page of which nothing is stored, and overlapping pages (R7)."""
    pages = [[market(f"M-{page}-{n}") for n in range(3)] for page in range(3)]
    take(database, NOON, *pages)
    moved = [[row._replace(yes_bid=280_000) for row in page] for page in pages]
    cut = open_run(database, LATER)
    store_page(database, cut, moved[0], every=every)
    resumed = open_run(database, LATER)
    assert resumed.id == cut.id
    stored = [store_page(database, resumed, page, every=every) for page in (*moved, moved[1][:2])]
    assert stored == [0, 3, 3, 0]
    flat = [row for page in moved for row in page]
    assert contents(database, latest_quotes) == [
        _snapshot(2, market_id, row) for market_id, row in enumerate(flat, start=1)
    ]
    _assert_latest_is_newest(database)


def test_market_that_left_the_list_keeps_its_last_quote(database: Database) -> None:
    take(database, NOON, [market("M-1"), market("M-2")])
    take(database, LATER, [market("M-1", yes_bid=280_000)])
    assert contents(database, latest_quotes) == [
        _snapshot(2, 1, market("M-1", yes_bid=280_000)),
        _snapshot(1, 2, market("M-2")),
    ]


def test_latest_quotes_are_the_newest_rows_after_any_sequence_of_ticks(database: Database) -> None:
    """A hundred ticks of random pages, against the rule written out in Python."""
    chance = random.Random(20261122)
    names = [f"M-{n}" for n in range(12)]
    ids: dict[str, int] = {}
    latest: dict[str, Row] = {}
    history: list[Row] = []
    for number in range(100):
        run = open_run(database, NOON + number * MINUTE)
        every = chance.random() < 0.1
        listed = chance.sample(names, chance.randrange(len(names) + 1))
        rows = [
            market(
                name,
                yes_bid=chance.choice([None, 0, 290_000]),
                yes_ask=chance.choice([310_000, 1_000_000]),
                volume=chance.choice([0, 98_765]),
                received_at=NOON + number * MINUTE + chance.randrange(SECOND),
            )
            for name in listed
        ]
        for page in (rows[:5], rows[5:]):
            stored = 0
            for row in page:
                market_id = ids.setdefault(row.ticker, len(ids) + 1)
                last = latest.get(row.ticker)
                if last is None or every or any(last[name] != getattr(row, name) for name in QUOTE_COLUMNS):
                    latest[row.ticker] = _snapshot(run.id, market_id, row)
                    history.append(latest[row.ticker])
                    stored += 1
            assert store_page(database, run, page, every=every) == stored
        close(database, run)
    assert len(history) > 300
    by_key = sorted(history, key=lambda row: (str(row["tick_id"]).zfill(9), str(row["market_id"]).zfill(9)))
    assert contents(database, price_snapshots) == by_key
    assert contents(database, latest_quotes) == [latest[name] for name in sorted(ids, key=lambda n: ids[n])]
    _assert_latest_is_newest(database)


def test_numbers_are_stored_to_the_last_digit(database: Database) -> None:
    """R42 to R44, up to the largest that a column takes."""
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


def _append(database: Database, tick_id: int, page: Sequence[MarketRow]) -> None:
    store_markets(database, *page)
    with database.begin() as connection:
        append_quotes(connection, tick_id, every=False)


def test_quotes_of_an_unknown_tick_are_refused_whole(database: Database) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY constraint failed"):
        _append(database, 99, [market("M-1")])
    assert contents(database, price_snapshots) == []
    assert contents(database, latest_quotes) == []
