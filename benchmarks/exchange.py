"""A sandbox exchange in a process of its own, so that its work is not counted; it steps when it is asked to."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig


class Exchange:
    """The address of the exchange, and a way to let its world go on."""

    def __init__(self, url: str, pipe: Connection) -> None:
        self.url = url
        self._pipe = pipe

    def step(self) -> None:
        """Move a share of the quotes."""
        self._pipe.send("step")
        self._pipe.recv()


def _serve(config: WorldConfig, pipe: Connection) -> None:
    with Sandbox(World(config)) as sandbox:
        pipe.send(sandbox.url)
        while pipe.recv() == "step":
            sandbox.world.step()
            pipe.send("stepped")


@contextmanager
def serving(config: WorldConfig) -> Iterator[Exchange]:
    """Serve a world until the end of the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(config, theirs), daemon=True)
    process.start()
    try:
        yield Exchange(ours.recv(), ours)
    finally:
        ours.send("end")
        process.join()
