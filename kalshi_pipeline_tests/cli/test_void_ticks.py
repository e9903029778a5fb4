"""The command `void-ticks`, after snapshots with a clock that was a day ahead."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, tick_iso_of
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.store.samples import sqlite_url

DAY = 86_400 * MICROS_PER_SECOND
MARKETS = 120
VOIDED = "SELECT count(*) FROM void_ticks"


def take_ahead(sandbox: Sandbox, database_path: Path) -> int:
    """Take a scheduled snapshot by a clock that is a day ahead, and return its instant."""
    tick_at = SYSTEM_CLOCK.now() + DAY
    clock = ManualClock(tick_at)
    settings = Settings(api_url=sandbox.url, database_url=sqlite_url(database_path))
    with (
        closing(Database(settings.database_url, clock=clock)) as database,
        KalshiClient(sandbox.url, requests_per_second=1000, clock=clock) as client,
    ):
        # An exchange that is ahead as well does not prove the clock wrong, however long its answers take.
        sandbox.faults = Faults(date_skew_seconds=86_400)
        take_snapshot(Session(client, database, settings, lambda _: None, clock), tick_at, 300)
        sandbox.faults = Faults()
    return tick_at


def test_collector_blocked_by_a_clock_ahead_continues_after_voiding(
    run: Run, sandbox: Sandbox, database_path: Path, query: Query
) -> None:
    assert run("snapshot").returncode == 0
    sandbox.world.step()
    ahead_at = take_ahead(sandbox, database_path)
    refused = run("snapshot")
    assert refused.returncode == 2
    assert "`kalshi data void-ticks --after 20" in refused.stderr

    before = database_path.read_bytes()
    shown = run("void-ticks", "--after", "now")
    assert (shown.returncode, shown.stderr) == (0, "nothing was changed; pass --yes to void them\n")
    assert "1 complete" in shown.stdout
    assert re.search(r"ticks\t1\tmoved", shown.stdout)
    assert "may be right" not in shown.stdout
    assert database_path.read_bytes() == before

    voided = run("void-ticks", "--after", "now", "--yes")
    assert (voided.returncode, voided.stderr) == (0, "")
    assert voided.stdout.endswith(
        "voided 1 tick; the rows are in void_ticks, void_snapshots and void_unchanged_blocks\n"
    )
    assert query("SELECT tick_at FROM void_ticks") == [(ahead_at,)]
    assert query("SELECT count(*) FROM latest_prices WHERE tick_at > ?", tick_iso_of(SYSTEM_CLOCK.now())) == [
        (0,)
    ]

    after = run("snapshot")
    assert after.returncode == 0
    assert "price_snapshots complete" in after.stdout
    assert query("SELECT state FROM ticks ORDER BY tick_at") == [("complete",), ("complete",)]


def test_clock_that_is_behind_voids_no_correct_tick(run: Run, sandbox: Sandbox, query: Query) -> None:
    """By that clock, all ticks of the last day seem to be in the future."""
    since = iso_of(SYSTEM_CLOCK.now() - MICROS_PER_SECOND)
    assert run("snapshot").returncode == 0
    sandbox.date_by(lambda: SYSTEM_CLOCK.now() / MICROS_PER_SECOND + 86_400)
    refused = run("void-ticks", "--after", since, "--yes")
    assert refused.returncode == 2
    assert "s behind the exchange's" in refused.stderr
    assert query(VOIDED) == [(0,)]


def test_ticks_are_voided_without_the_exchange(run: Run, query: Query) -> None:
    since = iso_of(SYSTEM_CLOCK.now() - MICROS_PER_SECOND)
    assert run("snapshot").returncode == 0
    voided = run("void-ticks", "--after", since, "--yes", API_URL="http://127.0.0.1:9", RETRY_SECONDS="0")
    assert voided.returncode == 0
    assert re.match(r"clock not checked: \S+/exchange/status could not be reached", voided.stderr)
    assert query(VOIDED) == [(1,)]


def test_nothing_to_void_is_reported_in_one_line(run: Run, query: Query) -> None:
    assert run("snapshot").returncode == 0
    for arguments in (["--after", "now"], ["--after", "NOW", "--yes"]):
        result = run("void-ticks", *arguments)
        assert (result.returncode, result.stdout) == (0, "")
        assert re.fullmatch(
            r"nothing to void: no tick is after \S+ \S+Z, and nothing is ahead of now\n", result.stderr
        )
    assert query(VOIDED) == [(0,)]


def test_real_ticks_are_shown_as_such_before_they_are_voided(run: Run, query: Query) -> None:
    since = iso_of(SYSTEM_CLOCK.now() - MICROS_PER_SECOND)
    assert run("snapshot").returncode == 0
    shown = run("void-ticks", "--after", since, "--dry-run")
    warning = "not in the future, so their quotes may be right: 1 of these ticks"
    assert warning in " ".join(shown.stdout.split())
    assert query(VOIDED) == [(0,)]
    assert run("void-ticks", "--after", since, "--yes").returncode == 0
    assert query("SELECT (SELECT count(*) FROM void_snapshots), (SELECT count(*) FROM price_snapshots)") == [
        (MARKETS, 0)
    ]
    assert run("snapshot").returncode == 0
    assert query("SELECT count(*) FROM price_snapshots") == [(MARKETS,)]


def test_command_refuses_in_one_line_while_a_snapshot_runs(
    run: Run, sandbox: Sandbox, database_path: Path, query: Query
) -> None:
    take_ahead(sandbox, database_path)
    with closing(Database(sqlite_url(database_path))) as database, database.snapshot_lock():
        result = run("void-ticks", "--after", "now", "--yes")
    assert result.returncode == 4
    assert result.stderr == (
        f"a snapshot of {database_path} is running; wait for the other program or stop it, then run again\n"
    )
    assert query(VOIDED) == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        pytest.param(["--after", "tomorrow"], "--after 'tomorrow' is not a time: write RFC 3339", id="word"),
        pytest.param(["--after", "2026-11-22T14:05:00"], "names no time zone", id="no-offset"),
    ],
)
def test_other_times_are_refused(run: Run, arguments: list[str], line: str) -> None:
    result = run("void-ticks", *arguments)
    assert result.returncode == 2
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_missing_database_is_not_created(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "other.db"
    result = run("void-ticks", "--after", "now", "--yes", DATABASE_URL=sqlite_url(missing))
    assert (result.returncode, missing.exists()) == (4, False)
    assert result.stderr.startswith(f"there is no database at {missing}")
