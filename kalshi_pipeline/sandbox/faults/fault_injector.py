"""Decides which fault a request meets, and applies it."""

import json
import threading
from collections import OrderedDict
from dataclasses import replace
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, unquote, urlencode
from zlib import crc32

from kalshi_pipeline.sandbox.faults.bounded_memory import remember
from kalshi_pipeline.sandbox.faults.corrupt import corrupt_answer, hide_unlisted, row_lists
from kalshi_pipeline.sandbox.faults.damage import Damage
from kalshi_pipeline.sandbox.faults.drift import changes_fields
from kalshi_pipeline.sandbox.faults.envelopes import odd_envelope
from kalshi_pipeline.sandbox.faults.faults import Faults, server_error_of
from kalshi_pipeline.sandbox.faults.paging import PagingFaults
from kalshi_pipeline.sandbox.faults.plan import (
    ConnectionFault,
    Plan,
    error_as_success,
    failure,
    page_instead,
    refusal,
)
from kalshi_pipeline.sandbox.shapes.error_bodies import error_body
from kalshi_pipeline.sandbox.world.chance import is_within, scatter
from kalshi_pipeline.units import MICROS_PER_SECOND

_MARKETS = "/markets"
_HISTORICAL = "/historical/"
_KEPT_ROUTES = (_MARKETS, "/markets/{ticker}", "/exchange/status")
_PAGE_SIZES = ("limit", "page_size")
_CREATED_BOUNDS = ("min_created_ts", "max_created_ts")
_NAMING = {"tickers", "market_tickers", "ids"}
_PERIOD = "period_interval"


class FaultInjector:
    """Applies one `Faults`. Changed faults need a new injector."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._lock = threading.Lock()
        # Whether `plan` leaves every request unchanged. The faults that are reset here are applied elsewhere.
        self._is_idle = Faults() == replace(
            faults,
            seed=1,
            latency_seconds=0.0,
            latency_jitter_seconds=0.0,
            created_skew_seconds=0.0,
            answer_age_seconds=0,
            date_skew_seconds=0.0,
            no_date=False,
            paused=False,
            paused_shards=(),
            both_tiers=False,
            no_tier=0.0,
            amended=0.0,
            cutoff_jump_seconds=0.0,
            cutoff_jump_every=10,
            paths=(),
        )
        self._paging = PagingFaults(faults)
        self._attempts: OrderedDict[str, int] = OrderedDict()
        self._answers = 0
        self._last: dict[str, bytes] = {}

    def delay(self, path: str, query: str) -> float:
        """Return the seconds that a request waits before any other fault; the same for all attempts at a URL."""
        faults = self.faults
        if not faults.applies_to(path):
            return 0.0
        share = self._draw("latency", f"{path}?{query}", 0) / 2**64
        return faults.latency_seconds + faults.latency_jitter_seconds * share

    def created_skew(self) -> int:
        """Return the microseconds by which the bounds of created times are moved."""
        if not self.faults.applies_to(_MARKETS):
            return 0
        return round(self.faults.created_skew_seconds * MICROS_PER_SECOND)

    def age_seconds(self, route: str, path: str) -> int:
        """Return the age that an answer of a route carries; 0 if it carries none."""
        is_kept = route in _KEPT_ROUTES and self.faults.applies_to(path)
        return self.faults.answer_age_seconds if is_kept else 0

    def date_skew_seconds(self, path: str) -> float | None:
        """Return how many seconds the `Date` of an answer is ahead of now; None without a `Date`."""
        if not self.faults.applies_to(path):
            return 0.0
        return None if self.faults.no_date else self.faults.date_skew_seconds

    def cutoff_jumps(self, path: str) -> bool:
        """Count this request, and return whether the cutoff moves before its answer."""
        faults = self.faults
        if not (faults.cutoff_jump_seconds and faults.applies_to(path)):
            return False
        with self._lock:
            self._answers += 1
            return self._answers % faults.cutoff_jump_every == 0

    def plan(self, path: str, query: str) -> Plan:
        """Decide how to answer a request, before the endpoint is called."""
        faults = self.faults
        if self._is_idle or not faults.applies_to(path):
            return Plan(query=query)
        url = f"{path}?{query}"
        with self._lock:
            attempt = self._attempts.get(url, 0)
            remember(self._attempts, url, attempt + 1)
            is_gone = faults.unreachable_after is not None and self._paging.pages >= faults.unreachable_after
        if is_gone or self._hits("resets", url, attempt):
            return Plan(connection_fault=ConnectionFault.RESET)
        if (refused := self._refused_for(path, query, attempt)) is not None:
            return refused
        if self._hits("too_many", url, attempt):
            return refusal(faults, 429, attempt)
        if any(fnmatchcase(path, pattern) for pattern in faults.not_offered):
            return refusal(faults, 404, attempt)
        if faults.historical_errors and path.startswith(_HISTORICAL):
            return refusal(faults, faults.historical_errors, attempt)
        if self._hits("server_errors", url, attempt):
            draw = self._draw("server_error", url, attempt)
            return failure(faults, server_error_of(faults, draw), draw >> 8)
        return self._spoilt(path, query, url, attempt)

    def _spoilt(self, path: str, query: str, url: str, attempt: int) -> Plan:
        """Decide how to answer a request that is not refused."""
        faults = self.faults
        if faults.created_filter == "refused" and _has_created_bounds(path, query):
            return Plan(400, json.dumps(error_body("bad_request", "bad request"), separators=(",", ":")))
        if self._hits("errors_as_success", url, attempt):
            return error_as_success()
        if self._hits("not_json", url, attempt):
            return page_instead(200, "Please wait")
        connection_fault = ConnectionFault.TRUNCATED if self._hits("truncated", url, attempt) else None
        has_odd_envelope = self._hits("odd_envelopes", url, attempt)
        return Plan(
            connection_fault=connection_fault,
            query=self._rewritten_query(path, query),
            wait_seconds=faults.slow_seconds if self._hits("slow", url, attempt) else 0.0,
            drip_seconds=faults.drip_seconds if self._hits("dripping", url, attempt) else 0.0,
            envelope=self._draw("envelope", url, attempt) if has_odd_envelope else None,
            damage=self._damage(url, attempt),
            is_crossed=self._hits("crossed", url, attempt),
        )

    def _damage(self, url: str, attempt: int) -> Damage | None:
        if self._hits("broken_gzip", url, attempt):
            return Damage.BROKEN_GZIP
        return Damage.SHORT_LENGTH if self._hits("short_length", url, attempt) else None

    def crossed(self, plan: Plan, route: str, body: bytes) -> bytes:
        """Return the answer to the previous request of the same route, if planned."""
        if not self.faults.crossed:
            return body
        with self._lock:
            before = self._last.get(route, body)
            self._last[route] = body
        return before if plan.is_crossed else body

    def _draw(self, name: str, url: str, attempt: int) -> int:
        return scatter(self.faults.seed + crc32(name.encode()), crc32(url.encode()) + (attempt << 33))

    def _hits(self, name: str, url: str, attempt: int) -> bool:
        share = getattr(self.faults, name)
        return bool(share) and is_within(self._draw(name, url, attempt), share)

    def _refused_for(self, path: str, query: str, attempt: int) -> Plan | None:
        """Return how the parameters of a request are refused; None if they are accepted."""
        faults = self.faults
        if attempt < faults.fail_first:
            return failure(faults, faults.server_error or 503, attempt)
        if faults.moved_to:
            target = f"{faults.moved_to}{path}" + (f"?{query}" if query else "")
            return Plan(301, "", headers={"location": target})
        if faults.longest_url and len(f"{path}?{query}") > faults.longest_url:
            return page_instead(414, "414 Request-URI Too Large")
        if faults.largest_page or faults.failing:
            sent = parse_qsl(query)
            sizes = [int(value) for name, value in sent if name in _PAGE_SIZES and value.isdecimal()]
            if faults.largest_page and any(size > faults.largest_page for size in sizes):
                return refusal(faults, 400, attempt)
            named = set(map(unquote, path.split("/"))).union(*(value.split(",") for _, value in sent))
            if not named.isdisjoint(faults.failing):
                return failure(faults, 500, attempt)
        return None

    def _rewritten_query(self, path: str, query: str) -> str:
        """Return the query to answer instead.

        An alias becomes the real cursor, the limit leaves room for repeated rows, and ignored parameters are removed.
        """
        ignored = self.faults.ignored
        if self.faults.other_period:
            query = _with_other_period(query)
        if self.faults.created_filter == "ignored" and _has_created_bounds(path, query):
            ignored += _CREATED_BOUNDS
        if self.faults.endless:
            ignored += ("cursor",)  # the endpoint does not know the cursors of pages without records
        if ignored:
            sent = parse_qsl(query, keep_blank_values=True)
            query = urlencode([(name, value) for name, value in sent if name not in ignored])
        return self._paging.query_of(query)

    def corrupt(self, path: str, sent_query: str, body: bytes) -> bytes:
        """Return a good answer with the faults applied; `sent_query` is the query as the client sent it."""
        faults = self.faults
        if not faults.applies_to(path):
            return body
        answer = json.loads(body)
        if "cursor" in answer and row_lists(answer):
            with self._lock:
                self._paging.turn(answer, dict(parse_qsl(sent_query)).get("cursor", ""))
        if faults.unlisted and _NAMING.isdisjoint(dict(parse_qsl(sent_query))):
            hide_unlisted(answer, faults)
        corrupt_answer(answer, faults)
        return json.dumps(answer, ensure_ascii=bool(faults.odd_fields), separators=(",", ":")).encode()

    def with_envelope(self, plan: Plan, body: bytes) -> bytes:
        """Return an answer in the planned envelope."""
        if plan.envelope is None:
            return body
        lists = row_lists(json.loads(body))
        return odd_envelope(body, lists[0][0], plan.envelope) if lists else body

    def corrupts_answers(self) -> bool:
        f = self.faults
        return bool(
            f.missing_key
            or "cursor" in f.ignored
            or f.repeated_cursor
            or f.empty_pages
            or f.endless
            or f.overlap
            or f.unlisted
            or f.unknown_words
            or f.unreadable
            or f.odd_fields
            or f.scalar_without_value
            or f.zero_times
            or changes_fields(f)
            or f.unreachable_after is not None
        )


def _with_other_period(query: str) -> str:
    """Return the query with another candlestick length."""
    sent = parse_qsl(query, keep_blank_values=True)
    other = {"60": "1"}
    return urlencode([(name, other.get(value, "60") if name == _PERIOD else value) for name, value in sent])


def _has_created_bounds(path: str, query: str) -> bool:
    return path == _MARKETS and any(name in _CREATED_BOUNDS for name, _ in parse_qsl(query))
