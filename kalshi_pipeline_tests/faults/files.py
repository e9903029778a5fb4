"""What other programs do to the files of a store while a command runs."""

import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from kalshi_pipeline.sandbox import WorldConfig
from kalshi_pipeline_tests.faults.interruptions import TASKS, again_until_done, undisturbed_runs
from kalshi_pipeline_tests.faults.outcome import Outcome
from kalshi_pipeline_tests.faults.places import CONFIG, place
from kalshi_pipeline_tests.faults.stored import content, lost_and_wrong, unsound

_LOCK_SECONDS = 2.0
_BUSY_SECONDS = 30.0
# The command has done its work, or says that the database has failed.
_CODES = (0, 4)


class Kind(NamedTuple):
    """Something that happens to a store, and what undoes it after the command."""

    name: str
    happen: Callable[[Path], None]
    undo: Callable[[Path], None] = lambda _: None


def _files_of(store: Path) -> list[Path]:
    """Return the database and its log."""
    return [path for ending in ("", "-wal", "-shm") if (path := Path(f"{store}{ending}")).exists()]


def _elsewhere(store: Path) -> Path:
    return store.parent.with_name("elsewhere")


def _move_away(store: Path) -> None:
    _elsewhere(store).mkdir(exist_ok=True)
    for path in _files_of(store):
        shutil.move(path, _elsewhere(store) / path.name)


def _put_back(store: Path) -> None:
    """Put back what was moved away, instead of what the command may have begun there."""
    if (_elsewhere(store) / store.name).exists():
        for path in _files_of(store):
            path.unlink()
        for path in _elsewhere(store).iterdir():
            shutil.move(path, store.parent / path.name)


def _beside(store: Path) -> list[Path]:
    """Return the files through which processes share locks and the limit of requests."""
    return [
        path for path in store.parent.glob(f"{store.name}.*") if "lock" in path.name or "limit" in path.name
    ]


def _delete_beside(store: Path) -> None:
    for path in _beside(store):
        path.unlink()


def _overwrite_limits(store: Path) -> None:
    for path in _beside(store):
        if path.suffix != ".lock":
            path.write_bytes(os.urandom(100))


def _hold(store: Path) -> None:
    with _opened(store) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        threading.Event().wait(_LOCK_SECONDS)


def _read_on(store: Path) -> None:
    with _opened(store) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM markets").fetchall()
        threading.Event().wait(_LOCK_SECONDS)


def _compact(store: Path) -> None:
    with _opened(store) as connection:
        connection.execute("VACUUM")


@contextmanager
def _opened(store: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        yield connection


KINDS = (
    Kind("moved away, and back after the command", _move_away, _put_back),
    Kind("its locks and limits are deleted", _delete_beside),
    Kind("its limits are overwritten", _overwrite_limits),
    Kind("another program holds it for a while", _hold),
    Kind("another program reads it for a while", _read_on),
    Kind("another program compacts it", _compact),
)


def disturb(folder: Path, count: int, config: WorldConfig = CONFIG, *, seed: int = 1) -> Outcome:
    """Let something happen to the files at a random moment of a command; run it again, and compare the stores."""
    outcome, chance = (
        Outcome("files that other programs move, delete, overwrite or lock"),
        random.Random(seed),
    )
    kinds = chance.sample(KINDS, len(KINDS))
    with place(folder, config) as here:
        for task_number, (task, start, undisturbed, seconds) in enumerate(
            undisturbed_runs(folder, here, count)
        ):
            for number in range(task_number, count, len(TASKS)):
                kind, after = kinds[number % len(kinds)], seconds * chance.random()
                here.begin_with(start)
                timer = threading.Timer(after, _happens, (kind, here.store))
                timer.start()
                ended = here.commands.run(*task.arguments)
                timer.join()
                kind.undo(here.store)
                problems = [] if ended.code in _CODES else [f"exit code {ended.code}: {ended.output[-300:]}"]
                again, seconds_again = again_until_done(here, task.arguments)
                if again.code:
                    problems.append(f"then exit code {again.code}: {again.output[-300:]}")
                lost, wrong, sentences = lost_and_wrong(content(here.store), undisturbed)
                problems += [*sentences, *unsound(here.store, may_have_been_killed=True)]
                outcome.count(
                    problems=[
                        f"{task.name}, {kind.name} after {after:.3f} s: {problem}" for problem in problems
                    ],
                    rows_lost=lost,
                    wrong_numbers=wrong,
                    has_traceback=ended.has_traceback or again.has_traceback,
                    seconds_to_good=seconds_again,
                )
    return outcome


def _happens(kind: Kind, store: Path) -> None:
    # There may be no store yet, or another program may take longer with it than this one waits.
    if store.exists():
        with suppress(sqlite3.OperationalError):
            kind.happen(store)
