"""The computer's clock, and the one that stands still in tests."""

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
