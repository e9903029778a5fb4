"""The collector that runs until it is stopped: its schedule, and its behaviour after a failed tick."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from kalshi_pipeline.errors import ClockError, ConfigurationError, PipelineError, StoreError, StoreProblem
from kalshi_pipeline.ingest.collect import collect_forever
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.clock import NOON, ManualClock, SettableClock
from kalshi_pipeline_tests.conftest import Query

SettingsFor = Callable[..., Settings]
SYNC = ["series", "events", "markets"]
LAST = [
    "series_fee_changes",
    "event_fee_changes",
    "milestones",
    "structured_targets",
    "collections",
    "incentive_programs",
    "event_metadata",
]


@pytest.fixture
def clock() -> ManualClock:
    """Five seconds past a full hour."""
    clock = ManualClock(NOON)
    clock.advance(5)
    return clock


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    """A small exchange whose delays advance the manual clock."""

    async def pause(seconds: float) -> None:
        clock.advance(seconds)

    with Sandbox(World(WorldConfig(markets=20, past_share=0)), pause=pause, now=clock.seconds) as running:
        yield running


class Collected(NamedTuple):
    """The reported assets, with the minutes since noon, and the failed ticks."""

    reports: list[tuple[str, int]]
    failures: list[str]


@pytest.fixture
def collect(sandbox: Sandbox, settings_for: SettingsFor, clock: ManualClock) -> Callable[..., Collected]:
    """Collect at a period until the snapshot of a minute is taken. Each failure calls `on_failure`."""

    def run(
        period_seconds: float,
        *,
        until_minute: int,
        on_failure: Callable[[], None] = lambda: None,
        after_snapshots: Sequence[Callable[[], None]] = (),
    ) -> Collected:
        collected, after = Collected([], []), iter(after_snapshots)

        def on_report(report: Report) -> None:
            minute = int(clock.monotonic() / 60)
            collected.reports.append((report.asset, minute))
            if report.asset == "price_snapshots" and minute >= until_minute:
                raise KeyboardInterrupt
            if report.asset == "price_snapshots":
                next(after, lambda: None)()

        def note_failure(name: str, error: PipelineError) -> None:
            collected.failures.append(f"{name}: {error}")
            on_failure()

        with pytest.raises(KeyboardInterrupt):
            collect_forever(
                settings_for(sandbox.url, timeout_seconds=60),
                period_seconds,
                on_message=lambda _: None,
                on_report=on_report,
                on_failure=note_failure,
                clock=clock,
            )
        return collected

    return run


def outage(sandbox: Sandbox, failures: int) -> Callable[[], None]:
    """Let the exchange fail, and return a callback that ends the outage after a number of failures."""
    sandbox.faults = Faults(server_errors=1, server_error=503)
    left = iter(range(failures - 1))

    def report() -> None:
        if next(left, None) is None:
            sandbox.faults = Faults()

    return report


def minutes_of_ticks(query: Query) -> list[tuple[float, str]]:
    return [
        ((at - NOON) / 60_000_000, state)
        for at, state in query("SELECT tick_at, state FROM ticks ORDER BY 1")
    ]


def test_collector_takes_a_snapshot_at_each_tick_and_syncs_hourly(
    collect: Callable[..., Collected], query: Query
) -> None:
    """The hour is counted from the end of the previous sync, so the tick of 13:00 is a little too early."""
    reports, failures = collect(1200, until_minute=80)
    assert reports == [
        *((asset, 0) for asset in (*SYNC, "price_snapshots", "settlements", *LAST)),
        ("price_snapshots", 20),
        ("price_snapshots", 40),
        ("price_snapshots", 60),
        *((asset, 80) for asset in (*SYNC, "price_snapshots")),
    ]
    assert failures == []
    assert minutes_of_ticks(query) == [(minute, "complete") for minute in (0, 20, 40, 60, 80)]
    assert query("SELECT DISTINCT period_seconds FROM ticks") == [(1200,)]


def test_collector_sleeps_until_the_next_tick_exactly(
    collect: Callable[..., Collected], clock: ManualClock, query: Query
) -> None:
    collect(1200, until_minute=40)
    first, second = (seconds for seconds in clock.slept if seconds > 1)
    assert first == pytest.approx(1195, abs=1)
    assert second == pytest.approx(1200, abs=1)
    late = query("SELECT (started_at - tick_at) / 1000000 FROM ticks ORDER BY tick_at")
    assert late == [(5,), (0,), (0,)]


def test_collector_reports_a_failing_tick_and_takes_the_next(
    collect: Callable[..., Collected], sandbox: Sandbox, query: Query
) -> None:
    """Every step fails during an outage of half an hour; the syncs are made up for afterwards."""
    reports, failures = collect(1200, until_minute=40, on_failure=outage(sandbox, failures=8))
    assert reports == [(asset, 40) for asset in (*SYNC, "price_snapshots")]
    assert [line.partition(":")[0] for line in failures] == [*SYNC, "this tick"] * 2
    assert minutes_of_ticks(query) == [(0, "failed"), (20, "failed"), (40, "complete")]


def test_collector_takes_the_snapshot_after_a_sync_that_failed(
    collect: Callable[..., Collected], sandbox: Sandbox, query: Query
) -> None:
    """The sync is repeated ten minutes later, not at each tick, because it could delay snapshots."""
    sandbox.faults = Faults(server_errors=1, paths=("/series",))
    reports, failures = collect(240, until_minute=12)
    synced = [("events", 0), ("markets", 0), ("price_snapshots", 0), ("settlements", 0)]
    synced += [(asset, 0) for asset in LAST]
    again = [("events", 12), ("markets", 12), ("price_snapshots", 12)]
    assert reports == [*synced, ("price_snapshots", 4), ("price_snapshots", 8), *again]
    assert [line.partition(":")[0] for line in failures] == ["series", "series"]
    assert minutes_of_ticks(query) == [(minute, "complete") for minute in (0, 4, 8, 12)]


def test_collector_skips_a_tick_if_the_sync_took_too_long(
    collect: Callable[..., Collected], sandbox: Sandbox, query: Query
) -> None:
    """A snapshot may start half a minute after its tick, and five seconds have passed before the sync. The first of the
    last steps takes as long as the sync, because its path begins the same way, so the others have to wait.
    """
    sandbox.faults = Faults(latency_seconds=26, paths=("/series",))
    reports, _ = collect(60, until_minute=1)
    assert reports == [
        *((asset, 0) for asset in SYNC),
        ("settlements", 0),
        (LAST[0], 0),
        ("price_snapshots", 1),
    ]
    assert minutes_of_ticks(query) == [(1, "complete")]


def test_collector_runs_the_steps_for_which_there_was_no_time_after_the_next_snapshot(
    collect: Callable[..., Collected], sandbox: Sandbox
) -> None:
    sandbox.faults = Faults(latency_seconds=56, paths=("/series/fee_changes",))
    reports, _ = collect(60, until_minute=2)
    assert reports == [
        *((asset, 0) for asset in (*SYNC, "price_snapshots", "settlements")),
        (LAST[0], 1),
        ("price_snapshots", 1),
        *((asset, 1) for asset in LAST[1:]),
        ("price_snapshots", 2),
    ]


def test_collector_takes_the_tick_that_came_during_the_sync(
    collect: Callable[..., Collected], sandbox: Sandbox, query: Query
) -> None:
    sandbox.faults = Faults(latency_seconds=58, paths=("/series",))
    reports, _ = collect(60, until_minute=1)
    assert reports == [(asset, 1) for asset in (*SYNC, "price_snapshots")]
    assert minutes_of_ticks(query) == [(1, "complete")]


def test_collector_records_ticks_that_it_missed(
    collect: Callable[..., Collected], clock: ManualClock, query: Query
) -> None:
    """It did not run for half an hour. Missed ticks are never taken later."""
    collect(1200, until_minute=0)
    clock.advance(2100)
    collect(1200, until_minute=40)
    assert minutes_of_ticks(query) == [(0, "complete"), (20, "missed"), (40, "complete")]


@pytest.mark.parametrize(
    "seconds", [86_400, -86_400, 600, -600], ids=["day back", "day ahead", "back", "ahead"]
)
def test_collector_neither_hangs_nor_floods_when_the_clock_is_set(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, seconds: float
) -> None:
    """The clock is wrong for an hour, in which each tick fails, while the exchange's time continues."""
    clock = SettableClock(NOON)
    failures: list[tuple[str, type[PipelineError]]] = []
    sandbox.date_by(lambda: NOON / MICROS_PER_SECOND + clock.monotonic())

    def on_report(report: Report) -> None:
        if report.asset == "price_snapshots" and clock.monotonic() >= 7200:
            raise KeyboardInterrupt
        if report.asset == LAST[-1] and not failures:
            clock.set_back(seconds)

    def on_failure(name: str, error: PipelineError) -> None:
        failures.append((name, type(error)))
        if len(failures) == 12:
            clock.set_back(-seconds)
        assert len(failures) < 20

    with pytest.raises(KeyboardInterrupt):
        collect_forever(
            settings_for(sandbox.url),
            300,
            on_message=lambda _: None,
            on_report=on_report,
            on_failure=on_failure,
            clock=clock,
        )
    assert failures == [("this tick", ClockError)] * 12
    assert clock.monotonic() < 7600
    states = [state for _, state in minutes_of_ticks(query)]
    assert states == ["complete", *["missed"] * 12, *["complete"] * 12]


class Impatient(ManualClock):
    """A clock whose third sleep is interrupted."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            raise KeyboardInterrupt


def test_collector_reports_a_database_that_cannot_be_used_at_each_tick(
    settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings = settings_for("http://127.0.0.1:9", database_url=f"sqlite:///{tmp_path}/file/kalshi.db")
    failures: list[PipelineError] = []
    with pytest.raises(KeyboardInterrupt):
        collect_forever(
            settings,
            60,
            on_message=lambda _: None,
            on_report=lambda _: None,
            on_failure=lambda _, error: failures.append(error),
            clock=Impatient(NOON),
        )
    assert [type(error) for error in failures] == [StoreError] * 3
    assert {getattr(error, "problem", None) for error in failures} == {StoreProblem.NOT_USABLE}


@pytest.mark.parametrize("is_replaced", [False, True], ids=["vanished", "replaced"])
def test_collector_waits_for_its_database_and_creates_no_other(
    collect: Callable[..., Collected], database_path: Path, query: Query, is_replaced: bool
) -> None:
    """It reports this at each tick. Afterwards, the data continues as after any outage."""
    away, failures_left = database_path.with_name("away.db"), [True, False]

    def on_failure() -> None:
        assert database_path.exists() == is_replaced
        if not failures_left.pop(0):
            away.replace(database_path)

    def move_away() -> None:
        database_path.rename(away)
        if is_replaced:
            shutil.copyfile(away, database_path)

    _, failures = collect(
        1200, until_minute=80, on_failure=on_failure, after_snapshots=[lambda: None, move_away]
    )
    fact = "is another one than before" if is_replaced else "has gone"
    message = f"database {database_path} {fact} since it was opened, and nothing was written"
    assert failures == [f"this tick: {message}"] * 2
    assert minutes_of_ticks(query)[:2] == [(0, "complete"), (20, "complete")]
    assert minutes_of_ticks(query)[-1] == (80, "complete")


ODD = [
    pytest.param(MemoryError(), "MemoryError (test_collect.py, line ", id="memory"),
    pytest.param(RecursionError("too deep"), "RecursionError: too deep (", id="depth"),
    pytest.param(OSError(28, "No space left"), "OSError: [Errno 28] No space left (", id="disk"),
    pytest.param(KeyError("a\nb\x1b"), "KeyError: 'a\\nb\\x1b' (", id="fault-of-the-program"),
    pytest.param(ValueError("a\nb\x1b[31m"), "ValueError: a b\ufffd[31m (", id="words-of-the-exchange"),
    pytest.param(ConfigurationError(["a proxy", "a limit"]), "a proxy\na limit", id="settings"),
]


@pytest.mark.parametrize(("error", "line"), ODD)
@pytest.mark.parametrize(
    ("asset", "name", "skipped"),
    [
        pytest.param("events", "this sync", ["markets"], id="in-the-sync"),
        pytest.param("price_snapshots", "this tick", ["settlements", *LAST], id="in-the-snapshot"),
        pytest.param("settlements", "settlements", [], id="in-the-settlements"),
        pytest.param("milestones", "milestones", [], id="in-a-last-step"),
    ],
)
def test_collector_survives_any_error_of_a_tick(
    sandbox: Sandbox,
    settings_for: SettingsFor,
    clock: ManualClock,
    query: Query,
    error: Exception,
    line: str,
    asset: str,
    name: str,
    skipped: list[str],
) -> None:
    """Later steps still run, especially the snapshot, and the next tick is taken."""
    reports: list[str] = []
    failures: list[tuple[str, str]] = []

    def on_report(report: Report) -> None:
        reports.append(report.asset)
        if report.asset == asset and not failures:
            raise error
        if reports.count("price_snapshots") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect_forever(
            settings_for(sandbox.url),
            1200,
            on_message=lambda _: None,
            on_report=on_report,
            on_failure=lambda *failed: failures.append((failed[0], failed[1].full_message)),
            clock=clock,
        )
    everything = [*SYNC, "price_snapshots", "settlements", *LAST]
    again = [*SYNC] if asset == "events" else []
    assert reports == [each for each in everything if each not in skipped] + [*again, "price_snapshots"]
    ((failed, message),) = failures
    assert (failed, message[: len(line)]) == (name, line)
    assert minutes_of_ticks(query) == [(0, "complete"), (20, "complete")]


def test_collector_collects_although_the_limit_cannot_be_written(
    collect: Callable[..., Collected], database_path: Path, query: Query
) -> None:
    database_path.with_name(f"{database_path.name}.limit").mkdir()
    reports, failures = collect(1200, until_minute=20)
    assert failures == []
    assert [asset for asset, _ in reports[: len(SYNC) + 1]] == [*SYNC, "price_snapshots"]
    assert minutes_of_ticks(query)[-1] == (20, "complete")
