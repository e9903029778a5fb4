"""The run launcher, which `dagster.yaml` names: it starts the process of a run.

Dagster's own launcher starts a new Python for each run, which imports Dagster, SQLAlchemy and this package again: five
to six seconds of processor time before a snapshot begins, ten times what the snapshot itself takes. Here a run is
forked from a process that has imported them (`run_template`).
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClassData, serialize_value

PID_TAG = "kalshi/pid"

_TEMPLATE = "kalshi_pipeline.defs.run_template"
_PACKAGE = Path(__file__).parent.parent
_START_SECONDS = 60.0


class ForkingRunLauncher(DefaultRunLauncher):
    """Forks runs on Linux. Where forking is not safe or fails, Dagster's own launcher takes over."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._template: _Template | None = None
        self._lock = threading.Lock()

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run, and record its number in the run's tags."""
        run = context.dagster_run
        pid = self._fork(run) if sys.platform == "linux" else None
        # A retry starts with the tags of the first run, so its number is overwritten in either case.
        self._instance.add_run_tags(run.run_id, {PID_TAG: str(pid or "")})
        if pid is None:
            super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run; return False if there is nothing to interrupt."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or not run.tags.get(PID_TAG):
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        if run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if not _is_running(run):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(run.tags[PID_TAG]), signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True, so that Dagster's monitoring looks for runs whose process was killed."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a run is alive; a run that was not forked counts as alive."""
        if not run.tags.get(PID_TAG) or _is_running(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its process ended without reporting")

    def dispose(self) -> None:
        """End the template process; runs that were forked from it continue."""
        with self._lock:
            if self._template:
                self._template.close()
                self._template = None

    def _fork(self, run: DagsterRun) -> int | None:
        origin = run.job_code_origin
        if origin is None:
            return None
        request = serialize_value(ExecuteRunArgs(origin, run.run_id, self._instance.get_ref()))
        with self._lock:
            if self._template is None or not self._template.is_current():
                if self._template:
                    self._template.close()
                self._template = _Template(origin.executable_path)
            return self._template.fork(request)


class _Template:
    """A running `run_template`, and the state of the code that it has imported."""

    def __init__(self, python: str) -> None:
        self._code = _state_of_code()
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [python, "-m", _TEMPLATE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the parent alone; runs come to their end
        )

    def is_current(self) -> bool:
        """Return whether it is alive and no file of the package has changed since it started."""
        return self._process.poll() is None and self._code == _state_of_code()

    def fork(self, request: str) -> int | None:
        """Start a run and return the number of its process; None if that failed, and then no process is left."""
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
            if select.select([self._process.stdout], [], [], _START_SECONDS)[0]:
                answer = self._process.stdout.readline()
                return int(answer) if answer else None
        self._process.kill()
        return None

    def close(self) -> None:
        """Close its input, and wait until it has ended."""
        self._process.communicate()


def _is_running(run: DagsterRun) -> bool:
    """Return whether the process of a run is alive, and not another process that has its number now."""
    try:
        return _TEMPLATE.encode() in Path("/proc", run.tags[PID_TAG], "cmdline").read_bytes()
    except FileNotFoundError:
        return False


def _state_of_code() -> frozenset[tuple[Path, int]]:
    return frozenset((path, path.stat().st_mtime_ns) for path in _PACKAGE.rglob("*.py"))
