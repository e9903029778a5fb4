"""Reads the settings in Dagster's processes: the environment first, then the current `.env`.

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
    """Return the settings: `overrides` first, then the original environment, then the current `.env`.

    Raises ConfigurationError with every problem.
    """
    return load_settings(environment_of_the_start(), **overrides)


@cache
def environment_of_the_start() -> Mapping[str, str]:
    """Return the environment of the first Dagster command among this process's ancestors.

    If there is none, or the system has no /proc, return this process's own. It is read once and early, because runs
    outlive the processes in between.
    """
    return next(reversed([*_environments_of_commands(os.getpid())]), os.environ)


def _environments_of_commands(pid: int) -> Iterator[Mapping[str, str]]:
    """Yield the environments of a process and of its ancestors that are Dagster commands, nearest first.

    Only Python processes may lie between: a shell in between may have changed the environment on purpose.
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
    """Return whether a command line is a Dagster command, directly or through Python."""
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
