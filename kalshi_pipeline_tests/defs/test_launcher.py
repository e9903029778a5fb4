"""Runs are forked from one process, can be interrupted, and are noticed when they are killed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.errors import DagsterInvariantViolationError
from dagster._core.launcher import WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

import kalshi_pipeline
import kalshi_pipeline.definitions as definitions_of_pipeline
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.launcher import FORKED_TAG, ForkingRunLauncher
from kalshi_pipeline.defs.liveness import (
    ENDED,
    PROCESS_TAG,
    is_process_alive,
    live_run,
    process_of,
    record_process,
)
from kalshi_pipeline.defs.template import Template
from kalshi_pipeline.processes import Process
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.defs import launched
from kalshi_pipeline_tests.waiting import Gate, wait_until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="runs are forked on Linux only"),
    pytest.mark.xdist_group("launcher"),
]


FORKING = {"run_launcher": {"module": "kalshi_pipeline.defs.launcher", "class": "ForkingRunLauncher"}}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """One for all: its template takes seconds to start."""
    with dg.instance_for_test(overrides=FORKING, set_dagster_home=False) as made:
        yield made


def launch(
    instance: dg.DagsterInstance,
    job: str,
    file: str = launched.__file__,
    definitions: dg.Definitions = launched.jobs,
    name: str = "jobs",
    config: dict[str, object] | None = None,
) -> str:
    """Launch a run as Dagster's daemon does when it was started in the background of a shell."""
    code = ReconstructableRepository.for_file(file, name, str(Path(__file__).parent))
    run = instance.create_run_for_job(
        definitions.resolve_job_def(job),
        run_config=config,
        job_code_origin=code.get_reconstructable_job(job).get_python_origin(),
    )
    with ignoring_sigint():
        instance.launch_run(run.run_id, None)  # type: ignore[arg-type]  # where a fork fails, it is missed
    return run.run_id


@contextmanager
def ignoring_sigint() -> Iterator[None]:
    """Ignore SIGINT, which child processes inherit. Such a run must still be cancellable."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_when(
    instance: dg.DagsterInstance, run_id: str, is_so: Callable[[dg.DagsterRun], bool]
) -> dg.DagsterRun:
    """Return a run as soon as something holds for it."""

    def look() -> dg.DagsterRun | None:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        return run if is_so(run) else None

    return wait_until(look)


def finished(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    return run_when(instance, run_id, lambda run: run.is_finished)


def parent_of(instance: dg.DagsterInstance, run_id: str) -> object:
    assert finished(instance, run_id).status is dg.DagsterRunStatus.SUCCESS
    events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event]
    (output,) = [event for event in events if event.event_type_value == "STEP_OUTPUT"]
    return output.step_output_data.metadata["parent"].value


def pid_of(instance: dg.DagsterInstance, run_id: str) -> int:
    process = process_of(run_when(instance, run_id, lambda _: True))
    assert process is not None
    return process.pid


def waiting(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    """Return a run of `endless` as soon as it waits, and writes nothing to the storage."""
    name = Path("/proc", str(pid_of(instance, run_id)), "comm")
    wait_until(lambda: name.read_text() == "waiting\n")
    return run_when(instance, run_id, lambda _: True)


def test_tests_of_the_launcher_are_on_one_worker(request: pytest.FixtureRequest) -> None:
    """One of them touches the code that every template watches, which would make a parallel test fail."""
    is_grouped = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@launcher") is is_grouped


def test_runs_are_forked_from_one_process(instance: dg.DagsterInstance) -> None:
    runs = [launch(instance, "short") for _ in range(2)]
    parents = {parent_of(instance, run_id) for run_id in runs}
    assert len(parents) == 1
    assert parents != {os.getpid()}
    assert len({pid_of(instance, run_id) for run_id in runs}) == 2


def test_code_that_has_changed_is_imported_again(instance: dg.DagsterInstance) -> None:
    before = parent_of(instance, launch(instance, "short"))
    os.utime(Path(kalshi_pipeline.__file__))
    assert parent_of(instance, launch(instance, "short")) != before


def test_template_that_was_killed_is_started_again(instance: dg.DagsterInstance) -> None:
    template = parent_of(instance, launch(instance, "short"))
    assert isinstance(template, int)
    os.kill(template, signal.SIGKILL)
    os.waitid(os.P_PID, template, os.WEXITED | os.WNOWAIT)
    assert parent_of(instance, launch(instance, "short")) != template


def test_run_is_interrupted(instance: dg.DagsterInstance) -> None:
    run_id = launch(instance, "endless")
    run_when(instance, run_id, lambda run: run.status is dg.DagsterRunStatus.STARTED)
    assert instance.run_launcher.terminate(run_id)
    assert finished(instance, run_id).status is dg.DagsterRunStatus.CANCELED
    assert not instance.run_launcher.terminate(run_id)


def test_run_of_the_pipeline_is_cancelled_amid_its_work(
    instance: dg.DagsterInstance, database_path: Path
) -> None:
    """It is waiting for a page of events, and is not retried."""
    gate = Gate()
    faults = Faults(latency_seconds=30, paths=("/events",))
    with Sandbox(World(WorldConfig(markets=20)), faults=faults, pause=gate) as sandbox:
        overrides = {"api_url": sandbox.url, "database_url": f"sqlite:///{database_path}"}
        config: dict[str, object] = {"resources": {"pipeline": {"config": {"overrides": overrides}}}}
        run_id = launch(instance, "collect", definitions_of_pipeline.__file__, defs, "defs", config)
        gate.wait_for()
        assert instance.run_launcher.terminate(run_id)
        assert finished(instance, run_id).status is dg.DagsterRunStatus.CANCELED
        gate.open()
    kinds = {
        entry.dagster_event.event_type_value for entry in instance.all_logs(run_id) if entry.dagster_event
    }
    assert "STEP_FAILURE" in kinds
    assert not kinds & {"STEP_UP_FOR_RETRY", "STEP_RESTARTED"}


def test_killed_run_is_noticed(instance: dg.DagsterInstance) -> None:
    run_id = launch(instance, "endless")
    run = run_when(instance, run_id, lambda run: run.status is dg.DagsterRunStatus.STARTED)
    launcher = instance.run_launcher
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING

    os.kill(pid_of(instance, run_id), signal.SIGKILL)
    run_when(
        instance, run_id, lambda run: launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
    )


def test_reused_process_number_is_not_the_run(instance: dg.DagsterInstance) -> None:
    """The number is that of this process, which was not started then."""
    process = Process.of(os.getpid())
    assert process is not None
    run = instance.create_run_for_job(launched.jobs.resolve_job_def("short"), tags={FORKED_TAG: "yes"})
    earlier = process._replace(started=process.started - 1)
    instance.add_run_tags(run.run_id, {PROCESS_TAG: f"{run.run_id} {earlier.text}"})
    run = run_when(instance, run.run_id, lambda _: True)
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
    assert not instance.run_launcher.terminate(run.run_id)


def test_run_that_was_not_forked_counts_as_alive(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(launched.jobs.resolve_job_def("short"))
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_instance_settings_name_the_launcher() -> None:
    """`dagster dev` reads `dagster.yaml` in the project's folder."""
    project = Path(kalshi_pipeline.__file__).parent.parent
    with dg.DagsterInstance.from_config(str(project)) as configured:
        assert isinstance(configured.run_launcher, ForkingRunLauncher)


@contextmanager
def launching_afresh(instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """The same instance with a launcher of its own, which has started nothing yet."""
    with dg.DagsterInstance.from_ref(instance.get_ref()) as cold:
        yield cold


def events_of(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.message for entry in instance.all_logs(run_id)]


def test_code_that_does_not_load_is_left_to_dagster(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its code server shows the reason in the UI. Without one, as here, Dagster requests it."""
    broken = tmp_path / "broken.py"
    broken.write_text("raise ImportError('broken on purpose')")
    with launching_afresh(instance) as cold:
        with pytest.raises(DagsterInvariantViolationError, match="requires a workspace"):
            launch(cold, "short", str(broken))
        (run,) = cold.get_runs(limit=1)
        assert "left to Dagster's launcher, because it could not be forked: " in str(
            events_of(cold, run.run_id)
        )
        assert "broken on purpose" in str(events_of(cold, run.run_id))
        assert (run.tags[FORKED_TAG], run.tags[PROCESS_TAG]) == ("", "")


def test_code_that_ends_the_process_is_left_to_dagster(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The next run does not wait for it either."""
    broken = tmp_path / "broken.py"
    broken.write_text("import os; os._exit(3)")
    with launching_afresh(instance) as cold:
        for _ in range(2):
            with pytest.raises(DagsterInvariantViolationError, match="requires a workspace"):
                launch(cold, "short", str(broken))
        again, first = cold.get_runs(limit=2)
        assert "the process that runs are forked from ended" in str(events_of(cold, first.run_id))
        assert "could not be forked" not in str(events_of(cold, again.run_id))


def test_output_of_imported_code_has_no_effect(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The same holds for output during a run, and for writes to standard output's file descriptor."""
    talking = tmp_path / "talking.py"
    talking.write_text(
        "import os; print('{\"pid\": 1}', flush=True); os.write(1, b'17\\n')\n"
        "from kalshi_pipeline_tests.defs.launched import jobs\n"
    )
    with launching_afresh(instance) as cold:
        for _ in range(2):
            run_id = launch(cold, "short", str(talking))
            assert pid_of(cold, run_id) != parent_of(cold, run_id)
            process = process_of(run_when(cold, run_id, lambda run: run.is_finished))
            assert process is not None


def test_lock_file_of_an_editor_has_no_effect(instance: dg.DagsterInstance) -> None:
    """It is a broken link beside the file, with the same extension."""
    template = parent_of(instance, launch(instance, "short"))
    lock = Path(kalshi_pipeline.__file__).parent / ".#lock-of-a-test.py"
    lock.symlink_to("user@host.1:2")
    try:
        assert parent_of(instance, launch(instance, "short")) == template
    finally:
        lock.unlink()


def test_suspended_run_is_alive_and_can_be_cancelled(instance: dg.DagsterInstance) -> None:
    """It is silent for longer than any live run, but is neither reported as failed nor taken twice."""
    run_id = launch(instance, "endless")
    run = waiting(instance, run_id)
    os.kill(pid_of(instance, run_id), signal.SIGSTOP)
    later = ManualClock(SYSTEM_CLOCK.now())
    later.advance(3600)
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING
    assert live_run(instance, "endless", 60, later) == run_id
    assert instance.run_launcher.terminate(run_id)
    assert finished(instance, run_id).status is dg.DagsterRunStatus.CANCELED


def test_killed_run_does_not_block_others(instance: dg.DagsterInstance) -> None:
    """It is noticed immediately, not after a silence."""
    run_id = launch(instance, "endless")
    waiting(instance, run_id)
    os.kill(pid_of(instance, run_id), signal.SIGKILL)
    wait_until(lambda: live_run(instance, "endless", 3600, SYSTEM_CLOCK) != run_id)
    assert finished(instance, run_id).status is dg.DagsterRunStatus.FAILURE
    assert ENDED in str(events_of(instance, run_id))


@pytest.mark.parametrize("tag", ["", "other-run 1 1 here", "{run_id} 1 1 another-machine"])
def test_run_of_an_unknown_process_is_dead_after_a_silence(instance: dg.DagsterInstance, tag: str) -> None:
    """For example a run on another machine, or a retry, which has the tags of the first run until it begins."""
    run = instance.create_run_for_job(launched.jobs.resolve_job_def("endless"))
    instance.add_run_tags(run.run_id, {PROCESS_TAG: tag.format(run_id=run.run_id)})
    later = ManualClock(SYSTEM_CLOCK.now())
    assert live_run(instance, "endless", 60, later) == run.run_id
    later.advance(61)
    live_run(instance, "endless", 60, later)
    assert finished(instance, run.run_id).status is dg.DagsterRunStatus.FAILURE


def test_run_that_the_launcher_has_given_up_never_begins(instance: dg.DagsterInstance) -> None:
    """For example if the launcher is killed between the answer and the confirmation."""
    code = ReconstructableRepository.for_file(launched.__file__, "jobs", str(Path(__file__).parent))
    origin = code.get_reconstructable_job("short").get_python_origin()
    run = instance.create_run_for_job(launched.jobs.resolve_job_def("short"), job_code_origin=origin)
    template = Template(sys.executable)
    with template.forked(serialize_value(ExecuteRunArgs(origin, run.run_id, instance.get_ref()))) as waiting:
        assert waiting.process.is_alive
    wait_until(lambda: not waiting.process.is_alive)
    template.close()
    assert events_of(instance, run.run_id) == []


def test_template_that_is_suspended_is_ended(instance: dg.DagsterInstance) -> None:
    template = parent_of(instance, launch(instance, "short"))
    assert isinstance(template, int)
    os.kill(template, signal.SIGSTOP)
    os.utime(Path(kalshi_pipeline.__file__))
    assert parent_of(instance, launch(instance, "short")) != template
    assert Process.of(template) is None


def test_setting_turns_forking_off(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_FORK_RUNS", "false")
    with pytest.raises(DagsterInvariantViolationError, match="requires a workspace"):
        launch(instance, "short")


def test_run_that_was_not_forked_records_its_own_process(instance: dg.DagsterInstance) -> None:
    """For example a run of `dagster job execute`, which may be suspended too."""
    run = instance.create_run_for_job(launched.jobs.resolve_job_def("short"))
    record_process(instance, run)
    found = run_when(instance, run.run_id, lambda run: PROCESS_TAG in run.tags)
    assert process_of(found) == Process.of(os.getpid())
    assert is_process_alive(found)
