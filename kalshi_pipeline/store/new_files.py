"""Files that are either whole or not there: a draft beside the target, which gets the target's name once it is done."""

import os
import tempfile
from pathlib import Path


def make_draft(target: Path, ending: str) -> Path:
    """Make an empty file beside a target, under a name that no other process uses; OSError where that cannot be."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=ending, dir=target.parent)
    os.close(number)
    return Path(name)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_name(draft: Path, target: Path) -> None:
    """Give a draft its target's name, which stays that of a file that appeared meanwhile: then FileExistsError.

    Where the file system has links, the draft keeps its own name too.
    """
    try:
        os.link(draft, target)  # unlike a rename, it never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        draft.replace(target)
