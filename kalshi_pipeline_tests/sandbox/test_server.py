"""Starting, watching and stopping the exchange."""

import socket
import threading

import httpx
import pytest

from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig, serve
from kalshi_pipeline.sandbox.http.request_log import LoggedRequest, RequestLog


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
        log.append(LoggedRequest("GET", f"/{number}", {}, 200))
    assert [row.path for row in log] == ["/1", "/2"]


def port_of(sandbox: Sandbox) -> int:
    return int(sandbox.url.split(":")[2].split("/")[0])


def test_port_is_free_again_after_the_end() -> None:
    world = World(WorldConfig(markets=10))
    with Sandbox(world) as first:
        port = port_of(first)
    with Sandbox(world, port=port) as second:
        assert second.url == first.url == f"http://127.0.0.1:{port}/trade-api/v2"
        assert httpx.get(f"{second.url}/exchange/status").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{second.url}/exchange/status")


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
    with Sandbox(World(WorldConfig(markets=10))) as sandbox, pytest.raises(OSError, match="in use"):
        Sandbox(World(WorldConfig(markets=10)), port=port_of(sandbox)).start()


def test_serve_steps_the_world_until_it_is_stopped() -> None:
    started, stop = threading.Event(), threading.Event()
    urls: list[str] = []

    def on_start(url: str) -> None:
        urls.append(url)
        started.set()

    arguments = {
        "port": 0,
        "step_every_seconds": 0.01,
        "limit": None,
        "on_start": on_start,
        "stop": stop,
        "faults": Faults(),
    }
    config = WorldConfig(markets=20, births_per_step=1, closes_per_step=0)
    thread = threading.Thread(target=serve, args=(config,), kwargs=arguments)
    thread.start()
    try:
        started.wait()
        (url,) = urls
        with httpx.Client(base_url=url) as client:
            first = client.get("/historical/cutoff").json()
            while client.get("/historical/cutoff").json() == first:
                pass
    finally:
        stop.set()
        thread.join()
