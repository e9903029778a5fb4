"""Commands as a user runs them: real processes for exit codes, the same functions in this process for the rest."""

import contextlib
import csv
import http.server
import io
import json
import re
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kalshi_pipeline.cli.formats import printable_json
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.cli.conftest import Result, Run
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.processes import CLI, Process, next_line, python
from kalshi_pipeline_tests.store.migrations.stored import NEWEST, load
from kalshi_pipeline_tests.store.samples import market, take, tick
from kalshi_pipeline_tests.waiting import Gate, wait_until

# Data about events that is kept as documents, in the order of the steps.
DOCUMENTS = ("milestones", "structured_targets", "collections", "incentive_programs", "event_metadata")


def first_ticker(sandbox: Sandbox) -> str:
    markets = httpx.get(f"{sandbox.url}/markets", params={"status": "open", "mve_filter": "exclude"}).json()[
        "markets"
    ]
    return str(
        next(market["ticker"] for market in markets if market["yes_bid_dollars"] not in ("0.0000", "1.0000"))
    )


def test_collect_once_then_every_question(run: Run, sandbox: Sandbox, query: Query) -> None:
    collected = run("collect", "--once")
    assert collected.returncode == 0
    (note,) = collected.stderr.splitlines()
    assert note.endswith("are in the historical tier: `kalshi data backfill settlements` stores them")
    assert [line.split(",")[0] for line in collected.stdout.splitlines()] == [
        "series complete",
        "events complete",
        "markets complete",
        "price_snapshots complete",
        "settlements complete",
        "series_fee_changes complete",
        "event_fee_changes complete",
        *(f"{asset} complete" for asset in DOCUMENTS),
    ]
    assert query("SELECT count(*) FROM latest_prices") == [(120,)]

    backfilled = run("backfill", "settlements")
    assert (backfilled.returncode, backfilled.stderr) == (0, "")
    assert backfilled.stdout.startswith("settlements complete")
    settled = query("SELECT ticker FROM settlement_history WHERE tier = 'historical' AND result = 'yes'")[0][
        0
    ]
    assert "yes, 1, " in run("market", settled, "--offline").stdout

    ticker = first_ticker(sandbox)
    metrics = run("metrics", ticker)
    assert metrics.returncode == 0
    assert ticker in metrics.stdout
    assert re.search(r"^confirmed_at\t\S+Z$", metrics.stdout, re.M)
    offline = run("market", ticker, "--offline")
    assert offline.returncode == 0
    assert "category" in offline.stdout
    status = run("status")
    assert status.returncode == 0
    assert re.search(r"^price_snapshots\t120\t", status.stdout, re.M)
    assert re.search(r"^ticks\t1 complete$", status.stdout, re.M)
    assert re.search(r"^markets\tcomplete\t", status.stdout, re.M)


@pytest.fixture(scope="module")
def large_exchange() -> Iterator[Sandbox]:
    """Three pages of markets, and several of events."""
    with Sandbox(World(WorldConfig(markets=2_200, combos=0))) as running:
        yield running


@pytest.fixture
def large(large_exchange: Sandbox) -> Iterator[Sandbox]:
    yield large_exchange
    large_exchange.faults = Faults()


def test_partial_step_does_not_stop_the_others(
    environment: dict[str, str], large: Sandbox, query: Query
) -> None:
    """In a pipe each step is one line, even at 80 columns. The last line names what is partial."""
    large.faults = Faults(unreachable_after=1, paths=("/events",))
    narrow = {**environment, "KALSHI_API_URL": large.url, "COLUMNS": "80"}
    with python(CLI, "collect", "--once", env=narrow) as process:
        output, errors = process.communicate()
    assert process.returncode == 3
    assert [line.split(",")[0] for line in output.splitlines()] == [
        "series complete",
        "events partial",
        "markets complete",
        "price_snapshots complete",
        "settlements complete",
        "series_fee_changes complete",
        "event_fee_changes partial",
        *(f"{asset} complete" for asset in DOCUMENTS[:-1]),
        "event_metadata partial",
    ]
    last = errors.splitlines()[-1]
    named = ("events", "event_fee_changes", "event_metadata")
    assert last == "; ".join(f"{asset} is partial" for asset in named) + "; run it again"
    assert re.search(r"^events partial, .*/events could not be reached ", output, re.M)
    assert query("SELECT state, inserted FROM ticks") == [("complete", 2_200)]


def stored_in_the_next_minute(database_path: Path, query: Query) -> None:
    """Store a tick that lies half a minute ahead, as another computer's clock may."""
    with contextlib.closing(Database(f"sqlite:///{database_path}")) as database:
        ahead = SYSTEM_CLOCK.now() + 30_000_000
        take(database, ahead, [])
    assert query("SELECT tick_at FROM ticks") == [(ahead,)]


@pytest.mark.parametrize("command", [["snapshot"], ["collect", "--once"]], ids=["snapshot", "collect"])
def test_skipped_snapshot_has_an_exit_code_of_its_own(
    run: Run, sandbox: Sandbox, database_path: Path, query: Query, command: list[str]
) -> None:
    """Partial data takes precedence over a skipped tick."""
    stored_in_the_next_minute(database_path, query)
    skipped = run(*command)
    assert skipped.returncode == 6
    assert re.fullmatch(
        r"price_snapshots is skipped: the newer tick \S+ had been taken before this one could start; run it again",
        skipped.stderr.splitlines()[-1],
    )
    sandbox.faults = Faults(server_errors=1, paths=("/events/fee_changes",))
    partial = run("collect", "--once")
    assert partial.returncode == 3
    last = partial.stderr.splitlines()[-1]
    assert re.match(r"event_fee_changes is partial: .*; price_snapshots is skipped: .*; run it again$", last)


def test_wrong_clock_is_one_line_and_stops_every_step(run: Run, sandbox: Sandbox, query: Query) -> None:
    sandbox.faults = Faults(date_skew_seconds=-86_400)
    result = run("collect", "--once")
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert re.match(r"this computer's clock says \S+, 86,40\d s ahead of the exchange's", result.stderr)
    assert query("SELECT count(*) FROM listings UNION ALL SELECT count(*) FROM ticks") == [(0,), (0,)]


def test_tick_of_a_clock_that_was_ahead_is_named_with_the_remedy(run: Run, database_path: Path) -> None:
    with contextlib.closing(Database(f"sqlite:///{database_path}")) as database:
        take(database, SYSTEM_CLOCK.now() + 86_400_000_000, [])
    result = run("snapshot")
    assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert re.match(
        r"tick \S+ is stored, 86,\d+ s ahead of now .*`kalshi data void-ticks --after \S+Z`$",
        result.stderr,
    )


@pytest.mark.parametrize(
    "command", ["snapshot", "collect --once", "collect --interval 5", "market get KX", "backfill settlements"]
)
def test_database_of_the_demo_gets_nothing_of_another_exchange(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Advice in an answer about the demo would otherwise mix the real exchange with invented tickers."""
    monkeypatch.chdir(tmp_path)
    elsewhere = {"API_URL": "https://exchange.invalid/trade-api/v2"}
    result = run(*command.split(), "--db", "data/demo.db", **elsewhere)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "data/demo.db has the data of the demo's exchange" in result.stderr
    assert re.search("pass another --db, or run `(uv run )?kalshi demo --ui` and", result.stderr)
    result = run(*command.split(), DATABASE_URL="sqlite:///data/demo.db", **elsewhere)
    assert "unset KALSHI_DATABASE_URL" in result.stderr
    assert not (tmp_path / "data").exists()


def test_unreachable_exchange_is_reported_once(run: Run) -> None:
    """One note reports the unchecked clock, and the last line names everything that failed or is partial."""
    result = run("collect", "--once", API_URL="http://127.0.0.1:9")
    assert result.returncode == 3
    *lines, last = result.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines if line.startswith("note")] == ["note"]
    assert "this run stored nothing of price_snapshots" in result.stderr
    names = ("series_fee_changes", "event_fee_changes", *DOCUMENTS[:-1])
    failed = ("series", "events", "markets", "price_snapshots", "settlements")
    assert last == "; ".join(
        [*(f"{name} failed" for name in failed), *(f"{name} is partial" for name in names), "run it again"]
    )


def test_failed_step_does_not_stop_the_others(run: Run, sandbox: Sandbox, query: Query) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/series",))
    result = run("collect", "--once")
    assert result.returncode == 3
    assert [line.split(",")[0] for line in result.stdout.splitlines()] == [
        "events complete",
        "markets complete",
        "price_snapshots complete",
        "settlements complete",
        "series_fee_changes partial",
        "event_fee_changes complete",
        *(f"{asset} complete" for asset in DOCUMENTS),
    ]
    first, *_, last = result.stderr.splitlines()
    assert re.match(r"series failed: .*; this run stored nothing of series$", first)
    assert re.fullmatch(r"series failed; series_fee_changes is partial: .*, then run again", last)
    assert query("SELECT state, inserted FROM ticks") == [("complete", 120)]


@pytest.mark.parametrize(
    ("command", "partial"),
    [
        (["sync"], ["events", "markets"]),
        (["snapshot"], ["price_snapshots"]),
        (["collect", "--once"], ["events", "markets", "price_snapshots"]),
    ],
    ids=["sync", "snapshot", "collect"],
)
def test_last_line_names_every_listing_that_was_cut(
    run: Run, large: Sandbox, command: list[str], partial: list[str]
) -> None:
    result = run(*command, API_URL=large.url, MAX_PAGES="1")
    assert result.returncode == 3
    cut = "truncated: stopped at KALSHI_MAX_PAGES=1 with more to come"
    named = "; ".join(f"{asset} is partial: {cut}" for asset in partial)
    assert result.stderr.splitlines()[-1] == f"{named}; run it again"
    assert result.stdout.count(f"({cut})") == len(partial)


def test_database_error_stops_all_steps(run: Run, database_path: Path) -> None:
    database_path.write_bytes(b"no database" * 100)
    result = run("collect", "--once")
    assert (result.returncode, len(result.stderr.splitlines()), result.stdout) == (4, 1, "")


@pytest.mark.parametrize("command", [["collect", "--once"], ["sync"]], ids=["collect", "sync"])
def test_database_error_in_one_of_the_last_steps_does_not_stop_the_others(
    run: Run, database_path: Path, command: list[str]
) -> None:
    run("init")
    refused = "BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'not here'); END"
    with contextlib.closing(sqlite3.connect(database_path)) as connection:
        for table in ("series_fee_changes", "document_subjects"):
            connection.execute(f"CREATE TRIGGER refuse_{table} {refused.format(table)}")
    result = run(*command)
    assert result.returncode == 4
    failed = ["series_fee_changes", *DOCUMENTS]
    *lines, last = [line for line in result.stderr.splitlines() if "failed" in line]
    assert [line.split(" ")[0] for line in lines] == failed
    assert all(
        line.startswith(f"{asset} failed: ") and "not here" in line
        for asset, line in zip(failed, lines, strict=True)
    )
    assert last == "; ".join([*(f"{asset} failed" for asset in failed), "see the cause, then run again"])
    assert "event_fee_changes complete" in result.stdout


def test_partial_backfill_of_settlements_says_so(run: Run, sandbox: Sandbox) -> None:
    sandbox.faults = Faults(server_errors=1, paths=("/historical/markets",))
    result = run("backfill", "settlements")
    assert (result.returncode, result.stdout.split(",")[0]) == (3, "settlements partial")
    assert re.search(r"^settlements is partial: .*, then run again$", result.stderr.splitlines()[-1])


def test_sync_and_snapshot_store_their_parts(run: Run, query: Query) -> None:
    assert run("sync").returncode == 0
    assert query("SELECT count(*) FROM markets UNION ALL SELECT count(*) FROM ticks") == [(120,), (0,)]
    assert run("snapshot").returncode == 0
    assert query("SELECT state, inserted FROM ticks") == [("complete", 120)]


@pytest.mark.parametrize("status", ["unopened", "paused", "closed", "settled"])
def test_markets_of_each_status_are_synced(run: Run, sandbox: Sandbox, query: Query, status: str) -> None:
    """With their events and series, settled ones with their results."""
    sandbox.world.step(40)
    listed = httpx.get(f"{sandbox.url}/markets?status={status}&mve_filter=exclude&limit=1000").json()[
        "markets"
    ]
    assert run("data", "sync-markets", "--status", status).returncode == 0
    assert query("SELECT count(*) FROM markets") == [(len(listed),)]
    assert len(listed) > 0
    assert query("SELECT count(*) FROM events WHERE is_placeholder OR series_id IS NULL") == [(0,)]
    assert (query("SELECT count(*) FROM settlements")[0][0] > 0) == (status == "settled")
    again = run("data", "sync-markets", "--status", status)
    assert (again.returncode, " 0 inserted" in again.stdout) == (0, True)


def test_all_markets_are_synced_at_once(run: Run, query: Query) -> None:
    result = run("data", "sync-markets", "--status", "all")
    assert result.returncode == 0
    others = [f"{status} markets" for status in ("unopened", "paused", "closed")]
    steps = ["series", "events", "markets", *others, "settlements"]
    assert [line.split(" complete")[0] for line in result.stdout.splitlines()] == steps
    assert query("SELECT count(*) FROM markets WHERE status = 'active'")[0][0] > 100


def test_snapshot_of_paused_markets_neither_ends_nor_confirms_others(
    run: Run, sandbox: Sandbox, query: Query
) -> None:
    listed = httpx.get(f"{sandbox.url}/markets?status=paused&mve_filter=exclude").json()["markets"]
    assert run("snapshot").returncode == 0
    before = query("SELECT ticker, confirmed_at FROM latest_prices WHERE status = 'active' ORDER BY 1")
    result = run("data", "snapshot", "--status", "paused")
    assert (result.returncode, result.stdout.split(",")[0]) == (0, "paused price_snapshots complete")
    assert (
        query("SELECT ticker, confirmed_at FROM latest_prices WHERE status = 'active' ORDER BY 1") == before
    )
    assert f" {len(listed)} paused" in result.stdout
    assert len(listed) > 0
    assert query("SELECT count(*) FROM unlisted_spans") == [(0,)]
    assert query("SELECT count(*) FROM latest_prices WHERE is_terminal") == [(0,)]
    assert query("SELECT scope LIKE 'paused markets%' FROM tick_history ORDER BY tick_at DESC LIMIT 1") == [
        (1,)
    ]


def test_market_is_stored_with_its_parents(run: Run, sandbox: Sandbox, query: Query) -> None:
    """A second run changes nothing."""
    ticker = first_ticker(sandbox)
    assert run("market", ticker).returncode == 0
    parents = (
        "SELECT m.ticker, e.is_placeholder, s.is_placeholder, m.changed_at FROM markets m"
        " JOIN events e ON e.id = m.event_id JOIN series s ON s.id = e.series_id"
    )
    before = query(parents)
    assert [row[:3] for row in before] == [(ticker, 0, 0)]
    assert run("market", ticker).returncode == 0
    assert query(parents) == before


def test_details_are_json_without_control_characters(run: Run, query: Query) -> None:
    assert run("sync").returncode == 0
    [(ticker, event, series)] = query(
        "SELECT m.ticker, e.ticker, s.ticker FROM markets AS m JOIN events AS e ON e.id = m.event_id "
        "JOIN series AS s ON s.id = e.series_id LIMIT 1"
    )
    for name, kind, identifier in (
        (ticker, "market", "ticker"),
        (event, "event", "event_ticker"),
        (series, "series", "ticker"),
    ):
        shown = run("details", name)
        assert json.loads(shown.stdout)[identifier] == name
        assert shown.stderr.startswith(f"{kind} {name} as the exchange has described it since 20")
    unknown = run("details", "NOPE")
    assert (unknown.returncode, unknown.stdout) == (5, "")
    wrong = run("details", series, "--kind", "planet")
    assert (wrong.returncode, wrong.stdout) == (5, "")
    assert "choose the kind series" in wrong.stderr
    wrong = run("details", "NOPE", "--kind", "planet")
    assert "choose the kind market, event, series, collection" in wrong.stderr
    early = run("details", ticker, "--at", "2020-01-01T00:00:00Z")
    assert (early.returncode, early.stdout) == (2, "")
    assert f"details of {ticker} are known from 20" in early.stderr


def test_status_notices_that_nothing_is_collected(run: Run) -> None:
    """A supervisor uses this to restart a collector."""
    run("init")
    empty = run("status", "--max-age", "5")
    assert (empty.returncode, empty.stderr[:19]) == (3, "no tick is complete")
    run("snapshot")
    assert run("status", "--max-age", "5").returncode == 0
    stale = run("status", "--max-age", "0")
    assert (stale.returncode, stale.stderr[:31]) == (3, "the newest complete tick is at ")
    assert "ticks\t1 complete\n" in stale.stdout


def test_json_on_a_terminal_has_no_control_characters() -> None:
    text = json.dumps({"a": "\x9b31m\u202eé\x7f", "b": "\x1b[1m"}, ensure_ascii=False)
    printed = printable_json(text)
    assert printed.isprintable()
    assert "é" in printed
    assert json.loads(printed) == json.loads(text)


def test_market_without_a_trade_has_no_last_price(run: Run, sandbox: Sandbox) -> None:
    """The exchange writes 0, which is not a price, whether fetched or read."""
    markets = httpx.get(f"{sandbox.url}/markets?status=open&mve_filter=exclude").json()["markets"]
    ticker = next(row["ticker"] for row in markets if float(row["last_price_dollars"]) == 0)
    assert run("snapshot").returncode == 0
    for arguments in (["market", ticker], ["market", ticker, "--offline"], ["metrics", ticker]):
        assert re.search(r"^last_price\t$", run(*arguments).stdout, re.M)


def test_archived_market_is_fetched_from_the_historical_tier(
    run: Run, sandbox: Sandbox, query: Query
) -> None:
    (market,) = httpx.get(f"{sandbox.url}/historical/markets?limit=1").json()["markets"]
    result = run("market", market["ticker"])
    assert result.returncode == 0
    fields = dict(line.split("\t") for line in result.stdout.splitlines())
    assert (fields["status"], fields["result"]) == (market["status"], market["result"])
    assert query("SELECT ticker, result, settlement_value, tier FROM settlement_history") == [
        (market["ticker"], market["result"], float(market["settlement_value_dollars"]), "historical")
    ]


def test_unquoted_side_is_shown_as_unquoted(run: Run, query: Query) -> None:
    assert run("snapshot").returncode == 0
    ((ticker,), *_) = query("SELECT ticker FROM latest_prices WHERE yes_bid IS NULL")
    metrics = run("metrics", ticker)
    assert re.search(r"^yes_bid\t$", metrics.stdout, re.M)
    assert re.search(r"^midpoint\t$", metrics.stdout, re.M)


def test_init_creates_the_database(run: Run, database_path: Path, query: Query) -> None:
    database_path.unlink()
    first, again = run("init"), run("init")
    assert (first.returncode, again.returncode) == (0, 0)
    assert str(database_path) in first.stdout
    assert query("SELECT count(*) FROM latest_prices") == [(0,)]


def test_init_says_where_it_kept_a_copy_of_an_older_database(run: Run, database_path: Path) -> None:
    database_path.unlink()
    load("0001", database_path)
    first, again = run("init"), run("init")
    ready = f"{database_path} is ready. Next: `kalshi data collect --once`"
    copy = database_path.with_name(f"kalshi.before-{NEWEST}.db")
    assert first == (0, f"before the upgrade, it was copied to {copy}\n{ready}\n", "")
    assert again == (0, f"{ready}\n", "")
    assert copy.exists()


def test_init_refuses_tables_that_match_no_release_in_one_line(run: Run, database_path: Path) -> None:
    database_path.unlink()
    load("broken-0001-lookups-in-events", database_path)
    refused = run("init")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.splitlines() == [
        f"{database_path} says that it has schema 0001, but its table event_lookups is missing; a development "
        "version made it, or another program changed it: keep it for that version, and set KALSHI_DATABASE_URL to a "
        "new file"
    ]


@pytest.mark.parametrize("command", ["snapshot", "sync-markets", "backfill settlements"])
def test_wrong_path_of_the_api_is_not_reported_as_an_unknown_ticker(
    run: Run, sandbox: Sandbox, command: str
) -> None:
    refused = run("data", *command.split(), API_URL=sandbox.url.replace("/trade-api", "/api"))
    assert refused.returncode == 3
    assert "answered 404" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "exit_code", "line"),
    [
        (["market", "KXNOPE-1"], {}, 5, r"/markets/KXNOPE-1 answered 404 .*check the ticker"),
        (
            ["snapshot"],
            {"COMBOS": "some"},
            2,
            r"KALSHI_COMBOS=some: input should be .*; change it or unset it",
        ),
        (
            ["snapshot"],
            {"MAX_PAGE": "1"},
            2,
            r"KALSHI_MAX_PAGE is not a setting: did you mean KALSHI_MAX_PAGES\?",
        ),
        (
            ["snapshot"],
            {"DATABASE_URL": "postgresql://u:secret@h/d"},
            2,
            r"KALSHI_DATABASE_URL: names no SQLite file",
        ),
        (
            ["snapshot"],
            {"DATABASE_URL": "sqlite:////proc/nowhere/k.db"},
            4,
            r"/proc/nowhere.*set KALSHI_DATABASE_URL",
        ),
        (
            ["snapshot"],
            {"API_URL": "http://127.0.0.1:9/trade-api/v2"},
            3,
            r"could not be reached .*run again",
        ),
        (["collect"], {}, 2, r"pass either --once or --interval"),
        (
            ["status"],
            {"DATABASE_URL": "sqlite:///none.db"},
            4,
            r"there is no database at .*; run `kalshi data collect --once`",
        ),
        (["metrics", "KXNOPE-1"], {"DATABASE_URL": "sqlite:///none.db"}, 4, r"there is no database at"),
    ],
    ids=[
        "unknown ticker",
        "bad setting",
        "misspelt setting",
        "other database",
        "no folder",
        "unreachable",
        "no choice",
        "no database",
        "metrics without database",
    ],
)
def test_failure_is_one_line_and_an_exit_code(
    run: Run, arguments: list[str], settings: dict[str, str], exit_code: int, line: str
) -> None:
    result = run(*arguments, **settings)
    assert (result.returncode, len(result.stderr.splitlines()), result.stdout) == (exit_code, 1, "")
    assert re.search(line, result.stderr)
    assert "secret" not in result.stderr


def test_stored_ticker_is_fetched_by_name(run: Run) -> None:
    assert run("snapshot").returncode == 0
    for arguments in (["metrics", "KXNOPE-1"], ["market", "KXNOPE-1", "--offline"]):
        result = run(*arguments)
        assert result.returncode == 5
        assert result.stderr.startswith("KXNOPE-1 is not stored; check the ticker")


@pytest.mark.parametrize("status", [401, 403, 400])
def test_refusal_is_reported_with_its_reason(run: Run, status: int) -> None:
    with refusing_server(status) as url:
        result = run("snapshot", API_URL=url)
    assert result.returncode == 3
    assert f"answered {status} (no entry)" in result.stderr


SIGNALS = pytest.mark.parametrize(
    ("number", "ignores_sigint", "exit_code"),
    [(signal.SIGINT, False, 130), (signal.SIGTERM, True, 143), (signal.SIGHUP, True, 129)],
    ids=["SIGINT", "SIGTERM where SIGINT is ignored", "SIGHUP where SIGINT is ignored"],
)


@SIGNALS
def test_collect_at_an_interval_continues_until_it_is_stopped(
    environment: dict[str, str], query: Query, number: signal.Signals, *, ignores_sigint: bool, exit_code: int
) -> None:
    """`ingest/test_collect.py` tests how it waits for ticks, and what it does after a failed one."""
    arguments = ("collect", "--interval", "0.01")
    with python(CLI, *arguments, env=environment, ignores_sigint=ignores_sigint) as process:
        seen = 0
        while seen < 2:
            line = next_line(process)
            assert line, "it has ended"
            seen += line.startswith("price_snapshots complete")
            if ignores_sigint:
                process.send_signal(signal.SIGINT)
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == exit_code
    assert errors.endswith(f"stopped by {number.name}\n")
    assert query("SELECT count(*) FROM ticks WHERE state = 'running'") == [(0,)]
    ticks = query("SELECT tick_at % 600000, state FROM ticks WHERE state = 'complete'")
    assert len(ticks) >= 2
    assert set(ticks) == {(0, "complete")}
    assert query("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.timeout(60)
def test_collect_at_an_interval_outlives_the_program_that_reads_its_output(
    environment: dict[str, str], query: Query
) -> None:
    """For example because a logger restarts, or the terminal is closed."""
    with python(CLI, "collect", "--interval", "0.01", env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert next_line(process)
        process.stdout.close()
        process.stderr.close()
        wait_until(lambda: query("SELECT count(*) > 2 FROM ticks WHERE state = 'complete'") == [(1,)])
        assert process.poll() is None
        process.terminate()
    assert process.returncode == 143


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"MAX_PAGES": "0"}, id="setting"),
        pytest.param({"DATABASE_URL": "sqlite:////proc/no/kalshi.db"}, id="database"),
    ],
)
def test_collect_at_an_interval_refuses_what_is_wrong_at_the_start(
    run: Run, settings: dict[str, str]
) -> None:
    assert run("collect", "--interval", "1", **settings).returncode in (2, 4)


@contextlib.contextmanager
def snapshot_on_its_way(
    environment: dict[str, str], run: Run, sandbox: Sandbox, gate: Gate, *, ignores_sigint: bool = False
) -> Iterator[Process]:
    """A snapshot in a process of its own that waits for its first page."""
    assert run("init").returncode == 0
    sandbox.faults = Faults(latency_seconds=30, paths=("/markets",))
    with python(CLI, "snapshot", env=environment, ignores_sigint=ignores_sigint) as process:
        gate.wait_for()
        yield process
    gate.open()


def test_killed_run_is_continued_by_the_next(
    environment: dict[str, str], run: Run, sandbox: Sandbox, gate: Gate, query: Query
) -> None:
    """It is killed while a page is being fetched."""
    with snapshot_on_its_way(environment, run, sandbox, gate) as process:
        process.kill()
    assert query("SELECT state FROM ticks") == [("running",)]

    assert run("snapshot").returncode == 0
    assert query("SELECT state, inserted FROM ticks ORDER BY tick_at") == [("failed", 0), ("complete", 120)]


@SIGNALS
def test_stopped_run_closes_its_record(
    environment: dict[str, str],
    run: Run,
    sandbox: Sandbox,
    gate: Gate,
    query: Query,
    number: signal.Signals,
    *,
    ignores_sigint: bool,
    exit_code: int,
) -> None:
    with snapshot_on_its_way(environment, run, sandbox, gate, ignores_sigint=ignores_sigint) as process:
        process.send_signal(number)
    assert process.returncode == exit_code
    assert query("SELECT state, reason FROM ticks") == [("failed", f"stopped by {number.name}")]


@SIGNALS
def test_sandbox_command_serves_until_it_is_stopped(
    environment: dict[str, str], number: signal.Signals, *, ignores_sigint: bool, exit_code: int
) -> None:
    arguments = ("sandbox", "--port", "0", "--markets", "20", "--fault", "overlap=2")
    with python(CLI, *arguments, env=environment, ignores_sigint=ignores_sigint) as process:
        url = next_line(process).strip().removeprefix("KALSHI_API_URL=")
        assert httpx.get(f"{url}/exchange/status").json()["trading_active"] is True
        process.send_signal(number)
        output, errors = process.communicate()
    assert (process.returncode, output) == (exit_code, "")
    assert errors.splitlines() == [
        "Serving 20 markets and 300 combos until Ctrl-C. Point the pipeline at it with:",
        f"stopped by {number.name}",
    ]


def test_sandbox_command_refuses_an_invalid_port(run: Run) -> None:
    result = run("sandbox", "--port", "70000")
    assert result.returncode == 2
    assert "65535" in result.stderr


def test_sandbox_command_names_the_faults_it_knows(run: Run) -> None:
    result = run("sandbox", "--fault", "gremlins=1")
    assert result.returncode == 2
    assert result.stderr.startswith("sandbox: unknown fault 'gremlins': the known ones are")


@contextlib.contextmanager
def refusing_server(status: int) -> Iterator[str]:
    """A server that refuses every request with one status."""

    class Refusal(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"error": {"code": "denied", "message": "no entry"}}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/trade-api/v2"
        server.shutdown()
        thread.join()


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


def test_order_books_are_stored_or_the_reason_is_reported(run: Run, sandbox: Sandbox, query: Query) -> None:
    nothing = run("order-books")
    assert nothing.returncode == 2
    assert "set KALSHI_ORDER_BOOK_MARKETS" in nothing.stderr
    ticker = first_ticker(sandbox)
    assert run("order-books", ORDER_BOOK_MARKETS=ticker.lower()).returncode == 0
    assert query("SELECT DISTINCT ticker FROM order_book_history") == [(ticker,)]
    assert run("order-books", ORDER_BOOK_MARKETS="KXTYPO").returncode == 3


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


@pytest.mark.parametrize("command", ["market", "history"])
def test_argument_that_is_not_text_is_refused(run: Run, command: str) -> None:
    """A shell passes any bytes."""
    result = run(command, "KX\udcff")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "'KX\\udcff' is not UTF-8 text: write it again\n"
