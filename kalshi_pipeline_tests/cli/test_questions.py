"""Quotes, histories and movers in a pipe, why an answer is empty, and what is refused."""

import contextlib
import csv
import io
import re
from pathlib import Path

import pytest

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.processes import CLI, python
from kalshi_pipeline_tests.store.samples import market, take, tick

_HEAD = (
    "ticker,at,quoted_at,received_at,is_listed,state,is_observed,is_tick_complete,confirmed_at,"
    "yes_bid,yes_ask,yes_bid_size,yes_ask_size,last_price,volume,open_interest\n"
)
_BEGINS = "history begins at 2026-11-22 12:00:00Z\n"


@pytest.fixture
def quoted(database_path: Path) -> None:
    """Two markets at three ticks, every five minutes from noon: one moves, the other ends at the last tick."""
    with contextlib.closing(Database(f"sqlite:///{database_path}")) as database:
        ends = market("ENDS", yes_bid=None, last_price=15_000, volume=None)
        take(database, tick(0), [market("MOVES"), ends])
        take(database, tick(1), [market("MOVES", yes_bid=295_001, volume=100_000_000), ends])
        take(database, tick(2), [market("MOVES", yes_bid=295_001, volume=100_000_000)])


@pytest.mark.usefixtures("quoted")
def test_quotes_are_written_exactly_as_of_an_instant(run: Run) -> None:
    result = run("quotes", "--at", "2026-11-22T13:06:00+01:00", "--csv")
    assert (result.returncode, result.stderr) == (0, "")
    at = "2026-11-22T12:06:00.000000Z"
    noon, five = "2026-11-22T12:00:0{}.000000Z", "2026-11-22T12:05:0{}.000000Z"
    assert result.stdout == _HEAD + "".join(
        (
            f"ENDS,{at},{noon.format(0)},{noon.format(1)},1,observed,1,1,{five.format(0)},,0.31,120.5,80,0.015,,432.1\n",
            f"MOVES,{at},{five.format(0)},{five.format(1)},1,observed,1,1,{five.format(0)},"
            "0.295001,0.31,120.5,80,0.3,1000000,432.1\n",
        )
    )
    assert run("quotes", "--at", "2026-11-22T11:00:00Z", "--csv") == (0, _HEAD, _BEGINS)


@pytest.mark.usefixtures("quoted")
def test_quotes_in_a_pipe_are_whole_and_separated_by_tabs(run: Run) -> None:
    """With the busiest markets first, as on a terminal."""
    shown = run("quotes", "--at", "2026-11-22T12:06:00Z")
    names, moves, ends = (line.split("\t") for line in shown.stdout.splitlines())
    assert (shown.stderr, ",".join(names) + "\n") == ("", _HEAD)
    assert (moves[0], moves[names.index("volume")], moves[names.index("state")]) == (
        "MOVES",
        "1000000",
        "observed",
    )
    assert (ends[0], ends[names.index("yes_bid")]) == ("ENDS", "")
    for arguments, state in ((["--at", "2026-11-22T12:16:00Z"], "carried"), ([], "stale")):
        (row,) = csv.DictReader(io.StringIO(run("quotes", *arguments).stdout), delimiter="\t")
        assert (row["ticker"], row["state"]) == ("MOVES", state)
        assert row["confirmed_at"] == "2026-11-22T12:10:00.000000Z"


@pytest.mark.usefixtures("quoted")
def test_history_excludes_its_end_and_is_resampled_on_request(run: Run) -> None:
    span = ("--start", "2026-11-22T12:01:00Z", "--end", "2026-11-22T12:10:00Z")
    stored = list(csv.DictReader(io.StringIO(run("history", "ENDS", *span, "--csv").stdout)))
    assert [(row["at"][14:19], row["is_listed"], row["last_price"]) for row in stored] == [
        ("01:00", "1", "0.015")
    ]
    span = ("--start", "2026-11-22T12:00:00Z", "--end", "2026-11-22T12:15:00Z")
    result = run("history", "ENDS", *span, "--resample", "300s", "--csv")
    points = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [
        (row["at"][14:19], row["is_listed"], row["state"], row["is_observed"], row["last_price"])
        for row in points
    ] == [
        ("00:00", "1", "observed", "1", "0.015"),
        ("05:00", "1", "observed", "1", "0.015"),
        ("10:00", "0", "unknown", "0", ""),
    ]
    in_pipe = csv.DictReader(io.StringIO(run("history", "ENDS", *span).stdout), delimiter="\t")
    assert [(row["at"][14:19], row["is_listed"], row["yes_bid"]) for row in in_pipe] == [
        ("00:00", "1", ""),
        ("10:00", "0", ""),
    ]


@pytest.mark.usefixtures("quoted")
def test_history_covers_the_last_day_by_default(run: Run) -> None:
    result = run("history", "MOVES", "--end", "2026-11-23T12:05:00Z", "--csv")
    assert [row["at"] for row in csv.DictReader(io.StringIO(result.stdout))] == [
        "2026-11-22T12:05:00.000000Z"
    ]
    result = run("history", "MOVES", "--csv")
    assert (result.returncode, result.stdout[: len(_HEAD)]) == (0, _HEAD)


@pytest.mark.usefixtures("quoted")
def test_empty_answer_says_why(run: Run) -> None:
    """The reason is on standard error, so that CSV output stays valid."""
    noon = "2026-11-22T12:00:00Z"
    before = ("--start", "2026-11-22T11:00:00Z", "--end", noon, "--csv")
    assert run("history", "MOVES", *before) == (0, _HEAD, _BEGINS)
    after = ("--start", "2026-11-22T12:11:00Z", "--end", "2026-11-22T12:12:00Z", "--csv")
    since, until = "2026-11-22 12:11:00Z", "2026-11-22 12:12:00Z"
    assert run("history", "ENDS", *after) == (0, _HEAD, f"ENDS was not listed from {since} to {until}\n")


@pytest.mark.usefixtures("quoted")
def test_limit_beyond_64_bits_means_no_limit(run: Run) -> None:
    assert run("ticks", "--limit", "99999999999999999999") == run("ticks")


@pytest.mark.usefixtures("quoted")
def test_movers_of_a_window_before_the_history_start_with_the_history(run: Run) -> None:
    longer = run("movers", "--window", "11m")
    assert longer.stderr == "note: history begins at 2026-11-22 12:00:00Z, within the window\n"
    assert longer.stdout == run("movers", "--window", "10m").stdout
    assert longer.stdout.count("\n") > 1


def test_movers_need_a_second_tick(run: Run, database_path: Path) -> None:
    with contextlib.closing(Database(f"sqlite:///{database_path}")) as database:
        take(database, tick(0), [market("M")])
    line = "only the first tick is complete, at 2026-11-22 12:00:00Z: run `kalshi data snapshot` again"
    assert run("movers").stderr == f"{line}\n"


def test_empty_answer_of_an_empty_store_says_what_to_do(run: Run, database_path: Path) -> None:
    nothing = "no quote is stored yet: run `kalshi data snapshot` first\n"
    for arguments in (["quotes", "--csv"], ["movers"]):
        result = run(*arguments)
        assert (result.returncode, result.stderr) == (0, nothing)
    with contextlib.closing(Database(f"sqlite:///{database_path}")) as database:
        take(database, tick(0), [market("M")], state=State.PARTIAL)
    assert run("movers").stderr == "no tick is complete yet\n"


@pytest.mark.usefixtures("quoted")
@pytest.mark.parametrize("window", ["5m", "0.1h"])
def test_movers_are_shown_with_their_change(run: Run, window: str) -> None:
    result = run("movers", "--window", window)
    nothing = "nothing moved from 2026-11-22 12:05:00Z to 2026-11-22 12:10:00Z\n"
    assert (result.returncode, result.stderr) == (0, "" if window == "0.1h" else nothing)
    rows = list(csv.DictReader(io.StringIO(result.stdout), delimiter="\t"))
    found = [(row["ticker"], row["base_midpoint"], row["midpoint"], row["midpoint_change"]) for row in rows]
    assert found == ([("MOVES", "0.3", "0.3025005", "0.0025005")] if window == "0.1h" else [])


@pytest.mark.usefixtures("quoted")
@pytest.mark.parametrize(
    ("arguments", "exit_code", "line"),
    [
        (["history", "NOPE"], 5, r"^NOPE is not stored; check the ticker"),
        (
            ["history", "MOVES", "--start", "2026-11-22T12:00:00"],
            2,
            r"^--start '2026-11-22T12:00:00' names no time zone",
        ),
        (
            ["history", "MOVES", "--end", "noon"],
            2,
            r"^--end 'noon' is not a time: write RFC 3339 such as 2026-",
        ),
        (
            ["history", "MOVES", "--start", "2026-11-22T12:05:00Z", "--end", "2026-11-22T12:00:00Z"],
            2,
            r"^--start 2026-11-22 12:05:00Z is not before --end 2026-11-22 12:00:00Z: choose an earlier start",
        ),
        (["trades", "MOVES", "--start", "2100-01-01"], 2, r"^--start 2100-01-01 00:00:00Z is after now \(20"),
        (["changes", "--since", "2100-01-01"], 2, r"^--since 2100-01-01 00:00:00Z is after now \(20"),
        (["history", "MOVES", "--resample", "0s"], 2, r"^--resample '0s' is empty: write one such as"),
        (["history", "MOVES", "--resample", "nan"], 2, r"^--resample 'nan' is not a span"),
        (["history", "MOVES", "--resample", "inf"], 2, r"^--resample 'inf' is not a span"),
        (["history", "MOVES", "--resample", "0.01s"], 2, r"makes 8,640,000 rows, more than 1,000,000"),
        (["quotes", "--at", "2100-01-01T00:00:00Z"], 2, r"^--at 2100-01-01 00:00:00Z is after now \(20"),
        (
            ["history", "MOVES", "--end", "2100-01-01T00:00:00Z"],
            2,
            r"^2100-\S+ is after now \(20\S+\): choose",
        ),
        (["quotes", "--at", "0001-01-01T00:00:00Z"], 2, r"^--at '0001-01-01T00:00:00Z' is not a time"),
        (
            ["movers", "--window", "1 fortnight"],
            2,
            r"^--window '1 fortnight' is not a span: write one such as",
        ),
        (["movers", "--window", "0h"], 2, r"^--window '0h' is empty: write one such as"),
        (["movers", "--window", "99999999999d"], 2, r"^a window of 8\.64e\+15 s begins before 1970"),
    ],
    ids=[
        "unknown",
        "naive",
        "no time",
        "reversed",
        "trades to come",
        "changes to come",
        "no step",
        "step that is not a number",
        "endless step",
        "too many rows",
        "quotes to come",
        "history to come",
        "not set",
        "no span",
        "no window",
        "endless window",
    ],
)
def test_invalid_arguments_are_reported_in_one_line(
    run: Run, arguments: list[str], exit_code: int, line: str
) -> None:
    result = run(*arguments)
    assert (result.returncode, len(result.stderr.splitlines()), result.stdout) == (exit_code, 1, "")
    assert re.search(line, result.stderr)


@pytest.mark.usefixtures("quoted")
def test_csv_whose_reader_stops_early_is_not_an_error(environment: dict[str, str]) -> None:
    span = ["--start", "2026-11-22T12:00:00Z", "--end", "2026-11-22T18:00:00Z", "--resample", "1s"]
    with python(CLI, "history", "MOVES", *span, "--csv", env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == _HEAD
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0
