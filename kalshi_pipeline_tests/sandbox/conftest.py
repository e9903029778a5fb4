import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults, RateLimit, Sandbox, World, WorldConfig
from kalshi_pipeline.sandbox.http.app import Pause
from kalshi_pipeline_tests import plain_http

Start = Callable[..., tuple[Sandbox, httpx.Client]]
Faulty = Callable[[Faults], tuple[Sandbox, httpx.Client]]


@pytest.fixture(scope="session")
def calm() -> Iterator[Sandbox]:
    """An exchange of the newest shape, some steps after its start. Tests must not change it."""
    world = World(WorldConfig(markets=600, combos=120, births_per_step=3, combos_per_step=2, past_share=0.3))
    world.step(12)
    with Sandbox(world) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def client(calm: Sandbox) -> Iterator[httpx.Client]:
    with plain_http.open_client(calm.url) as client:
        yield client


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an exchange for one test: `start(faults=..., limit=..., pause=..., **world_config)`."""
    with ExitStack() as stack:

        def run(
            faults: Faults | None = None,
            limit: RateLimit | None = None,
            pause: Pause = asyncio.sleep,
            **config: object,
        ) -> tuple[Sandbox, httpx.Client]:
            world = World(WorldConfig(**({"markets": 200} | config)))  # type: ignore[arg-type]
            sandbox = stack.enter_context(Sandbox(world, faults=faults, limit=limit, pause=pause))
            plain = {"accept-encoding": "identity"}  # compressing only takes time here
            return sandbox, stack.enter_context(plain_http.open_client(sandbox.url, headers=plain))

        yield run


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Sandbox, httpx.Client]]:
    with Sandbox(World(WorldConfig(markets=400))) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        yield sandbox, client


@pytest.fixture
def faulty(stage: tuple[Sandbox, httpx.Client]) -> Iterator[Faulty]:
    """The module's exchange with the given faults, and none afterwards."""
    sandbox, _ = stage

    def switch_on(faults: Faults) -> tuple[Sandbox, httpx.Client]:
        sandbox.faults = faults
        sandbox.requests.clear()
        return stage

    yield switch_on
    sandbox.faults = Faults()
