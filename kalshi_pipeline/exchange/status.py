"""The exchange's status: whether it trades, its inactive shards, and its time from the `Date` of the answer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.pages import GarbledAnswerError, parse_object
from kalshi_pipeline.exchange.payloads import ExchangeStatusPayload
from kalshi_pipeline.exchange.replies import Reply, instant_of_http_date, not_json
from kalshi_pipeline.exchange.transport import Transport
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.units import LARGEST_INTEGER, MICROS_PER_SECOND

_PATH = "/exchange/status"
_UNCACHED = {"Cache-Control": "no-cache"}
_RETRY_SECONDS = 3.0
_LONGEST_WAIT_SECONDS = 60.0
_MOST_SHARDS = 100
_LONGEST_TEXT = 300
_KEPT = ("exchange_index", "description", "exchange_active", "trading_active")

Shard: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class ExchangeStatus:
    """The contents of a status answer; instants are in microseconds since 1970.

    `is_paused` is for the whole exchange, None if unknown. `inactive` has the listed shards that do not trade or accept
    no changes. `date` is the answer's `Date`, None if missing or invalid. `written_at` adds its `Age`, so it is the
    exchange's time at the computer's `received_at`.
    """

    is_paused: bool | None
    inactive: tuple[Shard, ...]
    date: int | None
    written_at: int | None
    received_at: int
    resumes: str | None = None
    """When the exchange expects to resume, as text."""

    @property
    def offset_seconds(self) -> float | None:
        """How far the computer's clock is ahead of the exchange's; None without a `Date`."""
        return None if self.written_at is None else (self.received_at - self.written_at) / MICROS_PER_SECOND

    @property
    def offset_by_date_seconds(self) -> float | None:
        """The offset without `Age`, as if the answer came straight from the exchange."""
        return None if self.date is None else (self.received_at - self.date) / MICROS_PER_SECOND

    @property
    def inactive_shards(self) -> str | None:
        """The inactive shards as a JSON list; None if there are none."""
        return json.dumps(self.inactive, separators=(",", ":"), sort_keys=True) if self.inactive else None

    @property
    def inactive_numbers(self) -> list[str]:
        """The numbers of the inactive shards."""
        return [str(shard.get("exchange_index", "unknown")) for shard in self.inactive]


def fetch_status(transport: Transport, retry_seconds: float, *, is_uncached: bool = False) -> ExchangeStatus:
    """Return the status.

    Raises ExchangeError if there is none. While the exchange is down, it returns 5xx with the same body. Because a
    snapshot waits for it, the request is retried for only three seconds, plus the time that the exchange requests.
    `is_uncached` bypasses caches.
    """

    def read(reply: Reply, received_at: int) -> ExchangeStatus:
        try:
            payload = parse_object(reply.body, None, ExchangeStatusPayload)
        except GarbledAnswerError as error:
            transport.check(reply, _PATH, received_at)
            raise not_json(reply, str(error), received_at) from error
        except PayloadError:
            transport.check(reply, _PATH, received_at)
            raise
        if not payload.is_status:
            transport.check(reply, _PATH, received_at)
        return _status_of(payload, reply, received_at)

    return transport.ask(
        _PATH,
        {},
        read,
        _LONGEST_WAIT_SECONDS,
        retry_seconds=min(retry_seconds, _RETRY_SECONDS),
        headers=_UNCACHED if is_uncached else {},
    )


def _status_of(payload: ExchangeStatusPayload, reply: Reply, received_at: int) -> ExchangeStatus:
    date = instant_of_http_date(reply.headers.get("date", ""))
    resumes = payload.exchange_estimated_resume_time
    written_at = None if date is None else date + _age_of(reply.headers) * MICROS_PER_SECOND
    return ExchangeStatus(
        payload.is_paused,
        _inactive(payload.exchange_index_statuses),
        date,
        written_at,
        received_at,
        cut(resumes) if isinstance(resumes, str) and resumes else None,
    )


def _age_of(headers: Mapping[str, str]) -> int:
    said = headers.get("age", "")
    return int(said) if re.fullmatch("[0-9]{1,9}", said) else 0


def _inactive(said: object) -> tuple[Shard, ...]:
    """Return the shards that are reported as inactive; anything but a list of shards is ignored."""
    shards = said if isinstance(said, list) else []
    inactive = (_kept(shard) for shard in shards if isinstance(shard, dict) and _is_inactive(shard))
    return tuple(islice(inactive, _MOST_SHARDS))


def _is_inactive(shard: Shard) -> bool:
    return shard.get("exchange_active") is False or shard.get("trading_active") is False


def _kept(shard: Shard) -> Shard:
    """Return the fields that identify a shard, and those that show what is inactive."""
    kept = {name: shard.get(name) for name in _KEPT}
    return {
        name: value[:_LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in kept.items()
        if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) <= LARGEST_INTEGER)
    }
