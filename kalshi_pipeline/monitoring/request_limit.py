"""The request limit in force, shared by all processes that collect into one database."""

from typing import NamedTuple

from kalshi_pipeline.exchange.limit import learned_rate
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.dialects import dialect_of


class RequestLimit(NamedTuple):
    """The request limit in force, per second, and the configured one."""

    in_force: float
    configured: float


def request_limit(settings: Settings) -> RequestLimit:
    """Return the limit of the processes with these settings."""
    file = dialect_of(settings.database_url).limit_file
    most = settings.requests_per_second
    return RequestLimit(learned_rate(most, file).requests_per_second, most)
