"""Commands that are killed or stopped at random moments, and run again until they finish."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline_tests.faults.forked import Ended
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, TRADE_DAYS, Place, place
from kalshi_pipeline_tests.faults.stored import Content, content, lost_and_wrong, unsound

STOPPING = (SIGINT, SIGTERM, SIGHUP)
_MOST_ATTEMPTS = 5
_OF_THE_DAYS = ("--start", TRADE_DAYS[0], "--end", TRADE_DAYS[1])
# If a command ends before its signal, the signal is sent earlier next time.
_EARLIER = 0.8
_MOST_DRAWS = 20


@dataclass(frozen=True)
class Task:
    """A command, its initial store, and its share of the faults."""

    name: str
    arguments: tuple[str, ...]
    begins_with_a_store: bool
    share: float


TASKS = (
    Task("first snapshot", ("snapshot",), begins_with_a_store=False, share=0.2),
    Task("later snapshot", ("snapshot",), begins_with_a_store=True, share=0.25),
    Task("collect", ("collect", "--once"), begins_with_a_store=True, share=0.25),
    Task("backfill of trades", ("backfill", "trades", *_OF_THE_DAYS), begins_with_a_store=True, share=0.1),
    Task("backfill of settlements", ("backfill", "settlements"), begins_with_a_store=True, share=0.1),
    Task(
        "backfill of candlesticks",
        ("backfill", "candlesticks", *_OF_THE_DAYS),
        begins_with_a_store=True,
        share=0.1,
    ),
)


def kill(folder: Path, count: int, config: WorldConfig = CONFIG, *, seed: int = 1) -> Outcome:
    """Kill commands at `count` random moments."""
    return _interrupt("kill -9", folder, count, (SIGKILL,), config, seed)


def stop(folder: Path, count: int, config: WorldConfig = CONFIG, *, seed: int = 1) -> Outcome:
    """Send stopping signals at `count` random moments."""
    return _interrupt("SIGINT, SIGTERM, SIGHUP", folder, count, STOPPING, config, seed)


def _interrupt(
    name: str, folder: Path, count: int, signals: tuple[Signals, ...], config: WorldConfig, seed: int
) -> Outcome:
    outcome, chance = Outcome(name), random.Random(seed)
    with place(folder, config) as here:
        for task, start, undisturbed, seconds in undisturbed_runs(folder, here):
            for _ in range(max(1, round(count * task.share))):
                after, signal = seconds * chance.random(), chance.choice(signals)
                _interrupt_once(outcome, here, task, start, undisturbed, after, signal)
    return outcome


def undisturbed_runs(
    folder: Path, here: Place, most: int = len(TASKS)
) -> Iterator[tuple[Task, Path | None, Content, float]]:
    """Yield tasks, each with its initial store, the store of an undisturbed run, and the seconds of that run."""
    here.collect()
    before = Path(shutil.copy(here.store, folder / "before.db"))
    here.exchange.world.step()
    for task in TASKS[:most]:
        start = before if task.begins_with_a_store else None
        yield task, start, *undisturbed_run(here, start, task.arguments)


def undisturbed_run(here: Place, start: Path | None, arguments: tuple[str, ...]) -> tuple[Content, float]:
    """Return the store of an undisturbed command, and its seconds."""
    here.begin_with(start)
    whole = here.commands.run(*arguments)
    if whole.code:
        raise AssertionError(f"{' '.join(arguments)} ended undisturbed with {whole.code}: {whole.output}")
    return content(here.store), whole.seconds


def _interrupt_once(
    outcome: Outcome,
    here: Place,
    task: Task,
    start: Path | None,
    undisturbed: Content,
    after: float,
    signal: Signals,
) -> None:
    for _ in range(_MOST_DRAWS):
        here.begin_with(start)
        ended = here.commands.run(*task.arguments, after=after, signal=signal)
        if ended.code:
            break
        after *= _EARLIER
    problems = after_stop(here, ended, signal)
    if ended.has_traceback:
        problems.append(f"it ended with a traceback: {ended.output[-1500:]}")
    again, seconds = again_until_done(here, task.arguments)
    if again.code:
        problems.append(f"it cannot be run again: {again.code}, {again.output[-300:]}")
    lost, wrong, sentences = lost_and_wrong(content(here.store), undisturbed)
    broken = unsound(here.store, may_have_been_killed=signal is SIGKILL)
    where = f"{task.name}, {signal.name} after {after:.3f} s: "
    outcome.count(
        problems=[where + problem for problem in [*problems, *sentences, *broken]],
        rows_lost=lost,
        wrong_numbers=wrong,
        has_traceback=ended.has_traceback or again.has_traceback,
        seconds_to_good=seconds,
    )


def again_until_done(here: Place, arguments: tuple[str, ...]) -> tuple[Ended, float]:
    """Run a command until it succeeds. Return the end of the last run, and the seconds of all."""
    seconds = 0.0
    for _ in range(_MOST_ATTEMPTS):
        again = here.commands.run(*arguments)
        seconds += again.seconds
        if not again.code:
            break
    return again, seconds


def after_stop(here: Place, ended: Ended, signal: Signals) -> list[str]:
    """Return the problems right after a signal: the exit code, a run left open, a broken store."""
    expected = -SIGKILL if signal is SIGKILL else 128 + signal
    problems = [] if ended.code == expected else [f"exit code {ended.code} instead of {expected}"]
    if here.store.exists() and here.store.stat().st_size:
        problems += unsound(here.store, may_be_running=signal is SIGKILL)
    return problems
