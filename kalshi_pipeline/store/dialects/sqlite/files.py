"""The files of a database seen from outside, and locks on files beside it."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import Self

from filelock import FileLock, Timeout
from sqlalchemy import URL

from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.dialects.interface import Lock, Log

MISSING = (FileNotFoundError, NotADirectoryError)
"""The errors of the system that mean that there is no file."""

_LOCK_POLL_SECONDS = 0.1


def url_of_file(path: Path) -> str:
    """Return the URL of a file with any characters in its path; StoreError for a path that SQLite cannot open."""
    if problem := path_problem(str(path)):
        raise StoreError(f"the database's address {problem}", StoreProblem.ADDRESS)
    return URL.create("sqlite", database=str(path)).render_as_string()


def path_problem(path: str) -> str | None:
    """Return why a path cannot be that of a SQLite file."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "has a path that is not UTF-8"
    return "has a path with a NUL" if "\0" in path else None


def files_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the files of a SQLite database: its own, and those of its log while it is in use."""
    return path, Path(f"{path}-wal"), Path(f"{path}-shm")


def unreachable(path: Path, error: OSError) -> StoreError:
    """Return the error for a file that may exist, but that the system does not let this program see."""
    return StoreError(
        f"database {path}: unable to open database file ({error.strerror})", StoreProblem.NOT_USABLE
    )


def real_path(path: str | Path) -> Path:
    """Return an absolute path without links. Circular links stay; opening them will fail."""
    return Path(os.path.realpath(path))


@dataclass(frozen=True)
class Files:
    """The state of a database's files, seen from outside.

    They are not opened: closing a file would release all locks of this process on it, including SQLite's.
    """

    log: Path
    version: tuple[int, int, int]
    log_bytes: int | None
    has_index: bool
    journal_bytes: int | None

    @classmethod
    def at(cls, path: Path) -> Self:
        """Examine the files; StoreError if there is no database, or no access to it."""
        file, log, index = files_of(
            real_path(path)
        )  # the log is beside the file itself, not beside a link to it
        try:
            found = file.stat()
            if not S_ISREG(found.st_mode):
                raise StoreError(
                    f"database {path}: unable to open database file (it is not a file)",
                    StoreProblem.NOT_USABLE,
                )
            journal = Path(f"{file}-journal")  # the log of a file that is not in WAL mode
            log_bytes = _bytes_of(log)
            return cls(
                log=journal if log_bytes is None else log,
                version=(found.st_ino, found.st_size, found.st_mtime_ns),
                log_bytes=log_bytes,
                has_index=index.exists(),
                journal_bytes=_bytes_of(journal),
            )
        except MISSING as error:
            raise StoreError(f"there is no database at {path}", StoreProblem.MISSING) from error
        except OSError as error:
            raise unreachable(path, error) from error

    @property
    def are_at_rest(self) -> bool:
        """Whether no program has the file open for writing, and everything written is merged into it."""
        return not (self.log_bytes or self.journal_bytes or (self.log_bytes == 0 and self.has_index))


def make_like(path: Path, database: Path) -> None:
    """Create a file beside a database, if it is missing, which the users of the database can write.

    It gets the database's group and permissions as far as this user may set them. If it cannot be created, its later
    use reports that.
    """
    with contextlib.suppress(OSError):
        wanted = database.stat()
        number = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            found = os.fstat(number)
            if found.st_gid != wanted.st_gid:
                with contextlib.suppress(OSError):
                    os.fchown(number, -1, wanted.st_gid)
            if S_IMODE(found.st_mode) != (mode := S_IMODE(wanted.st_mode) & 0o666 | 0o600):
                os.fchmod(number, mode)
        finally:
            os.close(number)


def log_of(path: Path) -> Log | None:
    """Return the state of a file's log; None if there is none, or an empty one."""
    file, log, _ = files_of(path)
    try:
        merged, written = file.stat(), log.stat()
    except OSError:
        return None
    if not written.st_size:
        return None
    return Log(
        octets=written.st_size, written_at=written.st_mtime_ns // 1000, merged_at=merged.st_mtime_ns // 1000
    )


def _bytes_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


class LockFile(Lock):
    """A lock between processes, on a separate file."""

    def __init__(self, path: Path, database: Path) -> None:
        self._path = path
        self._database = database
        self._lock = FileLock(path, poll_interval=_LOCK_POLL_SECONDS)

    def acquire(self, seconds: float) -> bool:
        make_like(self._path, self._database)
        try:
            self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        except OSError as error:
            raise StoreError(
                f"the lock file {self._path} cannot be written ({error})", StoreProblem.NOT_USABLE
            ) from error
        return True

    def release(self) -> None:
        self._lock.release()
