"""The exchange's status: whether it trades, and on which shards."""

import json

import httpx
import pytest

from kalshi_pipeline.errors import (
    ExchangeError,
)
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.status import ExchangeStatus
from kalshi_pipeline.sandbox import Faults, Sandbox
from kalshi_pipeline.units import parse_instant
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.exchange.clients import (
    STATUS,
    Handler,
    answering,
    client_of,
    failing,
)


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "open"])
def test_exchange_status_is_read(client: KalshiClient, sandbox: Sandbox, paused: bool) -> None:
    sandbox.faults = Faults(paused=paused)
    assert client.fetch_exchange_status().is_paused is paused


@pytest.mark.parametrize("status", [200, 500, 503, 504])
def test_exchange_status_is_read_from_an_error_too(status: int) -> None:
    """An exchange in trouble answers 5xx with the same body."""
    body = '{"exchange_active": false, "trading_active": false}'
    with client_of(answering(status, body)) as client:
        assert client.fetch_exchange_status().is_paused is True
        assert (client.requests, client.retries) == (1, 0)


@pytest.mark.parametrize(
    ("handler", "reason", "requests"),
    [
        pytest.param(
            answering(200, "<html></html>"), f"{STATUS} answered 200, but it is not JSON (", 3, id="html"
        ),
        pytest.param(answering(503), f"{STATUS} answered 503, after ", 3, id="empty"),
        pytest.param(answering(429), f"{STATUS} answered 429, after ", 3, id="too-many"),
        pytest.param(
            answering(404, '{"error": {"code": "not_found"}}'),
            f"{STATUS} answered 404 (not_found): ",
            1,
            id="not-found",
        ),
        pytest.param(answering(200, "[]"), "the exchange's answer cannot be read: ", 1, id="no-object"),
        pytest.param(
            answering(200, '{"error": "down"}'),
            f"{STATUS} answered 200, but with an error (down), after ",
            3,
            id="error",
        ),
        pytest.param(answering(500, "{}"), f"{STATUS} answered 500, after ", 3, id="no-status"),
        pytest.param(
            failing(httpx.ConnectError("refused")),
            f"{STATUS} could not be reached (refused), after ",
            3,
            id="nobody-listening",
        ),
    ],
)
def test_missing_exchange_status_is_an_error(handler: Handler, reason: str, requests: int) -> None:
    """A snapshot waits at most three seconds for it, unless the exchange requests a longer wait."""
    clock = ManualClock()
    with client_of(handler, clock=clock, on_retry=lambda _: None) as client:
        with pytest.raises(ExchangeError) as failure:
            client.fetch_exchange_status()
        assert client.requests == requests
    assert sum(clock.slept) < 3
    assert str(failure.value).startswith(reason)


@pytest.mark.parametrize(
    ("body", "is_paused"),
    [
        ("{}", None),
        ('{"exchange_active": true}', None),
        ('{"exchange_active": true, "trading_active": null}', None),
        ('{"exchange_active": "yes", "trading_active": true}', None),
        ('{"exchange_active": 1, "trading_active": 1}', None),
        ('{"exchange_active": "false", "trading_active": "false"}', None),
        ('{"exchange_active": [], "trading_active": {}}', None),
        ('{"exchange_active": "no", "trading_active": false}', True),
        ('{"exchange_active": false}', True),
    ],
)
def test_pause_is_known_only_where_the_exchange_says_it(body: str, is_paused: bool | None) -> None:
    """The rest of the answer, such as its date, is still read."""
    headers = {"date": "Sun, 22 Nov 2026 15:00:00 GMT"}
    with client_of(answering(200, body, **headers)) as client:
        status = client.fetch_exchange_status()
        assert client.requests == 1
    assert status.is_paused is is_paused
    assert status.date == parse_instant("2026-11-22T15:00:00Z")


def test_exchange_status_is_retried_after_a_transient_refusal(clock: ManualClock) -> None:
    """A 429 is normal here too."""
    body = '{"exchange_active": true, "trading_active": true}'
    answers = iter([httpx.Response(429, headers={"retry-after": "30"}), httpx.Response(200, content=body)])
    with (
        client_of(lambda _: next(answers), on_retry=lambda _: None, clock=clock) as client,
        client.waiting_at_most(60),
    ):
        assert client.fetch_exchange_status().is_paused is False
        assert (client.requests, clock.monotonic()) == (2, 30)


@pytest.mark.parametrize(
    ("said", "resumes"),
    [
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:00Z"),
        ("", None),
        (None, None),
        (7, None),
        ("x" * 999, "x" * 299 + "…"),
    ],
)
def test_exchange_status_says_when_the_exchange_expects_to_resume(said: object, resumes: str | None) -> None:
    body = {"exchange_active": False, "trading_active": False, "exchange_estimated_resume_time": said}
    with client_of(answering(503, json.dumps(body))) as client:
        assert client.fetch_exchange_status().resumes == resumes


def status_of(shards: object) -> ExchangeStatus:
    body = {"exchange_active": True, "trading_active": True, "exchange_index_statuses": shards}
    with client_of(answering(200, json.dumps(body))) as client:
        return client.fetch_exchange_status()


def shard(index: object, **flags: object) -> dict[str, object]:
    return {
        "exchange_index": index,
        "description": f"Shard {index}",
        "exchange_active": True,
        "trading_active": True,
        "intra_exchange_transfers_active": False,
        **flags,
    }


def test_inactive_shards_are_kept_as_json() -> None:
    status = status_of([shard(0), shard(1, trading_active=False), shard(2, exchange_active=False)])
    assert status.is_paused is False
    assert status.inactive_numbers == ["1", "2"]
    assert status.inactive_shards == (
        '[{"description":"Shard 1","exchange_active":true,"exchange_index":1,"trading_active":false},'
        '{"description":"Shard 2","exchange_active":false,"exchange_index":2,"trading_active":true}]'
    )


@pytest.mark.parametrize(
    ("shards", "inactive"),
    [
        (None, None),
        ([], None),
        ([shard(0)], None),
        ({"1": {"trading_active": False}}, None),
        ("down", None),
        ([1, None, "down", [], {}], None),
        ([shard(1, trading_active="false"), shard(2, exchange_active=0)], None),
        ([{"trading_active": False}], '[{"trading_active":false}]'),
        ([{"exchange_index": 1e400, "exchange_active": False}], '[{"exchange_active":false}]'),
        ([{"exchange_index": 2**80, "exchange_active": False}], '[{"exchange_active":false}]'),
        (
            [{"exchange_index": "\ud800\0", "trading_active": False}],
            '[{"exchange_index":"\\ud800\\u0000","trading_active":false}]',
        ),
        (
            [{"description": "x" * 1000, "trading_active": False}],
            f'[{{"description":"{"x" * 300}","trading_active":false}}]',
        ),
    ],
    ids=[
        "null",
        "empty",
        "active",
        "object",
        "text",
        "odd shards",
        "odd flags",
        "no number",
        "infinite number",
        "huge number",
        "odd text",
        "long text",
    ],
)
def test_odd_shards_affect_nothing_else(shards: object, inactive: str | None) -> None:
    status = status_of(shards)
    assert (status.is_paused, status.inactive_shards) == (False, inactive)
