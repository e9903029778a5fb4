"""The settings as Dagster's processes read them: the environment first, then `.env` as it is now.

Dagster's commands overwrite `os.environ` with `.env` before they load our code, and pass it to the processes that they
start. Linux keeps the environment with which each process was started.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kalshi_pipeline.processes import parent_of, words_of
from kalshi_pipeline.settings import Settings, load_settings

_COMMANDS = ("dagster", "dg", "dagster-daemon", "dagster-webserver", "dagster-graphql")


def current_settings(**overrides: Any) -> Settings:  # noqa: ANN401  (each field validates its own)
    """Return the settings: `overrides` first, then the environment of the start, then `.env` as it is now.

    Raises ConfigurationError with every problem.
    """
    return load_settings(environment_of_the_start(), **overrides)


@cache
def environment_of_the_start() -> Mapping[str, str]:
    """Return the environment with which the first Dagster command was started that this process descends from.

    Without one, and where the system has no /proc, it is that of this process. It is read once, while the processes in
    between are alive, because runs outlive them.
    """
    return next(reversed([*_environments_of_commands(os.getpid())]), os.environ)


def _environments_of_commands(pid: int) -> Iterator[Mapping[str, str]]:
    """Yield the environments of a process and its ancestors that are commands of Dagster, the nearest first.

    Runs descend from these by Python alone. What a shell has started in between has the environment that it gave.
    """
    while pid > 0:
        try:
            command = words_of(pid, "cmdline")
            if is_command_of_dagster(command):
                yield dict(word.split("=", 1) for word in words_of(pid, "environ") if "=" in word)
            elif not _is_python(command):
                return
            pid = parent_of(pid)
        except OSError:  # it has ended, belongs to another user, or there is no /proc
            return


def is_command_of_dagster(command: Sequence[str]) -> bool:
    """Return whether the words of a process are those of a command of Dagster, or of Python that runs one."""
    if Path(command[0]).name in _COMMANDS:
        return True
    if not _is_python(command):
        return False
    words = iter(command[1:])
    for word in words:
        if word == "-m":
            return next(words, "").startswith("dagster")
        if word in ("-X", "-W"):
            next(words, None)
        elif not word.startswith("-"):
            return Path(word).name in _COMMANDS
    return False


def _is_python(command: Sequence[str]) -> bool:
    return Path(command[0]).name.lower().startswith(("python", "pypy"))
