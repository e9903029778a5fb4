"""The computer's clock, and the frozen one of the tests."""

import threading
from datetime import UTC, datetime

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline_tests.clock import NOON, ManualClock


def test_present_instant_lies_between_two_readings_of_the_computers_time() -> None:
    before = datetime.now(UTC)
    moment = datetime_of(SYSTEM_CLOCK.now())
    assert before <= moment <= datetime.now(UTC)


def test_manual_clock_moves_by_what_is_slept_and_advanced() -> None:
    clock = ManualClock()
    clock.sleep(1.5)
    clock.advance(2)
    assert (clock.now(), clock.monotonic(), clock.slept) == (NOON + 3_500_000, 3.5, [1.5])


def test_system_clock_counts_on_while_it_sleeps() -> None:
    before = SYSTEM_CLOCK.monotonic()
    SYSTEM_CLOCK.sleep(0.001)
    assert SYSTEM_CLOCK.monotonic() > before


def test_manual_clock_wakes_a_sleep_of_no_time_where_it_was() -> None:
    clock = ManualClock()
    clock.sleep(0)
    assert (clock.monotonic(), clock.slept) == (0, [0])


def test_manual_clock_is_shared_by_threads() -> None:
    """A hundred sleeps of a second take as long as the longest chain of them, and at most as long as all."""
    clock = ManualClock()

    def sleep() -> None:
        for _ in range(25):
            clock.sleep(1)

    threads = [threading.Thread(target=sleep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.slept == [1] * 100
    assert 25 <= clock.monotonic() <= 100
