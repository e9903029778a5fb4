"""Copies of a database file, made beside it before an upgrade."""

import shutil
from itertools import count
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.dialects.interface import Copy
from kalshi_pipeline.store.dialects.sqlite.engines import BEGIN
from kalshi_pipeline.store.dialects.sqlite.files import files_of
from kalshi_pipeline.store.dialects.sqlite.messages import problem_of
from kalshi_pipeline.store.new_files import flush


class FileCopy(Copy):
    """A copy of a file. While it is made it has a temporary name, so an incomplete one is never mistaken for a copy."""

    def __init__(self, engine: Engine, path: Path, name: str) -> None:
        self._engine = engine
        self._path = path
        self._name = name
        self._draft = path.with_name(f"{path.name}.copying")
        self._kept: Path | None = None

    @property
    def place(self) -> str | None:
        return str(self._kept) if self._kept else None

    def make(self) -> None:
        try:
            self.discard_draft()  # of a process that was killed
            with self._engine.connect().execution_options(**{BEGIN: None}) as connection:
                connection.exec_driver_sql("VACUUM INTO ?", (str(self._draft),))
            shutil.copymode(self._path, self._draft)
            flush(self._draft)
        except (DBAPIError, OSError) as error:
            raise self._error(str(error.orig if isinstance(error, DBAPIError) else error)) from error

    def _error(self, fact: str) -> StoreError:
        problem, _ = problem_of(fact)
        if problem is StoreProblem.FULL:
            needed, free = self._path.stat().st_size, shutil.disk_usage(self._path.parent).free
            fact = f"{fact}: the copy takes up to {needed:,} bytes, and {free:,} are free"
        return StoreError(
            f"{self._path} was not upgraded, because it could not be copied first ({fact})", problem
        )

    def keep(self) -> None:
        try:
            self._kept = self._reserved()
            self._draft.replace(self._kept)
            flush(self._kept.parent)
        except OSError as error:
            raise self._error(str(error)) from error

    def _reserved(self) -> Path:
        """Return the first unused name, reserved by an empty file."""
        for number in count(1):
            ending = f".{self._name}" + (f".{number}" if number > 1 else "")
            path = self._path.with_name(f"{self._path.stem}{ending}{self._path.suffix}")
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                if path.stat().st_size == 0:  # reserved by a process that was killed at this point
                    return path
            else:
                return path
        raise AssertionError("numbers do not end")

    def discard_draft(self) -> None:
        for path in (*files_of(self._draft), Path(f"{self._draft}-journal")):
            path.unlink(missing_ok=True)

    def discard(self) -> None:
        if self._kept:
            self._kept.unlink(missing_ok=True)
