"""Processes of this machine, read from /proc on Linux. On other systems there are none."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

_PROC = Path("/proc")
_DEAD = ("Z", "X")  # zombie: its parent has not waited for it yet
# Indexes into the fields that follow the process name in `stat`.
_STATE, _PARENT, _SESSION, _STARTED = 0, 1, 3, 19


class Process(NamedTuple):
    """A process: its number and start, and the boot and namespace in which that number is valid."""

    pid: int
    started: int
    place: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the process that has a number now; None if there is none."""
        try:
            fields = _fields_of(pid)
        except OSError:
            return None
        return None if fields[_STATE] in _DEAD else cls(pid, int(fields[_STARTED]), _place())

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the process that `text` names; None if it names none."""
        words = text.split()
        return cls(int(words[0]), int(words[1]), words[2]) if len(words) == len(cls._fields) else None

    @property
    def text(self) -> str:
        """The process as one line of text, for `parse`."""
        return f"{self.pid} {self.started} {self.place}"

    @property
    def is_alive(self) -> bool | None:
        """Whether it exists, running or suspended; None (unknown) for another boot or namespace."""
        if self.place != _place():
            return None
        return Process.of(self.pid) == self


def parent_of(pid: int) -> int:
    """Return the number of a process's parent; 0 without one. Raises OSError if there is no such process."""
    return int(_fields_of(pid)[_PARENT])


def pids_of_session(session: int) -> Iterator[int]:
    """Yield the numbers of the processes in a session, which has the number of its first process."""
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            fields = _fields_of(int(folder.name))
            if int(fields[_SESSION]) == session and fields[_STATE] not in _DEAD:
                yield int(folder.name)


def words_of(pid: int, file: str) -> list[str]:
    """Return the words of a process's file such as `cmdline`. Raises OSError if it cannot be read."""
    return [os.fsdecode(word) for word in (_PROC / str(pid) / file).read_bytes().split(b"\0")]


def _fields_of(pid: int) -> Sequence[str]:
    # The name before them, in brackets, may contain any character.
    return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()


@cache
def _place() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return "unknown"
