"""The launcher's side of `run_template`: starts that process and requests forks."""

import contextlib
import json
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from kalshi_pipeline.processes import Process

_MODULE = "kalshi_pipeline.defs.run_template"
_PACKAGE = Path(__file__).parent.parent
_START_SECONDS = 60.0
_END_SECONDS = 5.0
GO = b"go\n"
"""The message that lets a forked process begin its run."""

CodeState: TypeAlias = frozenset[tuple[Path, int]]


class TemplateError(Exception):
    """No run was forked, and none will be."""


class WaitingRun:
    """A forked process that waits for its confirmation; it ends if the socket closes first."""

    def __init__(self, connection: socket.socket, process: Process) -> None:
        self._connection = connection
        self.process = process

    def begin(self) -> None:
        """Confirm the run, so that it begins. Raises OSError if the process is gone."""
        self._connection.sendall(GO)


class Template:
    """A running `run_template`, and the state of the code that it has imported."""

    def __init__(self, python: str) -> None:
        self._code = state_of_code()
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (our own module)
                [python, "-m", _MODULE, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C must reach only the parent; runs finish
            )

    def is_current(self) -> bool:
        """Return whether the process is alive and no file of the package has changed since it started."""
        return self._process.poll() is None and self._code == state_of_code()

    @contextlib.contextmanager
    def forked(self, request: str) -> Iterator[WaitingRun]:
        """Fork a process for a run. Raises TemplateError if that fails."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(_START_SECONDS)
            try:
                with theirs:
                    socket.send_fds(self._channel, [b"."], [theirs.fileno()])
                ours.sendall(f"{request}\n".encode())
                with ours.makefile("rb") as lines:
                    answer = json.loads(
                        lines.readline() or b'{"error": "the process that runs are forked from ended"}'
                    )
            except (OSError, ValueError) as error:
                raise TemplateError(
                    f"the process that runs are forked from does not answer ({error})"
                ) from error
            if (process := Process.of(answer.get("pid", 0))) is None:
                raise TemplateError(str(answer.get("error", "the forked process has ended")))
            yield WaitingRun(ours, process)

    def close(self) -> None:
        """End the process; runs that were forked from it continue. If it is suspended or hangs in an import, kill
        it.
        """
        self._channel.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def state_of_code() -> CodeState:
    """Return the files of the package with their modification times.

    Skips editors' lock files, which are broken links with the same extension.
    """
    return frozenset(_states_of_files())


def _states_of_files() -> Iterator[tuple[Path, int]]:
    for path in _PACKAGE.rglob("*.py"):
        with contextlib.suppress(OSError):  # renamed just now, as editors do when they save a file
            found = path.stat()
            if stat.S_ISREG(found.st_mode) and not path.name.startswith("."):
                yield path, found.st_mtime_ns
