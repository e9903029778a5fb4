"""Backups: a copy of one state, made while others write, and verified before it gets its name."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from kalshi_pipeline.errors import ConfigurationError, StoreError, StoreProblem
from kalshi_pipeline.store.dialects.sqlite.files import files_of
from kalshi_pipeline.store.dialects.sqlite.messages import on_one_line, problem_of
from kalshi_pipeline.store.new_files import flush, give_name, make_draft

_ALL_PAGES = -1


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Open a draft beside a target; after the block it is on the disk under the target's name.

    If the block fails, it is deleted. A file that appears under the target's name meanwhile is kept.
    """
    if os.path.lexists(target):
        raise _exists(target)
    try:
        draft = make_draft(target, ".copying")
    except OSError as error:
        raise ConfigurationError(
            [f"{target.parent} cannot be written ({error.strerror}): pass a path in another folder"]
        ) from error
    try:
        yield draft
        flush(draft)
        try:
            give_name(draft, target)
        except FileExistsError as error:
            raise _exists(target) from error
        flush(target.parent)
    except OSError as error:
        raise _failed(target, str(error)) from error
    finally:
        for path in (*files_of(draft), Path(f"{draft}-journal")):
            path.unlink(missing_ok=True)


def copy_pages(connection: Connection, draft: Path, target: Path) -> None:
    """Copy the state that a connection sees into a draft of a target; StoreError if the copy differs or is damaged.

    It is one step: in several, the copy would restart at each commit of another program.
    """
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    counts = _row_counts(source)  # and from now on the connection sees one state
    if not counts:
        raise StoreError("there is no database to copy: it is empty", StoreProblem.MISSING)
    try:
        draft.write_bytes(b"")
        with contextlib.closing(sqlite3.connect(draft)) as copy:
            source.backup(copy, pages=_ALL_PAGES)
        with contextlib.closing(sqlite3.connect(f"{draft.as_uri()}?immutable=1", uri=True)) as copy:
            damages = [on_one_line(line) for (line,) in copy.execute("PRAGMA quick_check") if line != "ok"]
            copied = {} if damages else _row_counts(copy)
    except sqlite3.Error as error:
        raise _failed(target, str(error)) from error
    if damages:
        raise StoreError(
            f"{target} was not written, because the database is damaged ({damages[0]})", StoreProblem.DAMAGED
        )
    if copied != counts:
        raise StoreError(f"{target} was not written: the copy has other rows than the database")


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    counts = {}
    for (name,) in found:
        quoted = name.replace('"', '""')
        counts[name] = connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0]  # noqa: S608  (a name of the database itself, quoted)
    return counts


def _exists(target: Path) -> ConfigurationError:
    return ConfigurationError([f"{target} exists already: pass a path at which there is nothing"])


def _failed(target: Path, fact: str) -> StoreError:
    return StoreError(f"{target} was not written ({fact})", problem_of(fact)[0])
