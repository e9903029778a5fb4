"""Commands that run until they are stopped, and what a stopped or killed run leaves behind."""

import contextlib
import signal
from collections.abc import Iterator

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline_tests.cli.conftest import Run
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.processes import CLI, Process, next_line, python
from kalshi_pipeline_tests.waiting import Gate, wait_until

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
