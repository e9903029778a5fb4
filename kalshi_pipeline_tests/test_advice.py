"""The line that reports an error: the fact, what was kept, and the next step."""

import pytest

from kalshi_pipeline.advice import run_again, with_advice
from kalshi_pipeline.errors import (
    ConfigurationError,
    NoDetailsError,
    NoQuoteError,
    OtherKindError,
    PipelineError,
    RangeError,
    StoreError,
    StoreProblem,
    UnknownKindError,
    UnknownTickerError,
)


@pytest.mark.parametrize("problem", StoreProblem, ids=lambda problem: problem.name.lower())
def test_every_problem_of_the_database_has_a_next_action(problem: StoreProblem) -> None:
    actions = {
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
            "let its owner run `kalshi data init`,"
            " or copy it with the files beside it to a folder that you can write"
        ),
        StoreProblem.BROKEN_KEY: "run `kalshi data verify`, which names the rows, then with --repair",
        StoreProblem.VANISHED: "put the file back, or restart to use the one that is there now",
        StoreProblem.UNHEALTHY: "restore a backup, or follow the lines above",
        StoreProblem.OTHER: "see the cause, then run again",
    }
    assert with_advice(StoreError("the fact", problem)) == f"the fact; {actions[problem]}"


def test_advice_comes_behind_the_notes() -> None:
    error = StoreError("the fact", StoreProblem.FULL)
    error.add_note("2 pages are stored and stay")
    assert with_advice(error) == "the fact; 2 pages are stored and stay; free some space and run again"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            UnknownKindError("KX-1", "planet", ["market", "event", "series"]),
            "no planet KX-1 is stored; choose the kind market, event or series",
        ),
        (
            UnknownTickerError("KX-1"),
            "KX-1 is not stored; check the ticker, or fetch it with `kalshi market get KX-1`",
        ),
        (
            UnknownTickerError("KX-1", kinds=["event", "market"]),
            "KX-1 is not stored; check the ticker; `kalshi data sync` stores what is new",
        ),
        (
            UnknownTickerError("KX-1", similar=["KX-2", "KX-3", "KX-4"]),
            "KX-1 is not stored; did you mean KX-2, KX-3 or KX-4?",
        ),
        (
            OtherKindError("KX", "series", ["market"]),
            "KX is the ticker of a series, not of a market; run `kalshi market search KX`",
        ),
        (
            OtherKindError("KX-1", "event", ["market"]),
            "KX-1 is the ticker of an event, not of a market; run `kalshi market event KX-1`",
        ),
        (NoDetailsError("KX-1"), "KX-1 is stored without details; run `kalshi data sync` first"),
        (
            NoQuoteError("KX-1"),
            "KX-1 is stored without a quote; `kalshi data snapshot` stores one if the market is open",
        ),
    ],
    ids=[
        "unknown kind",
        "unknown",
        "unknown event",
        "similar",
        "series",
        "event",
        "without details",
        "without a quote",
    ],
)
def test_unknown_ticker_has_a_next_action(error: PipelineError, line: str) -> None:
    assert with_advice(error) == line


@pytest.mark.parametrize(
    "error", [ConfigurationError(["a", "b"]), RangeError("choose a longer step")], ids=["settings", "range"]
)
def test_message_that_holds_its_action_is_left_as_it_is(error: PipelineError) -> None:
    assert with_advice(error) == error.full_message == str(error)


@pytest.mark.parametrize(
    ("line", "advised"),
    [
        ("events is partial: it was cut", "events is partial: it was cut; run it again"),
        ("series is partial: its cursor came twice; run again", None),
        ("series is partial: check that the exchange is up, then run again", None),
        ("trades is partial: 3 cannot be read: run it again later", None),
        (
            "series is partial: run again; events failed",
            "series is partial: run again; events failed; run it again",
        ),
    ],
)
def test_advice_to_run_again_is_given_once(line: str, advised: str | None) -> None:
    assert run_again(line) == (advised or line)
