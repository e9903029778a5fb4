"""The tape: every trade of the world, oldest first.

A market's volume is exactly the sum of the counts of its trades, and its last price is that of the newest one.
Recorded markets are the exception: they have a volume but no trades.
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from kalshi_pipeline.sandbox.world.chance import uuid_of


class Trade(NamedTuple):
    """One execution, and the market's open interest after it; the taker bought YES if `takes_yes`."""

    market: int
    at: int
    price: int
    contracts: int
    open_interest: int
    takes_yes: bool
    is_block: bool


class Tape:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.market = array("i")
        self.at = array("q")
        self.price = array("i")
        self.contracts = array("q")
        self.open_interest = array("q")
        self._flags = array("B")
        self._of_market: dict[int, array[int]] | None = None

    def __len__(self) -> int:
        return len(self.at)

    def append(self, trade: Trade) -> None:
        """Append a trade, which must not be older than the newest."""
        position = len(self.at)
        self.market.append(trade.market)
        self.at.append(trade.at)
        self.price.append(trade.price)
        self.contracts.append(trade.contracts)
        self.open_interest.append(trade.open_interest)
        self._flags.append(trade.takes_yes + 2 * trade.is_block)
        if self._of_market is not None:
            self._of_market.setdefault(trade.market, array("i")).append(position)

    def takes_yes(self, position: int) -> bool:
        return bool(self._flags[position] & 1)

    def is_block(self, position: int) -> bool:
        return bool(self._flags[position] & 2)

    def trade_id(self, position: int) -> str:
        return uuid_of(self._seed + 101, position)

    def of_market(self, market: int) -> "array[int]":
        """Return the positions of one market's trades, oldest first; the first call builds the index."""
        if self._of_market is None:
            self._of_market = {}
            for position, owner in enumerate(self.market):
                self._of_market.setdefault(owner, array("i")).append(position)
        return self._of_market.get(market, array("i"))

    def first_at_or_after(self, instant: int) -> int:
        return bisect_left(self.at, instant)

    def find(self, at: int, trade_id: str) -> int | None:
        """Return the position of a trade, or None if it is not on the tape."""
        for position in range(bisect_left(self.at, at), bisect_right(self.at, at)):
            if self.trade_id(position) == trade_id:
                return position
        return None
