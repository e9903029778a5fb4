"""The exchange's status: whether it trades, which of its shards do not, and by its `Date` what time it is there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, TypeAlias

import httpx

from kalshi_pipeline.errors import ExchangeError, PayloadError
from kalshi_pipeline.exchange.pages import GarbledAnswerError, parse_object
from kalshi_pipeline.exchange.payloads import ExchangeStatusPayload
from kalshi_pipeline.exchange.transport import Reply, RetryableError, Transport, refusal
from kalshi_pipeline.units import LARGEST_INTEGER, MICROS_PER_SECOND, instant_of

_PATH = "/exchange/status"
_UNCACHED = {"Cache-Control": "no-cache"}
_PAUSE_SECONDS = 1.0
# A snapshot waits for the answer. One request in twenty is answered with 429 when an address sends many.
_MOST_SECONDS = 3.0
_MOST_SHARDS = 100
_LONGEST_TEXT = 300
_KEPT = ("exchange_index", "description", "exchange_active", "trading_active")

Shard: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class ExchangeStatus:
    """What an answer says; the instants are in microseconds since 1970.

    `is_paused` is about the whole exchange; `inactive` has the shards that do not trade or take no change at all, as
    far as they are sent. `date` is the answer's `Date`, None if it has none that can be read; `written_at` adds the
    time for which a cache kept the answer, so it is the exchange's time at the computer's `received_at`.
    """

    is_paused: bool
    inactive: tuple[Shard, ...]
    date: int | None
    written_at: int | None
    received_at: int

    @property
    def offset_seconds(self) -> float | None:
        """How far the computer's clock is ahead of the exchange's; None if the answer does not say what time it is."""
        return None if self.written_at is None else (self.received_at - self.written_at) / MICROS_PER_SECOND

    @property
    def offset_by_date_seconds(self) -> float | None:
        """The same if the answer came straight from the exchange, whatever `Age` it has."""
        return None if self.date is None else (self.received_at - self.date) / MICROS_PER_SECOND

    @property
    def inactive_shards(self) -> str | None:
        """Those shards as JSON text, a list; None if there are none."""
        return json.dumps(self.inactive, separators=(",", ":"), sort_keys=True) if self.inactive else None

    @property
    def inactive_numbers(self) -> list[str]:
        """The numbers of those shards."""
        return [str(shard.get("exchange_index", "unknown")) for shard in self.inactive]


def fetch_status(transport: Transport, retry_seconds: float, *, is_uncached: bool = False) -> ExchangeStatus:
    """Return the status, after retries for three seconds at most; ExchangeError where none comes.

    An exchange in trouble answers 5xx with the same body. `is_uncached` asks caches to pass the request on.
    """
    clock, headers = transport.clock, _UNCACHED if is_uncached else {}
    ends = clock.monotonic() + min(retry_seconds, _MOST_SECONDS)
    while True:
        try:
            reply = transport.attempt(_PATH, {}, headers)
            return _status_of(reply, clock.now())
        except (RetryableError, GarbledAnswerError) as error:
            failure: Exception = error
        except PayloadError as error:
            failure = error if reply.status == httpx.codes.OK else ExchangeError(refusal(reply))
            if not _may_pass(reply):
                break
        if clock.monotonic() + _PAUSE_SECONDS > ends:
            break
        clock.sleep(_PAUSE_SECONDS)
    raise ExchangeError(f"{_PATH} gave no status: {failure}") from failure


def _may_pass(reply: Reply) -> bool:
    return reply.status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(reply.status)


def _status_of(reply: Reply, received_at: int) -> ExchangeStatus:
    payload = parse_object(reply.body, None, ExchangeStatusPayload)
    date = _date_of(reply.headers)
    written_at = None if date is None else date + _age_of(reply.headers) * MICROS_PER_SECOND
    return ExchangeStatus(
        payload.is_paused,
        _inactive(payload.exchange_index_statuses),
        date,
        written_at,
        received_at,
    )


def _date_of(headers: Mapping[str, str]) -> int | None:
    try:
        said = parsedate_to_datetime(headers.get("date", ""))
        return instant_of(said if said.tzinfo is not None else said.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None


def _age_of(headers: Mapping[str, str]) -> int:
    said = headers.get("age", "")
    return int(said) if re.fullmatch("[0-9]{1,9}", said) else 0


def _inactive(said: object) -> tuple[Shard, ...]:
    """Return the shards that are said not to be active; whatever is not a list of shards says nothing."""
    shards = said if isinstance(said, list) else []
    inactive = (_kept(shard) for shard in shards if isinstance(shard, dict) and _is_inactive(shard))
    return tuple(islice(inactive, _MOST_SHARDS))


def _is_inactive(shard: Shard) -> bool:
    return shard.get("exchange_active") is False or shard.get("trading_active") is False


def _kept(shard: Shard) -> Shard:
    """Return what says which shard it is, and what of it is not active."""
    kept = {name: shard.get(name) for name in _KEPT}
    return {
        name: value[:_LONGEST_TEXT] if isinstance(value, str) else value
        for name, value in kept.items()
        if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) <= LARGEST_INTEGER)
    }
