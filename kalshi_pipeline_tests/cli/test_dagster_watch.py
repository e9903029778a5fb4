"""How `kalshi dev` watches Dagster's processes, tested with stand-ins."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalshi_pipeline.cli.dagster_dev import Dagster
from kalshi_pipeline.cli.dagster_home import prepare_home
from kalshi_pipeline.processes import Process, pids_of_session, words_of
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found on Linux only")

_MINUTES = 60.0
# It has a child with the command line of the code process, and ends on request.
_PARENT = """
import subprocess, sys
waiting = "import signal; signal.pause()"
words = ["dagster", "api", "grpc"]
child = subprocess.Popen([sys.executable, "-c", waiting, *words], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            for pid in [*pids_of_session(process.pid)]:
                os.kill(pid, signal.SIGKILL)


def child_of(parent: "subprocess.Popen[bytes]") -> Process:
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    wait_until(lambda: "grpc" in words_of(pid, "cmdline"))  # a copy of its parent until exec
    child = Process.of(pid)
    assert child is not None
    return child


def test_end_of_the_code_process_is_reported_after_a_minute(
    parent: "subprocess.Popen[bytes]",
) -> None:
    """Dagster itself may restart it within that minute."""
    clock = ManualClock()
    dagster, child = Dagster(parent, clock), child_of(parent)
    for _ in range(3):
        assert dagster.loss_within(0) is None
        clock.advance(10 * _MINUTES)
    assert dagster.loss_within(0) is None

    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not child.is_alive)
    clock.advance(59)
    assert dagster.loss_within(0) is None
    clock.advance(1)
    loss = dagster.loss_within(0)
    assert loss == "Dagster's process that holds the code has ended, so nothing is collected: start it again"


def test_nothing_is_reported_before_dagster_has_started() -> None:
    """On a busy computer, the code may take minutes to import."""
    clock = ManualClock()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        dagster = Dagster(process, clock)
        clock.advance(10 * _MINUTES)
        assert dagster.loss_within(0) is None


def test_end_of_dagster_is_reported_whatever_its_exit_code(parent: "subprocess.Popen[bytes]") -> None:
    """It exits with 0 if its daemon or its webserver has ended."""
    dagster = Dagster(parent)
    parent.communicate(b"end\n")
    assert (
        dagster.loss_within(60) == "Dagster ended with code 0: its last lines above say why; start it again"
    )


def test_children_of_a_killed_dagster_are_ended(parent: "subprocess.Popen[bytes]") -> None:
    """Otherwise they would collect beside the next Dagster."""
    dagster, child = Dagster(parent), child_of(parent)
    parent.kill()
    assert dagster.loss_within(60) is not None
    assert child.is_alive
    dagster.stop()
    wait_until(lambda: not child.is_alive)


def test_lost_state_folder_is_reported(parent: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """Dagster itself would continue, start no run, and write some megabytes of errors a minute."""
    home = prepare_home(tmp_path / "home")
    dagster = Dagster(parent, home=home)
    assert dagster.loss_within(0) is None
    shutil.rmtree(home)
    loss = f"the folder of Dagster's state, {home}, was removed or emptied: start it again"
    assert dagster.loss_within(0) == loss
    (home / "storage").mkdir(parents=True)  # as its processes do
    assert dagster.loss_within(0) == loss
