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
    """Run code in a separate process.

    The block waits for its end, and kills it if the test fails. Its signal handling does not depend on the tests'
    process, which ignores some signals in a background job of a shell.
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
    """Wait for the next line of its output; empty if it has ended."""
    assert process.stdout is not None
    return process.stdout.readline()
