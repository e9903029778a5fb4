"""The time from the loss of a process of `kalshi dev` to the next complete tick.

If the command ends, it is restarted as by its unit in docs/running.md.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from kalshi_pipeline.sandbox import Faults
from kalshi_pipeline_tests.faults.dagster_unit import (
    PATIENCE_SECONDS,
    Unit,
    await_tick,
    complete_ticks,
    problems_at_the_end,
    unit_of,
)
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import Place, place
from kalshi_pipeline_tests.faults.stopwatch import Stopwatch, holds_within
from kalshi_pipeline_tests.faults.stored import unsound

_TEMPLATE = ("-m", "kalshi_pipeline.defs.run_template")
_SLOW = Faults(latency_seconds=1.5)


class Victim(NamedTuple):
    """A process to kill, by words of its command line. A run has the words of the process that it was forked from."""

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
    with place(folder) as here, unit_of(here, folder / "dagster") as unit:
        outcomes = [_lost(here, unit, victim) for victim in victims]
        unit.stop()
        outcomes[-1].problems += problems_at_the_end(here)
    return outcomes


def _lost(here: Place, unit: Unit, victim: Victim) -> Outcome:
    problems = []
    if not await_tick(here, unit, after=complete_ticks(here)):
        problems.append("no tick was complete before")
    found: list[psutil.Process] = []
    here.exchange.faults = _SLOW if victim.is_run else Faults()
    holds_within(PATIENCE_SECONDS, lambda: bool(_look(unit, victim, found)), lambda: unit.step(here))
    for process in found:
        process.kill()
    here.exchange.faults = Faults()
    watch, complete, starts = Stopwatch(), complete_ticks(here), unit.starts
    if not found:
        problems.append("no such process was found")
    if not await_tick(here, unit, after=complete):
        problems.append("no tick was complete again")
    seconds = watch.seconds
    problems += unsound(here.store, may_be_running=True)
    end = "continues" if unit.starts == starts else "ends, and its unit restarts it"
    outcome = Outcome(f"`kalshi dev` loses {victim.name}: {end}")
    outcome.count(problems=[f"{victim.name}: {problem}" for problem in problems], seconds_to_good=seconds)
    return outcome


def _look(unit: Unit, victim: Victim, found: list[psutil.Process]) -> list[psutil.Process]:
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
