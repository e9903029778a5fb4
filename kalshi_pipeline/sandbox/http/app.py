"""The HTTP side: routes, refusals, compression, the rate limit and the faults, around the endpoints."""

import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from kalshi_pipeline.sandbox.faults.fault_injector import FaultDesk, Plan, Trouble
from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.http.endpoint_context import Desk, Handler
from kalshi_pipeline.sandbox.http.event_listings import get_event, get_events, get_multivariate_events
from kalshi_pipeline.sandbox.http.limits import RateLimit, TokenBucket
from kalshi_pipeline.sandbox.http.market_listings import get_historical_markets, get_markets
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError, NotFoundError, error_body
from kalshi_pipeline.sandbox.http.request_log import LoggedRequest, RequestLog
from kalshi_pipeline.sandbox.http.single_reads import (
    get_book,
    get_books,
    get_candles,
    get_candles_of_many,
    get_cutoff,
    get_fee_changes,
    get_historical_candles,
    get_historical_market,
    get_market,
    get_schedule,
    get_series,
    get_series_list,
    get_status,
)
from kalshi_pipeline.sandbox.http.trade_listings import get_historical_trades, get_trades
from kalshi_pipeline.sandbox.shapes.shapes import shape_of
from kalshi_pipeline.sandbox.world.tiers import Tiers
from kalshi_pipeline.sandbox.world.world import World

PREFIX = "/trade-api/v2"
SMALLEST_COMPRESSED = 500

# In this order: /markets/trades is no market called "trades".
ROUTES: dict[str, Handler] = {
    "/exchange/status": get_status,
    "/exchange/schedule": get_schedule,
    "/series": get_series_list,
    "/series/fee_changes": get_fee_changes,
    "/series/{series_ticker}": get_series,
    "/series/{series_ticker}/markets/{ticker}/candlesticks": get_candles,
    "/events": get_events,
    "/events/multivariate": get_multivariate_events,
    "/events/{event_ticker}": get_event,
    "/markets": get_markets,
    "/markets/trades": get_trades,
    "/markets/candlesticks": get_candles_of_many,
    "/markets/orderbooks": get_books,
    "/markets/{ticker}": get_market,
    "/markets/{ticker}/orderbook": get_book,
    "/historical/cutoff": get_cutoff,
    "/historical/markets": get_historical_markets,
    "/historical/markets/{ticker}": get_historical_market,
    "/historical/markets/{ticker}/candlesticks": get_historical_candles,
    "/historical/trades": get_historical_trades,
}
_NOT_YET_IN_JANUARY = ("/historical/", "/markets/orderbooks")  # since 19 Feb and 30 Mar 2026 (API.md §3)


Pause: TypeAlias = Callable[[float], Awaitable[None]]


class Abort(Protocol):
    """Ends the connection of a request: with a reset when `hard`, else behind what was written so far."""

    def __call__(self, scope: Scope, *, hard: bool) -> None: ...


class Exchange:
    """The ASGI application."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        limit: RateLimit | None,
        log: RequestLog,
        abort: Abort,
        pause: Pause,
    ) -> None:
        self._desk = Desk(world, shape_of(world), Tiers(world, faults))
        self._bucket = TokenBucket(limit) if limit else None
        self._log = log
        self._abort = abort
        self._pause = pause
        self._app = Starlette(
            routes=[
                Route(PREFIX + path, self._endpoint(path, handler), methods=["GET"])
                for path, handler in ROUTES.items()
                if self._desk.shape.has_historical_tier or not path.startswith(_NOT_YET_IN_JANUARY)
            ],
            exception_handlers={
                BadRequestError: _refuse_bad_request,
                NotFoundError: _refuse_unknown,
                HTTPException: _refuse_http,
            },
        )
        self._app.router.redirect_slashes = False
        self.set_faults(faults)

    @property
    def faults(self) -> Faults:
        return self._fault_desk.faults

    def set_faults(self, faults: Faults) -> None:
        self._fault_desk = FaultDesk(faults)
        world = self._desk.world
        self._desk = replace(
            self._desk, created_skew=self._fault_desk.created_skew(), tiers=Tiers(world, faults)
        )
        world.is_paused, world.amended_share = faults.paused, faults.amended

    def _endpoint(self, route: str, handler: Handler) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            path = request.url.path.removeprefix(PREFIX)
            query = Query(route, request.path_params, parse_qsl(request.url.query, keep_blank_values=True))
            fault_desk, world = self._fault_desk, self._desk.world
            with world.lock:
                if fault_desk.cutoff_jumps(path):
                    world.move_cutoff(fault_desk.faults.cutoff_jump_seconds)
                body = handler(self._desk, query)
            if fault_desk.changes_answers():
                body = fault_desk.doctor(path, request.scope["state"]["asked"], body)
            return _json(body, request)

        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, query = scope["path"].removeprefix(PREFIX), scope["query_string"].decode("latin-1")
        is_logged = False

        def log(status: int) -> None:
            """Once, and before the client knows: whoever has an answer finds it in the log."""
            nonlocal is_logged
            if not is_logged:
                asked = dict(parse_qsl(query, keep_blank_values=True))
                self._log.append(LoggedRequest(scope["method"], path, asked, status))
            is_logged = True

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                log(message["status"])
            await send(message)

        try:
            if not await self._respond(scope, receive, send_logged, path, query):
                log(0)
                await self._reset(scope, receive)
        finally:
            log(0)

    async def _respond(self, scope: Scope, receive: Receive, send: Send, path: str, query: str) -> bool:
        """Answer, unless the connection is to be reset instead."""
        if self._bucket is not None and not self._bucket.take():
            await _too_many()(scope, receive, send)
            return True
        if path.endswith("/") and len(path) > 1:
            # A trailing slash is moved away since October 2025 (API.md §1.1).
            target = scope["path"].rstrip("/") + (f"?{query}" if query else "")
            await Response(status_code=301, headers={"location": target})(scope, receive, send)
            return True
        if delay := self._fault_desk.delay(path, query):
            await self._pause(delay)
        plan = self._fault_desk.plan(path, query)
        if plan.trouble is Trouble.RESET:
            return False
        if plan.body is not None:
            await Response(plan.body, plan.status, media_type=plan.content_type)(scope, receive, send)
        else:
            await self._ask_world(plan, scope, receive, send, query)
        return True

    async def _ask_world(self, plan: Plan, scope: Scope, receive: Receive, send: Send, asked: str) -> None:
        scope = {**scope, "query_string": plan.query.encode("latin-1"), "state": {"asked": asked}}
        if plan.trouble is not Trouble.TRUNCATED:
            await self._app(scope, receive, send)
            return

        async def send_half(message: Message) -> None:
            """The length is promised in full, and the connection ends after half of it."""
            if message["type"] == "http.response.body":
                body = message["body"]
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                self._abort(scope, hard=False)
            else:
                await send(message)

        await self._app(scope, receive, send_half)
        await _until_disconnected(receive)

    async def _reset(self, scope: Scope, receive: Receive) -> None:
        self._abort(scope, hard=True)
        await _until_disconnected(receive)


async def _until_disconnected(receive: Receive) -> None:
    """The server complains about an application that leaves before the connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _json(body: bytes, request: Request) -> Response:
    """Compressed, quickly rather than well, for clients that take gzip; `mtime=0` keeps answers identical."""
    headers = {"vary": "Accept-Encoding"}
    if len(body) >= SMALLEST_COMPRESSED and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers, media_type="application/json")


def _too_many() -> Response:
    """No Retry-After, and `error` is a text here (API.md §1.7)."""
    return Response('{"error": "too many requests"}', 429, media_type="application/json")


def _refused(status: int, body: dict[str, object]) -> Response:
    return Response(json.dumps(body, separators=(",", ":")), status, media_type="application/json")


async def _refuse_bad_request(_: Request, error: Exception) -> Response:
    details = error.details if isinstance(error, BadRequestError) else None
    return _refused(400, error_body("bad_request", "bad request", details))


async def _refuse_unknown(_: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette passes it
    return _refused(404, error_body("not_found", "not found"))


async def _refuse_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return await _refuse_unknown(request, error)
    return _refused(status, error_body("method_not_allowed", "method not allowed"))
