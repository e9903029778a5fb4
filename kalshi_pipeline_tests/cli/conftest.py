"""Runs commands as a user does, against a sandbox exchange and a database file."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from kalshi_pipeline.cli.app import main
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline_tests.waiting import Gate


class Result(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def gate() -> Gate:
    """Where delayed requests wait."""
    return Gate()


@pytest.fixture
def sandbox(gate: Gate) -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=120, combos=5)), pause=gate) as running:
        yield running
        gate.open()


@pytest.fixture
def environment(sandbox: Sandbox, database_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "KALSHI_API_URL": sandbox.url,
        "KALSHI_DATABASE_URL": f"sqlite:///{database_path}",
        "KALSHI_REQUESTS_PER_SECOND": "1000",
        "KALSHI_RETRY_SECONDS": "0",
        "COLUMNS": "160",
    }


@pytest.fixture
def run(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command in this process, because starting Python takes seconds; the entry point is the same."""

    def call(*arguments: str, **settings: str) -> Result:
        with monkeypatch.context() as patch:
            for name, value in {
                **environment,
                **{f"KALSHI_{name}": value for name, value in settings.items()},
            }.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["kalshi-pipeline", *arguments])
            capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main()
        output = capsys.readouterr()
        return Result(int(end.value.code or 0), output.out, output.err)

    return call


def first_ticker(sandbox: Sandbox) -> str:
    markets = httpx.get(f"{sandbox.url}/markets", params={"status": "open", "mve_filter": "exclude"}).json()[
        "markets"
    ]
    return str(
        next(market["ticker"] for market in markets if market["yes_bid_dollars"] not in ("0.0000", "1.0000"))
    )
