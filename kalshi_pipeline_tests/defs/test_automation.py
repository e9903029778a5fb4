"""What starts runs: one snapshot for each tick, skipped while one is in flight; collect hourly."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.collect import collect_schedule
from kalshi_pipeline.defs.liveness import live_run, longest_silence_seconds
from kalshi_pipeline.defs.snapshots import next_snapshot, snapshot_sensor
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, parse_instant
from kalshi_pipeline_tests.clock import ManualClock

pytestmark = pytest.mark.xdist_group("automation")


@pytest.fixture(scope="module")
def on_disk() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(set_dagster_home=False) as made:
        yield made


@pytest.fixture
def instance(on_disk: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """An empty instance on disk, as schedules need it."""
    yield on_disk
    on_disk.wipe()


class Decision(NamedTuple):
    """What the sensor does: it starts a run or gives a reason, and sets a cursor."""

    request: dg.RunRequest | None
    reason: str | None
    cursor: str | None


Decide = Callable[..., Decision]


@pytest.fixture
def decide(instance: dg.DagsterInstance) -> Decide:
    """Let the sensor decide at a time, a tick every five minutes unless a test sets another period."""

    def at(time: str, cursor: str | None = None) -> Decision:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
        decided = next_snapshot(context, ManualClock(instant(time)))
        if isinstance(decided, dg.RunRequest):
            return Decision(decided, None, context.cursor)
        return Decision(None, decided.skip_message, context.cursor)

    return at


def instant(time: str) -> int:
    at = parse_instant(time)
    assert at is not None
    return at


def in_flight(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> str:
    run = instance.create_run_for_job(defs.resolve_job_def(job), status=status)
    return run.run_id


@pytest.mark.parametrize(
    ("minutes", "time", "tick"),
    [
        pytest.param("5", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00", id="on the tick"),
        pytest.param("5", "2026-11-22T12:02:30Z", "2026-11-22T12:00:00", id="half a period later"),
        pytest.param(
            "0.25", "2026-11-22T12:00:14.999999Z", "2026-11-22T12:00:00", id="end of a short period"
        ),
        pytest.param("0.25", "2026-11-22T12:00:15Z", "2026-11-22T12:00:15", id="next short period"),
        pytest.param("5", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00", id="midnight"),
        pytest.param("0.25", "2026-11-21T23:59:59.999999Z", "2026-11-21T23:59:45", id="just before midnight"),
        pytest.param("1440", "2026-11-22T11:59:59Z", "2026-11-22T00:00:00", id="once a day"),
        pytest.param("7", "2026-11-22T00:00:00Z", "2026-11-21T23:59:00", id="no tick at midnight"),
    ],
)
def test_sensor_starts_one_run_for_a_tick_of_the_wall_clock(
    decide: Decide, monkeypatch: pytest.MonkeyPatch, minutes: str, time: str, tick: str
) -> None:
    """Ticks are whole multiples of the period since 1970."""
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", minutes)
    request, _, cursor = decide(time)

    assert request is not None
    assert request.run_key == request.tags["kalshi/tick"] == cursor == f"{tick}.000000Z"
    assert request.tags["kalshi/period_seconds"] == f"{float(minutes) * 60:g}"


@pytest.mark.parametrize(
    ("minutes", "time", "next_tick"),
    [
        ("5", "2026-11-22T12:00:00.000001Z", "12:05:00"),
        ("5", "2026-11-22T12:04:59.999999Z", "12:05:00"),
        ("5", "2026-11-22T23:59:59.999999Z", "00:00:00"),
        ("1440", "2026-11-22T12:00:00Z", "00:00:00"),
    ],
    ids=["just after its tick", "just before the next", "just before midnight", "once a day"],
)
def test_sensor_waits_for_the_next_tick(
    decide: Decide, monkeypatch: pytest.MonkeyPatch, minutes: str, time: str, next_tick: str
) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", minutes)
    taken = iso_of(Tick.current(instant(time), float(minutes) * 60).at)
    assert decide(time, cursor=taken) == (None, f"the next tick is at {next_tick} UTC", taken)


def test_sensor_starts_the_next_run_when_its_tick_has_come(decide: Decide) -> None:
    _, _, cursor = decide("2026-11-21T23:55:00Z")
    assert decide("2026-11-21T23:59:59.999999Z", cursor).request is None
    request, _, cursor = decide("2026-11-22T00:00:00Z", cursor)
    assert request is not None
    assert cursor == "2026-11-22T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("minutes", "time", "skipped", "next_tick"),
    [
        pytest.param(
            "5", "2026-11-22T12:02:30.000001Z", "12:00:00", "12:05:00", id="past half of its period"
        ),
        pytest.param("1", "2026-11-22T12:00:30.000001Z", "12:00:00", "12:01:00", id="past half a minute"),
        pytest.param("0.75", "2026-11-22T12:00:30.000001Z", "12:00:00", "12:00:45", id="of a short period"),
        pytest.param("5", "2026-11-22T23:59:59.999999Z", "23:55:00", "00:00:00", id="just before midnight"),
    ],
)
def test_sensor_skips_a_tick_that_is_too_late(
    decide: Decide, monkeypatch: pytest.MonkeyPatch, minutes: str, time: str, skipped: str, next_tick: str
) -> None:
    """The last tick that was taken was long before; it stays the cursor, and the next tick is taken."""
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", minutes)
    last = "2026-11-22T09:00:00.000000Z"
    reason = f"too late for tick {skipped} UTC; the next is at {next_tick} UTC"
    assert decide(time, cursor=last) == (None, reason, last)


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
)
def test_sensor_skips_while_a_snapshot_is_in_flight(
    decide: Decide, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    run_id = in_flight(instance, "snapshot", status)
    reason = f"tick 12:00:00 UTC waits: the snapshot run {run_id[:8]} is still in flight"
    assert decide("2026-11-22T12:00:05Z") == (None, reason, None)


@pytest.mark.parametrize(
    ("job", "status"),
    [
        ("snapshot", dg.DagsterRunStatus.SUCCESS),
        ("snapshot", dg.DagsterRunStatus.FAILURE),
        ("collect", dg.DagsterRunStatus.STARTED),
    ],
    ids=["finished", "failed", "collect is another job"],
)
def test_sensor_is_not_held_up_by(
    decide: Decide, instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus
) -> None:
    in_flight(instance, job, status)
    assert decide("2026-11-22T12:00:05Z").request is not None


def test_sensor_reads_the_clock_of_the_computer(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the shortest period, no instant within it counts as too late."""
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", "0.25")
    before = SYSTEM_CLOCK.now()
    data = snapshot_sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=defs))
    (request,) = data.run_requests or []
    tick_at = instant(request.tags["kalshi/tick"])
    assert before - 15 * MICROS_PER_SECOND < tick_at <= SYSTEM_CLOCK.now()
    assert data.cursor == request.run_key


def test_sensor_reports_a_wrong_setting(decide: Decide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", "soon")
    with pytest.raises(ConfigurationError, match="KALSHI_SNAPSHOT_MINUTES=soon"):
        decide("2026-11-22T12:00:00Z")


@pytest.mark.parametrize(
    ("late_seconds", "period_seconds", "is_too_late"),
    [(29, 15, False), (31, 60, True), (30, 60, False), (149, 300, False), (151, 300, True)],
)
def test_tick_is_too_late_after_half_its_period(
    late_seconds: int, period_seconds: float, *, is_too_late: bool
) -> None:
    tick = Tick(0, period_seconds)
    assert tick.is_too_late(late_seconds * MICROS_PER_SECOND) is is_too_late


def test_automation_is_on_by_default() -> None:
    assert snapshot_sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert collect_schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_schedule_collects_hourly_with_its_nominal_time(instance: dg.DagsterInstance) -> None:
    at = datetime(2026, 11, 22, 12, 7, tzinfo=UTC)
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
    data = collect_schedule.evaluate_tick(context)

    (request,) = data.run_requests or []
    assert collect_schedule.cron_schedule == "7 * * * *"
    assert request.run_key == request.tags["kalshi/tick"] == "2026-11-22T12:07:00.000000Z"


def test_schedule_skips_while_collect_is_in_flight(instance: dg.DagsterInstance) -> None:
    run_id = in_flight(instance, "collect", dg.DagsterRunStatus.STARTED)
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=datetime(2026, 11, 22, 12, 7, tzinfo=UTC)
    )
    data = collect_schedule.evaluate_tick(context)
    assert data.skip_message == f"the collect run {run_id[:8]} is still in flight"


def test_silent_run_is_reported_as_failed(instance: dg.DagsterInstance) -> None:
    """A run that died with its machine would otherwise look alive forever and block every tick."""
    before = SYSTEM_CLOCK.now()
    run_id = in_flight(instance, "snapshot", dg.DagsterRunStatus.STARTED)
    clock = ManualClock(before)
    clock.advance(59.999)
    assert live_run(instance, "snapshot", silence_seconds=60, clock=clock) == run_id
    clock = ManualClock(SYSTEM_CLOCK.now())
    clock.advance(60.001)
    assert live_run(instance, "snapshot", silence_seconds=60, clock=clock) is None

    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert live_run(instance, "snapshot", silence_seconds=60, clock=clock) is None


@pytest.mark.parametrize("job", ["snapshot", "collect"])
def test_sensor_starts_a_run_instead_of_a_silent_one(
    decide: Decide, instance: dg.DagsterInstance, job: str
) -> None:
    """A dead run of the other job would hold a place in the queue."""
    run_id = in_flight(instance, job, dg.DagsterRunStatus.STARTED)
    silence_seconds = longest_silence_seconds(Settings())
    silent_at = SYSTEM_CLOCK.now() + round(silence_seconds * MICROS_PER_SECOND)
    assert decide(iso_of(Tick.current(silent_at, 300).next_at)).request is not None
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE


def test_progress_of_a_run_is_logged_as_an_event(instance: dg.DagsterInstance) -> None:
    """A run's log lines are events of the instance, so a long walk never counts as dead."""

    @dg.op
    def talk(context: dg.OpExecutionContext) -> None:
        context.log.info("markets: 12 pages, 12,000 records")

    @dg.job
    def talking() -> None:
        talk()

    result = talking.execute_in_process(instance=instance)
    kept = instance.get_records_for_run(result.run_id).records
    assert "markets: 12 pages" in str([record.event_log_entry.user_message for record in kept])


def test_silence_of_a_run_covers_its_longest_request() -> None:
    settings = Settings(timeout_seconds=100, retry_seconds=200)
    assert longest_silence_seconds(settings) > 300
