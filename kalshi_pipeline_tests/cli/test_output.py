"""The output formats, for people and programs: terminals of every width, and pipes."""

import csv
import io
import json
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.cells import cell_len
from rich.console import Console

from kalshi_pipeline.cli.answer import Answer, Column, Kind, Place, record
from kalshi_pipeline.cli.formats import age
from kalshi_pipeline.cli.options import Asked, Format
from kalshi_pipeline.cli.output import write_answer
from kalshi_pipeline.cli.tables import print_tables
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.processes import CLI, python

NOON = parse_instant("2026-11-22T12:00:00Z") or 0
TICKER = "KXOPNOTOTAL-26DEC30WESMON31-215.5"
COMBO = "KXMVESPORTSMULTIGAMEEXTENDED-S20257BD9AC52EBA-4F3C2B1A0D9E8F7A6B5C"
ODD = "tab\there, \x1b[31mred\x1b[0m [bold]B[/bold] \u202e日本"

COLUMNS = [
    Column("ticker", Kind.TICKER),
    Column("title", place=Place.IF_WIDE),
    Column("yes_bid", Kind.DOLLARS),
    Column("midpoint", Kind.HALF_DOLLARS),
    Column("change", Kind.CHANGE),
    Column("volume", Kind.CONTRACTS, Place.IF_WIDE),
    Column("rows", Kind.COUNT),
    Column("is_open", Kind.FLAG, Place.NEVER),
    Column("seconds", Kind.SPAN, Place.NEVER),
    Column("seen_at", Kind.INSTANT, Place.NEVER),
]
FULL = (TICKER, ODD, 15_000, 302_500.5, -2_500.5, 66_783_801, 1_234, True, 90.25, NOON)
EMPTY = (COMBO, *[None] * 9)
ANSWER = Answer(COLUMNS, [FULL, EMPTY], title="as of noon")


def written(answer: Answer, capsys: pytest.CaptureFixture[str], **asked: object) -> str:
    write_answer(answer, Asked(**asked))  # type: ignore[arg-type]
    return capsys.readouterr().out


def shown(answer: Answer, width: int, limit: int | None = None, **console: object) -> str:
    screen = Console(file=io.StringIO(), width=width, **console)  # type: ignore[arg-type]
    print_tables(answer, limit, console=screen)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_csv_is_exact_and_keeps_absent_blank(capsys: pytest.CaptureFixture[str]) -> None:
    names, full, empty = csv.reader(io.StringIO(written(ANSWER, capsys, form=Format.CSV)))
    assert names == [column.name for column in COLUMNS]
    exact = [
        "0.015",
        "0.3025005",
        "-0.0025005",
        "667838.01",
        "1234",
        "1",
        "90.25",
        "2026-11-22T12:00:00.000000Z",
    ]
    assert full == [TICKER, ODD, *exact]
    assert empty == [COMBO, *[""] * 9]


def test_json_is_exact_and_keeps_types(capsys: pytest.CaptureFixture[str]) -> None:
    full, empty = json.loads(written(ANSWER, capsys, form=Format.JSON), parse_float=Decimal)
    assert full == {
        "ticker": TICKER,
        "title": ODD,
        "yes_bid": Decimal("0.015"),
        "midpoint": Decimal("0.3025005"),
        "change": Decimal("-0.0025005"),
        "volume": Decimal("667838.01"),
        "rows": 1234,
        "is_open": True,
        "seconds": Decimal("90.25"),
        "seen_at": "2026-11-22T12:00:00.000000Z",
    }
    assert empty == {"ticker": COMBO} | dict.fromkeys(list(full)[1:])


def test_json_of_an_empty_answer_a_record_and_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(written(replace(ANSWER, rows=[]), capsys, form=Format.JSON)) == []
    one = record({COLUMNS[0]: TICKER, COLUMNS[6]: 3})
    assert json.loads(written(one, capsys, form=Format.JSON)) == {"ticker": TICKER, "rows": 3}
    parts = replace(one, name="about", parts={"rows": ANSWER})
    found = json.loads(written(parts, capsys, form=Format.JSON))
    assert (found["about"], len(found["rows"])) == ({"ticker": TICKER, "rows": 3}, 2)


def test_pipe_gets_whole_rows_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """No control character reaches a terminal behind the pipe or adds a column."""
    lines = written(ANSWER, capsys).splitlines()
    rows = [line.split("\t") for line in lines]
    assert [len(row) for row in rows] == [10, 10, 10]
    assert rows[1][0] == TICKER
    assert all(cell.isprintable() for row in rows for cell in row)
    assert "日本" in rows[1][1]
    assert rows[1][2:] == [
        *["0.015", "0.3025005", "-0.0025005", "667838.01", "1234", "1", "90.25"],
        "2026-11-22T12:00:00.000000Z",
    ]


def test_pipe_gets_a_record_line_by_line_and_parts_in_sequence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = record({COLUMNS[0]: TICKER, COLUMNS[6]: 1_234})
    assert written(one, capsys) == f"ticker\t{TICKER}\nrows\t1234\n"
    parts = replace(one, parts={"others": Answer(COLUMNS[:1], [[COMBO]])})
    assert written(parts, capsys) == f"ticker\t{TICKER}\nrows\t1234\n\n# others\nticker\n{COMBO}\n"


def test_columns_are_selected_and_ordered(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(ANSWER, capsys, columns=["rows", "ticker"]) == f"rows\tticker\n1234\t{TICKER}\n\t{COMBO}\n"
    with pytest.raises(
        ConfigurationError, match=r"--columns 'yes_bit' is not a column: did you mean yes_bid\?"
    ):
        written(ANSWER, capsys, columns=["yes_bit"])


@pytest.mark.parametrize(("by_time", "first"), [(False, TICKER), (True, COMBO)], ids=["first", "newest"])
def test_limit_keeps_the_first_rows_or_the_newest(
    capsys: pytest.CaptureFixture[str], first: str, *, by_time: bool
) -> None:
    answer = replace(ANSWER, by_time=by_time)
    assert written(answer, capsys, limit=1, columns=["ticker"]) == f"ticker\n{first}\n"


def test_empty_answer_says_why_on_the_other_channel(capsys: pytest.CaptureFixture[str]) -> None:
    for form in (None, Format.CSV, Format.JSON):
        write_answer(replace(ANSWER, rows=[], reason="nothing moved"), Asked(form=form))
        output = capsys.readouterr()
        assert output.err == "nothing moved\n"
        assert "nothing" not in output.out


@pytest.mark.parametrize("width", [40, 60, 80, 120, 400])
def test_tickers_are_whole_at_every_width(width: int) -> None:
    lines = shown(ANSWER, width).splitlines()
    for ticker in (TICKER, COMBO):
        assert sum(ticker in line for line in lines) == 1
    # The terminal itself breaks a ticker that is wider than the screen, so it can still be copied.
    assert all(cell_len(line) <= width for line in lines if COMBO not in line)


def test_numbers_are_aligned_and_heads_are_above_them() -> None:
    head, full, empty = shown(ANSWER, 400).splitlines()[1:]
    for name, number in (
        ("yes bid", "0.015"),
        ("midpoint", "0.3025005"),
        ("volume", "667,838.01"),
        ("rows", "1,234"),
    ):
        assert head.index(name) + len(name) == cell_len(full[: full.index(number)]) + len(number)
    assert empty.split() == [COMBO, *["-"] * 6]


def test_texts_are_shortened_before_columns_are_omitted_and_named() -> None:
    # The title is shortened, then omitted with the volume.
    rows = [("KX-1", "a title of the exchange " * 3, *FULL[2:])]
    wide, narrower, narrow = (shown(replace(ANSWER, rows=rows), width) for width in (100, 80, 52))
    assert "…" in wide
    assert "667,838.01" in narrower
    assert "667,838.01" not in narrow
    assert "(a wider terminal or --columns shows title, volume too)" in " ".join(narrow.split())


def test_narrow_terminal_shows_records() -> None:
    lines = shown(replace(ANSWER, title=None), 40).splitlines()
    assert lines[:2] == ["ticker", f"  {TICKER}"] or lines[0] == f"ticker    {TICKER}"
    assert "yes bid   0.015" in lines
    assert "" in lines


def test_narrow_terminal_shows_ten_records_of_a_long_table() -> None:
    """A record takes one line per field. A table that is always shown in full is unaffected."""
    many = replace(ANSWER, rows=[FULL] * 41, most=40)
    assert shown(many, 40).count(TICKER) == 10
    assert "41 rows: the first 10 are shown" in " ".join(shown(many, 40).split())
    assert shown(many, 40, 12).count(TICKER) == 12
    assert shown(replace(many, most=None), 40).count(TICKER) == 41


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["colours", "NO_COLOR"])
def test_changes_are_coloured_unless_colour_is_off(environment: dict[str, str]) -> None:
    rows = [FULL, (*FULL[:4], 2_500.5, *FULL[5:])]
    text = shown(
        replace(ANSWER, rows=rows), 400, force_terminal=True, color_system="standard", _environ=environment
    )
    assert ("\x1b[31m-0.0025005" in text, "\x1b[32m+0.0025005" in text) == ((not environment,) * 2)


def test_exchange_texts_are_neither_styles_nor_control_characters() -> None:
    text = shown(ANSWER, 400)
    assert "[bold]B[/bold]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_more_rows_than_are_shown_are_counted() -> None:
    many = replace(ANSWER, rows=[FULL] * 41, most=40, what="quotes", by_time=True)
    text = shown(many, 200)
    assert text.count(TICKER) == 40
    assert "41 quotes: the newest 40 are shown; --limit shows more, --csv writes all" in text
    assert shown(many, 200, 41).count(TICKER) == 41
    assert "are shown" not in shown(many, 200, 41)


@pytest.mark.parametrize(("read_at_most", "may_be_more"), [(None, False), (3, True), (4, False)])
def test_rows_that_were_read_up_to_a_limit_may_not_be_all(
    read_at_most: int | None, *, may_be_more: bool
) -> None:
    read = replace(ANSWER, rows=[FULL] * 3, read_at_most=read_at_most)
    assert ("there may be more: --limit 6\n" in shown(read, 200, 3)) is may_be_more
    assert "there may be more" not in shown(replace(read, rows=[], read_at_most=0), 200)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_empty_table_has_no_head(width: int) -> None:
    empty = replace(ANSWER, rows=[], title=None)
    assert shown(empty, width) == ""
    assert shown(replace(empty, notes=["a note"]), width) == "a note\n"
    assert shown(replace(empty, parts={"others": empty}), width) == "\nothers\n"


def test_record_has_ages_in_words_and_wraps_texts() -> None:
    now = SYSTEM_CLOCK.now()
    about = record(
        {
            Column("ticker", Kind.TICKER): COMBO,
            Column("close_at", Kind.INSTANT): now - 7_200 * MICROS_PER_SECOND - 1,
            Column("yes_ask", Kind.DOLLARS, absent="unquoted"): None,
            Column("gone"): None,
            Column("rules"): "If it rains more than 0.1 inches, the market resolves to Yes. " * 2,
        }
    )
    lines = shown(about, 60).splitlines()
    assert lines[:2] == ["ticker", f"  {COMBO}"]
    assert lines[2].endswith("Z, 2 h ago")
    assert lines[3] == "yes ask  unquoted"
    assert all(len(line) <= 60 for line in lines if COMBO not in line)
    assert "gone" not in "".join(lines)


def test_times_are_local_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = written(replace(ANSWER, rows=[FULL]), capsys, is_local=True, columns=["seen_at"]).splitlines()[
        1:
    ]
    assert parse_instant(found) == NOON
    assert not found.endswith("Z")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (121, "2 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_age_is_shown_in_a_readable_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text


def on_terminal(columns: int, arguments: Sequence[str], environment: dict[str, str]) -> str:
    """What a command shows on a terminal of a width, on both of its channels."""
    import fcntl
    import termios

    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in environment.items() if name != "COLUMNS"} | {
        "TERM": "xterm"
    }
    code = f"import os; os.dup2(1, 2)\n{CLI}"
    with python(code, *arguments, env=environment, stdout=terminal) as process:
        os.close(terminal)
        shown = b""
        while part := read(controller):
            shown += part
    os.close(controller)
    assert process.returncode == 0
    return shown.decode().replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    """Return the terminal's next output, or nothing once no program writes to it."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_real_terminal_shows_a_table_and_a_pipe_all(run: Run, environment: dict[str, str]) -> None:
    assert run("snapshot").returncode == 0
    tickers = [line.split("\t")[0] for line in run("quotes").stdout.splitlines()[1:]]
    text = on_terminal(80, ["quotes"], environment)
    assert f"{len(tickers)} listed markets, the busiest first: the first 20 are shown" in " ".join(
        text.split()
    )
    assert all(ticker in text for ticker in tickers[:20])
    assert "\x1b[1mticker" in text
    records = on_terminal(40, ["quotes", "--limit", "2"], environment)
    assert all(ticker in records for ticker in tickers[:2])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_backfill_shows_a_bar_of_its_days_below_whole_lines(environment: dict[str, str]) -> None:
    text = on_terminal(
        60, ["backfill", "trades", "--start", "2026-10-01", "--end", "2026-10-04"], environment
    )
    assert "█████░░░░░░░░░░░░░░░ 2 of 4 trades of 2026-10-02" in text
    lines = [line.rpartition("\x1b[K")[2] for line in text.split("\n")]
    assert [line.split(",")[0] for line in lines if line] == [
        f"2026-10-0{day} trades complete" for day in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("command", [["snapshot"], ["quotes"], ["quotes", "--json"], ["status"], ["--help"]])
def test_pipe_that_closes_early_is_not_an_error(
    run: Run, environment: dict[str, str], command: list[str]
) -> None:
    """It does not stop a command that collects either."""
    assert run("snapshot").returncode == 0
    with python(CLI, *command, env=environment) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()
        assert process.stderr is not None
        errors = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "Broken pipe" not in errors
