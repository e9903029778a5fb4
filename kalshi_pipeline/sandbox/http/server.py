"""Starts and stops the exchange: in a thread for tests and the demo, in the foreground for the command line."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

import uvicorn
from starlette.types import Scope

from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.http.app import PREFIX, Exchange, Pause
from kalshi_pipeline.sandbox.http.dates import WALL_CLOCK, Now
from kalshi_pipeline.sandbox.http.limits import RateLimit
from kalshi_pipeline.sandbox.http.request_log import RequestLog
from kalshi_pipeline.sandbox.world.config import WorldConfig
from kalshi_pipeline.sandbox.world.world import World

_START_SECONDS = 10.0
_TICK_SECONDS = 0.02


class _Server(uvicorn.Server):
    """A server that stops without finishing its answers, because tests stop many, some during a delayed answer."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_settled = threading.Event()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self._is_settled.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._is_settled.set()

    def has_started(self) -> bool:
        """Wait until it answers or has failed, and return whether it answers."""
        return self._is_settled.wait(_START_SECONDS) and self.started

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(_TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - `Sandbox` closes it
        for server in self.servers:
            server.close()
        while self.server_state.connections or self.server_state.tasks:
            for connection in self.server_state.connections:
                connection.transport.abort()
            for task in self.server_state.tasks:
                task.cancel()
            await asyncio.sleep(0)


class Sandbox:
    """An exchange on the loopback interface that runs within a `with` block; on a free port if `port` is 0.

    `pause` waits for the seconds by which a fault delays an answer; `now` is the time that its answers are dated by.
    """

    def __init__(
        self,
        world: World | None = None,
        port: int = 0,
        faults: Faults | None = None,
        limit: RateLimit | None = None,
        host: str = "127.0.0.1",
        pause: Pause = asyncio.sleep,
        now: Now = WALL_CLOCK,
    ) -> None:
        self.world = world or World()
        self.requests = RequestLog()
        self._host = host
        self._port = port
        self._exchange = Exchange(
            self.world, faults or Faults(), limit, self.requests, self._abort, pause, now
        )
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def faults(self) -> Faults:
        return self._exchange.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Change the faults from the next request on, and forget the attempts and pages counted so far."""
        self._exchange.set_faults(faults)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}{PREFIX}"

    def date_by(self, now: Now) -> None:
        """Date answers by another time from the next request on."""
        self._exchange.now = now

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start serving, and return once the exchange answers; OSError if the port is taken."""
        self._socket = socket.create_server((self._host, self._port), backlog=512)
        self._port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._exchange,
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            ws="none",
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        try:
            if not self._server.has_started():
                raise RuntimeError("the sandbox exchange did not start")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def _abort(self, scope: Scope, *, hard: bool) -> None:
        if self._server is None:
            return
        for connection in list(self._server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is None or getattr(connection, "client", None) != scope["client"]:
                continue
            if hard:
                raw = transport.get_extra_info("socket")
                # With a linger time of zero seconds the system sends RST instead of FIN.
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
            else:
                transport.close()


def serve(
    config: WorldConfig,
    faults: Faults | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    step_every_seconds: float | None = 2.0,
    limit: RateLimit | None = RateLimit(),  # noqa: B008 - frozen
    on_start: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until `stop` is set or a signal raises, and step the world in real time, or never if the interval is None.

    `on_start` is called with the address of the exchange as soon as it answers.
    """
    stop = stop or threading.Event()
    with Sandbox(World(config), port, faults, limit, host) as sandbox:
        on_start(sandbox.url)
        while not stop.wait(step_every_seconds):
            sandbox.world.step()
