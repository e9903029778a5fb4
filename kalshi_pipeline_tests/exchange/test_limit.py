"""The one limit that every request passes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.exchange.limit import RateLimit


def departures_of(limit: RateLimit, threads: int, waits: int) -> list[float]:
    """When each of all the waits was over, in seconds since just before the first, in order."""
    together = threading.Barrier(threads + 1)
    left: list[float] = []

    def depart() -> None:
        together.wait()
        for _ in range(waits // threads):
            limit.wait()
            left.append(time.monotonic())

    with ThreadPoolExecutor(threads) as pool:
        done = [pool.submit(depart) for _ in range(threads)]
        started = time.monotonic()
        together.wait()
        for one in done:
            one.result()
    return sorted(moment - started for moment in left)


@pytest.mark.parametrize("threads", [1, 4], ids=["one-thread", "four-threads"])
def test_limit_holds_departures_apart(threads: int) -> None:
    """The k-th departure is never before k/rate, so that no window of a second holds more than the rate.

    The limit was idle before, and has saved nothing up: a bucket of more than one token would fail here. Only lower
    bounds are told, so that a slow machine cannot fail.
    """
    departures = departures_of(RateLimit(200), threads, 40)
    assert len(departures) == 40
    assert [number for number, left in enumerate(departures) if left < number / 200] == []


def test_limit_lets_the_first_request_leave_at_once() -> None:
    """At one request in a quarter of an hour, any waiting would hang the test."""
    RateLimit(1 / 900).wait()


def test_limits_that_name_one_file_are_one_limit(tmp_path: Path) -> None:
    """Here two limits that share nothing but the file; in life two processes."""
    first, second = (RateLimit(100, tmp_path / "limit") for _ in range(2))
    started = time.monotonic()
    for _ in range(10):
        first.wait()
        second.wait()
    assert time.monotonic() - started >= 19 / 100


@pytest.mark.parametrize(
    "left_behind", ["", "soon", "1e300"], ids=["cut", "garbage", "before the machine started"]
)
def test_file_that_tells_nothing_holds_nobody_up(tmp_path: Path, left_behind: str) -> None:
    """At one request in a quarter of an hour, any waiting would hang the test."""
    (tmp_path / "limit").write_text(left_behind, encoding="ascii")
    RateLimit(1 / 900, tmp_path / "limit").wait()


def test_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "limit").mkdir()
    with pytest.raises(ConfigurationError, match="make its folder writable"):
        RateLimit(15, tmp_path / "limit").wait()
