"""Translating SQLite's messages into errors of the store."""

import re
from pathlib import Path

from kalshi_pipeline.errors import StoreError, StoreProblem

BUSY_SECONDS = 60
"""The time-out for another connection's lock."""

_RECOVERS = "`sqlite3 FILE .recover` prints what can be read of it"
UNDECODABLE = "Could not decode"
"""The beginning of the driver's message for a text that is not UTF-8, as in a damaged file."""
_PROBLEMS = {
    "is full": (StoreProblem.FULL, "what was committed stays"),
    "No space left": (StoreProblem.FULL, "what was committed stays"),
    "image is malformed": (StoreProblem.DAMAGED, _RECOVERS),
    "malformed database schema": (StoreProblem.DAMAGED, _RECOVERS),
    UNDECODABLE: (StoreProblem.DAMAGED, _RECOVERS),
    "readonly": (StoreProblem.NOT_USABLE, ""),
    "unable to open": (StoreProblem.NOT_USABLE, ""),
    "not a database": (StoreProblem.NOT_USABLE, "if it was one, its first page is damaged: restore a backup"),
    "FOREIGN KEY constraint failed": (StoreProblem.BROKEN_KEY, ""),
    "locked": (StoreProblem.BUSY, f"another program has held it for {BUSY_SECONDS} s"),
}
"""Parts of messages of SQLite and the system, with the problem and an addition to the message."""
_OBSTACLE = re.compile(
    r"error in (view|trigger|index|table) (.+?)(?: after (?:rename|(?:add|drop) column))?: "
    r"|(view|trigger|index|table) (.+) already exists$"
)
"""SQLite's message if a part of the schema conflicts with a change."""


def problem_of(message: str) -> tuple[StoreProblem, str]:
    """Return the problem, and an addition to the message."""
    return next((found for words, found in _PROBLEMS.items() if words in message), (StoreProblem.OTHER, ""))


def on_one_line(finding: str) -> str:
    """Return a finding of SQLite's checks without its heading."""
    return "; ".join(line for line in finding.splitlines() if not line.startswith("***"))


def error_of(path: Path, message: str) -> StoreError:
    """Return the error for a message about the database at a path."""
    if found := _OBSTACLE.match(message):
        kind, name = filter(None, found.groups())
        return StoreError(
            f"database {path}: {kind} {name} conflicts with the new schema ({message})",
            StoreProblem.IN_THE_WAY,
        )
    problem, fact = problem_of(message)
    return StoreError("; ".join(filter(None, (f"database {path}: {message}", fact))), problem)
