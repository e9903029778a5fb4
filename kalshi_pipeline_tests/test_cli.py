"""The command line, run as a person runs it: real processes for the exit codes, the same functions for the rest."""

import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from kalshi_pipeline.cli import main
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.conftest import Query


class Result(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=120, combos=5))) as running:
        yield running


@pytest.fixture
def environment(sandbox: Sandbox, database_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "KALSHI_API_URL": sandbox.url,
        "KALSHI_DATABASE_URL": f"sqlite:///{database_path}",
        "KALSHI_REQUESTS_PER_SECOND": "1000",
        "KALSHI_RETRY_SECONDS": "0",
        "COLUMNS": "160",
    }


@pytest.fixture
def run(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command within this process: starting Python costs seconds, and the way in is the same."""

    def call(*arguments: str, **settings: str) -> Result:
        with monkeypatch.context() as patch:
            for name, value in {
                **environment,
                **{f"KALSHI_{name}": value for name, value in settings.items()},
            }.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["kalshi-pipeline", *arguments])
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main()
        output = capsys.readouterr()
        return Result(int(end.value.code or 0), output.out, output.err)

    return call


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
    assert note.endswith("is in the historical tier: `kalshi-pipeline backfill settlements` stores it")
    assert [line.split(",")[0] for line in collected.stdout.splitlines()] == [
        "series complete",
        "events complete",
        "markets complete",
        "price_snapshots complete",
        "settlements complete",
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
    assert re.search(r"received \d+ s ago", metrics.stdout)
    offline = run("market", ticker, "--offline")
    assert offline.returncode == 0
    assert "category" in offline.stdout
    status = run("status")
    assert status.returncode == 0
    assert re.search(r"price_snapshots\s+120", status.stdout)
    assert "1 complete" in status.stdout
    for command in ("sync", "snapshot"):
        shown = run(command, "--status")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert "complete" in shown.stdout


def test_sync_and_snapshot_take_their_part(run: Run, query: Query) -> None:
    assert run("sync").returncode == 0
    assert query("SELECT count(*) FROM markets UNION ALL SELECT count(*) FROM ticks") == [(120,), (0,)]
    assert run("snapshot").returncode == 0
    assert query("SELECT state, inserted FROM ticks") == [("complete", 120)]


def test_market_is_stored_with_its_parents(run: Run, sandbox: Sandbox, query: Query) -> None:
    """R12: idempotently."""
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


def test_unquoted_side_is_said_to_be_unquoted(run: Run, query: Query) -> None:
    """R46."""
    assert run("snapshot").returncode == 0
    ((ticker,), *_) = query("SELECT ticker FROM latest_prices WHERE yes_bid IS NULL")
    metrics = run("metrics", ticker)
    assert re.search(r"yes bid\s+│?\s*unquoted", metrics.stdout)
    assert "not quoted on both sides" in metrics.stdout


def test_init_makes_the_database(run: Run, database_path: Path, query: Query) -> None:
    first, again = run("init"), run("init")
    assert (first.returncode, again.returncode) == (0, 0)
    assert str(database_path) in first.stdout
    assert query("SELECT count(*) FROM latest_prices") == [(0,)]


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
        (["collect"], {}, 2, r"give either --once or --interval"),
        (["status"], {}, 4, r"there is no database at .*: run `kalshi-pipeline collect --once`"),
        (["metrics", "KXNOPE-1"], {}, 4, r"there is no database at"),
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
    """R53."""
    result = run(*arguments, **settings)
    assert (result.returncode, len(result.stderr.splitlines()), result.stdout) == (exit_code, 1, "")
    assert re.search(line, result.stderr)
    assert "secret" not in result.stderr


def test_stored_ticker_is_asked_for_by_name(run: Run) -> None:
    assert run("snapshot").returncode == 0
    for arguments in (["metrics", "KXNOPE-1"], ["market", "KXNOPE-1", "--offline"]):
        result = run(*arguments)
        assert result.returncode == 5
        assert result.stderr.startswith("KXNOPE-1 is not stored: check the ticker")


@pytest.mark.parametrize("status", [401, 403, 400])
def test_refusal_is_told_with_its_reason(run: Run, status: int) -> None:
    with refusing_server(status) as url:
        result = run("snapshot", API_URL=url)
    assert result.returncode == 3
    assert f"answered {status} (no entry)" in result.stderr


def test_collect_at_an_interval_goes_on_until_it_is_stopped(
    environment: dict[str, str], query: Query
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kalshi_pipeline.cli", "collect", "--interval", "0.02"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        seen = 0
        while seen < 3:
            seen += process.stdout.readline().startswith("price_snapshots complete")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.endswith("stopped\n")
    ticks = query("SELECT tick_at % 1200000, state FROM ticks WHERE state = 'complete'")
    assert len(ticks) >= 3
    assert set(ticks) == {(0, "complete")}
    assert query("PRAGMA integrity_check") == [("ok",)]


@contextlib.contextmanager
def snapshot_on_its_way(
    environment: dict[str, str], run: Run, sandbox: Sandbox, query: Query
) -> Iterator[subprocess.Popen[bytes]]:
    """A snapshot in a process of its own that waits for its first page."""
    assert run("init").returncode == 0
    sandbox.faults = Faults(latency_seconds=30, paths=("/markets",))
    command = [sys.executable, "-m", "kalshi_pipeline.cli", "snapshot"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not query("SELECT 1 FROM ticks WHERE is_paused IS NOT NULL"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    sandbox.faults = Faults()


def test_killed_run_is_taken_up_by_the_next(
    environment: dict[str, str], run: Run, sandbox: Sandbox, query: Query
) -> None:
    """R25: killed while a page is on its way."""
    with snapshot_on_its_way(environment, run, sandbox, query) as process:
        process.kill()
    assert query("SELECT state FROM ticks") == [("running",)]

    assert run("snapshot").returncode == 0
    assert query("SELECT state, inserted FROM ticks ORDER BY tick_at") == [("failed", 0), ("complete", 120)]


def test_interrupted_run_closes_its_record(
    environment: dict[str, str], run: Run, sandbox: Sandbox, query: Query
) -> None:
    with snapshot_on_its_way(environment, run, sandbox, query) as process:
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert query("SELECT state, reason FROM ticks") == [("failed", "stopped by KeyboardInterrupt")]


def test_sandbox_command_serves_until_it_is_stopped(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "kalshi_pipeline.cli",
            "sandbox",
            "--port",
            str(port),
            "--markets",
            "20",
            "--fault",
            "overlap=2",
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix("KALSHI_API_URL=")
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport) as client:
            assert client.get(f"{url}/exchange/status").json()["trading_active"] is True
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


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
