"""Commands that get a stopping signal in each phase of their work, especially while they wait."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from kalshi_pipeline.sandbox import Faults, WorldConfig
from kalshi_pipeline_tests.faults.interruptions import (
    STOPPING,
    after_stop,
    again_until_done,
    undisturbed_run,
)
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, Place, place
from kalshi_pipeline_tests.faults.stored import content, lost_and_wrong, unsound

# When a command has reached its waiting phase, and how long it may take to end after the signal.
_AFTER_SECONDS = 2.0
_MOST_SECONDS = 15.0
_FOREVER = 60.0


@contextmanager
def _writing(here: Place) -> Iterator[None]:
    """Hold the store's lock, like another program that writes to it."""
    with closing(sqlite3.connect(here.store, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def _taking_a_snapshot(here: Place) -> AbstractContextManager[object]:
    """Hold the snapshot lock, like another collector."""
    return FileLock(f"{here.store}.snapshot.lock")


@dataclass(frozen=True)
class Phase:
    """The phase of a command when the signal arrives, and what keeps it in that phase."""

    name: str
    faults: Faults = field(default_factory=Faults)
    holding: Callable[[Place], AbstractContextManager[object]] = lambda _: nullcontext()
    arguments: tuple[str, ...] = ("snapshot",)
    after: float = _AFTER_SECONDS


PHASES = (
    Phase("waiting for the lock of the store", holding=_writing),
    Phase("waiting for an answer", Faults(latency_seconds=_FOREVER)),
    Phase("waiting to ask again", Faults(too_many=1.0, retry_after=str(int(_FOREVER)))),
    Phase("reading an answer that drips", Faults(dripping=1.0, drip_seconds=_FOREVER, paths=("/markets",))),
    Phase("waiting for another snapshot", holding=_taking_a_snapshot),
    Phase("starting", after=0.0),
    Phase("between two ticks", arguments=("collect", "--interval", "60"), after=2 * _AFTER_SECONDS),
)


def stop(folder: Path, count: int, config: WorldConfig = CONFIG) -> Outcome:
    """Send stopping signals, for each phase and each signal in turn."""
    outcome = Outcome("SIGINT, SIGTERM, SIGHUP in each phase")
    with place(folder, config, retry_seconds=str(_FOREVER), timeout_seconds=str(_FOREVER)) as here:
        here.collect()
        before = Path(shutil.copy(here.store, folder / "before.db"))
        here.exchange.world.step()
        undisturbed, _ = undisturbed_run(here, before, ("collect", "--once"))
        for number in range(count):
            phase = PHASES[number % len(PHASES)]
            signal = STOPPING[(number + number // len(PHASES)) % len(STOPPING)]
            here.begin_with(before)
            here.exchange.faults = phase.faults
            with phase.holding(here):
                ended = here.commands.run(
                    *phase.arguments, after=phase.after, signal=signal, at_most=_FOREVER
                )
                here.exchange.faults = Faults()
            problems = after_stop(here, ended, signal)
            if ended.seconds > phase.after + _MOST_SECONDS:
                problems.append(f"it took {ended.seconds - phase.after:.0f} s to end")
            again, seconds = again_until_done(here, ("collect", "--once"))
            if again.code:
                problems.append(f"it cannot be run again: {again.code}, {again.output[-300:]}")
            lost, wrong, sentences = lost_and_wrong(content(here.store), undisturbed)
            outcome.count(
                problems=[
                    f"{phase.name}, {signal.name}: {problem}"
                    for problem in [*problems, *sentences, *unsound(here.store)]
                ],
                rows_lost=lost,
                wrong_numbers=wrong,
                has_traceback=ended.has_traceback or again.has_traceback,
                seconds_to_good=seconds,
            )
    return outcome
