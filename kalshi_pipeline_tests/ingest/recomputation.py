"""The expected contents of the database, computed from the exchange's answers alone.

It implements the rules of `docs/evidence.md` independently of the pipeline.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from kalshi_pipeline.scope import Combos
from kalshi_pipeline_tests.ingest.lives import Answer, Record, Scoped

Values: TypeAlias = tuple[float, ...]

ALIVE = {"active", "inactive"}
ENDED = {"initialized", "closed", "determined", "disputed", "amended", "finalized"}
LOOKUP_SIZE = 200
BETWEEN_LOOKS = 600 * 1_000_000
QUOTED = (
    "yes_bid_dollars",
    "yes_ask_dollars",
    "last_price_dollars",
    "yes_bid_size_fp",
    "yes_ask_size_fp",
    "volume_fp",
    "open_interest_fp",
)


class Row(NamedTuple):
    """A tick's row of a market: a quote with its time, or an end without values."""

    values: Values | None
    received_at: int


@dataclass
class Market:
    """A market's known state, and its history by tick."""

    ticker: str
    is_combo: bool
    event: str
    status: str = ""
    close_at: datetime | None = None
    is_provisional: bool = False
    is_gone: bool = False
    is_lost: bool = False
    moved_at: int = 0
    missing_at: int | None = None
    last: Values | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    repeats: dict[int, Row] = field(default_factory=dict)
    unlisted_since: int | None = None
    unlisted_at: set[int] = field(default_factory=set)
    listed_at: set[int] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether its history has begun and not ended."""
        return self.last is not None


class Batch(NamedTuple):
    """The answers of one tier to one list of tickers."""

    tier: str
    asked: tuple[str, ...]
    found: dict[str, Record]
    has_failed: bool
    has_others: bool
    at: int

    @property
    def missing(self) -> set[str]:
        """The tickers that the tier does not have."""
        return set() if self.has_failed or self.has_others else set(self.asked) - self.found.keys()

    @property
    def unanswered(self) -> set[str]:
        """The tickers without an answer."""
        return set(self.asked) - self.found.keys() - self.missing


def batches_of(answers: Sequence[Answer]) -> list[Batch]:
    """Combine the pages of each lookup. A tick requests no market twice from one tier."""
    groups: defaultdict[tuple[str, tuple[str, ...]], list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.kind in ("live", "historical"):
            groups[answer.kind, answer.tickers].append(answer)
    return [batch_of(tier, asked, pages) for (tier, asked), pages in groups.items()]


def batch_of(tier: str, asked: tuple[str, ...], pages: Sequence[Answer]) -> Batch:
    """Read the pages of a lookup, up to the first page without any requested market."""
    found: dict[str, Record] = {}
    has_others = False
    for page in pages:
        if page.rows is None:
            return Batch(tier, asked, {}, True, has_others, pages[-1].at)
        of_page = {row["ticker"]: row for row in page.rows if row["ticker"] in asked}
        has_others |= len(of_page) < len(page.rows)
        found |= of_page
        if has_others and (not of_page or len(found) == len(asked)):
            break
    return Batch(tier, asked, found, has_others and not found, has_others, pages[-1].at)


@dataclass
class Expected:
    """The expected result of a tick."""

    state: str
    ended: set[str] = field(default_factory=set)
    lookups: int = 0


class Recomputation:
    """Recomputes a life from its answers, tick by tick."""

    def __init__(self, *, keeps_every: bool) -> None:
        self.markets: dict[str, Market] = {}
        self.series: dict[str, str] = {}
        self.states: dict[int, str] = {}
        self.scopes: dict[int, Scoped] = {}
        self._keeps_every = keeps_every
        self._received: dict[Scoped, int] = {}
        self._good: dict[Scoped, int] = {}

    def covers(self, scope: Scoped, market: Market) -> bool:
        """Whether a scope contains a market, by its kind and the series of its event, if known."""
        return self._is_of_kind(scope, market.is_combo) and (
            not scope.series or self.series.get(market.event) in scope.series
        )

    @staticmethod
    def _is_of_kind(scope: Scoped, is_combo: bool) -> bool:
        return scope.combos is Combos.INCLUDE or is_combo == (scope.combos is Combos.ONLY)

    def take(self, tick: int, scope: Scoped, answers: Sequence[Answer], requests: int) -> Expected:
        """Follow one tick, which may send up to `requests` lookups for the markets missing from its listing."""
        self.scopes[tick] = scope
        self._tick, self._scope, self._listed = tick, scope, set[str]()
        self._events = {
            row["event_ticker"]: row["series_ticker"]
            for answer in answers
            if answer.kind == "events"
            for row in answer.rows or ()
        }
        at = max((answer.at for answer in answers if answer.kind != "events"), default=0)
        listing = [answer for answer in answers if answer.kind == "open"]
        if listing[0].rows is None:
            self.states[tick] = "failed"
            return Expected("failed")
        is_whole = self._list(listing, ENDED)
        batches = batches_of(answers)
        lookups = sum(answer.kind in ("live", "historical") for answer in answers)
        if not is_whole:
            assert not batches, "nothing is looked up for a listing that is not whole"
            self.states[tick] = "partial"
            return Expected("partial", self._end(at, is_complete=False), lookups)
        self._list([answer for answer in answers if answer.kind == "paused"], {*ENDED, "active"})
        listed = len(self._listed)
        began_at = max(answer.at for answer in answers if answer.kind in ("open", "paused"))
        without_cursor = any(
            len(answer.rows or ()) >= 1000 and not answer.has_cursor_key for answer in listing
        )
        state = self._reconcile(batches, requests, began_at, listed, without_cursor=without_cursor)
        self.states[tick] = state
        ended = self._end(at, is_complete=state == "complete")
        if state == "complete":
            self._good[scope] = tick
            self._received[scope] = len(self._listed)
        return Expected(state, ended, lookups)

    def _list(self, pages: Sequence[Answer], contradicting: set[str]) -> bool:
        """Process the pages of a walk. Return whether it is complete and matches the request."""
        seen: set[str] = set()
        unasked, is_whole, number = 0, True, 0

        def is_contradicted() -> bool:
            return unasked > 20 and unasked > 0.05 * len(seen)

        for page in pages:
            if page.rows is None:
                return False
            number += 1
            for row in page.rows:
                if row["ticker"] in seen:
                    continue
                seen.add(row["ticker"])
                if self._answers_question(row, contradicting):
                    self._see(row, page.at)
                else:
                    unasked += 1
            if number == 10 and is_contradicted():
                return False
        return is_whole and not (number < 10 and is_contradicted())

    def _answers_question(self, row: Record, contradicting: set[str]) -> bool:
        series = self.series.get(row["event_ticker"], self._series_fetched(row))
        return (
            row["status"] not in contradicting
            and self._is_of_kind(self._scope, "mve_collection_ticker" in row)
            and (not self._scope.series or series is None or series in self._scope.series)
        )

    def _series_fetched(self, row: Record) -> str | None:
        return None if "mve_collection_ticker" in row else self._events.get(row["event_ticker"])

    def _learn(self, row: Record) -> Market:
        """Process a record of an existing market."""
        ticker = row["ticker"]
        event, is_combo = row["event_ticker"], "mve_collection_ticker" in row
        if event not in self.series and (series := self._series_fetched(row)) is not None:
            self.series[event] = series
        market = self.markets.setdefault(ticker, Market(ticker, is_combo, event))
        if market.event != event:
            market.event, market.moved_at = event, self._tick
            doubted = [
                tick
                for tick, scope in self.scopes.items()
                if scope.series and tick > max(market.rows, default=0)
            ]
            if market.is_open and doubted and market.unlisted_since is None:
                market.unlisted_since = min(doubted)
                market.unlisted_at |= {tick for tick in self.scopes if tick >= min(doubted)}
        market.status = row["status"]
        if "close_time" in row:
            market.close_at = datetime.fromisoformat(row["close_time"])
        market.is_provisional |= row.get("is_provisional", False)
        market.missing_at, market.is_gone = None, False
        return market

    def _see(self, row: Record, received_at: int) -> None:
        """Process the quote of an open market."""
        market, tick = self._learn(row), self._tick
        self._listed.add(market.ticker)
        market.listed_at.add(tick)
        market.unlisted_since, market.is_lost = None, False
        market.unlisted_at.discard(tick)
        values = tuple(float(Decimal(row[name])) for name in QUOTED)
        if tick in market.rows or tick in market.repeats:
            return
        if values != market.last:
            market.rows[tick] = Row(values, received_at)
        elif self._keeps_every or not self.covers(self._scope, market):
            market.repeats[tick] = Row(values, received_at)
        market.last = values

    def _unlisted(self) -> list[Market]:
        return [
            market
            for market in self.markets.values()
            if market.ticker not in self._listed
            and not market.is_gone
            and (market.status in ALIVE or (market.status not in ENDED and market.is_open))
            and self.covers(self._scope, market)
        ]

    def _has_vanished(self, market: Market) -> bool:
        good = self._good.get(self._scope)
        since = market.unlisted_since
        if market.is_lost:
            return False
        if good is None:
            return since is None
        return market.is_open and (since is None or since > good)

    def _reconcile(
        self,
        batches: Sequence[Batch],
        requests: int,
        began_at: int,
        listed: int,
        *,
        without_cursor: bool,
    ) -> str:
        unlisted = {market.ticker: market for market in self._unlisted()}
        stored = {ticker: market.status for ticker, market in unlisted.items()}
        vanished = {ticker for ticker, market in unlisted.items() if self._has_vanished(market)}
        sample = self._sample(vanished, batches, began_at) if vanished and requests else set[str]()
        asked = {ticker for batch in batches for ticker in batch.asked}
        for ticker in asked - unlisted.keys():
            market = self.markets[ticker]
            assert market.is_gone or market.status not in ALIVE, (
                f"{ticker} is open and listed: why ask for it"
            )
        assert len(batches) <= requests, "more requests than the budget has"

        lasting = {ticker for ticker in sample if not self.markets[ticker].is_provisional}
        # A gone or ended market may be open again.
        waiting = {
            ticker for ticker in asked - unlisted.keys() if self.covers(self._scope, self.markets[ticker])
        }
        for batch in batches:
            for ticker, row in batch.found.items():
                is_back = ticker in waiting and row["status"] in ALIVE
                if is_back or (ticker in stored and self._is_alive(row["status"], stored[ticker])):
                    self._see(row, batch.at)
                else:
                    self._learn(row)
        groups = (sample, unlisted.keys() - sample, asked - unlisted.keys())
        state = self._judge(sample, lasting, stored, batches, listed, without_cursor=without_cursor)
        of_group = [[batch for batch in batches if group.issuperset(batch.asked)] for group in groups]
        assert sum(map(len, of_group)) == len(batches), "one request asks for markets of two kinds"
        contradicted = self._is_contradicted
        if contradicted:
            assert len(of_group[0]) == len(batches), "no more is asked where the sample contradicts"
            return state
        for some in of_group:
            self._believe(some, stored | {ticker: self.markets[ticker].status for ticker in waiting})
        return state

    def _sample(self, vanished: set[str], batches: Sequence[Batch], began_at: int) -> set[str]:
        assert batches, "nothing was looked up"
        assert batches[0].tier == "live"
        sample = set(batches[0].asked)
        assert sample <= vanished, "what has not vanished is looked up first"
        assert len(sample) == min(LOOKUP_SIZE, len(vanished))
        ahead = {
            ticker
            for ticker in vanished
            if (close_at := self.markets[ticker].close_at) is None or close_at.timestamp() * 1e6 > began_at
        }
        assert sample <= ahead if len(ahead) >= LOOKUP_SIZE else ahead <= sample, (
            "announced close ahead first"
        )
        return sample

    @staticmethod
    def _is_alive(status: str, stored: str) -> bool:
        return status in ALIVE or (status not in ENDED and status == stored)

    def _judge(
        self,
        sample: set[str],
        lasting: set[str],
        stored: dict[str, str],
        batches: Sequence[Batch],
        listed: int,
        *,
        without_cursor: bool,
    ) -> str:
        of_sample = [batch for batch in batches if sample.issuperset(batch.asked)]
        words = {ticker: row["status"] for batch in of_sample for ticker, row in batch.found.items()}
        gone = {ticker for batch in of_sample if batch.tier == "historical" for ticker in batch.missing}
        failed = {ticker for batch in of_sample for ticker in batch.unanswered}
        are_open = sum(
            word != "inactive" and self._is_alive(word, stored[ticker]) for ticker, word in words.items()
        )
        known, unknown = len(lasting & words.keys()), len(lasting & (gone | failed))
        self._is_contradicted = are_open > 5 or (known + unknown >= 20 and known < unknown)
        is_answered = bool(words or gone)
        if self._is_contradicted or (without_cursor and not is_answered):
            # A listing with a doubtful end requests nothing else.
            self._is_contradicted, is_believed = True, not self._is_contradicted
            if is_believed:
                self._believe(of_sample, stored)
            return "partial"
        if failed and not is_answered and listed < self._received.get(self._scope, 0) // 2:
            self._is_contradicted = True
            return "partial"
        return "complete"

    def _believe(self, batches: Sequence[Batch], stored: dict[str, str]) -> None:
        """Decide from the lookups whether the listing is complete, and which markets no tier has."""
        at = max((batch.at for batch in batches), default=0)
        for batch in batches:
            for ticker, row in batch.found.items():
                word = row["status"]
                if ticker in stored and word != "inactive" and self._is_alive(word, stored[ticker]):
                    self.markets[ticker].is_lost = True
            if batch.tier == "historical":
                for ticker in batch.missing:
                    market = self.markets[ticker]
                    if market.missing_at is not None and market.missing_at <= at - BETWEEN_LOOKS:
                        market.is_gone = True
                    elif market.missing_at is None and not market.is_gone:
                        market.missing_at = at

    def _end(self, at: int, *, is_complete: bool) -> set[str]:
        """End histories on proof, and begin the unlisted spans of markets that a complete tick does not cover."""
        ended = set()
        for market in self.markets.values():
            if market.status in ENDED or market.is_gone:
                market.is_lost = False
            if not market.is_open or market.ticker in self._listed:
                continue
            if market.status in ENDED or market.is_gone:
                market.rows[self._tick] = Row(None, at)
                market.last, market.unlisted_since = None, None
                market.unlisted_at.discard(self._tick)
                ended.add(market.ticker)
            elif is_complete and market.unlisted_since is None and self._may_cover(market):
                market.unlisted_since = self._tick
            if market.unlisted_since is not None:
                market.unlisted_at.add(self._tick)
        return ended

    def _may_cover(self, market: Market) -> bool:
        return self.covers(self._scope, market) or (
            market.event not in self.series and self._is_of_kind(self._scope, market.is_combo)
        )

    def history(self) -> dict[tuple[str, int], Row]:
        """Return every quote, stored or unchanged, and every end, by ticker and tick."""
        kept: dict[tuple[str, int], Row] = {}
        for market in self.markets.values():
            kept |= {(market.ticker, tick): row for tick, row in (market.rows | market.repeats).items()}
        return kept

    def in_force(self) -> dict[tuple[str, int], tuple[Values, bool]]:
        """Return the quotes in force at each tick that covers or lists their market, and whether they are confirmed."""
        shown: dict[tuple[str, int], tuple[Values, bool]] = {}
        taken = sorted(tick for tick, state in self.states.items() if state != "failed")
        for market in self.markets.values():
            values: Values | None = None
            for tick in taken:
                if tick in market.rows:
                    values = market.rows[tick].values
                given = tick in market.rows or tick in market.repeats
                if values is not None and (given or self.covers(self.scopes[tick], market)):
                    is_confirmed = self.states[tick] == "complete" and tick in market.listed_at
                    shown[market.ticker, tick] = values, is_confirmed
        return shown
