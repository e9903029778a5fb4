"""The world's markets and events as columns of machine numbers, to save memory.

A market takes less than 0.9 kB, its ticker, trades and index entries included.
"""

from array import array

from kalshi_pipeline.units import MICROS_PER_DOLLAR

NEVER = -(1 << 62)


class Markets:
    """One position per market in every column. Instants are microseconds, prices micro-dollars, sizes hundredths.

    Positions are in the order of (created_time, ticker descending) and are never reused. So `/markets`, which lists
    the newest market first, reads positions downwards, and finds the position of a cursor by binary search.
    """

    def __init__(self) -> None:
        self.ticker: list[str] = []
        self.position: dict[str, int] = {}
        self.event = array("i")
        self.ordinal = array("H")
        self.state = array("B")
        self.result = array("B")
        self.created = array("q")
        self.updated = array("q")
        self.open_at = array("q")
        self.close_at = array("q")
        self.bid = array("i")
        self.ask = array("i")
        self.last = array("i")
        self.bid_size = array("q")
        self.ask_size = array("q")
        self.volume = array("q")
        self.open_interest = array("q")
        # As of the last UTC midnight that the world has passed.
        self.midnight_bid = array("i")
        self.midnight_ask = array("i")
        self.midnight_last = array("i")
        self.midnight_volume = array("q")
        self.settled_at: dict[int, int] = {}
        self.settlement_value: dict[int, int] = {}
        self.recorded: dict[int, str] = {}
        # Bid and ask as they were before this step, of the markets whose quote has changed and is not logged yet.
        self.unlogged: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.ticker)

    def append(
        self, ticker: str, event: int, ordinal: int, state: int, created: int, open_at: int, close_at: int
    ) -> int:
        """Append a market without quotes and trades, and return its position."""
        position = len(self.ticker)
        self.ticker.append(ticker)
        self.position[ticker] = position
        self.event.append(event)
        self.ordinal.append(ordinal)
        self.state.append(state)
        self.result.append(0)
        self.created.append(created)
        self.updated.append(created)
        self.open_at.append(open_at)
        self.close_at.append(close_at)
        for column in (self.bid, self.last, self.midnight_bid, self.midnight_last):
            column.append(0)
        self.ask.append(MICROS_PER_DOLLAR)
        self.midnight_ask.append(MICROS_PER_DOLLAR)
        for column in (self.bid_size, self.ask_size, self.volume, self.open_interest, self.midnight_volume):
            column.append(0)
        return position

    def clear_quote(self, position: int) -> None:
        """Remove the bids of both sides: bids are 0, asks 1 dollar and sizes zero, for YES and for NO."""
        self.set_quote(position, 0, MICROS_PER_DOLLAR, 0, 0)

    def set_quote(self, position: int, bid: int, ask: int, bid_size: int, ask_size: int) -> None:
        self.unlogged.setdefault(position, (self.bid[position], self.ask[position]))
        self.bid[position] = bid
        self.ask[position] = ask
        self.bid_size[position] = bid_size
        self.ask_size[position] = ask_size

    def pass_midnight(self) -> None:
        self.midnight_bid = self.bid[:]
        self.midnight_ask = self.ask[:]
        self.midnight_last = self.last[:]
        self.midnight_volume = self.volume[:]


class Events:
    """One position per event in every column; `number` determines its texts, and is -1 for a recorded event."""

    def __init__(self) -> None:
        self.ticker: list[str] = []
        self.position: dict[str, int] = {}
        self.number = array("i")
        self.series: list[int] = []
        self.is_combo = array("B")
        self.close_at = array("q")
        self.updated = array("q")
        self.first_market = array("i")
        self.market_count = array("H")
        # Markets of the events whose markets have no consecutive positions: created later, or recorded.
        self.scattered: dict[int, list[int]] = {}
        self.recorded: dict[int, str] = {}
        # Events that only a recorded market names: answered with 404, and never listed.
        self.unrecorded: set[int] = set()
        # How many markets of an event each status filter finds.
        self.status_counts = {word: array("H") for word in ("unopened", "open", "closed", "settled")}

    def __len__(self) -> int:
        return len(self.ticker)

    def append(
        self, ticker: str, number: int, series: int, close_at: int, updated: int, *, is_combo: bool
    ) -> int:
        position = len(self.ticker)
        self.ticker.append(ticker)
        self.position[ticker] = position
        self.number.append(number)
        self.series.append(series)
        self.is_combo.append(is_combo)
        self.close_at.append(close_at)
        self.updated.append(updated)
        self.first_market.append(-1)
        self.market_count.append(0)
        for counts in self.status_counts.values():
            counts.append(0)
        return position

    def add_market(self, event: int, market: int) -> None:
        """Add a market to an event."""
        count = self.market_count[event]
        self.market_count[event] = count + 1
        if not count:
            self.first_market[event] = market
        elif event in self.scattered:
            self.scattered[event].append(market)
        elif self.first_market[event] + count != market:
            first = self.first_market[event]
            self.scattered[event] = [*range(first, first + count), market]

    def markets_of(self, event: int) -> list[int] | range:
        """Return the positions of an event's markets of every state, oldest first."""
        first = self.first_market[event]
        return self.scattered.get(event) or range(first, first + self.market_count[event])
