"""Completes commands in messages so that they can be pasted, and use the same database.

Lower layers write a command in backquotes without `--db`, because they do not know how this program was started.
"""

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from itertools import zip_longest

_database: ContextVar[str | None] = ContextVar("_database", default=None)
_COMMAND = re.compile(r"`kalshi ([^`]+)`")
_WITHOUT_DATABASE = ("demo", "sandbox")
_SETTING = re.compile(r"\bset KALSHI_DATABASE_URL to\b")


@contextlib.contextmanager
def naming_database_of(arguments: Sequence[str]) -> Iterator[None]:
    """Add the `--db` of these arguments, if any, to the commands in messages of the block."""
    before = _database.set(_database_of(arguments))
    try:
        yield
    finally:
        _database.reset(before)


def pasteable(message: str) -> str:
    """Return a message whose commands can be pasted: with `--db`, and started like this program."""
    if _database.get() is not None:
        message = _SETTING.sub("pass --db with", message)
    return _COMMAND.sub(lambda found: f"`{program()} {_with_database(found[1])}`", message)


def program() -> str:
    """Return the command that starts this program, which in a checkout may need `uv run`."""
    return "uv run kalshi" if "UV_RUN_RECURSION_DEPTH" in os.environ else "kalshi"


def _with_database(command: str) -> str:
    database, words = _database.get(), command.split()
    if database is None or "--db" in words or "--help" in words or words[0] in _WITHOUT_DATABASE:
        return command
    return f"{command} --db {shlex.quote(database)}"


def _database_of(arguments: Sequence[str]) -> str | None:
    """Return the value of `--db`; the last one counts, as for commands."""
    found = None
    for word, following in zip_longest(arguments, arguments[1:]):
        if word == "--":
            break
        if word == "--db":
            found = following
        elif word.startswith("--db="):
            found = word.removeprefix("--db=")
    return found or None
