"""Upgrades of stores of earlier versions, killed or stopped at random moments, and run again until they finish."""

import random
from collections import Counter
from pathlib import Path
from signal import SIGKILL, Signals
from typing import NamedTuple

from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline_tests.faults.interruptions import STOPPING, again_until_done
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, STORE, Place, place
from kalshi_pipeline_tests.faults.stored import unsound
from kalshi_pipeline_tests.store.migrations.stored import LANDED, NEWEST, Stored, load, stored

_COMMAND = ("init",)
_COPIES = f"{Path(STORE).stem}.before-{NEWEST}*"


def kill(folder: Path, count: int, config: WorldConfig = CONFIG, *, seed: int = 1) -> Outcome:
    """Kill upgrades from the landed versions, in turn, at `count` random moments."""
    return _interrupt("kill -9 during an upgrade", folder, count, (SIGKILL,), config, seed)


def stop(folder: Path, count: int, config: WorldConfig = CONFIG, *, seed: int = 1) -> Outcome:
    """Send stopping signals to upgrades, at `count` random moments."""
    return _interrupt("SIGINT, SIGTERM, SIGHUP during an upgrade", folder, count, STOPPING, config, seed)


class _Version(NamedTuple):
    """A store of a landed version, its contents before and after an undisturbed upgrade, and the time of that
    upgrade.
    """

    path: Path
    before: Stored
    after: Stored
    seconds: float


def _interrupt(
    name: str, folder: Path, count: int, signals: tuple[Signals, ...], config: WorldConfig, seed: int
) -> Outcome:
    outcome, chance = Outcome(name), random.Random(seed)
    versions = sorted(path.stem for path in LANDED.glob("[0-9]*.sql") if path.stem < NEWEST)
    shares = Counter(versions[-1 - number % len(versions)] for number in range(count))
    with place(folder, config) as here:
        for turn, (version, share) in enumerate(shares.items()):
            start = _upgraded_undisturbed(here, load(version, folder / f"{version}.db"))
            for number in range(share):
                signal = signals[(turn + number) % len(signals)]
                _interrupt_once(outcome, here, start, start.seconds * chance.random(), signal)
    return outcome


def _upgraded_undisturbed(here: Place, path: Path) -> _Version:
    here.begin_with(path)
    ended = here.commands.run(*_COMMAND)
    if ended.code:
        raise AssertionError(f"an undisturbed upgrade ended with {ended.code}: {ended.output}")
    return _Version(path, stored(path), stored(here.store), ended.seconds)


def _interrupt_once(outcome: Outcome, here: Place, start: _Version, after: float, signal: Signals) -> None:
    before, undisturbed = start.before, start.after
    here.begin_with(start.path)
    ended = here.commands.run(*_COMMAND, after=after, signal=signal)
    expected = -SIGKILL if signal is SIGKILL else 128 + signal
    problems = [] if ended.code in (0, expected) else [f"exit code {ended.code}: {ended.output[-300:]}"]
    between = stored(here.store)
    if between.schema not in (before.schema, undisturbed.schema):
        problems.append("it was left between two versions")
    again, seconds = again_until_done(here, _COMMAND)
    if again.code:
        problems.append(f"it cannot be run again: {again.code}, {again.output[-300:]}")
    found = stored(here.store)
    problems += [] if found.schema == undisturbed.schema else ["its schema is not that of an undisturbed one"]
    rows = {"tables": (found.tables, undisturbed.tables), "views": (found.views, undisturbed.views)}
    differing = [
        f"{name} among the {kind} has other rows than after an undisturbed upgrade"
        for kind, (some, others) in rows.items()
        for name in others
        if some.get(name) != others[name]
    ]
    lost = sum(
        max(0, len(rows) - len(found.tables.get(name, ()))) for name, rows in undisturbed.tables.items()
    )
    problems += [*differing, *_about_copies(here, before)]
    good = here.commands.run("snapshot")
    if good.code:
        problems.append(f"the snapshot after it ended with {good.code}: {good.output[-300:]}")
    outcome.count(
        problems=[
            f"from {start.path.stem}, {signal.name} after {after:.3f} s: {p}"
            for p in [*problems, *unsound(here.store)]
        ],
        rows_lost=lost,
        wrong_numbers=len(differing),
        has_traceback=any(run.has_traceback for run in (ended, again, good)),
        seconds_to_good=seconds + good.seconds,
    )


def _about_copies(here: Place, before: Stored) -> list[str]:
    """Return the problems of the copies that the upgrades have left."""
    copies = sorted(here.folder.glob(_COPIES))
    if not copies:
        return ["no copy of the store was kept"]
    return [f"{copy.name} is not the store as it was" for copy in copies if stored(copy) != before]
