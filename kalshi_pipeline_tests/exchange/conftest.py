"""A sandbox exchange for each module, and a client that stops where it would pause."""

from collections.abc import Iterator

import httpx
import pytest

from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.exchange.clients import stop


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(World(WorldConfig(markets=1_200, combos=40))) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.faults = Faults()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(sandbox: Sandbox, clock: ManualClock) -> Iterator[KalshiClient]:
    """A client that stops where it would pause."""
    with KalshiClient(
        sandbox.url, requests_per_second=1000, retry_seconds=3600, on_retry=stop, clock=clock
    ) as client:
        yield client


@pytest.fixture
def raw(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url) as client:
        yield client
