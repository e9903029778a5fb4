"""What starts the process of a run; `dagster.yaml` names it.

Dagster's own launcher starts a new Python for each run, which imports Dagster, SQLAlchemy and this package again: five
to six seconds of processor time before a snapshot begins, and ten times what the snapshot itself takes. Here a run is
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
    """Forks runs on Linux. Where that is not safe or fails, a run is launched as Dagster does it."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._template: _Template | None = None
        self._lock = threading.Lock()

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run, and note its number in the tags of the run."""
        run = context.dagster_run
        pid = self._fork(run) if sys.platform == "linux" else None
        # A run that is tried again has the tags of the first: its number is overwritten either way.
        self._instance.add_run_tags(run.run_id, {PID_TAG: str(pid or "")})
        if pid is None:
            super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run; False where there is nothing to interrupt."""
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
        """Let Dagster's monitoring ask for runs whose process was killed."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Tell whether the process of a run is there; one that was not forked is Dagster's to look after."""
        if not run.tags.get(PID_TAG) or _is_running(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its process has ended without a word")

    def dispose(self) -> None:
        """End the template; runs that were forked from it go on."""
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
            start_new_session=True,  # Ctrl-C is for whoever started it; its runs come to their end
        )

    def is_current(self) -> bool:
        """Tell whether it lives and no file of the package has changed since it started."""
        return self._process.poll() is None and self._code == _state_of_code()

    def fork(self, request: str) -> int | None:
        """Give the number of the process that does the run; None, and no such process, where that failed."""
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
        """Let it end."""
        self._process.communicate()


def _is_running(run: DagsterRun) -> bool:
    """Whether the process of a run is there, and not another one that was given its number since."""
    try:
        return _TEMPLATE.encode() in Path("/proc", run.tags[PID_TAG], "cmdline").read_bytes()
    except FileNotFoundError:
        return False


def _state_of_code() -> frozenset[tuple[Path, int]]:
    return frozenset((path, path.stat().st_mtime_ns) for path in _PACKAGE.rglob("*.py"))
