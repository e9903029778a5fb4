"""Runs Dagster like its unit in docs/running.md, which restarts it whenever it ends, and waits for its ticks."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil

from kalshi_pipeline_tests.faults.compared import compare
from kalshi_pipeline_tests.faults.places import SETTINGS, Place
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, holds_within
from kalshi_pipeline_tests.faults.stored import unsound

SECONDS_OF_A_TICK = 15
PATIENCE_SECONDS = 300.0
_RESTART_SECONDS = 10  # RestartSec of the unit
_STOP_SECONDS = 90  # its TimeoutStopSec
_HOME = "DAGSTER_HOME"


class Unit:
    """The command under its unit: restarted whenever it has ended, once all its children have ended too."""

    def __init__(self, folder: Path, home: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self._ended: Stopwatch | None = None
        self.starts = 0

    def keep(self) -> None:
        """Start the command if it ended long enough ago."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None and self._ended is None:
            self.stop()
            self._ended = Stopwatch()
        if self._ended is None or self._ended.seconds > _RESTART_SECONDS:
            self._ended = None
            self._start()

    def step(self, here: Place) -> None:
        """Act as the unit does, and advance the exchange."""
        self.keep()
        here.exchange.world.step()

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
        """Yield the processes of the unit's control group: everything that inherited this environment."""
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
def unit_of(here: Place, home: Path) -> Iterator[Unit]:
    settings = {**SETTINGS, "api_url": here.exchange.url, "snapshot_minutes": str(SECONDS_OF_A_TICK / 60)}
    unit = Unit(here.folder, home, {f"KALSHI_{name.upper()}": value for name, value in settings.items()})
    unit.keep()
    try:
        yield unit
    finally:
        unit.stop()


def complete_ticks(here: Place) -> int:
    if not here.store.exists():
        return 0
    with closing(sqlite3.connect(here.store)) as connection:
        try:
            row = connection.execute("SELECT count(*) FROM ticks WHERE state = 'complete'").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(row[0])


def await_tick(here: Place, unit: Unit, *, after: int) -> bool:
    """Wait for a complete tick beyond `after`, and return whether it came."""

    return holds_within(PATIENCE_SECONDS, lambda: complete_ticks(here) > after, lambda: unit.step(here))


def problems_at_the_end(here: Place) -> list[str]:
    """Return the problems of one more snapshot while nothing else runs, and of the store."""
    good = here.commands.run("snapshot")
    problems = (
        [] if good.code == 0 else [f"a snapshot after them ended with {good.code}: {good.output[-300:]}"]
    )
    return [*problems, *compare(here)[2], *unsound(here.store, may_have_been_killed=True)]
