"""Upgrades of stores of earlier versions that are killed at any moment, and run again until they are done."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

from kalshi_pipeline_tests.faults.interruptions import again_until_done
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import STORE, Place, place
from kalshi_pipeline_tests.faults.stored import unsound
from kalshi_pipeline_tests.store.migrations.stored import LANDED, NEWEST, Stored, load, stored

_COMMAND = ("init",)
_COPIES = f"{Path(STORE).stem}.before-{NEWEST}*"


def kill(folder: Path, count: int, seed: int = 1) -> Outcome:
    """Kill upgrades from landed versions, which take turns, at `count` random moments."""
    outcome, chance = Outcome("kill -9 during an upgrade"), random.Random(seed)
    versions = sorted(path.stem for path in LANDED.glob("[0-9]*.sql") if path.stem < NEWEST)
    with place(folder) as here:
        for number in range(count):
            version = versions[number * len(versions) // count if count > len(versions) else -1 - number]
            before = folder / f"{version}.db"
            after = folder / f"{version}-upgraded.db"
            if not before.exists():
                load(version, before)
                here.begin_with(before)
                ended = here.commands.run(*_COMMAND)
                if ended.code:
                    raise AssertionError(f"an undisturbed upgrade ended with {ended.code}: {ended.output}")
                _copy(here.store, after)
                seconds = ended.seconds
            here.begin_with(before)
            _kill_once(outcome, here, version, seconds * chance.random(), stored(before), stored(after))
    return outcome


def _kill_once(
    outcome: Outcome, here: Place, version: str, after: float, before: Stored, undisturbed: Stored
) -> None:
    ended = here.commands.run(*_COMMAND, after=after, signal=SIGKILL)
    problems = [] if ended.code in (0, -SIGKILL) else [f"exit code {ended.code}: {ended.output[-300:]}"]
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
        problems=[f"from {version}, after {after:.3f} s: {p}" for p in [*problems, *unsound(here.store)]],
        rows_lost=lost,
        wrong_numbers=len(differing),
        has_traceback=any(run.has_traceback for run in (ended, again, good)),
        seconds_to_good=seconds + good.seconds,
    )


def _about_copies(here: Place, before: Stored) -> list[str]:
    """Return what is wrong with the copies of the store that the upgrades have left."""
    copies = sorted(here.folder.glob(_COPIES))
    if not copies:
        return ["no copy of the store was kept"]
    return [f"{copy.name} is not the store as it was" for copy in copies if stored(copy) != before]


def _copy(store: Path, to: Path) -> None:
    """Copy a store with what its log holds."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(store, to)
