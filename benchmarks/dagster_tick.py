"""The cost that Dagster adds to a tick, beside the same snapshot from the command line.

A run of the `snapshot` job takes place in its own process, on a small world.
"""

import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import kalshi_pipeline
from benchmarks.exchange import serving
from benchmarks.result import Options, Result, Row
from benchmarks.timing import wall_seconds

JOB, COMMAND, STORED = "job execute", "command line", "stored per run"
WALL, CPU = "wall", "CPU"
START, PREPARE, ASSET, END = (
    "Python, imports, definitions",
    "run is planned and begun",
    "the asset itself",
    "run is ended, process exits",
)
PHASES = (START, PREPARE, ASSET, END)

_MARKETS = (2_000,)
_REPETITIONS, _QUICK_REPETITIONS = 5, 2
_PROJECT = Path(kalshi_pipeline.__file__).parent.parent
_STATE = ".dagster"


class Process(NamedTuple):
    """Seconds of a whole process, and the instant of its start on the machine's clock."""

    wall_seconds: float
    cpu_seconds: float
    started_at: float


class Stored(NamedTuple):
    """The contents of Dagster's folder."""

    files: int
    bytes: int
    events: int


def measure(options: Options) -> Result:
    """Run the job several times in one Dagster home, each time beside the same snapshot from the command line."""
    (markets,) = options.sizes(_MARKETS, _MARKETS)
    home = options.folder / "dagster"
    home.mkdir()
    shutil.copy(_PROJECT / "dagster.yaml", home)
    jobs: list[tuple[Process, dict[str, float]]] = []
    commands: list[Process] = []
    with serving(markets) as exchange:
        environment = _environment(home, exchange.url)
        # The first run makes Dagster's storage and the database; it is not counted.
        _run(_JOB, home, environment)
        before = _stored(home)
        repetitions = _QUICK_REPETITIONS if options.is_quick else _REPETITIONS
        for number in range(repetitions):
            options.report_progress(f"dagster: run {number + 1} of {repetitions}")
            process = _run(_JOB, home, environment)
            jobs.append((process, _phases(process, home)))
            commands.append(_run(_COMMAND, home, environment))
        after = _stored(home)
    shutil.rmtree(home)
    _, phases = sorted(jobs, key=lambda job: job[0].wall_seconds)[len(jobs) // 2]
    rows = [
        *_times(JOB, [process for process, _ in jobs]),
        *(Row(JOB, phase, phases[phase], "s of the median run") for phase in PHASES),
        *_times(COMMAND, commands),
        *(
            Row(STORED, name, (new - old) / repetitions, unit)
            for name, new, old, unit in zip(
                Stored._fields, after, before, ("files", "bytes", "rows"), strict=True
            )
        ),
    ]
    return Result(f"One tick of {markets:,} markets as a Dagster run, and without Dagster", rows)


_JOB = ("dagster", "job", "execute", "-m", "kalshi_pipeline.definitions", "-j", "snapshot")
_COMMAND = ("kalshi-pipeline", "snapshot")


def _environment(home: Path, api_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KALSHI_")}
    return {
        **kept,
        "DAGSTER_HOME": str(home),
        "KALSHI_API_URL": api_url,
        "KALSHI_DATABASE_URL": f"sqlite:///{home / 'kalshi.db'}",
        "KALSHI_REQUESTS_PER_SECOND": "1000",
    }


def _run(command: Sequence[str], home: Path, environment: dict[str, str]) -> Process:
    """Run one process to its end, in the folder where relative paths of dagster.yaml start."""
    program = Path(sys.executable).parent / command[0]
    started_at, before = time.time(), _cpu_of_children()
    seconds, _ = wall_seconds(
        lambda: subprocess.run(
            [program, *command[1:]], check=True, capture_output=True, cwd=home, env=environment
        )
    )
    return Process(seconds, _cpu_of_children() - before, started_at)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _times(group: str, processes: Sequence[Process]) -> list[Row]:
    return [
        Row(group, WALL, statistics.median(process.wall_seconds for process in processes), "s"),
        Row(group, CPU, statistics.median(process.cpu_seconds for process in processes), "s"),
    ]


def _run_files(home: Path) -> list[Path]:
    """Return the event logs of the runs, oldest first; each is a database."""
    folder = home / _STATE / "storage" / "history" / "runs"
    files = [path for path in folder.glob("*.db") if path.stem != "index"]
    return sorted(files, key=lambda path: path.stat().st_mtime)


def _phases(process: Process, home: Path) -> dict[str, float]:
    """Split the seconds of the newest run by the events that Dagster logged."""
    with closing(sqlite3.connect(_run_files(home)[-1])) as connection:
        at = dict(
            connection.execute(
                "SELECT dagster_event_type, min((julianday(timestamp) - 2440587.5) * 86400) FROM event_logs "
                "WHERE dagster_event_type IN ('STEP_START', 'STEP_SUCCESS') GROUP BY 1"
            ).fetchall()
        )
        (first_at,) = connection.execute(
            "SELECT min((julianday(timestamp) - 2440587.5) * 86400) FROM event_logs"
        ).fetchone()
    ended_at = process.started_at + process.wall_seconds
    return {
        START: first_at - process.started_at,
        PREPARE: at["STEP_START"] - first_at,
        ASSET: at["STEP_SUCCESS"] - at["STEP_START"],
        END: ended_at - at["STEP_SUCCESS"],
    }


def _stored(home: Path) -> Stored:
    files = [path for path in (home / _STATE).rglob("*") if path.is_file()]
    events = 0
    for path in _run_files(home):
        with closing(sqlite3.connect(path)) as connection:
            events += connection.execute("SELECT count(*) FROM event_logs").fetchone()[0]
    return Stored(len(files), sum(path.stat().st_size for path in files), events)
