"""The next step after an error, in commands of this program.

The command line and Dagster add this advice to the errors that they report. The store only states facts, because it
does not know which program reads it. Errors of settings, of the exchange and of spans contain their own advice, which
is the same everywhere.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence

from kalshi_pipeline.errors import (
    NoDetailsError,
    NoQuoteError,
    OtherKindError,
    PipelineError,
    StoreError,
    StoreProblem,
    TickAheadError,
    UnexpectedError,
    UnknownKindError,
    UnknownTickerError,
)

_ABOUT_THE_DATABASE = {
    StoreProblem.ADDRESS: "set KALSHI_DATABASE_URL to sqlite:///data/kalshi.db",
    StoreProblem.MISSING: "run `kalshi data collect --once` to create it",
    StoreProblem.NOT_USABLE: "set KALSHI_DATABASE_URL to a file that this program may write",
    StoreProblem.OLDER_SCHEMA: "run `kalshi data init`, which keeps a copy of it",
    StoreProblem.NEWER_SCHEMA: "upgrade kalshi-pipeline, or set KALSHI_DATABASE_URL to another file",
    StoreProblem.ALTERED_SCHEMA: (
        "a development version made it, or another program changed it: keep it for that version, and set "
        "KALSHI_DATABASE_URL to a new file"
    ),
    StoreProblem.IN_THE_WAY: "drop or rename it, run `kalshi data init`, then create it again",
    StoreProblem.REFERRED_TO: (
        "copy its rows to a table without that foreign key, drop it, then run `kalshi data init`"
    ),
    StoreProblem.DAMAGED: "restore a backup (docs/backups.md)",
    StoreProblem.FULL: "free some space and run again",
    StoreProblem.BUSY: "wait for the other program or stop it, then run again",
    StoreProblem.CHANGED: "read it again",
    StoreProblem.CLOSED: "open it again with open_store()",
    StoreProblem.UNREADABLE_LOG: (
        "let its owner run `kalshi data init`, or copy it with the files beside it to a folder that you can write"
    ),
    StoreProblem.BROKEN_KEY: "run `kalshi data verify`, which names the rows, then with --repair",
    StoreProblem.VANISHED: "put the file back, or restart to use the one that is there now",
    StoreProblem.UNHEALTHY: "restore a backup, or follow the lines above",
    StoreProblem.OTHER: "see the cause, then run again",
}


_RUN_AGAIN = re.compile(r"\brun (it )?again( later)?$")


def with_advice(error: PipelineError) -> str:
    """Return an error's full message in one line, with the next step unless the message already has it."""
    advice = _advice_for(error)
    return (
        error.full_message
        if advice in _notes_of(error)
        else "; ".join(filter(None, (error.full_message, advice)))
    )


@contextlib.contextmanager
def advised() -> Iterator[None]:
    """Add the next step to an error as a note, which Python shows below the message. Also usable as a decorator."""
    try:
        yield
    except PipelineError as error:
        advice = _advice_for(error)
        if advice is not None and advice not in _notes_of(error):
            error.add_note(advice)
        raise


def _notes_of(error: PipelineError) -> Sequence[str]:
    return getattr(error, "__notes__", ())


def run_again(line: str) -> str:
    """Return the line with the advice to run again, unless it already ends with it."""
    return line if _RUN_AGAIN.search(line) else f"{line}; run it again"


_LOOKS = {"series": "search", "event": "event", "market": "get"}
"""The command of the group `market` that shows each kind of ticker."""


def _advice_for(error: PipelineError) -> str | None:
    match error:
        case StoreError():
            return _ABOUT_THE_DATABASE[error.problem]
        case TickAheadError():
            return (
                "the clock is behind, or was ahead when the tick was taken: set it, or remove the tick "
                f"with `kalshi data void-ticks --after {error.now}`"
            )
        case NoQuoteError():
            return "`kalshi data snapshot` stores one if the market is open"
        case NoDetailsError():
            return "run `kalshi data sync` first"
        case UnknownTickerError():
            return _advice_on_ticker(error)
        case UnexpectedError():
            return "this is a fault of the program or the machine: report it if it happens again"
        case _:
            return None


def _advice_on_ticker(error: UnknownTickerError) -> str:
    match error:
        case UnknownKindError():
            return f"choose the kind {_one_of(error.kinds)}"
        case OtherKindError():
            return f"run `kalshi market {_LOOKS[error.kind]} {error.ticker}`"
        case UnknownTickerError(similar=[*_, _] as similar):
            return f"did you mean {_one_of(similar)}?"
        case UnknownTickerError(kinds=[first, *_]) if first != "market":
            return "check the ticker; `kalshi data sync` stores what is new"
        case _:
            return f"check the ticker, or fetch it with `kalshi market get {error.ticker}`"


def _one_of(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
