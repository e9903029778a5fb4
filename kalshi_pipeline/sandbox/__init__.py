"""A local exchange that speaks the Kalshi market-data API (trade-api/v2), for the demo, the tests and benchmarks.

It is written from kalshi/API.md alone and shares no parsing code with the client: it would agree with its
mistakes. It is strict: what the contract does not allow is refused.
"""

from kalshi_pipeline.sandbox.faults.faults import Faults
from kalshi_pipeline.sandbox.http.limits import RateLimit
from kalshi_pipeline.sandbox.http.request_log import LoggedRequest, RequestLog
from kalshi_pipeline.sandbox.http.server import Sandbox, serve
from kalshi_pipeline.sandbox.world.config import SHAPES, Shape, WorldConfig
from kalshi_pipeline.sandbox.world.world import World

__all__ = [
    "SHAPES",
    "Faults",
    "LoggedRequest",
    "RateLimit",
    "RequestLog",
    "Sandbox",
    "Shape",
    "World",
    "WorldConfig",
    "serve",
]
