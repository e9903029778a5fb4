"""`dagster dev` losing one of its processes: how long it takes to the next complete tick.

What ends `dagster dev` itself is started again here, as a supervisor would.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from kalshi_pipeline.sandbox import Sandbox, World
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, SETTINGS, STORE
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, holds_within
from kalshi_pipeline_tests.faults.stored import unsound

_ROOT = Path(__file__).parents[2]
_SECONDS_OF_A_TICK = 15
_PATIENCE_SECONDS = 180.0
# Words of the command lines of the processes that `dagster dev` starts.
VICTIMS = {
    "code server": ("api", "grpc"),
    "daemon": ("daemon", "run"),
    "webserver": ("webserver",),
    "the command itself": ("dagster", "dev"),
}


def lose(folder: Path, victims: tuple[str, ...] = tuple(VICTIMS)) -> Outcome:
    """Kill each of the processes once, and wait for the next complete tick."""
    outcome = Outcome("`dagster dev` losing a process")
    folder.mkdir(parents=True, exist_ok=True)
    with Sandbox(World(CONFIG)) as exchange:
        for victim in victims:
            with _dagster(folder, exchange.url) as parent:
                _await_tick(folder, exchange, after=_complete(folder))
                processes = _found(parent, VICTIMS[victim])
                problems = [] if processes else [f"no process of the {victim} was found"]
                for process in processes:
                    process.kill()
                watch, before = Stopwatch(), _complete(folder)
                with _started_again(folder, exchange.url, parent):
                    is_good = _await_tick(folder, exchange, after=before)
            if not is_good:
                problems.append("no tick was complete again")
            outcome.count(
                problems=[f"{victim}: {problem}" for problem in [*problems, *unsound(folder / STORE)]],
                seconds_to_good=watch.seconds,
            )
    return outcome


@contextmanager
def _dagster(folder: Path, url: str) -> Iterator[psutil.Popen]:
    settings = {**SETTINGS, "api_url": url, "snapshot_minutes": str(_SECONDS_OF_A_TICK / 60)}
    settings["database_url"] = f"sqlite:///{folder / STORE}"
    home = folder / "dagster"
    home.mkdir(exist_ok=True)
    text = (_ROOT / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(text.replace(".dagster/", f"{home}/"), encoding="utf-8")
    process = psutil.Popen(
        [sys.executable, "-m", "dagster", "dev", "-m", "kalshi_pipeline.definitions", "-p", "0"],
        cwd=folder,
        env={
            **os.environ,
            "DAGSTER_HOME": str(home),
            **{f"KALSHI_{name.upper()}": value for name, value in settings.items()},
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: psutil.Popen) -> None:
    """End a process and everything that it has started."""
    family = _family(process)
    process.send_signal(signal.SIGINT) if process.is_running() else None
    for one in psutil.wait_procs(family, timeout=20)[1]:
        one.kill()
    process.wait()


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _found(parent: psutil.Process, words: tuple[str, ...]) -> list[psutil.Process]:
    found = []
    for process in _family(parent):
        line = " ".join(process.cmdline())
        if all(word in line for word in words):
            found.append(process)
    return found[:1] if words == VICTIMS["the command itself"] else found


@contextmanager
def _started_again(folder: Path, url: str, parent: psutil.Popen) -> Iterator[None]:
    """Start Dagster again if it has ended, as a supervisor would."""
    try:
        parent.wait(timeout=10)
    except psutil.TimeoutExpired:
        yield
        return
    with _dagster(folder, url):
        yield


def _complete(folder: Path) -> int:
    store = folder / STORE
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as connection:
        try:
            row = connection.execute("SELECT count(*) FROM ticks WHERE state = 'complete'").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(row[0])


def _await_tick(folder: Path, exchange: Sandbox, *, after: int) -> bool:
    """Wait for one more complete tick than `after`; return whether it came."""
    return holds_within(_PATIENCE_SECONDS, lambda: _complete(folder) > after, exchange.world.step)
