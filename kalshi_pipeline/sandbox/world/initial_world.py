"""The initial world: series, events, markets, combos, past trades and recorded objects.

Markets are created in the order of their created time, because a market's position is its place in the newest-first
listing (columns.py).
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from typing import TypeAlias

from kalshi_pipeline.sandbox.world.catalogue import COMBO_PREFIXES, TOPICS, outcome_of, subject_of, topic_of
from kalshi_pipeline.sandbox.world.chance import scatter
from kalshi_pipeline.sandbox.world.create_market import (
    combo_event_ticker_of,
    create_combo,
    create_event,
    create_market,
    draw_close,
    event_ticker_of,
)
from kalshi_pipeline.sandbox.world.outcomes import settle, states_after_close
from kalshi_pipeline.sandbox.world.recordings import RecordedMarket, Recording, load_recording
from kalshi_pipeline.sandbox.world.states import (
    ACTIVE,
    ARCHIVED,
    CLOSED,
    DETERMINED,
    FILTER_OF_STATE,
    FINALIZED,
    INACTIVE,
    INITIALIZED,
)
from kalshi_pipeline.sandbox.world.transitions import archive
from kalshi_pipeline.sandbox.world.world_state import AS_RECORDED, DAY, HOUR, OF_COMBOS, SeriesRow, WorldState
from kalshi_pipeline.units import MICROS_PER_SECOND

MOST_SERIES_PER_TOPIC = 1_700  # times 8 topics: the exchange had 13,300 series in August 2026

_SIZE_OF_ROUND = sum(topic.size for topic in TOPICS)
# The states of the markets of open events, cumulated per thousand, about as in August 2026; the others are active.
_MIXTURE = ((10, FINALIZED), (13, CLOSED), (15, DETERMINED), (19, INITIALIZED), (29, INACTIVE))
# Created times have fractions of 6, 5 and 4 digits, or none (docs/exchange-api.md, Times).
_GRAINS = (1, 10, 100, MICROS_PER_SECOND)

_MOST_TRIES = 50  # to find a market that was open at an instant

# The created time, the ticker of the event (of a recorded market its own), and the function that creates it.
_Creation: TypeAlias = tuple[int, str, Callable[[int], None]]


def populate(world: WorldState) -> None:
    """Fill an empty world."""
    config = world.config
    recording = load_recording(config.recordings) if config.recordings else Recording()
    _add_series(world, recording)
    initial = _InitialWorld(world)
    initial.add_recorded_events(recording)
    past = list(initial.plan_past())
    creations = [*past, *initial.plan_open(), *initial.plan_combos(), *initial.plan_recorded(recording)]
    # Ties are in descending order of ticker (columns.py). Comparing the tickers of events is enough: the "-" that
    # follows one in a market's ticker comes before all other characters of tickers.
    creations.sort(key=itemgetter(1), reverse=True)
    creations.sort(key=itemgetter(0))
    for created, _, create in creations:
        create(created)
    if creations:
        world.clock = world.start = max(world.clock, creations[-1][0] + MICROS_PER_SECOND)
    initial.finish()


def _add_series(world: WorldState, recording: Recording) -> None:
    """Add the series of every topic, with or without events, and then those of combos and the recorded ones."""
    if world.config.markets or world.config.births_per_step:
        world.series_per_topic = min(1 + world.config.markets // _SIZE_OF_ROUND // 2, MOST_SERIES_PER_TOPIC)
    for topic_number, topic in enumerate(TOPICS):
        for number in range(world.series_per_topic):
            code, _ = subject_of(topic, number)
            world.add_series(SeriesRow(f"{topic.prefix}{code}{topic.suffix}", topic_number, number))
    if world.config.combos or world.config.combos_per_step:
        for number, ticker in enumerate(COMBO_PREFIXES):
            world.add_series(SeriesRow(ticker, OF_COMBOS, number))
    for ticker, text in recording.series.items():
        world.replace_series(SeriesRow(ticker, AS_RECORDED, 0, text))


class _InitialWorld:
    """Plans what to create and when; the planned functions then create it."""

    def __init__(self, world: WorldState) -> None:
        self._world = world
        self._quoter = world.quoter
        # Instant, market and price of each trade from before the world began.
        self._past_trades: list[tuple[int, int, int]] = []

    def plan_past(self) -> Iterator[_Creation]:
        """Plan events whose markets all settled before the world began, spread over the configured days.

        Their markets were open for about a quarter of those days.
        """
        world = self._world
        count = round(world.config.markets * world.config.past_share / _SIZE_OF_ROUND * len(TOPICS))
        count = max(count, 8) if world.config.markets and world.config.past_share else 0
        span = round(world.config.past_days * DAY)
        open_for = max(span * 4 // 15, HOUR)
        for number in range(count):
            age = (count - number) * span // count
            moment = world.clock - age - 3 * HOUR
            closed = moment - moment % (60 * MICROS_PER_SECOND)
            ticker = event_ticker_of(world, number, closed)
            yield moment - open_for, ticker, partial(self._create_past_event, number, closed)
        world.next_number = count

    def _create_past_event(self, number: int, closed: int, created: int) -> None:
        world = self._world
        event = create_event(world, number, created, closed)
        settled = closed + HOUR + scatter(3, number) % HOUR
        for ordinal in self._in_listing_order(number, range(topic_of(number).size)):
            market = create_market(world, event, ordinal, CLOSED, created)
            self._trade_past(market, created, closed, share=0.8)
            settle(world, market, FINALIZED, settled)
        self._append_to_listings(event)

    def plan_open(self) -> Iterator[_Creation]:
        """Plan events until exactly the configured number of markets is open."""
        world = self._world
        plan: list[dict[int, int]] = []
        left = world.config.markets
        while left:
            number = world.next_number + len(plan)
            states: dict[int, int] = {}
            for ordinal in range(topic_of(number).size):
                if left:
                    states[ordinal] = self._draw_state(number, ordinal)
                    left -= FILTER_OF_STATE[states[ordinal]] == "open"
            plan.append(states)
        for index, states in enumerate(plan):
            number, created = world.next_number + index, self._draw_created(index, len(plan), 30 * DAY)
            close_at = draw_close(world, number, world.clock)
            create = partial(self._create_open_event, number, states, close_at)
            yield created - created % _GRAINS[index % 4], event_ticker_of(world, number, close_at), create
        world.next_number += len(plan)

    def _draw_created(self, index: int, count: int, usual: int) -> int:
        """Return the created time of the index-th of `count` rows, which fill the usual span or the configured one."""
        within, now = self._world.config.created_within_seconds, self._world.clock
        if within is None:
            jitter = scatter(52, index) % min(30 * MICROS_PER_SECOND, usual // 2 // count)
            return now - (count - index) * usual // count - jitter
        span = round(within * MICROS_PER_SECOND)
        first = now - HOUR - span
        return first - first % MICROS_PER_SECOND + index * span // count

    def _draw_state(self, number: int, ordinal: int) -> int:
        chance = scatter(self._world.config.seed + 51, number * 16 + ordinal) % 1000
        return next((state for below, state in _MIXTURE if chance < below), ACTIVE)

    def _create_open_event(self, number: int, states: dict[int, int], close_at: int, created: int) -> None:
        world, now = self._world, self._world.clock
        event = create_event(world, number, created, close_at)
        for ordinal in self._in_listing_order(number, states):
            state = states[ordinal]
            if state == INITIALIZED:
                market = create_market(world, event, ordinal, state, created)
                world.markets.open_at[market] = now - now % HOUR + 2 * HOUR
                continue
            market = create_market(world, event, ordinal, INACTIVE if state == INACTIVE else ACTIVE, created)
            if state in (ACTIVE, INACTIVE):
                self._quoter.draw_quote(market, world.structure_of(market))
            self._trade_past(market, created, created + (now - created) // 2, share=0.7)
            if state not in (ACTIVE, INACTIVE):
                self._end_early(market, state, created + (now - created) // 2)
        self._append_to_listings(event)

    def _end_early(self, market: int, state: int, at: int) -> None:
        world = self._world
        world.markets.close_at[market] = at - at % MICROS_PER_SECOND
        world.set_state(market, CLOSED)
        world.markets.updated[market] = at
        if state == CLOSED:
            world.scheduled_transitions.append((3, market, states_after_close(world, market)))
            return
        settle(world, market, state, min(at + HOUR // 2, world.clock))  # never in the future
        if state == DETERMINED:
            world.scheduled_transitions.append((3, market, (FINALIZED,)))

    def plan_combos(self) -> Iterator[_Creation]:
        """Plan the combos, all of them open."""
        world = self._world
        for number in range(world.config.combos):
            created = self._draw_created(number, world.config.combos, 12 * HOUR)
            yield created, combo_event_ticker_of(world, number), partial(self._create_combo, number)
        world.next_combo = world.config.combos

    def _create_combo(self, number: int, created: int) -> None:
        world = self._world
        market = create_combo(world, number, ACTIVE, created)
        self._quoter.draw_combo_quote(market, world.structure_of(market))
        self._trade_past(market, created, world.clock, share=0.03)
        self._append_to_listings(world.markets.event[market])

    def add_recorded_events(self, recording: Recording) -> None:
        """Add the recorded events, and the unrecorded ones that a recorded market names."""
        world, events = self._world, self._world.events
        closes: dict[str, int] = {}
        for market in recording.markets.values():
            closes[market.event_ticker] = max(
                market.close_at, closes.get(market.event_ticker, market.close_at)
            )
        for event in recording.events.values():
            series = world.series_position.get(event.series_ticker)
            if series is None:
                series = world.add_series(SeriesRow(event.series_ticker, AS_RECORDED, 0))
            close_at = closes.get(event.ticker, world.clock + 30 * DAY)
            position = events.append(
                event.ticker, -1, series, close_at, event.updated, is_combo=event.is_combo
            )
            events.recorded[position] = event.text
            self._append_to_listings(position)
        for ticker in sorted(closes.keys() - events.position.keys()):
            is_combo = ticker.startswith("KXMVE")
            position = events.append(ticker, -1, -1, closes[ticker], closes[ticker], is_combo=is_combo)
            events.unrecorded.add(position)

    def plan_recorded(self, recording: Recording) -> Iterator[_Creation]:
        for market in recording.markets.values():
            yield market.created, market.ticker, partial(self._create_recorded_market, market)

    def _create_recorded_market(self, recorded: RecordedMarket, created: int) -> None:
        world, markets = self._world, self._world.markets
        event = world.events.position[recorded.event_ticker]
        times = created, recorded.open_at, recorded.close_at
        is_archived = recorded.settled_at is not None and recorded.settled_at < world.cutoff
        market = markets.append(
            recorded.ticker, event, 0, ARCHIVED if is_archived else recorded.state, *times
        )
        markets.updated[market] = recorded.updated
        markets.bid[market], markets.ask[market] = recorded.bid, recorded.ask
        markets.bid_size[market], markets.ask_size[market] = recorded.bid_size, recorded.ask_size
        markets.recorded[market] = recorded.text
        if recorded.settled_at is not None:
            markets.settled_at[market] = recorded.settled_at
        world.index_market(market)

    def finish(self) -> None:
        """Do what needs all rows: sort the events, append past trades, archive old markets, set yesterday's quotes."""
        world, markets = self._world, self._world.markets
        for order in world.events_by_close.values():
            order.sort(key=world.event_key)
        self._draw_busy_days()
        for at, market, price in sorted(self._past_trades):
            world.tape.append(self._quoter.trade(market, at, price))
        world.settled = deque(sorted(world.settled))
        archive(world)
        markets.pass_midnight()
        for market in range(0, len(markets), 2):  # half of the markets had a lower bid a day ago
            if markets.bid[market] > 40_000:
                markets.midnight_bid[market] -= 20_000
        for market, volume in enumerate(markets.volume):
            markets.midnight_volume[market] = volume // 200 * 100
        markets.unlogged.clear()
        world.quote_log.known_since = world.start
        world.leg_pool = list(world.status_index.rows("open", combo=False)[:4_096])

    def _draw_busy_days(self) -> None:
        """Draw the configured trades of the days before the start, each of a market that could be traded then."""
        world, random = self._world, self._world.random
        span = round(world.config.trade_days * DAY)
        count = round(world.config.trades_per_day * world.config.trade_days)
        for index in range(count):
            at = world.start - span + index * span // count
            existing = world.first_created_from(at)
            for _ in range(_MOST_TRIES if existing else 0):
                market = int(random.random() * existing)
                if self._could_trade(market, at):
                    price = self._quoter.draw_price(market, world.structure_of(market))
                    self._past_trades.append((at, market, price))
                    break

    def _could_trade(self, market: int, at: int) -> bool:
        markets = self._world.markets
        is_plain = market not in markets.recorded and not self._world.is_combo(market)
        return is_plain and markets.open_at[market] <= at < markets.close_at[market]

    def _in_listing_order(self, number: int, ordinals: "range | dict[int, int]") -> list[int]:
        """Return ordinals in descending order of ticker: markets of one event share their created time (columns.py)."""
        return sorted(ordinals, key=lambda ordinal: outcome_of(number, ordinal).code, reverse=True)

    def _trade_past(self, market: int, since: int, until: int, share: float) -> None:
        """Draw up to four past trades of a market, of this share of the markets."""
        random = self._world.random
        if random.random() < share:
            structure = self._world.structure_of(market)
            for _ in range(1 + int(random.random() * 4)):
                at = since + int(random.random() * (until - since))
                self._past_trades.append((at, market, self._quoter.draw_price(market, structure)))

    def _append_to_listings(self, event: int) -> None:
        """Append an event to the listings' orders, which `finish` sorts."""
        world = self._world
        world.events_by_close[bool(world.events.is_combo[event])].append(event)
        world.events_of_series.setdefault(world.events.series[event], []).append(event)
