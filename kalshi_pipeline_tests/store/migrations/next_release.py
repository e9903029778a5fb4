"""Simulates the next release, with one more migration, in a separate process."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import kalshi_pipeline
from kalshi_pipeline_tests.store.samples import sqlite_url

_NEXT_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{current}"


def upgrade() -> None:
"""
_OPEN = """
import sys
from contextlib import closing
import kalshi_pipeline
from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.store.database import Database

assert kalshi_pipeline.__file__.startswith(sys.argv[1]), kalshi_pipeline.__file__
for line in sys.stdin:
    try:
        with closing(Database(sys.argv[2], migrate=line == "migrate\\n")):
            print("opened", flush=True)
    except StoreError as error:
        print(with_advice(error), flush=True)
"""


@contextmanager
def next_release(folder: Path, current: str, migration: str, path: Path) -> Iterator[Callable[[str], str]]:
    """A copy of the store with one more migration, in a separate process.

    It receives `open` or `migrate`, does that to the database, and prints `opened` or the error's line.
    """
    here = Path(kalshi_pipeline.__file__).parent
    package = folder / here.name
    shutil.copytree(here / "store", package / "store", ignore=shutil.ignore_patterns("__pycache__"))
    for module in here.glob("*.py"):
        shutil.copy(module, package)
    versions = package / "store" / "migrations" / "versions"
    (versions / "9999_next.py").write_text(_NEXT_MIGRATION.format(current=current) + migration)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _OPEN, str(folder), sqlite_url(path)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests, answers = process.stdin, process.stdout

        def ask(what: str) -> str:
            print(what, file=requests, flush=True)
            return answers.readline().removesuffix("\n")

        yield ask
        rest, errors = process.communicate(timeout=60)
        assert (process.returncode, rest, errors) == (0, "", "")
