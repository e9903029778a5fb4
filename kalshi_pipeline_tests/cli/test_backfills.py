"""Backfills day by day: they continue after failures and interruptions."""

import re
import signal

import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline_tests.cli.conftest import Result, Run, first_ticker
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.processes import CLI, python
from kalshi_pipeline_tests.waiting import Gate


def test_partial_backfill_of_settlements_says_so(run: Run, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/historical/markets",))
    result = run("backfill", "settlements")
    assert (result.returncode, result.stdout.split(",")[0]) == (3, "settlements partial")
    assert re.search(r"^settlements is partial: .*, then run again$", result.stderr.splitlines()[-1])


def backfill(run: Run, *arguments: str, start: str = "2026-10-06", **settings: str) -> Result:
    days = ("--start", start, "--end", "2026-10-07")
    return run("backfill", "candlesticks", *days, *arguments, **settings)


def test_backfill_of_candlesticks_takes_day_by_day(run: Run, sandbox: Sandbox, query: Query) -> None:
    ticker = first_ticker(sandbox)
    first = backfill(run, "--market", ticker, "--minutes", "1440")
    assert (first.returncode, first.stderr) == (0, "")
    assert [line.split(",")[0] for line in first.stdout.splitlines()] == [
        "2026-10-06 candlesticks complete",
        "2026-10-07 candlesticks complete",
    ]
    assert query("SELECT ticker, day, period_minutes FROM candlestick_coverage ORDER BY day") == [
        (ticker, "2026-10-06", 1440),
        (ticker, "2026-10-07", 1440),
    ]
    again = backfill(run, "--market", ticker, "--minutes", "1440")
    assert "note: 1 of 1 markets were already stored" in again.stderr
    asked_again = backfill(run, "--market", ticker, "--minutes", "1440", "--again")
    assert asked_again.returncode == 0
    assert "0 inserted" in asked_again.stdout


def test_backfill_of_candlesticks_takes_a_series(run: Run, query: Query) -> None:
    assert run("sync").returncode == 0
    ((series, markets),) = query(
        "SELECT s.ticker, count(*) FROM markets m JOIN events e ON e.id = m.event_id JOIN series s "
        "ON s.id = e.series_id GROUP BY 1 ORDER BY min(m.open_at) LIMIT 1"
    )
    assert backfill(run, start="2026-10-07", CANDLESTICK_SERIES=series).returncode == 0
    assert query("SELECT count(*) BETWEEN 1 AND ? FROM candlestick_coverage", markets) == [(1,)]


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "line"),
    [
        pytest.param(
            (), {}, 2, "pass --series or --market, or select markets in the settings", id="nothing chosen"
        ),
        pytest.param(
            ("--market", "M", "--minutes", "5"), {}, 2, "candlesticks of 1, 60 and 1440", id="odd minutes"
        ),
        pytest.param(
            ("--market", "KXTYPO"),
            {},
            3,
            "candlesticks of 2026-10-06 is partial: KXTYPO: ",
            id="unknown market",
        ),
    ],
)
def test_impossible_backfill_of_candlesticks_says_why(
    run: Run, arguments: tuple[str, ...], settings: dict[str, str], code: int, line: str
) -> None:
    result = backfill(run, *arguments, **settings)
    assert result.returncode == code
    assert line in result.stderr


def test_backfill_of_days_in_the_wrong_order_says_so(run: Run) -> None:
    result = backfill(run, "--market", "M", start="2026-10-08")
    assert result.returncode == 2
    assert "backfill: --end 2026-10-07 is before --start 2026-10-08: swap them" in result.stderr


def test_backfill_of_trades_goes_day_by_day_and_continues(run: Run, query: Query) -> None:
    arguments = ("backfill", "trades", "--start", "2026-10-01", "--end", "2026-10-03")
    first = run(*arguments)
    assert (first.returncode, first.stderr) == (0, "")
    days = ["2026-10-01", "2026-10-02", "2026-10-03"]
    assert [line.split(",")[0] for line in first.stdout.splitlines()] == [
        f"{day} trades complete" for day in days
    ]
    rows = query("SELECT count(*), count(DISTINCT substr(created_at, 1, 10)) FROM trade_history")
    assert rows == [(sum(inserted for (inserted,) in query("SELECT inserted FROM listings")), 3)]

    second = run(*arguments)
    assert second.returncode == 0
    assert second.stdout.count("trades complete, 0 received") == 3
    again = run("backfill", "trades", "--start", "2026-10-02", "--again")
    assert re.search(r"2026-10-02 trades complete, \d+ received, 0 inserted", again.stdout)
    assert query("SELECT count(*), count(DISTINCT substr(created_at, 1, 10)) FROM trade_history") == rows


def test_backfill_continues_after_a_failed_day(run: Run, sandbox: Sandbox, query: Query) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/markets/trades",))
    failed = run("backfill", "trades", "--start", "2026-10-01", "--end", "2026-10-03")
    assert (failed.returncode, failed.stdout) == (3, "")
    *lines, last = failed.stderr.splitlines()
    days = ("2026-10-01", "2026-10-02", "2026-10-03")
    assert [line.partition(":")[0] for line in lines] == [f"trades of {day} failed" for day in days]
    assert all("this run stored nothing of trades" in line for line in lines)
    assert last == "; ".join(f"trades of {day} failed" for day in days) + "; run it again"
    assert query("SELECT state FROM backfill_progress") == [("partial",)] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ("--start", "2026-10-03", "--end", "2026-10-01"),
            "backfill: --end 2026-10-01 is before --start 2026-10-03: swap them",
            id="a range that ends before it starts",
        ),
        pytest.param(
            ("--start", "2199-01-01"),
            "2199-01-01 has not begun in UTC: choose an earlier day",
            id="a day to come",
        ),
        pytest.param(("--start", "October"), "--start 'October' is not a time: ", id="no day"),
        pytest.param((), "Missing option '--start'", id="no start"),
    ],
)
def test_backfill_of_invalid_days_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("backfill", "trades", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_interrupted_backfill_closes_its_walk_and_continues(
    environment: dict[str, str], run: Run, sandbox: Sandbox, gate: Gate, query: Query
) -> None:
    assert run("init").returncode == 0
    sandbox.faults = Faults(latency_seconds=30, paths=("/markets/trades",))
    with python(CLI, "backfill", "trades", "--start", "2026-10-01", env=environment) as process:
        gate.wait_for()
        process.send_signal(signal.SIGINT)
    gate.open()
    assert process.returncode == 130
    assert query("SELECT state, reason FROM backfill_progress") == [("partial", "stopped by SIGINT")]
    assert query("SELECT state, reason FROM listings") == [("failed", "stopped by SIGINT")]
    assert run("backfill", "trades", "--start", "2026-10-01").returncode == 0
    assert query("SELECT state FROM backfill_progress") == [("complete",)]
