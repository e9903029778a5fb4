"""Runs commands in separate processes that start quickly and can be killed at any moment."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, Signals
from typing import NamedTuple

# A process that has imported everything forks one for each command. Importing would take longer than most commands, and
# kills would then hit imports.
_FORK = """
import io, json, os, select, signal, sys, time
from kalshi_pipeline.cli import app, backfill, data, market, runs  # what the commands need
from kalshi_pipeline.cli.entry import main
from kalshi_pipeline.signals import exit_at_signals

def child(order, begun):
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):  # nohup and background jobs have some ignored, and all below them
        signal.signal(number, signal.SIG_DFL)
    out = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for channel in (1, 2):
        os.dup2(os.open("/dev/full", os.O_WRONLY) if channel in order["full"] else out, channel)
    for channel in order["closed"]:
        os.close(channel)
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    sys.argv = ["kalshi-pipeline", *order["arguments"]]
    exit_at_signals()  # until then a command is only a copy of this process
    os.write(begun, b".")
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback
        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)

for line in sys.stdin:
    order = json.loads(line)
    is_begun, begun = os.pipe()
    pid = os.fork()
    if not pid:
        child(order, begun)
    os.read(is_begun, 1)
    os.close(is_begun)
    os.close(begun)
    began = time.monotonic()
    process = os.pidfd_open(pid)
    if order["after"] is not None and not select.select([process], [], [], order["after"])[0]:
        os.kill(pid, order["signal"])
    if not select.select([process], [], [], order["at_most"])[0]:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    os.close(process)
    print(json.dumps([os.waitstatus_to_exitcode(status), time.monotonic() - began]), flush=True)
"""


class Ended(NamedTuple):
    """The end of a command: its exit code (or the negative number of the signal that killed it), and its output."""

    code: int
    seconds: float
    output: str

    @property
    def has_traceback(self) -> bool:
        """Whether it ended with an unexpected error."""
        return "Traceback (most recent call last)" in self.output


class Commands:
    """Runs commands one after the other in a folder, with settings."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, settings: Mapping[str, str]) -> None:
        self._process = process
        self._folder = folder
        self._settings = {f"KALSHI_{name.upper()}": value for name, value in settings.items()}

    def run(
        self,
        *arguments: str,
        after: float | None = None,
        signal: Signals = SIGKILL,
        at_most: float = 300,
        settings: Mapping[str, str] | None = None,
        closed: Sequence[int] = (),
        full: Sequence[int] = (),
    ) -> Ended:
        """Run a command to its end.

        Send it a signal `after` a number of seconds, unless it has ended. `settings` are added to those of all
        commands. Standard streams may be `closed`, or on a `full` disk.
        """
        output = self._folder / "output.txt"
        order = {
            "arguments": arguments,
            "env": {
                **self._settings,
                **{f"KALSHI_{name.upper()}": value for name, value in (settings or {}).items()},
            },
            "folder": str(self._folder),
            "output": str(output),
            "after": after,
            "signal": int(signal),
            "at_most": at_most,
            "closed": closed,
            "full": full,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        code, seconds = json.loads(self._process.stdout.readline())
        return Ended(code, seconds, output.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def commands(folder: Path, **settings: str) -> Iterator[Commands]:
    """Start the process that forks. `settings` apply to all commands, by their names in `Settings`."""
    with subprocess.Popen(
        [sys.executable, "-c", _FORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Commands(process, folder, settings)
        finally:
            process.stdin.close() if process.stdin else None
            process.wait(60)
