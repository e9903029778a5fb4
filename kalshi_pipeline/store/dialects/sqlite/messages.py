"""SQLite's messages, as errors of the store."""

import re
from pathlib import Path

from kalshi_pipeline.errors import StoreError, StoreProblem

BUSY_SECONDS = 60
"""How long a connection waits for another one's lock."""

_RECOVERS = "`sqlite3 FILE .recover` prints what can be read of it"
UNDECODABLE = "Could not decode"
"""How the driver's message begins where a text is no UTF-8, as a damaged one may be."""
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
"""Words of messages, SQLite's and of the system: what is wrong, and what to add to the message."""
_OBSTACLE = re.compile(
    r"error in (view|trigger|index|table) (.+?)(?: after (?:rename|(?:add|drop) column))?: "
    r"|(view|trigger|index|table) (.+) already exists$"
)
"""SQLite's message where something in the schema does not fit what it would become."""


def problem_of(message: str) -> tuple[StoreProblem, str]:
    """Return what is wrong, and what to add to the message."""
    return next((found for words, found in _PROBLEMS.items() if words in message), (StoreProblem.OTHER, ""))


def on_one_line(finding: str) -> str:
    """Return a finding of SQLite's checks without its heading."""
    return "; ".join(line for line in finding.splitlines() if not line.startswith("***"))


def error_of(path: Path, message: str) -> StoreError:
    """Return the error of a message about the database at a path."""
    if found := _OBSTACLE.match(message):
        kind, name = filter(None, found.groups())
        return StoreError(
            f"database {path}: {kind} {name} conflicts with the new schema ({message})",
            StoreProblem.IN_THE_WAY,
        )
    problem, fact = problem_of(message)
    return StoreError("; ".join(filter(None, (f"database {path}: {message}", fact))), problem)
