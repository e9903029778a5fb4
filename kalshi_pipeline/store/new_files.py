"""Files that are either complete or missing: a draft beside the target, which gets its name once it is done."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def draft_beside(target: Path) -> Iterator[Path]:
    """Open an empty draft on the disk of a target. It is deleted after the block unless it was given a name.

    On Linux it has no name, so nothing is left if the process is killed. Raises OSError if it cannot be created.
    """
    descriptor = _open_nameless(target.parent)
    if descriptor is None:
        draft = make_draft(target, ".writing")
        try:
            draft.chmod(0o666 & ~_umask())
            yield draft
        finally:
            draft.unlink(missing_ok=True)
        return
    try:
        yield _path_of(descriptor)
    finally:
        os.close(descriptor)


def make_draft(target: Path, ending: str) -> Path:
    """Create an empty file beside a target under an unused name; OSError if that fails.

    A missing folder is created.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=ending, dir=target.parent)
    os.close(number)
    return Path(name)


def flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_name(draft: Path, target: Path) -> None:
    """Rename a draft to its target. Raises FileExistsError if the target exists, and keeps it.

    On file systems with links, the draft keeps its own name too.
    """
    try:
        # Unlike a rename, it never replaces a file. A folder has to be passed, although the path is absolute: without
        # one, Python links to the symbolic link in /proc instead of the file without a name.
        os.link(draft.absolute(), target, src_dir_fd=0, follow_symlinks=True)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        draft.replace(target)


def replace_file(draft: Path, target: Path) -> None:
    """Rename a draft to its target, and replace an existing file."""
    spare = target.with_name(f".{secrets.token_hex(8)}.writing")
    give_name(draft, spare)
    try:
        spare.replace(target)
    finally:
        spare.unlink(missing_ok=True)


def _open_nameless(folder: Path) -> int | None:
    """Open a new file without a name in a folder; None if the system does not support that."""
    if not hasattr(os, "O_TMPFILE"):
        return None
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:  # a file system without such files; or a folder in which no file can be made at all
        return None
    if _path_of(descriptor).exists():
        return descriptor
    os.close(descriptor)
    return None


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
