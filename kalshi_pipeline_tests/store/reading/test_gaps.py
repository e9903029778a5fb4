"""The timing of ticks, and the spans without a complete tick."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.api import Gap, Store, Timing, open_store
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.gaps import gaps_since, timing
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.store.samples import NOON, SECOND, STEP, market, record, sqlite_url, take, tick

PERIOD = 300.0
UNTAKEN = "no run was started for it"


def gaps_at(database: Database, now: int, since: int = NOON) -> list[Gap]:
    return database.ask(lambda connection: gaps_since(connection, since, now))


def scheduled(database: Database, *numbers: int, state: State = State.COMPLETE) -> None:
    for number in numbers:
        take(database, tick(number), [market("M")], state=state, period_seconds=PERIOD)


def test_ticks_on_time_leave_no_gap(database: Database) -> None:
    scheduled(database, 0, 1, 2)
    assert gaps_at(database, tick(4)) == []
    assert gaps_at(database, tick(4) + SECOND) == [Gap(tick(2), None, Counter(), None)]


def test_lost_ticks_are_a_gap_between_the_complete_ones(database: Database) -> None:
    scheduled(database, 0)
    scheduled(database, 1, state=State.PARTIAL)
    record(database, tick(2), State.MISSED)
    record(database, tick(3), State.MISSED)
    scheduled(database, 4, 5)
    assert gaps_at(database, tick(6)) == [Gap(tick(0), tick(4), Counter(partial=1, missed=2), None)]


def test_outage_is_a_gap_whose_ticks_are_recorded_at_its_end(database: Database) -> None:
    scheduled(database, 0)
    assert gaps_at(database, tick(5)) == [Gap(tick(0), None, Counter(), None)]
    scheduled(database, 5)
    assert gaps_at(database, tick(6)) == [Gap(tick(0), tick(5), Counter(missed=4), UNTAKEN)]


def test_ticks_by_hand_are_never_late(database: Database) -> None:
    take(database, tick(0), [market("M")])
    take(database, tick(50), [market("M")])
    assert gaps_at(database, tick(900)) == []


def test_gap_before_the_first_complete_tick_has_no_start(database: Database) -> None:
    record(database, tick(0), State.FAILED)
    assert gaps_at(database, tick(1)) == [Gap(None, None, Counter(failed=1), None)]
    scheduled(database, 1)
    assert gaps_at(database, tick(2)) == [Gap(None, tick(1), Counter(failed=1), None)]


def test_running_tick_is_not_a_gap(database: Database) -> None:
    scheduled(database, 0)
    record(database, tick(1), State.RUNNING)
    assert gaps_at(database, tick(1) + SECOND) == []


def test_gaps_that_ended_before_are_left_out(database: Database) -> None:
    scheduled(database, 0, 5, 6, 7, 12)
    assert gaps_at(database, tick(13), since=tick(6)) == [Gap(tick(7), tick(12), Counter(missed=4), UNTAKEN)]
    assert [gap.start for gap in gaps_at(database, tick(13), since=tick(3))] == [tick(0), tick(7)]


@pytest.mark.parametrize(("age", "is_late"), [(2 * STEP, False), (2 * STEP + 1, True)])
def test_timing_is_late_after_two_periods(database: Database, age: int, *, is_late: bool) -> None:
    scheduled(database, 0)
    scheduled(database, 1, state=State.PARTIAL)
    found = database.ask(timing)
    assert found == Timing(tick(0), PERIOD, tick(2))
    assert found.is_late(tick(0) + age) is is_late


def test_timing_of_nothing_and_of_ticks_by_hand(database: Database) -> None:
    assert database.ask(timing) == Timing(None, None, None)
    take(database, tick(0), [market("M")])
    found = database.ask(timing)
    assert found == Timing(tick(0), None, None)
    assert not found.is_late(tick(10_000))


def test_store_answers_the_same(database_path: Path) -> None:
    with closing(Database(sqlite_url(database_path))) as database:
        scheduled(database, 0, 5)
        expected = gaps_at(database, tick(10**6))
        assert Store.of(database).timing() == Timing(tick(5), PERIOD, tick(6))
    with open_store(database_path) as store:
        assert store.gaps(NOON)[: len(expected) - 1] == expected[:-1]
