"""Dagster instances, and jobs that run on them against a sandbox."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline_tests.defs.ledgers import CommandLine
from kalshi_pipeline_tests.defs.running import Runner


@pytest.fixture(scope="session")
def in_memory() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def instance(in_memory: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """An empty instance in memory. Modules that need Dagster's files create their own instance."""
    yield in_memory
    in_memory.wipe()


@pytest.fixture
def run(instance: dg.DagsterInstance, sandbox: Sandbox, database_path: Path) -> Runner:
    """Run a job of the pipeline into the test's own database."""
    return Runner(instance, sandbox, database_path)


@pytest.fixture
def command_line(run: Runner, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The sensor reads its settings from the environment."""
    for name, value in run.overrides.items():
        monkeypatch.setenv(f"KALSHI_{name.upper()}", value)
    return CommandLine(run)
