"""A sandbox exchange in its own process, so that its work is not counted. It changes only on request."""

import contextlib
import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

from benchmarks.remembering import remembering
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig


class Exchange:
    """The address of the exchange, a second one that caches its answers, and ways to change its world."""

    def __init__(self, url: str, remembering_url: str, pipe: Connection) -> None:
        self.url = url
        self.remembering_url = remembering_url
        self._pipe = pipe

    def move(self, share: float) -> None:
        """Move a share of the quotes."""
        self._ask("move", share)

    def delay(self, seconds: float) -> None:
        """Delay cached answers from now on."""
        self._ask("delay", seconds)

    def _ask(self, name: str, number: float) -> None:
        self._pipe.send((name, number))
        self._pipe.recv()


def _serve(config: WorldConfig, pipe: Connection) -> None:
    with Sandbox(World(config)) as sandbox, remembering(sandbox.url) as (remembering_url, remembered):

        def move(share: float) -> None:
            sandbox.world.config = dataclasses.replace(sandbox.world.config, change_share=share)
            sandbox.world.step()

        def delay(seconds: float) -> None:
            remembered.latency_seconds = seconds

        actions: dict[str, Callable[[float], None]] = {"move": move, "delay": delay}
        pipe.send((sandbox.url, remembering_url))
        with contextlib.suppress(EOFError):  # the process that asks was killed
            while (asked := pipe.recv()) is not None:
                name, number = asked
                actions[name](number)
                pipe.send("done")


@contextlib.contextmanager
def serving(markets: int) -> Iterator[Exchange]:
    """Serve a world with this many open markets, and no new or closing ones, until the end of the block."""
    config = WorldConfig(markets=markets, births_per_step=0, closes_per_step=0)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(config, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        url, remembering_url = ours.recv()
        yield Exchange(url, remembering_url, ours)
    finally:
        ours.send(None)
        process.join()
