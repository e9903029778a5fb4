"""The state of a world: its clock, its rows and the indexes over them, and how rows enter and move in them."""

import random
import threading
from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass

from kalshi_pipeline.sandbox.shapes.json_format import MICROS, micros_of
from kalshi_pipeline.sandbox.world.catalogue import TOPICS, Topic, topic_of
from kalshi_pipeline.sandbox.world.columns import Events, Markets
from kalshi_pipeline.sandbox.world.config import WorldConfig
from kalshi_pipeline.sandbox.world.prices import DECI_CENT, LINEAR_CENT, MICRO, PriceStructure
from kalshi_pipeline.sandbox.world.quote_log import QuoteLog
from kalshi_pipeline.sandbox.world.quotes import Quoter
from kalshi_pipeline.sandbox.world.states import ARCHIVED, INACTIVE, LIVE_SHELVES, SHELF_OF_STATE
from kalshi_pipeline.sandbox.world.status_index import Shelves
from kalshi_pipeline.sandbox.world.tape import Tape

HOUR = 3600 * MICROS
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series: the number-th of its topic, or as it was recorded; topic -1 are the combos."""

    ticker: str
    topic: int
    number: int
    recorded: str | None = None


class WorldState:
    """An empty exchange; genesis.py fills it, life.py moves it."""

    def __init__(self, config: WorldConfig | None = None) -> None:
        self.config = config or WorldConfig()
        self.lock = threading.RLock()
        self.random = random.Random(self.config.seed)
        self.clock = micros_of(self.config.start)
        self.start = self.clock
        self.steps = 0
        self.is_paused = False
        # The share of closing markets whose first result is amended, above those that always are (outcomes.py).
        self.amended_share = 0.0
        self.cutoff_lead = 0
        self.markets = Markets()
        self.events = Events()
        self.series: list[SeriesRow] = []
        self.series_position: dict[str, int] = {}
        self.series_per_topic = 0
        self.events_of_series: dict[int, list[int]] = {}
        self.quoter = Quoter(self.markets, self.random, whole_contracts=self.config.shape == "2026-01")
        self.tape = Tape(self.config.seed)
        self.quote_log = QuoteLog(self.start, self.config.quote_changes_kept)
        self.shelves = Shelves()
        # Events by (close time, ticker), which is the key of their cursors; combos apart (API.md §1.6).
        self.events_by_close: dict[bool, list[int]] = {False: [], True: []}
        # Settled markets by the time they settled, oldest first: the next ones to leave the live tier.
        self.settled: deque[tuple[int, int]] = deque()
        self.next_number = 0
        self.next_combo = 0
        # The event that newborn markets join, and how many it still takes.
        self.growing: tuple[int, int] | None = None
        # (step, market, next states): what happens to closed markets, and when.
        self.fates: deque[tuple[int, int, tuple[int, ...]]] = deque()
        self.leg_pool: list[int] = []

    @property
    def cutoff(self) -> int:
        """Markets that settled, and trades that were made, before this instant are historical (API.md §1.3)."""
        return min(self.clock, self.clock - round(self.config.cutoff_days * DAY) + self.cutoff_lead)

    def add_series(self, row: SeriesRow) -> int:
        position = self.series_position[row.ticker] = len(self.series)
        self.series.append(row)
        return position

    def replace_series(self, row: SeriesRow) -> None:
        """Puts a series in the place of the one with its ticker, or at the end."""
        if row.ticker in self.series_position:
            self.series[self.series_position[row.ticker]] = row
        else:
            self.add_series(row)

    def is_combo(self, market: int) -> bool:
        return bool(self.events.is_combo[self.markets.event[market]])

    def topic_of_event(self, event: int) -> Topic:
        return topic_of(self.events.number[event])

    def structure_of(self, market: int) -> PriceStructure:
        """The price structure of a market; every shape but the newest has its own (API.md §3: 9 Mar 2026)."""
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

    def file_event(self, event: int) -> None:
        """Puts a new event into the orders that listings walk."""
        insort(self.events_by_close[bool(self.events.is_combo[event])], event, key=self.event_key)
        self.events_of_series.setdefault(self.events.series[event], []).append(event)

    def shelve(self, market: int) -> None:
        """Puts a new market on the shelf of its state and counts it in its event."""
        state = self.markets.state[market]
        event = self.markets.event[market]
        shelf, combo = SHELF_OF_STATE[state], bool(self.events.is_combo[event])
        self.events.adopt(event, market)
        self.shelves.put(market, shelf, combo=combo)
        self.events.shelf_counts["settled" if state == ARCHIVED else shelf][event] += 1
        if state == INACTIVE:
            self.shelves.put(market, "paused", combo=combo)

    def set_state(self, market: int, state: int) -> None:
        """Moves a market on in its life; a status change is a change of its metadata."""
        old, event = self.markets.state[market], self.markets.event[market]
        combo = bool(self.events.is_combo[event])
        before, after = SHELF_OF_STATE[old], SHELF_OF_STATE[state]
        self.markets.state[market] = state
        if state != ARCHIVED:
            self.markets.updated[market] = self.clock
        for paused, move in ((old, self.shelves.take), (state, self.shelves.put)):
            if paused == INACTIVE:
                move(market, "paused", combo=combo)
        if before == after:
            return
        self.shelves.take(market, before, combo=combo)
        self.shelves.put(market, after, combo=combo)
        if after in LIVE_SHELVES:  # an archived market still settles its event
            self.events.shelf_counts[before][event] -= 1
            self.events.shelf_counts[after][event] += 1

    def is_live(self, market: int) -> bool:
        return self.markets.state[market] != ARCHIVED

    def first_created_after(self, instant: int) -> int:
        """The lowest position whose market was created after an instant."""
        return bisect_right(self.markets.created, instant)

    def first_created_from(self, instant: int) -> int:
        """The lowest position whose market was created at an instant or later."""
        return bisect_left(self.markets.created, instant)
