"""The computer's clock, and the tests' manual clock."""

import threading
from datetime import UTC, datetime

from kalshi_pipeline.clock import SYSTEM_CLOCK, SteadyClock
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline_tests.clock import NOON, ManualClock, SettableClock


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
    """A hundred sleeps of a second take between one and a hundred seconds."""
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


def test_steady_clock_is_not_moved_by_setting_the_other_until_it_is_read_again() -> None:
    clock = SettableClock(NOON)
    steady = SteadyClock(clock)
    clock.set_back(-86_400)
    steady.sleep(2.5)
    assert (steady.now(), steady.monotonic()) == (NOON + 2_500_000, 2.5)
    clock.set_back(86_460)
    assert steady.now() == NOON + 2_500_000
    steady.read_again()
    assert steady.now() == NOON - 57_500_000
