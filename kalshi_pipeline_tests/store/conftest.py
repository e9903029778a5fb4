import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import sqlite_url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database of a test is, or is made."""
    return tmp_path / "kalshi.db"


@pytest.fixture
def database(path: Path, migrated_template: Path) -> Iterator[Database]:
    """An empty database with its schema, in a file of its own."""
    shutil.copyfile(migrated_template, path)
    with closing(Database(sqlite_url(path))) as database:
        yield database


@pytest.fixture
def plans() -> Iterator[list[str]]:
    """How SQLite went about each query since, step by step."""
    steps: list[str] = []

    def explain(connection: Connection, _: object, statement: str, parameters: Any, *__: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            driver = connection.connection.driver_connection
            assert driver is not None
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(str(row[-1]) for row in rows)

    event.listen(Engine, "before_cursor_execute", explain)
    yield steps
    event.remove(Engine, "before_cursor_execute", explain)
