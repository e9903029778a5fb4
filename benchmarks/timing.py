"""Clocks. CPU time of this process is what ingest costs: other programs of the machine are not counted in it."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

Given = TypeVar("Given")


def cpu_seconds(work: Callable[[], Given]) -> tuple[float, Given]:
    """CPU seconds of this process, all its threads together, and what `work` gave."""
    started = time.process_time()
    given = work()
    return time.process_time() - started, given


def wall_seconds(work: Callable[[], Given]) -> tuple[float, Given]:
    """Seconds on the clock, and what `work` gave."""
    started = time.perf_counter()
    given = work()
    return time.perf_counter() - started, given


def median_milliseconds(work: Callable[[int], object], repetitions: int) -> tuple[float, float]:
    """The medians of so many calls, on the clock and of CPU; each is told its number."""

    def of(number: int) -> tuple[float, tuple[float, object]]:
        return wall_seconds(lambda: cpu_seconds(lambda: work(number)))

    taken = [of(number) for number in range(repetitions)]
    return (
        statistics.median(wall for wall, _ in taken) * 1000,
        statistics.median(cpu for _, (cpu, _) in taken) * 1000,
    )
