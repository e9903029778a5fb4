"""The folder of a Dagster instance's state, with the project's Dagster settings, and its locks."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from kalshi_pipeline.errors import ConfigurationError
from kalshi_pipeline.project_files import project_file
from kalshi_pipeline.store.dialects import dialect_of

SETTINGS_FILE = "dagster.yaml"
_WRITTEN_BY = "# Written by kalshi-pipeline at each start; remove this line to keep your own changes.\n"
_STATE_FOLDER = re.compile(r"(?<=base_dir: )\.dagster/(\w+)")


def prepare_home(home: Path) -> Path:
    """Create the folder with its settings, and return its absolute path.

    Settings that the user took over are unchanged. Raises ConfigurationError if the folder is not writable.
    """
    home = Path(os.path.realpath(home))  # circular links are an error of the next line
    try:
        home.mkdir(parents=True, exist_ok=True)
        _write_settings(home)
    except OSError as error:
        raise ConfigurationError(
            [
                f"{home} cannot be written ({error.strerror or error}): choose another folder for Dagster's state"
            ]
        ) from error
    return home


@contextlib.contextmanager
def reserved(home: Path) -> Iterator[None]:
    """Reserve a prepared folder for this process during the block, because a second daemon would take each tick twice.

    Raises ConfigurationError if another process has it.
    """
    lock = FileLock(home / "in_use.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(
            [f"another Dagster of this program runs with its state in {home}: stop it first"]
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def collecting_alone(database_url: str) -> Iterator[None]:
    """Reserve a database for this process during the block, because two daemons would collect everything twice.

    Raises ConfigurationError if another `kalshi dev` has it, and StoreError if its folder is not writable.
    """
    dialect = dialect_of(database_url)
    dialect.make_home()
    lock = dialect.lock("dagster")
    if not lock.acquire(0):
        raise ConfigurationError(
            [
                f"another Dagster of this program collects into {dialect.place}, with its state elsewhere: "
                "stop it first, or name another database with --db"
            ]
        )
    try:
        yield
    finally:
        lock.release()


def forget_state(home: Path) -> None:
    """Remove Dagster's state from a folder, except its settings. Raises ConfigurationError if that is not allowed."""
    try:
        for path in home.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
    except OSError as error:
        raise ConfigurationError(
            [f"{home} cannot be emptied ({error.strerror or error}): remove it and run again"]
        ) from error


def _write_settings(home: Path) -> None:
    settings = _STATE_FOLDER.sub(
        lambda found: json.dumps(str(home / found[1])),
        project_file(SETTINGS_FILE).read_text(encoding="utf-8"),
    )
    _write(home / SETTINGS_FILE, settings)
    _write(home / "workspace.yaml", project_file("workspace.yaml").read_text(encoding="utf-8"))


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8").startswith(_WRITTEN_BY):
        path.write_text(_WRITTEN_BY + text, encoding="utf-8")
