"""Rows in order, however many: what is more than memory should hold is sorted in parts, in a temporary file."""

import contextlib
import heapq
import marshal
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any, TypeAlias

from kalshi_pipeline.errors import ExportError

Row: TypeAlias = Sequence[Any]

_HELD_ROWS = 100_000  # some 100 MB of quotes
_READ_ROWS = 500  # of each sorted part, while they are merged


class SortedRows:
    """Rows of texts and whole numbers, by a key. They can be read any number of times; the file ends with the object.

    Raises ExportError where the temporary folder is full.
    """

    def __init__(self, rows: Iterable[Row], key: Callable[[Row], Any], held_rows: int = _HELD_ROWS) -> None:
        self._key = key
        self._held: list[Row] = []
        self._parts: list[list[tuple[int, int]]] = []
        self._file: IO[bytes] | None = None
        for row in rows:
            self._held.append(row)
            if len(self._held) == held_rows:
                self._put_aside()
        self._held.sort(key=key)

    def __iter__(self) -> Iterator[Row]:
        parts = (self._read(part) for part in self._parts)
        return heapq.merge(*parts, self._held, key=self._key) if self._parts else iter(self._held)

    def _put_aside(self) -> None:
        self._held.sort(key=self._key)
        places = []
        with _full_disk_explained():
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  (it is read as long as this object is)
                weakref.finalize(self, self._file.close)
            for first in range(0, len(self._held), _READ_ROWS):
                octets = marshal.dumps([tuple(row) for row in self._held[first : first + _READ_ROWS]])
                places.append((self._file.tell(), len(octets)))
                self._file.write(octets)
            self._file.flush()
        self._parts.append(places)
        self._held = []

    def _read(self, places: Sequence[tuple[int, int]]) -> Iterator[Row]:
        assert self._file is not None
        for offset, size in places:
            # Not by the file's own position, which every reader of it would move.
            yield from marshal.loads(os.pread(self._file.fileno(), size, offset))  # noqa: S302  (written above)


@contextlib.contextmanager
def _full_disk_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        folder = tempfile.gettempdir()
        raise ExportError(
            f"{folder} cannot hold the rows while they are sorted ({error.strerror}): free some space, "
            "or name another folder in TMPDIR"
        ) from error
