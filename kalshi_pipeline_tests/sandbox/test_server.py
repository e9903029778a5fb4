"""Starting, watching and stopping the exchange."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig, serve
from kalshi_pipeline.sandbox.http.request_log import LoggedRequest, RequestLog


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_requests_are_logged_and_can_be_cleared() -> None:
    with Sandbox(World(WorldConfig(markets=10))) as sandbox:
        httpx.get(f"{sandbox.url}/markets?limit=2&status=open")
        httpx.get(f"{sandbox.url}/nope")
        seen = [(row.method, row.path, row.query, row.status) for row in sandbox.requests]
        assert seen == [
            ("GET", "/markets", {"limit": "2", "status": "open"}, 200),
            ("GET", "/nope", {}, 404),
        ]
        sandbox.requests.clear()
        assert len(sandbox.requests) == 0


def test_log_keeps_the_newest_requests_only() -> None:
    log = RequestLog(most=2)
    for number in range(3):
        log.append(LoggedRequest(float(number), "GET", "/", {}, 200))
    assert [row.at for row in log] == [1.0, 2.0]


def test_port_is_free_again_after_the_end(free_port: int) -> None:
    world = World(WorldConfig(markets=10))
    for _ in range(2):
        with Sandbox(world, port=free_port) as sandbox:
            assert sandbox.url == f"http://127.0.0.1:{free_port}/trade-api/v2"
            assert httpx.get(f"{sandbox.url}/exchange/status").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{sandbox.url}/exchange/status")


def test_requests_under_way_are_dropped_at_the_end() -> None:
    """The second of two requests that arrive at once is delayed for longer than a test may take."""
    delayed = Faults(latency_seconds=3_600, paths=("/markets",))
    with Sandbox(World(WorldConfig(markets=10)), faults=delayed) as sandbox:
        url = httpx.URL(sandbox.url)
        connection = socket.create_connection((url.host, url.port or 0))
        heads = [
            f"GET {url.path}{path} HTTP/1.1\r\nhost: {url.host}\r\n\r\n"
            for path in ("/exchange/status", "/markets")
        ]
        connection.sendall("".join(heads).encode())
        answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 200")
    with connection:
        while part := connection.recv(65_536):
            answer += part
    assert answer.count(b"HTTP/1.1") == 1


def test_taken_port_is_an_error() -> None:
    with Sandbox(World(WorldConfig(markets=10))) as sandbox:
        port = int(sandbox.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match="in use"):
            Sandbox(World(WorldConfig(markets=10)), port=port).start()


SERVE = """
from kalshi_pipeline.sandbox import WorldConfig, serve
serve(WorldConfig(markets=10), port={port}, step_every_seconds=None)
print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_cleanly_on_a_signal(free_port: int, number: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-c", SERVE.format(port=free_port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with process, httpx.Client() as client:
        while True:
            try:
                client.get(f"http://127.0.0.1:{free_port}/trade-api/v2/exchange/status")
                break
            except httpx.ConnectError:
                assert process.poll() is None
        process.send_signal(number)
        output, _ = process.communicate(timeout=10)
    assert (process.returncode, output) == (0, "ended\n")


def test_serve_steps_the_world_until_it_is_stopped(free_port: int) -> None:
    stop = threading.Event()
    config = WorldConfig(markets=20, births_per_step=1, closes_per_step=0)
    arguments = {
        "port": free_port,
        "step_every_seconds": 0.01,
        "limit": None,
        "stop": stop,
        "faults": Faults(),
    }
    thread = threading.Thread(target=serve, args=(config,), kwargs=arguments)
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            url = f"http://127.0.0.1:{free_port}/trade-api/v2/historical/cutoff"
            first = client.get(url).json()
            while client.get(url).json() == first:
                pass
    finally:
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()
