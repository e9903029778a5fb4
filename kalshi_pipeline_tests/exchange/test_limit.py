"""The limit that all requests share."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from kalshi_pipeline.exchange.limit import RateLimit, learned_rate
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.processes import next_line, python

# At 200 requests a second, with the limit's margin of two hundredths.
SPACING_SECONDS = 1.02 / 200


def multiples(count: int) -> list[float]:
    """0 and the multiples after it."""
    return [number * SPACING_SECONDS for number in range(count)]


@pytest.mark.parametrize("threads", [1, 4], ids=["one-thread", "four-threads"])
def test_limit_spaces_requests(threads: int) -> None:
    """The k-th departure is never before k/rate, so that no window of a second holds more than the rate.

    The limit was idle before, and has saved nothing up. Threads wait one after the other: if two slept at the same
    time, they would wake at the same time.
    """
    clock = ManualClock()
    limit = RateLimit(200, clock=clock)
    clock.advance(3600)

    def depart() -> None:
        for _ in range(40 // threads):
            limit.wait()

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(depart) for _ in range(threads)]:
            done.result()
    assert clock.slept == pytest.approx([SPACING_SECONDS] * 39)
    assert clock.monotonic() == pytest.approx(3600 + 39 * SPACING_SECONDS)


def test_limit_does_not_delay_the_first_request() -> None:
    clock = ManualClock()
    RateLimit(1 / 900, clock=clock).wait()
    assert clock.slept == []


def test_limit_waits_for_the_rest_of_the_spacing() -> None:
    clock = ManualClock()
    limit = RateLimit(1.02, clock=clock)
    for idle_seconds in (0, 0.25, 1, 5):
        clock.advance(idle_seconds)
        limit.wait()
    assert clock.slept == [0.75]


def test_limits_that_name_one_file_are_one_limit(tmp_path: Path) -> None:
    clock = ManualClock()
    first, second = (RateLimit(200, tmp_path / "limit", clock) for _ in range(2))
    departures = []
    for limit in (first, second, second, first, second, first):
        limit.wait()
        departures.append(clock.monotonic())
    assert departures == pytest.approx(multiples(6))


def test_limits_of_different_files_are_independent(tmp_path: Path) -> None:
    clock = ManualClock()
    for name in ("one", "two", "three"):
        RateLimit(200, tmp_path / name, clock).wait()
    assert clock.slept == []


DEPART = """
import sys
from pathlib import Path
from kalshi_pipeline.exchange.limit import RateLimit

class SharedClock:
    "A manual clock in a file. It is read and moved by the process only that holds the limit."

    def monotonic(self):
        self.read = float(Path(sys.argv[1], "clock").read_text())
        return self.read

    def sleep(self, seconds):
        Path(sys.argv[1], "clock").write_text(repr(self.monotonic() + seconds))

clock = SharedClock()
limit = RateLimit(200, Path(sys.argv[1], "limit"), clock)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    limit.wait()
    print(clock.read)
"""


def test_limit_is_shared_by_processes(tmp_path: Path) -> None:
    """Two processes send requests at the same time."""
    (tmp_path / "clock").write_text("0")
    with ExitStack() as stack:
        processes = [stack.enter_context(python(DEPART, str(tmp_path))) for _ in range(2)]
        assert [next_line(process) for process in processes] == ["ready\n", "ready\n"]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ended = [process.communicate() for process in processes]
    assert [errors for _, errors in ended] == ["", ""]
    departures = [[float(line) for line in output.split()] for output, _ in ended]
    assert [len(own) for own in departures] == [20, 20]
    assert sorted(departures[0] + departures[1]) == pytest.approx(multiples(40))


@pytest.mark.parametrize(
    "left_behind", ["", "soon", "1e300"], ids=["cut", "garbage", "before the machine started"]
)
def test_unreadable_limit_file_delays_no_request(tmp_path: Path, left_behind: str) -> None:
    (tmp_path / "limit").write_text(left_behind, encoding="ascii")
    clock = ManualClock()
    RateLimit(1 / 900, tmp_path / "limit", clock).wait()
    assert clock.slept == []
    assert float((tmp_path / "limit").read_text(encoding="ascii")) == clock.monotonic()


def test_file_that_cannot_be_used_leaves_the_process_its_own_limit(tmp_path: Path) -> None:
    """It reports this, and shares the limit again as soon as the file is usable."""
    clock, file = ManualClock(), tmp_path / "limit"
    file.mkdir()
    limit = RateLimit(200, file, clock)
    for _ in range(3):
        limit.wait()
    assert clock.slept == pytest.approx([SPACING_SECONDS] * 2)
    assert limit.problem == (
        f"the request limit is not shared with other processes, because {file} cannot be used (Is a directory): make "
        "it and its folder writable"
    )
    file.rmdir()
    limit.wait()
    RateLimit(200, file, clock).wait()
    assert limit.problem is None
    assert clock.slept == pytest.approx([SPACING_SECONDS] * 4)


# The learned rate.


def test_refusal_halves_the_rate_which_rises_again_by_steps(tmp_path: Path) -> None:
    clock = ManualClock()
    rate = learned_rate(16, tmp_path / "limit", clock)
    rate.slow_down(clock.monotonic())
    rates = []
    for _ in range(6):
        rates.append(rate.requests_per_second)
        clock.advance(20)
    assert rates == [8, 10, 12.5, 15.625, 16, 16]


def test_refusals_of_requests_that_left_together_count_once(tmp_path: Path) -> None:
    """Eight walks send requests at once. Refusals of earlier requests say nothing about the halved rate."""
    clock = ManualClock()
    rate = learned_rate(16, tmp_path / "limit", clock)
    sent = [clock.monotonic() for _ in range(8)]
    clock.advance(0.2)
    for sent_at in sent:
        rate.slow_down(sent_at)
    assert rate.requests_per_second == 8
    clock.advance(0.2)
    rate.slow_down(clock.monotonic())
    assert rate.requests_per_second == 4


def test_rate_is_never_below_one_request_in_two_seconds_nor_above_the_setting() -> None:
    clock = ManualClock()
    fast, slow = (learned_rate(rate, None, clock) for rate in (16, 0.1))
    for _ in range(10):
        clock.advance(1)
        fast.slow_down(clock.monotonic() - 0.5)
        slow.slow_down(clock.monotonic() - 0.5)
    assert (fast.requests_per_second, slow.requests_per_second) == (0.5, 0.1)
    clock.advance(3_600)
    assert (fast.requests_per_second, slow.requests_per_second) == (16, 0.1)
    clock.advance(1e9)
    assert fast.requests_per_second == 16


def test_rate_is_learned_by_all_that_share_it_and_by_a_share_of_it(tmp_path: Path) -> None:
    """A backfill has its share of the rate in force, whichever process was refused. Another setting has its own
    bound.
    """
    clock, file = ManualClock(), tmp_path / "limit"
    learned_rate(16, file, clock).slow_down(0)
    clock.advance(1)
    assert [learned_rate(most, file, clock).requests_per_second for most in (16, 100, 5)] == [8, 8, 5]
    share = RateLimit(
        16, tmp_path / "limit.backfill", clock, share=0.5, learned=learned_rate(16, file, clock)
    )
    share.wait()
    share.wait()
    assert clock.slept == pytest.approx([1.02 / 4])


@pytest.mark.parametrize(
    "left_behind",
    ["", "1", "a b", "0 nan", "0 -3", "0 0", "1e300 1", "0 inf", "nan 1", "1 2 3", "\ufffd"],
)
def test_invalid_learned_rate_is_ignored(tmp_path: Path, left_behind: str) -> None:
    (tmp_path / "limit.rate").write_text(left_behind, encoding="utf-8")
    rate = learned_rate(16, tmp_path / "limit", ManualClock())
    assert rate.requests_per_second == 16
    rate.slow_down(-1)
    assert rate.requests_per_second == 8


def test_rate_is_learned_where_its_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "limit.rate").mkdir()
    rate = learned_rate(16, tmp_path / "limit", ManualClock())
    rate.slow_down(0)
    assert rate.requests_per_second == 8
