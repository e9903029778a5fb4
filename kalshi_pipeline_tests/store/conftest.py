import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import BigInteger, Connection, Engine, ExecutionContext, event
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.sql.compiler import SQLCompiler

from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import sqlite_url

NewDatabase: TypeAlias = Callable[[], Database]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a test's database."""
    return tmp_path / "kalshi.db"


@pytest.fixture
def database(path: Path, migrated_template: Path) -> Iterator[Database]:
    """An empty database with the schema, in its own file."""
    shutil.copyfile(migrated_template, path)
    with closing(Database(sqlite_url(path))) as database:
        yield database


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory, migrated_template: Path) -> Iterator[NewDatabase]:
    """Makes a database that the tests of a module share."""
    with ExitStack() as stack:

        def make() -> Database:
            path = shutil.copyfile(migrated_template, tmp_path_factory.mktemp("shared") / "kalshi.db")
            return stack.enter_context(closing(Database(sqlite_url(path))))

        yield make


@pytest.fixture
def plans() -> Iterator[list[str]]:
    """The query plan of each later statement, step by step."""
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


@pytest.fixture(autouse=True)
def _binds_large_integers_as_64_bits() -> Iterator[None]:
    """Refuse a statement that declares a large integer, such as an instant, with too narrow a type.

    SQLite would accept it, and PostgreSQL would not.
    """

    def examine(
        _: Connection, __: object, statement: str, ___: object, context: ExecutionContext, *____: object
    ) -> None:
        assert isinstance(context, DefaultExecutionContext)
        if isinstance(compiled := context.compiled, SQLCompiler):
            for parameters in context.compiled_parameters:
                for name, value in parameters.items():
                    if isinstance(value, int) and abs(value) >= 2**31 and name in compiled.binds:
                        assert isinstance(compiled.binds[name].type, BigInteger), (name, statement)

    event.listen(Engine, "before_cursor_execute", examine)
    yield
    event.remove(Engine, "before_cursor_execute", examine)
