"""The run launcher that `dagster.yaml` names: it starts the process of a run.

Dagster's own launcher starts a new Python for each run and imports Dagster, SQLAlchemy and this package again: five to
six seconds of CPU time, ten times what a snapshot takes. This launcher forks a run from a process that has already
imported them (`run_template`).
"""

import logging
import os
import signal
import sys
import threading

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClassData, serialize_value

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.defs.environment import current_settings
from kalshi_pipeline.defs.liveness import ENDED, is_process_alive, process_of, process_tag
from kalshi_pipeline.defs.template import Template
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.quoting import cut

FORKED_TAG = "dagster/kalshi_forked"  # folded in the UI, like that of the process
# A failed template is not restarted for each run, because a start takes seconds, or a minute if it hangs.
_SECONDS_BEFORE_RETRY = 60.0
_log = logging.getLogger(__name__)


class ForkingRunLauncher(DefaultRunLauncher):
    """Forks runs on Linux. If forking is unsafe, turned off or fails, Dagster's own launcher takes over."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._template: Template | None = None
        self._lock = threading.Lock()
        self._retry_at = 0.0

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the process of a run, and record it in the run's tags."""
        run = context.dagster_run
        if sys.platform == "linux" and _is_turned_on() and self._is_forked(run):
            return
        # A retry starts with the tags of the first run.
        self._instance.add_run_tags(run.run_id, {FORKED_TAG: "", **process_tag(run, None)})
        super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run; return False if there is nothing to interrupt."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or not run.tags.get(FORKED_TAG):
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]  # Dagster's
        if run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        process = process_of(run)
        if process is None or not process.is_alive:
            return False
        try:
            os.kill(process.pid, signal.SIGINT)
            os.kill(process.pid, signal.SIGCONT)  # a suspended process cannot end
        except ProcessLookupError:
            return False
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Return True, so that Dagster's monitoring looks for runs whose process was killed."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process of a run is alive; an unknown process counts as alive."""
        if is_process_alive(run) is False:
            return CheckRunHealthResult(WorkerStatus.FAILED, ENDED)
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def dispose(self) -> None:
        """End the template process; runs that were forked from it continue."""
        with self._lock:
            self._close_template()

    def _is_forked(self, run: DagsterRun) -> bool:
        """Fork a run, and return whether it has begun. A failure is logged and leaves no process behind."""
        origin = run.job_code_origin
        with self._lock:
            if origin is None or SYSTEM_CLOCK.monotonic() < self._retry_at:
                return False
            try:
                request = serialize_value(ExecuteRunArgs(origin, run.run_id, self._instance.get_ref()))
                with self._current_template(origin.executable_path).forked(request) as waiting:
                    tags = {FORKED_TAG: "yes", **process_tag(run, waiting.process)}
                    self._instance.add_run_tags(run.run_id, tags)
                    waiting.begin()
            except Exception as error:  # noqa: BLE001 (after any failure the default launcher takes over)
                self._retry_at = SYSTEM_CLOCK.monotonic() + _SECONDS_BEFORE_RETRY
                reason = f"left to Dagster's launcher, because it could not be forked: {cut(str(error))}"
                _log.warning("run %s is %s (%s)", run.run_id, reason, type(error).__name__)
                self._instance.report_engine_event(reason, run, cls=type(self))
                self._close_template()
                return False
            return True

    def _current_template(self, python: str) -> Template:
        if self._template is None or not self._template.is_current():
            self._close_template()
            self._template = Template(python)
        return self._template

    def _close_template(self) -> None:
        if self._template is not None:
            self._template.close()
            self._template = None


def _is_turned_on() -> bool:
    try:
        return current_settings().fork_runs
    except ConfigurationError:
        return True  # the run itself reports what is wrong
