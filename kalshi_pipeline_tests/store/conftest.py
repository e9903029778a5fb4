from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import sqlite_url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kalshi.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """An empty database with its schema, in a file of its own."""
    with closing(Database(sqlite_url(path))) as database:
        yield database
