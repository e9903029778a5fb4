"""The state of a world: its clock, its rows and their indexes, and the operations that keep the two consistent."""

import random
import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass

from kalshi_pipeline.sandbox.world.catalogue import TOPICS, Topic, topic_of
from kalshi_pipeline.sandbox.world.columns import Events, Markets
from kalshi_pipeline.sandbox.world.config import WorldConfig
from kalshi_pipeline.sandbox.world.edits import Edits
from kalshi_pipeline.sandbox.world.prices import DECI_CENT, LINEAR_CENT, MICRO, PriceStructure
from kalshi_pipeline.sandbox.world.quote_log import QuoteLog
from kalshi_pipeline.sandbox.world.quotes import Quoter
from kalshi_pipeline.sandbox.world.states import ARCHIVED, FILTER_OF_STATE, INACTIVE, LIVE_FILTERS
from kalshi_pipeline.sandbox.world.status_index import StatusIndex
from kalshi_pipeline.sandbox.world.tape import Tape
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of

HOUR = 3600 * MICROS_PER_SECOND
DAY = 24 * HOUR

OF_COMBOS = -1
"""The topic of series of combos."""
AS_RECORDED = -2
"""The topic of recorded series, and of series that only a recorded event names."""


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series: the number-th of its topic, or as recorded. A topic below 0 is none of `TOPICS`."""

    ticker: str
    topic: int
    number: int
    recorded: str | None = None


class WorldState:
    """An empty exchange; initial_world.py fills it, and transitions.py advances it."""

    def __init__(self, config: WorldConfig | None = None) -> None:
        self.config = config or WorldConfig()
        self.lock = threading.RLock()
        self.random = random.Random(self.config.seed)
        self.clock = instant_of(self.config.start)
        self.start = self.clock
        self.steps = 0
        self.is_paused = False
        self.paused_shards: frozenset[int] = frozenset()
        # The share of closing markets whose first result is amended; with 0 it is still one in forty (outcomes.py).
        self.amended_share = 0.0
        self.cutoff_lead = 0
        self.markets = Markets()
        self.events = Events()
        self.edits = Edits()
        self.series: list[SeriesRow] = []
        self.series_position: dict[str, int] = {}
        self.series_per_topic = 0
        self.events_of_series: dict[int, list[int]] = {}
        self.quoter = Quoter(self.markets, self.random, whole_contracts=self.config.shape == "2026-01")
        self.tape = Tape(self.config.seed)
        self.quote_log = QuoteLog(self.start, self.config.quote_changes_kept)
        self.status_index = StatusIndex()
        # Events in the order of (close time, ticker), which is the key of their cursors; combos apart.
        self.events_by_close: dict[bool, list[int]] = {False: [], True: []}
        # Settled markets by the time they settled, oldest first, which is the order in which they leave the live tier.
        self.settled: deque[tuple[int, int]] = deque()
        self.next_number = 0
        self.next_combo = 0
        # The event that new markets join, and how many more it will take.
        self.growing: tuple[int, int] | None = None
        # (step, market, next states) of closed markets, in the order of steps.
        self.scheduled_transitions: deque[tuple[int, int, tuple[int, ...]]] = deque()
        self.leg_pool: list[int] = []

    @property
    def cutoff(self) -> int:
        """Markets that settled, and trades that were made, before this instant are historical."""
        return min(self.clock, self.clock - round(self.config.cutoff_days * DAY) + self.cutoff_lead)

    def add_series(self, row: SeriesRow) -> int:
        position = self.series_position[row.ticker] = len(self.series)
        self.series.append(row)
        return position

    def replace_series(self, row: SeriesRow) -> None:
        """Replace the series of this ticker, or add it."""
        if row.ticker in self.series_position:
            self.series[self.series_position[row.ticker]] = row
        else:
            self.add_series(row)

    def is_combo(self, market: int) -> bool:
        return bool(self.events.is_combo[self.markets.event[market]])

    def topic_of_event(self, event: int) -> Topic:
        return topic_of(self.events.number[event])

    def structure_of(self, market: int) -> PriceStructure:
        """Return the price structure of a market; only the shape 2026-10 has several."""
        if self.config.shape == "future":
            return MICRO
        if self.config.shape == "2026-01":
            return LINEAR_CENT
        event = self.markets.event[market]
        if self.events.is_combo[event]:
            return DECI_CENT
        return TOPICS[self.events.number[event] % len(TOPICS)].structure

    def event_key(self, event: int) -> tuple[int, str]:
        return self.events.close_at[event], self.events.ticker[event]

    def index_event(self, event: int) -> None:
        """Add a new event to the orders that listings walk."""
        insort(self.events_by_close[bool(self.events.is_combo[event])], event, key=self.event_key)
        self.events_of_series.setdefault(self.events.series[event], []).append(event)

    def index_market(self, market: int) -> None:
        """Add a new market to the index of its state and to the counts of its event."""
        state = self.markets.state[market]
        event = self.markets.event[market]
        status_filter, combo = FILTER_OF_STATE[state], bool(self.events.is_combo[event])
        self.events.add_market(event, market)
        self.status_index.add(market, status_filter, combo=combo)
        self.events.status_counts["settled" if state == ARCHIVED else status_filter][event] += 1
        if state == INACTIVE:
            self.status_index.add(market, "paused", combo=combo)

    def set_state(self, market: int, state: int) -> None:
        """Change the state of a market and its index entries. A change of status counts as a change of metadata."""
        old, event = self.markets.state[market], self.markets.event[market]
        combo = bool(self.events.is_combo[event])
        before, after = FILTER_OF_STATE[old], FILTER_OF_STATE[state]
        self.markets.state[market] = state
        if state != ARCHIVED:
            self.markets.updated[market] = self.clock
        for paused, move in ((old, self.status_index.remove), (state, self.status_index.add)):
            if paused == INACTIVE:
                move(market, "paused", combo=combo)
        if before == after:
            return
        self.status_index.remove(market, before, combo=combo)
        self.status_index.add(market, after, combo=combo)
        if after in LIVE_FILTERS:  # in the counts of its event an archived market remains a settled one
            self.events.status_counts[before][event] -= 1
            self.events.status_counts[after][event] += 1

    def is_live(self, market: int) -> bool:
        return self.markets.state[market] != ARCHIVED

    def first_created_after(self, instant: int) -> int:
        """Return the lowest position whose market was created after an instant."""
        return bisect_right(self.markets.created, instant)

    def first_created_from(self, instant: int) -> int:
        """Return the lowest position whose market was created at an instant or later."""
        return bisect_left(self.markets.created, instant)
