"""Two collectors and a backfill on one store at once, beside a reader that keeps its transaction open."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline_tests.faults.compared import compare, compare_trades
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, SETTINGS, TRADE_DAYS, Place, place
from kalshi_pipeline_tests.faults.stopwatch import holds_within
from kalshi_pipeline_tests.faults.stored import unsound

_MINUTES = "0.1"
_COMMANDS = (
    ("collect", "--interval", _MINUTES),
    ("collect", "--interval", _MINUTES),
    ("backfill", "trades", "--start", TRADE_DAYS[0], "--end", TRADE_DAYS[1]),
)


def gather(folder: Path, ticks: int, config: WorldConfig = CONFIG) -> Outcome:
    """Run them until a number of ticks are complete, stop them, and check that no tick was missed or taken twice."""
    outcome = Outcome("two collectors, a backfill and a reader")
    with place(folder, config) as here:
        here.collect()
        with closing(sqlite3.connect(here.store, isolation_level=None)) as reader, ExitStack() as running:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM ticks").fetchone()
            processes = [running.enter_context(_started(here, *command)) for command in _COMMANDS]
            is_done = holds_within(60 + 15 * ticks, lambda: _complete(here) > ticks, here.exchange.world.step)
            for process in processes:
                process.send_signal(signal.SIGTERM)
            outputs = [process.communicate(timeout=60)[0] for process in processes]
        codes = [process.returncode for process in processes]
        for command, code, output in zip(_COMMANDS, codes, outputs, strict=True):
            problems = [] if code in _codes(command) else [f"exit code {code}: {output[-300:]}"]
            outcome.count(
                problems=[f"{' '.join(command)}: {p}" for p in problems],
                has_traceback="Traceback (most recent call last)" in output,
            )
        outcome.problems += [*_missing_trades(here), *unsound(here.store)]
        if not is_done:
            outcome.problems.append(f"only {_complete(here) - 1} of {ticks} ticks were complete")
        good = here.commands.run("snapshot")
        outcome.seconds_to_good.append(good.seconds)
        if good.code:
            outcome.problems.append(f"the snapshot after them ended with {good.code}: {good.output[-300:]}")
        for lost, wrong, problems in (compare(here), compare_trades(here)):
            outcome.rows_lost, outcome.wrong_numbers = outcome.rows_lost + lost, outcome.wrong_numbers + wrong
            outcome.problems += problems
        wal = here.store.with_name(f"{here.store.name}-wal")
        if wal.exists() and wal.stat().st_size > 64 << 20:
            outcome.problems.append(
                f"the write-ahead log has {wal.stat().st_size >> 20} MB after the reader let go"
            )
    return outcome


def _codes(command: Sequence[str]) -> tuple[int, ...]:
    """Return the allowed exit codes: a backfill may already be finished when the signal arrives."""
    return (0, 128 + signal.SIGTERM, *([-signal.SIGTERM] if command[0] == "backfill" else []))


def _started(here: Place, *arguments: str) -> subprocess.Popen[str]:
    settings = {**SETTINGS, "api_url": here.exchange.url}
    return subprocess.Popen(
        [sys.executable, "-m", "kalshi_pipeline.cli", *arguments],
        cwd=here.folder,
        env={
            "PATH": "/usr/bin:/bin",
            **{f"KALSHI_{name.upper()}": value for name, value in settings.items()},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _complete(here: Place) -> int:
    with closing(sqlite3.connect(here.store)) as connection:
        count: int = connection.execute("SELECT count(*) FROM ticks WHERE state = 'complete'").fetchone()[0]
        return count


def _missing_trades(here: Place) -> list[str]:
    with closing(sqlite3.connect(here.store)) as connection:
        days = connection.execute(
            "SELECT day, max(state = 'complete') FROM listings WHERE asset = 'trades' GROUP BY day"
        ).fetchall()
    whole = {day for day, is_complete in days if is_complete}
    return [f"the trades of {day} are not complete" for day in TRADE_DAYS if day not in whole]
