"""The state of each market at any instant, computed from the exchange's answers by the definitions alone.

It uses no code of the store or its readers: every query reads the answers of all runs again, in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from kalshi_pipeline_tests.ingest.changing_exchange import Answer, Record

SECOND = 1_000_000
MINUTE = 60 * SECOND
OPEN = ("active", "inactive")
DETERMINED = ("determined", "disputed", "amended")
SIDES = (("yes_bid_dollars", "yes_bid_size_fp"), ("yes_ask_dollars", "yes_ask_size_fp"))
_TWO_LOOKS = 10 * MINUTE
_DEFAULT_PERIOD = 300.0


class ReceivedRun(NamedTuple):
    """A run and everything that it received."""

    at: int
    answers: tuple[Answer, ...]
    series: tuple[str, ...]
    combos: str
    tick_at: int | None = None
    period_seconds: float | None = None
    keeps_every: bool = False
    keyframe_micros: int = 0
    max_pages: int | None = None
    was_stopped: bool = False


@dataclass
class Tick:
    """A tick with quotes, and the markets that its listing showed as open."""

    at: int
    series: tuple[str, ...]
    combos: str
    period_seconds: float | None
    is_complete: bool = False
    shown: set[str] = field(default_factory=set)
    doubted: set[str] = field(default_factory=set)
    """Markets that have moved since to a series of its scope, from one that is not in it: it could not show them."""


class Row(NamedTuple):
    """A stored quote, or the end of a market, which has no quote."""

    tick: Tick
    quote: tuple[Decimal | None, ...] | None
    received_at: int


@dataclass
class Outcome:
    """A market's outcome by the published results."""

    result: str | None
    value: Decimal | None
    withdrawn_at: int | None = None
    amended_at: int | None = None


class Known(NamedTuple):
    """The known state of a market at an instant."""

    quoted_at: int | None
    received_at: int | None
    is_listed: bool
    state: str
    is_tick_complete: bool
    confirmed_at: int | None
    quote: tuple[Decimal | None, ...]


@dataclass
class Market:
    """The known state of a market so far."""

    event: str
    is_combo: bool
    status: str | None
    gone_at: int | None = None
    missing_since: int | None = None
    rows: list[Row] = field(default_factory=list)
    repeats: dict[int, tuple[Tick, int]] = field(default_factory=dict)
    """By instant: the ticks that sent the quote in force again, with the time of the answer."""
    outcome: Outcome | None = None
    amendments: list[tuple[int, str | None, str | None, Decimal | None, Decimal | None]] = field(
        default_factory=list
    )


NOTHING = (None,) * 7


def quote_of(record: Record) -> tuple[Decimal | None, ...]:
    """The stored numbers of a record: bid, ask, sizes, last price, volume and open interest."""
    prices, sizes = [], []
    for price_name, size_name in SIDES:
        price, size = Decimal(record[price_name]), Decimal(record[size_name])
        prices.append(price if size >= 0 and (0 < price < 1 or size > 0) else None)
        sizes.append(size if size >= 0 else None)
    others = (Decimal(record[name]) for name in ("last_price_dollars", "volume_fp", "open_interest_fp"))
    return (*prices, *sizes, *others)


class Definitions:
    """The definitions, applied to everything that a series of runs received."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.markets: dict[str, Market] = {}
        self.series_of: dict[str, str] = {}

    def covers(self, tick: Tick | ReceivedRun, market: Market) -> bool:
        """Whether a market is in a run's scope, by what is now known about its event."""
        is_of_kind = tick.combos == "include" or (tick.combos == "only") is market.is_combo
        return is_of_kind and (not tick.series or self.series_of.get(market.event) in tick.series)

    # Runs.

    def add(self, run: ReceivedRun) -> None:
        """Add what one run received."""
        for answer in run.answers:
            if answer.status == 200 and answer.path.startswith("/events"):
                for row in answer.records:
                    self._place(row["event_ticker"], row["series_ticker"])
        if run.tick_at is None:
            self._add_other(run)
        else:
            self._add_tick(run)

    def _place(self, event: str, series: str) -> None:
        """Learn the series of an event."""
        before = self.series_of.get(event)
        self.series_of[event] = series
        for name, market in self.markets.items():
            if market.event == event:
                self._doubt(name, before, series)

    def _doubt(self, name: str, before: str | None, after: str | None) -> None:
        """Record the ticks that could not list a market because its known series was another one."""
        market = self.markets[name]
        if before is None or before == after or not market.rows:
            return
        last = market.rows[-1]
        for tick in self.ticks:
            if last.quote is None and tick.at >= last.tick.at:
                continue
            has_sent = tick.at in market.repeats or any(row.tick is tick for row in market.rows)
            asks_for_new = bool(tick.series) and (after is None or after in tick.series)
            is_later = tick.at > market.rows[0].tick.at
            if tick.is_complete and is_later and asks_for_new and before not in tick.series and not has_sent:
                tick.doubted.add(name)

    def _listings(self, run: ReceivedRun) -> Iterator[tuple[Answer, Record]]:
        for answer in run.answers:
            if answer.path == "/markets" and "tickers" not in answer.query and answer.status == 200:
                for record in answer.records:
                    if self._is_wanted(run, answer, record):
                        yield answer, record

    def _is_wanted(self, run: ReceivedRun, answer: Answer, record: Record) -> bool:
        """Whether a listed market may belong to the requested series; settled markets are listed series by series."""
        is_of_open = answer.query.get("status") in ("open", "paused")
        wanted = run.series if is_of_open else (answer.query.get("series_ticker"),)
        return not run.series or self.series_of.get(record["event_ticker"]) in (None, *wanted)

    def _add_other(self, run: ReceivedRun) -> None:
        for _, record in self._listings(run):
            self._learn(run, record, is_settled=record["status"] == "finalized")
        for answer in run.answers:
            is_single = "/markets/" in answer.path
            is_listing = answer.path == "/historical/markets" and "tickers" not in answer.query
            for record in answer.records if answer.status == 200 and (is_single or is_listing) else ():
                if is_single or (self._is_of_kind(run, record) and self._is_wanted(run, answer, record)):
                    self._learn(run, record, is_settled=True)
        self._look_up(run)

    def _is_of_kind(self, run: ReceivedRun, record: Record) -> bool:
        return run.combos == "include" or (run.combos == "only") is ("mve_collection_ticker" in record)

    def _add_tick(self, run: ReceivedRun) -> None:
        pages = [
            answer
            for answer in run.answers
            if answer.path == "/markets"
            and answer.query.get("status") == "open"
            and "tickers" not in answer.query
        ]
        good = [answer for answer in pages if answer.status == 200]
        if not good:
            return
        is_truncated = run.max_pages is not None and len(good) == run.max_pages and self._has_more(run, good)
        is_complete = len(good) == len(pages) and not run.was_stopped and not is_truncated
        assert run.tick_at is not None
        if not self.ticks or self.ticks[-1].at != run.tick_at:
            self.ticks.append(Tick(run.tick_at, run.series, run.combos, run.period_seconds))
        tick = self.ticks[-1]
        listed: set[str] = set()
        for _, record in self._listings(run):
            self._learn(run, record)
            self._show(run, tick, record)
            listed.add(record["ticker"])
        if is_complete:
            listed |= self._look_up(run, tick, listed)
        tick.is_complete = is_complete
        if run.was_stopped:
            return
        for name, market in self.markets.items():
            if (
                not market.rows
                or market.rows[-1].quote is None
                or market.rows[-1].tick is tick
                or name in listed
            ):
                continue
            if market.gone_at is not None or (market.status is not None and market.status not in OPEN):
                market.rows.append(Row(tick, None, run.at))

    def _has_more(self, run: ReceivedRun, good: list[Answer]) -> bool:
        asked = {answer.query.get("series_ticker") for answer in good}
        return good[-1].has_more or (bool(run.series) and len(asked) < len(run.series))

    def _look_up(
        self, run: ReceivedRun, tick: Tick | None = None, listed: set[str] | None = None
    ) -> set[str]:
        """Add found and missing markets of lookups. Return the markets that count as listed by the tick."""
        lookups = [
            answer
            for answer in run.answers
            if answer.status == 200 and "tickers" in answer.query and answer.path.endswith("/markets")
        ]
        before = {name: self.covers(run, market) for name, market in self.markets.items()}
        alive: set[str] = set()
        asked: dict[str, set[str]] = {"/markets": set(), "/historical/markets": set()}
        found: set[str] = set()
        for answer in lookups:
            asked[answer.path] |= set(answer.query["tickers"].split(","))
            for record in answer.records:
                name = record["ticker"]
                found.add(name)
                is_new = tick is not None and listed is not None and name not in listed
                self._learn(run, record, is_settled=answer.path != "/markets")
                if tick is not None and is_new and before.get(name) and record["status"] in OPEN:
                    self._show(run, tick, record)
                    alive.add(name)
        for name in (asked["/markets"] & asked["/historical/markets"]) - found:
            market = self.markets[name]
            if market.gone_at is None and market.missing_since is not None:
                if market.missing_since <= run.at - _TWO_LOOKS:
                    market.gone_at = run.at
            elif market.missing_since is None and market.gone_at is None:
                market.missing_since = run.at
        return alive

    def _learn(self, run: ReceivedRun, record: Record, *, is_settled: bool = False) -> None:
        name, status = record["ticker"], record["status"]
        is_combo = "mve_collection_ticker" in record
        market = self.markets.setdefault(name, Market(record["event_ticker"], is_combo, status))
        before, after = self.series_of.get(market.event), self.series_of.get(record["event_ticker"])
        market.event, market.status = record["event_ticker"], status
        self._doubt(name, before, after)
        market.gone_at = market.missing_since = None
        if status in OPEN or (status == "closed" and not record["result"]):
            if market.outcome is not None and market.outcome.withdrawn_at is None:
                market.outcome.withdrawn_at = run.at
        elif status in DETERMINED or (status == "finalized") or is_settled:
            self._publish(run, market, record)

    def _publish(self, run: ReceivedRun, market: Market, record: Record) -> None:
        sent = record.get("settlement_value_dollars")
        result, value = record["result"], None if sent is None else Decimal(sent)
        if market.outcome is None:
            market.outcome = Outcome(result, value)
            return
        outcome = market.outcome
        if result == outcome.result and value is None:
            value = outcome.value
        is_other_value = outcome.value is not None and value != outcome.value
        if result != outcome.result or is_other_value:
            market.amendments.append((run.at, outcome.result, result, outcome.value, value))
            outcome.amended_at = run.at
        outcome.result, outcome.value, outcome.withdrawn_at = result, value, None

    def _show(self, run: ReceivedRun, tick: Tick, record: Record) -> None:
        """Add a market of a tick's listing: a new quote is stored, an equal one counts as unchanged."""
        market, quote = self.markets[record["ticker"]], quote_of(record)
        tick.shown.add(record["ticker"])
        last = market.rows[-1] if market.rows else None
        if last is not None and last.tick is tick:
            return
        is_old = last is not None and last.tick.at <= tick.at - run.keyframe_micros
        if last is None or last.quote != quote or is_old:
            market.rows.append(Row(tick, quote, run.at))
            market.repeats.pop(tick.at, None)
        elif run.keeps_every or (run.series and not self.covers(run, market)):
            market.repeats.setdefault(tick.at, (tick, run.at))

    # Questions.

    def known(self, name: str, at: int) -> Known | None:
        """Return the known state of a market at an instant; None if nothing was stored by then."""
        market = self.markets[name]
        rows = [row for row in market.rows if row.tick.at <= at]
        if not rows:
            return None
        row = rows[-1]
        sent = [(row.tick, row.received_at)]
        if row.quote is not None:
            sent += [again for when, again in sorted(market.repeats.items()) if row.tick.at < when <= at]
        given, received_at = sent[-1]
        covering = [tick for tick in self.ticks if tick.at <= at and self.covers(tick, market)]
        newest = max([given, *(tick for tick in covering if tick.at > given.at)], key=lambda tick: tick.at)

        own = [row.tick, given]

        def confirms(tick: Tick) -> bool:
            shows = name in tick.shown or row.quote is None
            return (tick.is_complete and shows and name not in tick.doubted) or (
                tick.is_complete and tick in own
            )

        confirming = [tick.at for tick in (*own, *covering) if tick.at >= row.tick.at and confirms(tick)]
        confirmed_at = max(confirming, default=None)
        periods = [tick.period_seconds for tick in covering if tick.period_seconds is not None]
        period = round((periods[-1] if periods else _DEFAULT_PERIOD) * SECOND)
        if row.quote is None:
            state = "unknown"
        elif (newest is given or confirms(newest)) and at - newest.at < period:
            state = "observed"
        elif confirmed_at is not None and at - confirmed_at <= 2 * period:
            state = "carried"
        else:
            state = "stale"
        quote: tuple[Any, ...] = NOTHING if row.quote is None else row.quote
        quote = (*quote[:4], quote[4] or None, *quote[5:])
        return Known(
            given.at, received_at, row.quote is not None, state, confirms(newest), confirmed_at, quote
        )
