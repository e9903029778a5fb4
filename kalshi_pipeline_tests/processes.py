"""Processes that tests start and signal."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

Process: TypeAlias = subprocess.Popen[str]

_SIGNALS = (
    "import signal; signal.signal(signal.SIGINT, signal.{}); signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
)
CLI = "from kalshi_pipeline.cli.entry import main; main()"


@contextmanager
def python(
    code: str,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    ignores_sigint: bool = False,
    stdout: int = subprocess.PIPE,
) -> Iterator[Process]:
    """Run code in a process of its own. The block ends when the process has; it is killed where the test fails.

    What signals do to it never depends on the tests' own process, which ignores some in the background job of a shell.
    """
    prelude = _SIGNALS.format("SIG_IGN" if ignores_sigint else "default_int_handler")
    command = [sys.executable, "-W", "error", "-c", prelude + code, *arguments]
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
            process.wait()
        finally:
            process.kill()


def next_line(process: Process) -> str:
    """Wait for the next line of its output; an empty one where it has ended."""
    assert process.stdout is not None
    return process.stdout.readline()
