"""What starts runs: one snapshot for each tick, skipped while one is in flight; collect hourly."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.collect import collect_schedule
from kalshi_pipeline.defs.liveness import live_run, longest_silence_seconds
from kalshi_pipeline.defs.snapshots import snapshot_sensor
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.ingest.run.ticks import Tick
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, parse_instant

pytestmark = pytest.mark.xdist_group("automation")

# The shortest period that a sensor serves: no instant within it counts as too late.
SHORT_MINUTES = "0.25"


@pytest.fixture(scope="module")
def on_disk() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(set_dagster_home=False) as made:
        yield made


@pytest.fixture
def instance(on_disk: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """An empty instance on disk, as schedules need it."""
    yield on_disk
    on_disk.wipe()


def evaluate(instance: dg.DagsterInstance, cursor: str | None = None) -> SensorExecutionData:
    context = dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
    return snapshot_sensor.evaluate_tick(context)


def in_flight(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus) -> str:
    run = instance.create_run_for_job(defs.resolve_job_def(job), status=status)
    return run.run_id


def test_sensor_starts_one_run_for_a_tick_of_the_wall_clock(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", SHORT_MINUTES)
    before = SYSTEM_CLOCK.now()
    data = evaluate(instance)

    (request,) = data.run_requests or []
    tick_at = parse_instant(request.tags["kalshi/tick"])
    assert tick_at is not None
    assert tick_at % (15 * MICROS_PER_SECOND) == 0
    assert before - 15 * MICROS_PER_SECOND < tick_at <= SYSTEM_CLOCK.now()
    assert request.run_key == request.tags["kalshi/tick"] == data.cursor
    assert request.tags["kalshi/period_seconds"] == "15"


def test_sensor_waits_for_the_next_tick(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", "1440")
    tick = Tick.current(SYSTEM_CLOCK.now(), 86_400)
    data = evaluate(instance, cursor=iso_of(tick.at))

    assert data.run_requests == []
    assert data.skip_message == "the next tick is at 00:00:00 UTC"


@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
)
def test_sensor_skips_while_a_snapshot_is_in_flight(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, status: dg.DagsterRunStatus
) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", SHORT_MINUTES)
    run_id = in_flight(instance, "snapshot", status)
    data = evaluate(instance)

    assert data.run_requests == []
    assert data.skip_message is not None
    assert data.skip_message.endswith(f"the snapshot run {run_id[:8]} is still in flight")
    assert data.cursor is None


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
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, job: str, status: dg.DagsterRunStatus
) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", SHORT_MINUTES)
    in_flight(instance, job, status)
    assert len(evaluate(instance).run_requests or []) == 1


def test_sensor_tells_a_wrong_setting(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_SNAPSHOT_MINUTES", "soon")
    with pytest.raises(ConfigurationError, match="KALSHI_SNAPSHOT_MINUTES=soon"):
        evaluate(instance)


@pytest.mark.parametrize(
    ("late_seconds", "period_seconds", "is_too_late"),
    [(29, 15, False), (31, 60, True), (30, 60, False), (149, 300, False), (151, 300, True)],
)
def test_tick_is_too_late_after_half_its_period(
    late_seconds: int, period_seconds: float, *, is_too_late: bool
) -> None:
    tick = Tick(0, period_seconds)
    assert tick.is_too_late(late_seconds * MICROS_PER_SECOND) is is_too_late


def test_automation_runs_without_a_click() -> None:
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


def test_run_that_has_fallen_silent_is_reported_as_failed(instance: dg.DagsterInstance) -> None:
    """Killed with its machine, it would look alive for ever, and every tick would wait for it."""
    run_id = in_flight(instance, "snapshot", dg.DagsterRunStatus.STARTED)
    assert live_run(instance, "snapshot", silence_seconds=60, clock=SYSTEM_CLOCK) == run_id
    assert live_run(instance, "snapshot", silence_seconds=0, clock=SYSTEM_CLOCK) is None

    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert live_run(instance, "snapshot", silence_seconds=60, clock=SYSTEM_CLOCK) is None


def test_run_that_tells_of_its_progress_is_heard(instance: dg.DagsterInstance) -> None:
    """What a run logs is an event of the instance, so that a long walk is never taken for dead."""

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
