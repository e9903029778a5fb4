"""Voided ticks: the moved rows, and the store without them."""

from collections.abc import Sequence

import pytest

from kalshi_pipeline.ingest.voiding import find_voidable, void_ticks
from kalshi_pipeline.records import Market
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.history import history
from kalshi_pipeline.store.reading.quotes import latest
from kalshi_pipeline.store.schema.tables import (
    latest_quotes,
    metadata,
    price_snapshots,
    ticks,
    unchanged_blocks,
    unlisted_spans,
    void_snapshots,
    void_unchanged_blocks,
)
from kalshi_pipeline.store.schema.tables import (
    void_ticks as voided_ticks,
)
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.undoing import Undo
from kalshi_pipeline.store.writing.voiding import batches, void_ticks_from, voidable_ticks
from kalshi_pipeline_tests.store.samples import (
    SECOND,
    STEP,
    Row,
    Tick,
    bid,
    contents,
    market,
    query,
    record,
    take,
    tick,
    without,
)

AHEAD = 288
"""The number of the first tick that a clock dates which is a day ahead."""


def void(database: Database, after: int = tick(9), now: int | None = None) -> int:
    """Void the ticks after an instant, by default those of a clock that is a day ahead."""
    return void_ticks(database, after, after if now is None else now)


def everything(database: Database) -> dict[str, list[Row]]:
    """Every row of every table except those of voided ticks, and the largest keys."""
    return {
        name: contents(database, table)
        for name, table in metadata.tables.items()
        if not name.startswith("void_") and name != "last_ids"
    }


def test_ticks_are_moved_with_all_their_rows(database: Database) -> None:
    take(database, tick(1), [bid(30, "A"), bid(40, "B")], every=True)
    take(database, tick(AHEAD), [bid(31, "A"), bid(40, "B"), bid(50, "C")], every=True)
    take(database, tick(AHEAD + 1), [bid(31, "A"), bid(41, "B")], every=True)
    before = {table: contents(database, table) for table in (ticks, price_snapshots, unchanged_blocks)}
    assert void(database) == 2
    targets = {ticks: voided_ticks, price_snapshots: void_snapshots, unchanged_blocks: void_unchanged_blocks}
    for table, rows in before.items():
        kept, moved = contents(database, table), contents(database, targets[table])
        assert kept + without(moved, "voided_at") == rows
        assert moved
    assert {row["voided_at"] for row in contents(database, voided_ticks)} == {tick(9)}


@pytest.mark.parametrize("every", [False, True], ids=["changes", "every"])
def test_store_is_as_if_the_ticks_had_never_been_taken(database: Database, *, every: bool) -> None:
    take(database, tick(1), [bid(30, "A"), bid(40, "B"), bid(50, "C")], every=every)
    take(database, tick(2), [bid(31, "A"), bid(40, "B")], every=every, missed="C")
    before = everything(database)
    take(database, tick(AHEAD), [bid(32, "A"), bid(41, "B"), bid(50, "C")], every=every)
    take(database, tick(AHEAD + 1), [bid(33, "A"), bid(41, "B")], every=every, missed="C")
    assert everything(database) != before
    void(database)
    assert everything(database) == before


def test_market_that_a_voided_tick_saw_first_is_kept_without_a_quote(database: Database) -> None:
    take(database, tick(1), [bid(30, "A")])
    take(database, tick(AHEAD), [bid(30, "A"), bid(50, "B")])
    void(database)
    assert query(database, "SELECT ticker FROM markets") == [("A",), ("B",)]
    assert query(database, "SELECT ticker FROM latest_prices") == [("A",)]
    take(database, tick(10), [bid(30, "A"), bid(50, "B")])
    with database.read() as connection:
        [quote] = latest(connection, "B")
    assert (quote.quoted_at, quote.yes_bid) == (tick(10), 500_000)


SPANS: Sequence[tuple[str, list[list[Market]], list[tuple[int, int | None]]]] = (
    ("open before", [[], []], [(2, None)]),
    ("closed by a voided tick", [[bid(50, "C")], [bid(50, "C")]], [(2, None)]),
    ("closed and opened again by voided ticks", [[bid(50, "C")], []], [(2, None)]),
    ("closed by the last voided tick", [[], [bid(50, "C")]], [(2, None)]),
)


@pytest.mark.parametrize(("listed", "spans"), [pytest.param(*case, id=name) for name, *case in SPANS])
def test_span_that_ends_in_voided_ticks_is_open_again(
    database: Database, listed: list[list[Market]], spans: list[tuple[int, int | None]]
) -> None:
    take(database, tick(1), [bid(30, "A"), bid(50, "C")])
    take(database, tick(2), [bid(30, "A")], missed="C")
    for number, page in enumerate(listed, AHEAD):
        take(database, tick(number), [bid(30, "A"), *page], missed="C")
    void(database)
    assert query(database, "SELECT from_tick_id, to_tick_id FROM unlisted_spans") == spans
    take(database, tick(10), [bid(30, "A"), bid(50, "C")])
    [(_, to_tick_id)] = query(database, "SELECT from_tick_id, to_tick_id FROM unlisted_spans")
    assert query(database, f"SELECT tick_at FROM ticks WHERE id = {to_tick_id}") == [(tick(10),)]


def test_span_that_begins_in_a_voided_tick_is_none(database: Database) -> None:
    take(database, tick(1), [bid(30, "A"), bid(50, "C")])
    take(database, tick(AHEAD), [bid(30, "A")], missed="C")
    take(database, tick(AHEAD + 1), [bid(30, "A"), bid(50, "C")])
    take(database, tick(AHEAD + 2), [bid(30, "A")], missed="C")
    void(database)
    assert contents(database, unlisted_spans) == []


def test_history_that_a_voided_tick_ended_continues(database: Database) -> None:
    take(database, tick(1), [bid(30, "A"), bid(50, "C")])
    take(database, tick(AHEAD), [bid(30, "A")])
    assert query(database, "SELECT ticker FROM latest_prices WHERE is_terminal") == [("C",)]
    void(database)
    assert query(database, "SELECT ticker FROM latest_prices WHERE is_terminal") == []
    take(database, tick(10), [bid(30, "A"), bid(51, "C")])
    with database.read() as connection:
        found = history(connection, "C", tick(0), tick(11))
    assert [(quote.quoted_at, quote.yes_bid) for quote in found if quote.is_listed] == [
        (tick(1), 500_000),
        (tick(10), 510_000),
    ]


def test_ticks_of_every_state_are_voided(database: Database) -> None:
    take(database, tick(1), [bid(30)])
    take(database, tick(AHEAD), [bid(31)], state=State.PARTIAL)
    for number, state in enumerate((State.FAILED, State.SKIPPED, State.MISSED), AHEAD + 1):
        record(database, tick(number), state)
    Tick(database, tick(AHEAD + 4)).store([bid(32)])  # its process is killed
    found = find_voidable(database, tick(9), tick(9))
    assert found.states == {"partial": 1, "failed": 1, "skipped": 1, "missed": 1, "running": 1}
    assert found.moved == {"ticks": 5, "price_snapshots": 2, "unchanged_blocks": 0}
    assert found.undone == {"latest_quotes": 1}
    assert void(database) == 5
    assert query(database, "SELECT tick_at, state FROM ticks") == [(tick(1), "complete")]
    assert query(database, "SELECT yes_bid FROM latest_quotes") == [(300_000,)]


def test_ticks_with_quotes_are_voided_one_by_one_and_others_together(database: Database) -> None:
    take(database, tick(AHEAD), [bid(31)])
    for number in range(AHEAD + 1, AHEAD + 62):
        record(database, tick(number), State.MISSED)
    take(database, tick(AHEAD + 62), [bid(32)])
    take(database, tick(AHEAD + 63), [bid(33)])
    with database.read() as connection:
        found = voidable_ticks(connection, tick(9))
    assert [(first_at - tick(AHEAD)) // STEP for first_at in batches(found)] == [63, 62, 12, 1, 0]


def test_voiding_that_is_stopped_in_between_is_finished_by_the_next(database: Database) -> None:
    """After each transaction, the store is the same as without the ticks voided so far."""
    take(database, tick(1), [bid(30, "A"), bid(50, "C")], every=True)
    stages = [everything(database)]
    for number in range(3):
        shown = [bid(31 + number, "A"), bid(50, "C")] if number != 1 else [bid(32, "A")]
        take(database, tick(AHEAD + number), shown, every=True, missed="C")
        stages.append(everything(database))
    with database.begin() as connection:
        Undo(connection, tick(9), tick(9)).run()
    with database.read() as connection:
        first, second, _ = batches(voidable_ticks(connection, tick(9)))
    for first_at, expected in ((first, stages[2]), (second, stages[1])):
        with database.begin() as connection:
            void_ticks_from(connection, first_at, tick(9))
        assert everything(database) == expected
    assert void(database) == 1
    assert everything(database) == stages[0]
    assert len(contents(database, voided_ticks)) == 3


def test_real_ticks_are_voided_where_the_time_is_in_the_past(database: Database) -> None:
    for number in range(1, 4):
        take(database, tick(number), [bid(30 + number)])
    assert void(database, tick(1), tick(9)) == 2
    assert query(database, "SELECT yes_bid FROM latest_quotes") == [(310_000,)]
    assert take(database, tick(10), [bid(33)]) == 1


def test_nothing_changes_where_no_tick_lies_after_the_time(database: Database) -> None:
    take(database, tick(1), [bid(30)])
    before = everything(database)
    assert find_voidable(database, tick(1), tick(1) + STEP).is_empty
    assert void(database, tick(1), tick(1) + STEP) == 0
    assert everything(database) == before


def test_keys_of_voided_ticks_are_not_used_again(database: Database) -> None:
    take(database, tick(1), [bid(30)])
    take(database, tick(AHEAD), [bid(31)])
    void(database)
    take(database, tick(AHEAD), [bid(32)])
    void(database)
    assert query(database, "SELECT id, tick_at FROM void_ticks") == [(2, tick(AHEAD)), (3, tick(AHEAD))]


def test_tick_within_the_same_period_records_what_was_missed(database: Database) -> None:
    """The previous scheduled tick is the last one again."""
    period = STEP / SECOND
    take(database, tick(1), [bid(30)], period_seconds=period)
    take(database, tick(AHEAD), [bid(31)], period_seconds=period)
    void(database, tick(3))
    take(database, tick(5), [bid(32)], period_seconds=period)
    assert query(database, "SELECT tick_at, state FROM ticks ORDER BY tick_at") == [
        (tick(1), "complete"),
        (tick(2), "missed"),
        (tick(3), "missed"),
        (tick(4), "missed"),
        (tick(5), "complete"),
    ]


def test_latest_quote_is_the_whole_row_before(database: Database) -> None:
    take(database, tick(1), [market("M", yes_bid=290_000)])
    before = contents(database, latest_quotes)
    take(database, tick(AHEAD), [market("M", yes_bid=None, yes_ask=1_000_000, volume=1)])
    void(database)
    assert contents(database, latest_quotes) == before
