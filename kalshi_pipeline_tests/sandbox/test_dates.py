"""The `Date` of the sandbox's answers, and what its faults do to it."""

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import NOON, ManualClock


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=10, combos=0)), now=ManualClock(NOON).seconds) as running:
        yield running


def date_of(answer: httpx.Response) -> datetime:
    return parsedate_to_datetime(answer.headers["date"])


def test_every_answer_is_dated_by_the_wall_clock() -> None:
    """Refusals too. The world's time does not matter."""
    with Sandbox(World(WorldConfig(markets=10, combos=0))) as sandbox:
        answers = [
            plain_http.get(f"{sandbox.url}{path}") for path in ("/exchange/status", "/markets", "/nope")
        ]
    now = datetime_of(SYSTEM_CLOCK.now())
    assert all(-1 <= (now - date_of(answer)).total_seconds() < 60 for answer in answers)


@pytest.mark.parametrize(
    ("faults", "date"),
    [
        (Faults(), "Sun, 22 Nov 2026 12:00:00 GMT"),
        (Faults(date_skew_seconds=86_400), "Mon, 23 Nov 2026 12:00:00 GMT"),
        (Faults(date_skew_seconds=-0.5), "Sun, 22 Nov 2026 11:59:59 GMT"),
        (Faults(date_skew_seconds=60, paths=("/markets",)), "Sun, 22 Nov 2026 12:00:00 GMT"),
        (Faults(answer_age_seconds=90), "Sun, 22 Nov 2026 11:58:30 GMT"),
        (Faults(no_date=True), None),
    ],
    ids=["none", "ahead", "behind", "of another path", "of a cache", "left out"],
)
def test_date_is_shifted_by_a_fault(sandbox: Sandbox, faults: Faults, date: str | None) -> None:
    sandbox.faults = faults
    assert plain_http.get(f"{sandbox.url}/exchange/status").headers.get("date") == date


def test_request_past_caches_has_no_age(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(answer_age_seconds=90)
    fresh = httpx.get(f"{sandbox.url}/exchange/status", headers={"Cache-Control": "no-cache"})
    assert (fresh.headers["date"], "age" in fresh.headers) == ("Sun, 22 Nov 2026 12:00:00 GMT", False)


def trading(sandbox: Sandbox) -> tuple[bool, list[bool]]:
    status = plain_http.get(f"{sandbox.url}/exchange/status").json()
    return status["trading_active"], [shard["trading_active"] for shard in status["exchange_index_statuses"]]


def test_shards_pause_one_by_one_and_the_first_is_that_of_the_exchange(sandbox: Sandbox) -> None:
    sandbox.faults = Faults.parse(["paused_shards=1,3"])
    assert trading(sandbox) == (True, [True, False, True, False])
    sandbox.faults = Faults(paused_shards=("0",))
    assert trading(sandbox) == (False, [False, True, True, True])
    sandbox.faults = Faults()
    assert trading(sandbox) == (True, [True] * 4)


def test_shard_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="fault paused_shards takes numbers of shards, not combos"):
        Faults(paused_shards=("combos",))
