"""Rewrites the exchange's answers, for faults that the sandbox cannot inject."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from typing import Any

import httpx

from kalshi_pipeline.clock import SYSTEM_CLOCK, Clock
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests import plain_http

Rewrite = Callable[[httpx.Request, Any], Any]


class Rewriting(httpx.BaseTransport):
    """Passes each answer except the status through `rewrite`, which returns a new answer or an error status.

    The clock dates the answers.
    """

    def __init__(self, rewrite: Rewrite, clock: Clock) -> None:
        self._rewrite = rewrite
        self._clock = clock
        self._transport = plain_http.open_transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.handle_request(request)
        response.read()
        if response.status_code != httpx.codes.OK:
            return response
        answer, is_status = response.json(), request.url.path.endswith("/exchange/status")
        rewritten = answer if is_status else self._rewrite(request, answer)
        if isinstance(rewritten, httpx.Response):
            return rewritten
        if isinstance(rewritten, int):
            return httpx.Response(rewritten, json={"error": "refused for a test"})
        return httpx.Response(200, content=json.dumps(rewritten), headers={"Date": self._date()})

    def _date(self) -> str:
        return formatdate(self._clock.now() / MICROS_PER_SECOND, usegmt=True)

    def close(self) -> None:
        self._transport.close()


@contextmanager
def rewritten_session(settings: Settings, rewrite: Rewrite, clock: Clock = SYSTEM_CLOCK) -> Iterator[Session]:
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(
            settings.api_url,
            requests_per_second=1000,
            retry_seconds=0,
            transport=Rewriting(rewrite, clock),
            clock=clock,
        ) as client,
    ):
        yield Session(client, database, settings, lambda _: None, clock)
