"""Clocks: CPU time of this process, which excludes other programs, and wall-clock time."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def cpu_seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the CPU seconds of this process, of all threads, and what `work` returned."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def wall_seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return seconds on the clock, and what `work` returned."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def median_milliseconds(work: Callable[[int], object], repetitions: int) -> tuple[float, float]:
    """Return the median times of repeated calls, on the clock and of CPU; `work` takes the number of its call."""

    def of(number: int) -> tuple[float, tuple[float, object]]:
        return wall_seconds(lambda: cpu_seconds(lambda: work(number)))

    taken = [of(number) for number in range(repetitions)]
    return (
        statistics.median(wall for wall, _ in taken) * 1000,
        statistics.median(cpu for _, (cpu, _) in taken) * 1000,
    )
