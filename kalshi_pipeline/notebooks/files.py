"""Tables in files: Parquet, CSV and JSON lines. A file is complete or does not exist."""

import contextlib
import errno
from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from kalshi_pipeline.errors import ConfigurationError, ExportError
from kalshi_pipeline.notebooks.extras import imported, is_installed
from kalshi_pipeline.notebooks.lines import Lines, csv_lines, json_lines
from kalshi_pipeline.notebooks.values import Value
from kalshi_pipeline.quoting import quoted
from kalshi_pipeline.store.new_files import draft_beside, flush, give_name, replace_file

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP_BATCHES = 16
_FEW_ROWS = 10_000  # writing these takes less time than importing Arrow
_ABOUT_THE_PATH = (errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENOENT)


class Writable(Protocol):
    """An answer that can be written to a file."""

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        ...

    def rows(self, *, decimals: bool) -> Generator[dict[str, Value]]:
        """Yield its rows."""
        ...

    def reader(self, *, decimals: bool) -> "pa.RecordBatchReader":
        """Return its rows as record batches of Arrow."""
        ...


def write_file(table: Writable, where: str | Path, *, overwrite: bool) -> Path:
    """Write a table to a file in the format of its extension, and return the path."""
    known = ", ".join(_WRITERS)
    if not isinstance(where, str | Path):
        raise ConfigurationError([f"{quoted(where)} is not a path: pass text or a Path that ends in {known}"])
    path = Path(where)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ConfigurationError([f"{quoted(str(path))} has an unknown extension: choose one of {known}"])
    if write is _write_parquet:
        imported("pyarrow")
    with _draft_of(path, overwrite=overwrite) as draft:
        write(table, draft)
    return path


def _write_parquet(table: Writable, draft: Path) -> None:
    pa, parquet = imported("pyarrow"), imported("pyarrow.parquet")
    reader = table.reader(decimals=True)
    with parquet.ParquetWriter(draft, reader.schema, compression="zstd") as writer:
        group = []
        for batch in reader:
            group.append(batch)
            if len(group) == _ROW_GROUP_BATCHES:
                writer.write_table(pa.Table.from_batches(group))
                group.clear()
        if group:
            writer.write_table(pa.Table.from_batches(group))


def _write_csv(table: Writable, draft: Path) -> None:
    form = csv_lines(table.columns)
    with draft.open("wb") as file:
        file.write(form.line(table.columns).encode())
        _write_lines(table, form, file)


def _write_json_lines(table: Writable, draft: Path) -> None:
    with draft.open("wb") as file:
        _write_lines(table, json_lines(table.columns), file)


def _write_lines(table: Writable, form: Lines, file: BinaryIO) -> None:
    """Write the rows as lines: few of them one by one, and more by Arrow, if it is installed."""
    with contextlib.closing(table.rows(decimals=True)) as rows:
        first = list(islice(rows, _FEW_ROWS))
        if len(first) < _FEW_ROWS or not is_installed("arrow"):
            file.writelines(form.line(row.values()).encode() for row in chain(first, rows))
            return
    for batch in table.reader(decimals=True):
        file.write(form.lines(batch))


_WRITERS: Mapping[str, Callable[[Writable, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}


@contextlib.contextmanager
def _draft_of(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Open a draft of a target. After the block the draft is on disk under the target's name, or is deleted."""
    with contextlib.ExitStack() as opened:
        try:
            if _is_there(target) and not overwrite:
                raise _exists(target)
            draft = opened.enter_context(draft_beside(target))
        except (OSError, ValueError) as error:
            fact = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigurationError(
                [f"{quoted(str(target))} cannot be written ({fact}): give another path"]
            ) from error
        try:
            yield draft
            flush(draft)
            _name(draft, target, overwrite=overwrite)
        except OSError as error:
            raise ExportError(
                f"{target} was not written ({error.strerror or error}): {_advice_for(error)}"
            ) from error


def _is_there(target: Path) -> bool:
    """Return whether a path exists, even as a broken link. Raises OSError for a path that cannot exist."""
    try:
        target.lstat()
    except FileNotFoundError:
        return False
    return True


def _name(draft: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        replace_file(draft, target)
        return
    try:
        give_name(draft, target)
    except FileExistsError as error:
        raise _exists(target) from error


def _exists(target: Path) -> ConfigurationError:
    return ConfigurationError(
        [f"{target} exists already: give another path, or replace it (overwrite=True, --overwrite)"]
    )


def _advice_for(error: OSError) -> str:
    if error.errno in _ABOUT_THE_PATH:
        return "give another path"
    return "free some space, or give a path on another disk"
