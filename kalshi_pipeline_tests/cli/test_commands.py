"""Commands as a user runs them: real processes for exit codes, the same functions in this process for the rest."""

import contextlib
import http.server
import json
import re
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
from kalshi_pipeline_tests.cli.conftest import Run, first_ticker
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.processes import CLI, python
from kalshi_pipeline_tests.store.migrations.stored import NEWEST, load
from kalshi_pipeline_tests.store.samples import take

# Data about events that is kept as documents, in the order of the steps.
DOCUMENTS = ("milestones", "structured_targets", "collections", "incentive_programs", "event_metadata")


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


@pytest.mark.parametrize("status", [401, 403, 400])
def test_refusal_is_reported_with_its_reason(run: Run, status: int) -> None:
    with refusing_server(status) as url:
        result = run("snapshot", API_URL=url)
    assert result.returncode == 3
    assert f"answered {status} (no entry)" in result.stderr


def test_order_books_are_stored_or_the_reason_is_reported(run: Run, sandbox: Sandbox, query: Query) -> None:
    nothing = run("order-books")
    assert nothing.returncode == 2
    assert "set KALSHI_ORDER_BOOK_MARKETS" in nothing.stderr
    ticker = first_ticker(sandbox)
    assert run("order-books", ORDER_BOOK_MARKETS=ticker.lower()).returncode == 0
    assert query("SELECT DISTINCT ticker FROM order_book_history") == [(ticker,)]
    assert run("order-books", ORDER_BOOK_MARKETS="KXTYPO").returncode == 3


@pytest.mark.parametrize("command", ["market", "history"])
def test_argument_that_is_not_text_is_refused(run: Run, command: str) -> None:
    """A shell passes any bytes."""
    result = run(command, "KX\udcff")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "'KX\\udcff' is not UTF-8 text: write it again\n"
