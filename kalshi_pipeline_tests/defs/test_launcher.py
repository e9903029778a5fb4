"""Runs are forked from one warm process, can be interrupted, and are missed when they are killed."""

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

import kalshi_pipeline
import kalshi_pipeline.definitions as definitions_of_pipeline
from kalshi_pipeline.definitions import defs
from kalshi_pipeline.defs.launcher import PID_TAG, ForkingRunLauncher
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
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
    """Launch a run as Dagster's daemon does, one that was started in the background of a shell."""
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
    """Ignore SIGINT, as every process does that is started meanwhile: such a run must be cancelled all the same."""
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
    return int(run_when(instance, run_id, lambda _: True).tags[PID_TAG])


def test_tests_of_the_launcher_are_on_one_worker(request: pytest.FixtureRequest) -> None:
    """One of them touches the code that every template watches: another that ran at that moment would fail."""
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
    """It waits for a page of events then, and is not tried again."""
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


def test_run_that_was_killed_is_missed(instance: dg.DagsterInstance) -> None:
    run_id = launch(instance, "endless")
    run = run_when(instance, run_id, lambda run: run.status is dg.DagsterRunStatus.STARTED)
    launcher = instance.run_launcher
    assert launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING

    os.kill(pid_of(instance, run_id), signal.SIGKILL)
    run_when(
        instance, run_id, lambda run: launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
    )


def test_number_that_another_process_has_now_is_not_the_run(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(
        launched.jobs.resolve_job_def("short"), tags={PID_TAG: str(os.getpid())}
    )
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
    assert not instance.run_launcher.terminate(run.run_id)


def test_run_that_was_not_forked_is_taken_for_alive(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(launched.jobs.resolve_job_def("short"))
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_instance_settings_name_the_launcher() -> None:
    """`dagster dev` reads `dagster.yaml` in the project's folder."""
    project = Path(kalshi_pipeline.__file__).parent.parent
    with dg.DagsterInstance.from_config(str(project)) as configured:
        assert isinstance(configured.run_launcher, ForkingRunLauncher)


def test_code_that_does_not_load_is_left_to_dagster(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Its code server shows the reason in the UI; without one, as here, Dagster asks for it."""
    broken = tmp_path / "broken.py"
    broken.write_text("raise ImportError('broken on purpose')")
    with (
        dg.DagsterInstance.from_ref(instance.get_ref()) as cold,
        pytest.raises(DagsterInvariantViolationError, match="requires a workspace"),
    ):
        launch(cold, "short", str(broken))
