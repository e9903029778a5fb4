"""Reading a database as Arrow record batches by ADBC, ten times as fast as by a Python object for each value.

ADBC has its own copy of SQLite. Two copies in one process would release each other's locks on the file, so it runs in
another process, whose output is read through a pipe.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kalshi_pipeline.errors import MissingExtraError
from kalshi_pipeline.store.dialects.sqlite.messages import error_of

_PROGRAM = Path(__file__).with_name("arrow_program.py")
_SECONDS_TO_CLOSE = 2
_IS_WHOLE = b"."
_NEEDED = {"pyarrow": "pyarrow", "adbc_driver_sqlite": "adbc-driver-sqlite", "numpy": "numpy"}


def arrow_batches(path: Path, mode: str, statement: str, batch_rows: int) -> Iterator[Any]:
    """Yield the record batches of a statement, from a file opened in a mode of SQLite's URIs.

    The process ends with the iteration. Raises StoreError if it fails, and MissingExtraError if a package is missing.
    """
    for module, package in _NEEDED.items():
        if not _is_installed(module):
            raise MissingExtraError(package, "arrow")
    import pyarrow as pa

    address = f"file:{quote(str(path))}?{mode}"
    # Without the folder of the program in the path, because its neighbours are not top-level modules.
    command = [sys.executable, "-P", str(_PROGRAM), address, str(batch_rows), statement]
    with subprocess.Popen(  # noqa: S603  (this interpreter and this module)
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            # A stream that ends early is an error of the process, which says more.
            with pa.ipc.open_stream(process.stdout) as batches:
                yield from batches
            if process.stdout.read(1) != _IS_WHOLE:
                raise OSError("the process that reads it has ended early")
        except (pa.ArrowInvalid, OSError) as error:
            raise error_of(path, _last_line(process.stderr.read()) or str(error)) from error
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the process close the database, which removes the log if it is the last user, or kill it."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.close()  # its next batch fails
    process.stdin.close()
    try:
        process.wait(_SECONDS_TO_CLOSE)
    except subprocess.TimeoutExpired:
        process.kill()


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _last_line(output: bytes) -> str:
    *_, last = output.decode(errors="replace").strip().splitlines() or [""]
    return last
