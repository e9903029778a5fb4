"""A local exchange that speaks the Kalshi market-data API (trade-api/v2), for the demo, the tests and benchmarks.

It is written from the exchange's documented contract (docs/exchange-api.md) and from recorded responses. It shares no
parsing code with the client, because it would then agree with the client's mistakes. It is strict: it refuses what the
contract does not allow. Its rooms are `world` (what exists), `shapes` (how that is written in JSON), `faults` (what
goes wrong) and `http` (how it is served).
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
