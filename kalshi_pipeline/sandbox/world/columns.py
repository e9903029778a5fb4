"""The world's rows as columns of machine numbers: under 0.9 kB per market with tickers, trades and indexes."""

from array import array

from kalshi_pipeline.sandbox.shapes.json_format import MICROS

NEVER = -(1 << 62)


class Markets:
    """One position per market in every column. Instants are microseconds, prices micro-dollars, sizes hundredths.

    Positions are in the order of (created_time, ticker descending) and are never reused, so that the newest
    first listing of `/markets` is a walk downwards and its keyset a binary search.
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
        # Bid and ask before they were last written, of the markets whose quote nobody has logged yet.
        self.unlogged: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.ticker)

    def append(
        self, ticker: str, event: int, ordinal: int, state: int, created: int, open_at: int, close_at: int
    ) -> int:
        """A market without quotes and trades; returns its position."""
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
        self.ask.append(MICROS)
        self.midnight_ask.append(MICROS)
        for column in (self.bid_size, self.ask_size, self.volume, self.open_interest, self.midnight_volume):
            column.append(0)
        return position

    def clear_quote(self, position: int) -> None:
        """Nobody bids on either side: yes 0/1, no 0/1, sizes zero (API.md §5.5)."""
        self.set_quote(position, 0, MICROS, 0, 0)

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
    """One position per event in every column; `number` says what it asks, -1 for a recorded one."""

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
        # Markets of an event that do not stand side by side: born later, or recorded.
        self.scattered: dict[int, list[int]] = {}
        self.recorded: dict[int, str] = {}
        # Known only because a recorded market names it: a real gap, answered 404 and never listed.
        self.unrecorded: set[int] = set()
        self.shelf_counts = {shelf: array("H") for shelf in ("unopened", "open", "closed", "settled")}

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
        for counts in self.shelf_counts.values():
            counts.append(0)
        return position

    def adopt(self, event: int, market: int) -> None:
        """Notes that a market belongs to an event."""
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
        """Positions of an event's markets, whatever their state, oldest first."""
        first = self.first_market[event]
        return self.scattered.get(event) or range(first, first + self.market_count[event])
