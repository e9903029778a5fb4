"""`kalshi-pipeline dev` losing one of its processes: how long it takes to the next complete tick.

Where the command ends, it is started again as its unit in docs/running.md does.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline_tests.faults.mixed import compare
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import SETTINGS, Place, place
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, holds_within
from kalshi_pipeline_tests.faults.stored import unsound

_TICK_MINUTES = "0.25"
_PATIENCE_SECONDS = 300.0
_RESTART_SECONDS = 10  # RestartSec of the unit
_STOP_SECONDS = 90  # its TimeoutStopSec
_HOME = "DAGSTER_HOME"
_TEMPLATE = ("-m", "kalshi_pipeline.defs.run_template")
_SLOW = Faults(latency_seconds=1.5)


class Victim(NamedTuple):
    """A process to kill, by words of its command line; a run's are those of the process that it was forked from."""

    name: str
    words: Sequence[str]
    is_run: bool = False


VICTIMS = (
    Victim("its webserver", ("-m", "dagster_webserver")),
    Victim("its daemon", ("-m", "dagster._daemon")),
    Victim("its code server", ("dagster", "code-server", "start")),
    Victim("the process that holds the code", ("dagster", "api", "grpc")),
    Victim("the process that runs are forked from", _TEMPLATE),
    Victim("a run", _TEMPLATE, is_run=True),
    Victim("`dagster dev`", ("-m", "dagster", "dev")),
    Victim("the command itself", ("-m", "kalshi_pipeline.cli", "dev")),
)


def lose(folder: Path, victims: Sequence[Victim] = VICTIMS) -> list[Outcome]:
    """Kill each of the processes once, and wait for the next complete tick."""
    with place(folder) as here, _unit(here) as unit:
        outcomes = [_lost(here, unit, victim) for victim in victims]
        unit.stop()
        outcomes[-1].problems += _problems_at_the_end(here)
    return outcomes


def _lost(here: Place, unit: "_Unit", victim: Victim) -> Outcome:
    problems = []
    if not _await_tick(here, unit, after=_complete(here)):
        problems.append("no tick was complete before")
    found: list[psutil.Process] = []
    here.exchange.faults = _SLOW if victim.is_run else Faults()
    holds_within(_PATIENCE_SECONDS, lambda: bool(_look(unit, victim, found)), here.exchange.world.step)
    for process in found:
        process.kill()
    here.exchange.faults = Faults()
    watch, complete, starts = Stopwatch(), _complete(here), unit.starts
    if not found:
        problems.append("no such process was found")
    if not _await_tick(here, unit, after=complete):
        problems.append("no tick was complete again")
    seconds = watch.seconds
    problems += unsound(here.store, may_be_running=True)
    end = "goes on" if unit.starts == starts else "ends, and its unit starts it again"
    outcome = Outcome(f"`kalshi-pipeline dev` loses {victim.name}: {end}")
    outcome.count(problems=[f"{victim.name}: {problem}" for problem in problems], seconds_to_good=seconds)
    return outcome


def _look(unit: "_Unit", victim: Victim, found: list[psutil.Process]) -> list[psutil.Process]:
    found[:] = [process for process in unit.family() if _is(process, victim)]
    return found


def _is(process: psutil.Process, victim: Victim) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        parent = process.parent()
        is_forked = parent is not None and _has(parent, _TEMPLATE)
        return _has(process, victim.words) and is_forked == victim.is_run
    return False


def _has(process: psutil.Process, words: Sequence[str]) -> bool:
    line = process.cmdline()
    return any(line[at : at + len(words)] == [*words] for at in range(len(line)))


class _Unit:
    """The command, started as by its unit: again whenever it has ended, after all that it had started."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._home = folder / "dagster"
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: Stopwatch | None = None
        self.starts = 0

    def keep(self) -> None:
        """Start the command if it has ended so long ago."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None and self._ended is None:
            self.stop()
            self._ended = Stopwatch()
        if self._ended is None or self._ended.seconds > _RESTART_SECONDS:
            self._ended = None
            self._start()

    def _start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "kalshi_pipeline.cli",
            "dev",
            "--port",
            "0",
            "--home",
            str(self._home),
        ]
        self.starts += 1
        with (self._folder / "dagster.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, **self._settings, _HOME: str(self._home)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def family(self) -> Iterator[psutil.Process]:
        """Yield what is in the unit's control group: everything that inherited this environment."""
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get(_HOME) == str(self._home):
                    yield process

    def stop(self) -> None:
        """End everything of it."""
        family = [*self.family()]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        for process in psutil.wait_procs(family, timeout=_STOP_SECONDS)[1]:
            process.kill()


@contextmanager
def _unit(here: Place) -> Iterator[_Unit]:
    settings = {**SETTINGS, "api_url": here.exchange.url, "snapshot_minutes": _TICK_MINUTES}
    unit = _Unit(here.folder, {f"KALSHI_{name.upper()}": value for name, value in settings.items()})
    unit.keep()
    try:
        yield unit
    finally:
        unit.stop()


def _problems_at_the_end(here: Place) -> list[str]:
    """Return what is wrong with one more snapshot, when nothing else runs, and with the store."""
    good = here.commands.run("snapshot")
    problems = (
        [] if good.code == 0 else [f"a snapshot after them ended with {good.code}: {good.output[-300:]}"]
    )
    return [*problems, *compare(here)[2], *unsound(here.store, may_have_been_killed=True)]


def _complete(here: Place) -> int:
    if not here.store.exists():
        return 0
    with closing(sqlite3.connect(here.store)) as connection:
        try:
            row = connection.execute("SELECT count(*) FROM ticks WHERE state = 'complete'").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(row[0])


def _await_tick(here: Place, unit: _Unit, *, after: int) -> bool:
    """Wait for one more complete tick than `after`; return whether it came."""

    def meanwhile() -> None:
        unit.keep()
        here.exchange.world.step()

    return holds_within(_PATIENCE_SECONDS, lambda: _complete(here) > after, meanwhile)
