"""The effect of stopping signals on a block of code."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.signals import STOPPING, keeping_handlers, raising_signals
from kalshi_pipeline_tests.processes import next_line, python


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Use Python's default handlers, however the tests were started, and restore the previous ones."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in STOPPING]


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["SIGHUP", "SIGINT", "SIGTERM"],
)
def test_signal_is_raised_in_the_block_and_leaves_the_handlers_as_they_were(
    number: signal.Signals, exit_code: int
) -> None:
    before, reached = handlers(), []

    def run() -> None:
        reached.append("begun")
        signal.raise_signal(number)
        reached.append("gone on")

    with pytest.raises(StoppedError) as stop, raising_signals():
        run()
    assert (str(stop.value), stop.value.exit_code) == (number.name, exit_code)
    assert reached == ["begun"]
    assert handlers() == before


@pytest.mark.parametrize("second", STOPPING)
@pytest.mark.parametrize("first", STOPPING)
def test_second_signal_does_not_interrupt_the_clean_up(first: signal.Signals, second: signal.Signals) -> None:
    reached = []

    def run() -> None:
        try:
            signal.raise_signal(first)
        finally:
            signal.raise_signal(second)
            reached.append("closed")

    with pytest.raises(StoppedError, match=first.name), raising_signals():
        run()
    assert reached == ["closed"]


@pytest.mark.parametrize("ignored", [signal.SIGINT, signal.SIGHUP], ids=["SIGINT", "SIGHUP"])
def test_ignored_signal_stays_ignored_and_sigterm_still_ends_the_block(ignored: signal.Signals) -> None:
    """For example SIGINT in a background job of a shell, and SIGHUP under nohup."""
    signal.signal(ignored, signal.SIG_IGN)
    before, reached = handlers(), []

    def run() -> None:
        signal.raise_signal(ignored)
        reached.append("gone on")
        signal.raise_signal(signal.SIGTERM)
        reached.append("gone on again")

    with pytest.raises(StoppedError, match="SIGTERM"), raising_signals():
        run()
    assert reached == ["gone on"]
    assert handlers() == before


class Garbage:
    """An object whose finalizer is interrupted, where exceptions are ignored."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_signal_during_the_collection_of_garbage_is_not_lost() -> None:
    reached = []

    def collect_and_wait() -> None:
        garbage = Garbage()
        del garbage
        reached.append("collected")
        threading.Event().wait()

    with pytest.raises(StoppedError, match="SIGTERM"), raising_signals():
        collect_and_wait()
    assert reached == ["collected"]


def test_error_of_the_block_is_raised() -> None:
    before = handlers()
    with pytest.raises(ValueError, match="of the block"), raising_signals():
        raise ValueError("of the block")
    assert handlers() == before


def test_block_of_another_thread_runs_with_the_handlers_that_are_there() -> None:
    def run() -> list[object]:
        with raising_signals():
            return handlers()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result() == handlers()


def test_handlers_are_as_before_after_a_block_that_changes_them() -> None:
    before = handlers()
    with keeping_handlers():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        assert handlers() != before
    assert handlers() == before


EXITING = """
import signal
from kalshi_pipeline.signals import exit_at_signals
exit_at_signals()
print("begun", flush=True)
signal.pause()
print("gone on", flush=True)
"""


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_signal_before_anything_is_begun_ends_the_program_in_one_line(
    number: signal.Signals, exit_code: int
) -> None:
    with python(EXITING) as process:
        assert next_line(process) == "begun\n"
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == ("", f"stopped by {number.name}\n")
    assert process.returncode == exit_code


def test_signal_ends_a_program_whose_messages_nothing_reads() -> None:
    with python(EXITING) as process:
        assert next_line(process) == "begun\n"
        assert process.stderr is not None
        process.stderr.close()
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 143


ENDING = """
import atexit, signal, sys
from kalshi_pipeline.cli.entry import main
sys.argv = ["kalshi", "--version"]
atexit.register(signal.raise_signal, signal.SIGTERM)
main()
"""


def test_signal_after_a_command_has_ended_has_the_exit_code_of_a_signal() -> None:
    with python(ENDING) as process:
        assert next_line(process).startswith("kalshi-pipeline ")
        assert process.stderr is not None
        assert process.stderr.read() == "stopped by SIGTERM\n"
    assert process.returncode == 143


def test_signal_that_is_ignored_ends_no_program_before_it_begins() -> None:
    with python(EXITING.replace("signal.pause()", "signal.raise_signal(2)"), ignores_sigint=True) as process:
        assert [next_line(process), next_line(process)] == ["begun\n", "gone on\n"]
    assert process.returncode == 0


def test_entry_point_imports_nothing_slow_before_signals_are_handled() -> None:
    code = (
        "import sys, kalshi_pipeline.cli.entry; print(sorted(sys.modules.keys() & {'sqlalchemy', 'typer'}))"
    )
    with python(code) as process:
        assert next_line(process) == "[]\n"


_STARTS = """
import subprocess, sys
from kalshi_pipeline.signals import interruptible_children
shown = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
with interruptible_children():
    subprocess.run([sys.executable, "-c", shown])
import signal
print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""


@pytest.mark.parametrize("is_ignored", [True, False], ids=["in the background", "in the foreground"])
def test_child_process_handles_interrupts(*, is_ignored: bool) -> None:
    """This holds even if this process ignores them, like background jobs of a shell, and it continues to do so."""
    with python(_STARTS, ignores_sigint=is_ignored) as process:
        lines = [next_line(process), next_line(process)]
    assert lines == ["True\n", f"{is_ignored}\n"]
