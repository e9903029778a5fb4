"""Commands that messages name: they work as a reader pastes them, and on the database that was asked about.

A message names a command in backquotes, as it is in a terminal without `--db`: what is below does not know how this
program was started.
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
    """Let the commands that messages name in the block have the `--db` of these arguments, if there is one."""
    before = _database.set(_database_of(arguments))
    try:
        yield
    finally:
        _database.reset(before)


def pasteable(message: str) -> str:
    """Return a message whose commands can be pasted: with the database that `--db` names, and how this was started."""
    if _database.get() is not None:
        message = _SETTING.sub("pass --db with", message)
    return _COMMAND.sub(lambda found: f"`{program()} {_with_database(found[1])}`", message)


def program() -> str:
    """Return what starts this program: in a checkout its name is no command, if it was not before."""
    return "uv run kalshi" if "UV_RUN_RECURSION_DEPTH" in os.environ else "kalshi"


def _with_database(command: str) -> str:
    database, words = _database.get(), command.split()
    if database is None or "--db" in words or "--help" in words or words[0] in _WITHOUT_DATABASE:
        return command
    return f"{command} --db {shlex.quote(database)}"


def _database_of(arguments: Sequence[str]) -> str | None:
    """Return what `--db` names; the last one counts, as for the commands."""
    found = None
    for word, following in zip_longest(arguments, arguments[1:]):
        if word == "--":
            break
        if word == "--db":
            found = following
        elif word.startswith("--db="):
            found = word.removeprefix("--db=")
    return found or None
