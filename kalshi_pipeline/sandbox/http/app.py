"""The ASGI application: routes, error answers, compression, the rate limit and the faults, around the endpoints."""

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

from kalshi_pipeline.sandbox.faults.fault_injector import FaultInjector
from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.faults.plan import ConnectionFault, Plan
from kalshi_pipeline.sandbox.faults.tiers import Tiers
from kalshi_pipeline.sandbox.http.damaging import damaging
from kalshi_pipeline.sandbox.http.dates import WALL_CLOCK, Now, with_date
from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext, Handler
from kalshi_pipeline.sandbox.http.event_listings import get_event, get_events, get_multivariate_events
from kalshi_pipeline.sandbox.http.fee_listings import get_event_fee_changes, get_series_fee_changes
from kalshi_pipeline.sandbox.http.limits import RateLimit, TokenBucket
from kalshi_pipeline.sandbox.http.market_listings import get_historical_markets, get_markets
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError, NotFoundError
from kalshi_pipeline.sandbox.http.related_listings import (
    get_collection,
    get_collections,
    get_event_metadata,
    get_incentives,
    get_milestone,
    get_milestones,
    get_target,
    get_targets,
)
from kalshi_pipeline.sandbox.http.request_log import LoggedRequest, RequestLog
from kalshi_pipeline.sandbox.http.responses import (
    json_answer,
    refuse_bad_request,
    refuse_http,
    refuse_unknown,
    too_many,
)
from kalshi_pipeline.sandbox.http.single_reads import (
    get_book,
    get_books,
    get_candles,
    get_candles_of_many,
    get_cutoff,
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
from kalshi_pipeline.sandbox.world.world import World

PREFIX = "/trade-api/v2"
_PIECES = 20

# The order matters: /markets/trades must come before /markets/{ticker}, and so on.
ROUTES: dict[str, Handler] = {
    "/exchange/status": get_status,
    "/exchange/schedule": get_schedule,
    "/series": get_series_list,
    "/series/fee_changes": get_series_fee_changes,
    "/series/{series_ticker}": get_series,
    "/series/{series_ticker}/markets/{ticker}/candlesticks": get_candles,
    "/events": get_events,
    "/events/multivariate": get_multivariate_events,
    "/events/fee_changes": get_event_fee_changes,
    "/events/{event_ticker}": get_event,
    "/events/{event_ticker}/metadata": get_event_metadata,
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
    "/milestones": get_milestones,
    "/milestones/{milestone_id}": get_milestone,
    "/structured_targets": get_targets,
    "/structured_targets/{structured_target_id}": get_target,
    "/multivariate_event_collections": get_collections,
    "/multivariate_event_collections/{collection_ticker}": get_collection,
    "/incentive_programs": get_incentives,
}
# Since 19 February, 30 March and May 2026.
_NOT_YET_IN_JANUARY = ("/historical/", "/markets/orderbooks", "/events/fee_changes")


Pause: TypeAlias = Callable[[float], Awaitable[None]]


class Abort(Protocol):
    """Ends the connection of a request, with a reset if `hard`, else after the bytes already written."""

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
        now: Now = WALL_CLOCK,
    ) -> None:
        self._context = EndpointContext(world, shape_of(world), Tiers(world, faults))
        self._bucket = TokenBucket(limit) if limit else None
        self._log = log
        self._abort = abort
        self._pause = pause
        self.now = now
        self._app = Starlette(
            routes=[
                Route(PREFIX + path, self._endpoint(path, handler), methods=["GET"])
                for path, handler in ROUTES.items()
                if self._context.shape.has_historical_tier or not path.startswith(_NOT_YET_IN_JANUARY)
            ],
            exception_handlers={
                BadRequestError: refuse_bad_request,
                NotFoundError: refuse_unknown,
                HTTPException: refuse_http,
            },
        )
        self._app.router.redirect_slashes = False
        self.set_faults(faults)

    @property
    def faults(self) -> Faults:
        return self._fault_injector.faults

    def set_faults(self, faults: Faults) -> None:
        self._fault_injector = FaultInjector(faults)
        world = self._context.world
        self._context = replace(
            self._context, created_skew=self._fault_injector.created_skew(), tiers=Tiers(world, faults)
        )
        world.is_paused, world.amended_share = faults.paused, faults.amended
        world.paused_shards = frozenset(map(int, faults.paused_shards))

    def _endpoint(self, route: str, handler: Handler) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            path = request.url.path.removeprefix(PREFIX)
            query = Query(route, request.path_params, parse_qsl(request.url.query, keep_blank_values=True))
            fault_injector, world = self._fault_injector, self._context.world
            with world.lock:
                if fault_injector.cutoff_jumps(path):
                    world.move_cutoff(fault_injector.faults.cutoff_jump_seconds)
                body = handler(self._context, query)
            plan: Plan = request.scope["state"]["plan"]
            body = fault_injector.crossed(plan, route, body)
            if fault_injector.corrupts_answers():
                body = fault_injector.corrupt(path, request.scope["state"]["sent_query"], body)
            body = fault_injector.with_envelope(plan, body)
            is_fresh = request.headers.get("cache-control") == "no-cache"
            return json_answer(body, request, 0 if is_fresh else fault_injector.age_seconds(route, path))

        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, query = scope["path"].removeprefix(PREFIX), scope["query_string"].decode("latin-1")
        is_logged = False

        def log(status: int) -> None:
            """Log the request once, before the answer, so that a client with the answer finds it in the log."""
            nonlocal is_logged
            if not is_logged:
                parameters = dict(parse_qsl(query, keep_blank_values=True))
                self._log.append(LoggedRequest(scope["method"], path, parameters, status))
            is_logged = True

        async def send_logged(message: Message) -> None:
            if message["type"] == "http.response.start":
                log(message["status"])
                message = self._dated(message, path)
            await send(message)

        try:
            if not await self._respond(scope, receive, send_logged, path, query):
                log(0)
                await self._reset(scope, receive)
        finally:
            log(0)

    def _dated(self, message: Message, path: str) -> Message:
        skew_seconds = self._fault_injector.date_skew_seconds(path)
        if skew_seconds is None:
            return message
        return {**message, "headers": with_date(message["headers"], self.now() + skew_seconds)}

    async def _respond(self, scope: Scope, receive: Receive, send: Send, path: str, query: str) -> bool:
        """Answer the request and return True; return False if the connection is to be reset instead."""
        if self._bucket is not None and not self._bucket.take():
            await too_many()(scope, receive, send)
            return True
        if path.endswith("/") and len(path) > 1:
            # Since October 2025 a path with a trailing slash is redirected.
            target = scope["path"].rstrip("/") + (f"?{query}" if query else "")
            await Response(status_code=301, headers={"location": target})(scope, receive, send)
            return True
        if delay := self._fault_injector.delay(path, query):
            await self._pause(delay)
        plan = self._fault_injector.plan(path, query)
        if plan.connection_fault is ConnectionFault.RESET:
            return False
        if plan.wait_seconds:
            await self._pause(plan.wait_seconds)
        if plan.body is not None:
            answer = Response(plan.body, plan.status, plan.headers, plan.content_type)
            await answer(scope, receive, send)
        else:
            await self._call_endpoint(plan, scope, receive, send, query)
        return True

    async def _call_endpoint(
        self, plan: Plan, scope: Scope, receive: Receive, send: Send, sent_query: str
    ) -> None:
        state = {"sent_query": sent_query, "plan": plan}
        scope = {**scope, "query_string": plan.query.encode("latin-1"), "state": state}
        if plan.damage is not None:
            send = damaging(send, plan.damage)
        if plan.connection_fault is not ConnectionFault.TRUNCATED:
            await self._app(
                scope, receive, self._dripping(send, plan.drip_seconds) if plan.drip_seconds else send
            )
            return

        async def send_half(message: Message) -> None:
            """Send half of the body, after headers with its full length, and end the connection."""
            if message["type"] == "http.response.body":
                body = message["body"]
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                self._abort(scope, hard=False)
            else:
                await send(message)

        await self._app(scope, receive, send_half)
        await _until_disconnected(receive)

    def _dripping(self, send: Send, seconds: float) -> Send:
        """Send bodies in pieces over a number of seconds."""

        async def send_pieces(message: Message) -> None:
            body = message.get("body", b"")
            size = -(-len(body) // _PIECES)
            for start in range(0, len(body) - size, size or 1):
                piece = body[start : start + size]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await self._pause(seconds / _PIECES)
            last = body[max(0, (len(body) - 1) // size * size) :] if size else body
            await send({**message, "body": last} if message["type"] == "http.response.body" else message)

        return send_pieces

    async def _reset(self, scope: Scope, receive: Receive) -> None:
        self._abort(scope, hard=True)
        await _until_disconnected(receive)


async def _until_disconnected(receive: Receive) -> None:
    """Wait for the end of the connection: uvicorn reports an error if the application returns earlier."""
    while (await receive())["type"] != "http.disconnect":
        pass
