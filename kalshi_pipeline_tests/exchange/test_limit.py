"""The one limit that every request passes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi_pipeline.exchange.limit import RateLimit, shared_limit


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
    """R49: the k-th departure is never before k/rate, so that no window of a second holds more than the rate.

    The limit was idle before, and has saved nothing up: a bucket of more than one token would fail here. Only lower
    bounds are told, so that a slow machine cannot fail.
    """
    departures = departures_of(RateLimit(200), threads, 40)
    assert len(departures) == 40
    assert [number for number, left in enumerate(departures) if left < number / 200] == []


def test_limit_lets_the_first_request_leave_at_once() -> None:
    """At one request in a quarter of an hour, any waiting would hang the test."""
    RateLimit(1 / 900).wait()


def test_clients_of_one_exchange_share_a_limit() -> None:
    assert shared_limit("http://one.test", 15) is shared_limit("http://one.test", 15)


def test_exchanges_have_limits_of_their_own() -> None:
    assert shared_limit("http://one.test", 15) is not shared_limit("http://two.test", 15)
