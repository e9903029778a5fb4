"""Real parts for every test: a database file, a sandbox exchange over HTTP, and sessions with both."""

import gc
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.signals import STOPPING
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.shared import WHY_SKIPPED

Query: TypeAlias = Callable[..., list[tuple[Any, ...]]]

_HANDLERS = {number: signal.getsignal(number) for number in STOPPING}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Handle signals as at the start, before each test.

    Dagster lets SIGTERM be handled as SIGINT is, which a background job ignores, and later tests' commands inherit it.
    """
    for number, handler in _HANDLERS.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's settings and `.env` away from tests and shared fixtures."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(f"KALSHI_{name.upper()}", raising=False)
        patch.delenv("DAGSTER_HOME", raising=False)
        patch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)  # messages name commands as they were started
        patch.chdir(tmp_path_factory.mktemp("empty"))
        yield


@pytest.fixture(autouse=True)
def _folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give each test its own current folder."""
    monkeypatch.chdir(tmp_path)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs long tests in full, as `poe test-full` does."""
    parser.addoption(
        "--full", action="store_true", help="run the long tests in full, not in their short forms"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the width of the terminal away from tests, and let all processes share compiled code.

    Where the environment says not to write it beside the source, every process that a test starts would compile
    Dagster again, which takes longer than what it does then.
    """
    os.environ.pop("COLUMNS", None)
    if sys.dont_write_bytecode:
        sys.dont_write_bytecode = False
        sys.pycache_prefix = str(config.rootpath / ".pytest_cache" / "bytecode")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix


@pytest.fixture(autouse=True, scope="session")
def _tests_leave_nothing_open() -> Iterator[None]:
    """Also collect shared objects at the end."""
    yield
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def _leaves_nothing_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect garbage where a test ends: the ResourceWarning of what it left open fails this test, and no later one.

    What is alive then is shared by tests, and left out of the collections after them, which take a moment.
    """
    yield
    request.node.funcargs.clear()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Count the skipped comparisons in a last line, because a skip among a thousand dots is easily missed."""
    yield
    count = sum(WHY_SKIPPED in str(report.longrepr) for report in terminalreporter.getreports("skipped"))
    if count:
        terminalreporter.write_line(
            f"{count} tests were skipped because {WHY_SKIPPED}: they compare with recorded answers",
            yellow=True,
        )


@pytest.fixture(scope="session")
def is_full(request: pytest.FixtureRequest) -> bool:
    """Whether long tests run in full."""
    return bool(request.config.getoption("full"))


@pytest.fixture(scope="session")
def migrated_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with today's schema. Migrating takes far longer than copying."""
    path = tmp_path_factory.mktemp("template") / "kalshi.db"
    Database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def database_path(tmp_path: Path, migrated_template: Path) -> Path:
    """A database file of the test's own, with the schema and nothing else."""
    return shutil.copyfile(migrated_template, tmp_path / "kalshi.db")


def query_of(database_path: Path) -> Query:
    """Query a database file in SQL, as its user would."""

    def ask(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(database_path)) as connection:
            return connection.execute(sql, parameters).fetchall()

    return ask


def by_another_program(database_path: Path, *statements: str) -> None:
    """Act like the `sqlite3` shell, which enforces no foreign keys."""
    with closing(sqlite3.connect(database_path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
def query(database_path: Path) -> Query:
    """Query the test's own database."""
    return query_of(database_path)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small exchange: several pages of events, markets on two pages."""
    with Sandbox(World(WorldConfig(markets=2_200, combos=40, change_share=0.1))) as running:
        yield running


@pytest.fixture
def settings_for(database_path: Path) -> Callable[..., Settings]:
    """Settings for a sandbox: fast, and failing fast."""

    def make(api_url: str, **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "api_url": api_url,
            "database_url": f"sqlite:///{database_path}",
            "requests_per_second": 1000,
            "retry_seconds": 0,
        }
        return Settings(**{**values, **changes})

    return make


@pytest.fixture
def session(sandbox: Sandbox, settings_for: Callable[..., Settings]) -> Iterator[Session]:
    """A session on the sandbox, with the default scope."""
    with open_session(settings_for(sandbox.url)) as opened:
        yield opened
