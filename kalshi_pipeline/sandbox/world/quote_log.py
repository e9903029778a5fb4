"""What the quotes were: each change of a bid or an ask since the world began, until the log is full.

A change is dated with the clock at which listings first served it, and keeps what stood before it. So the past is
read backwards from the present quote, and a market that never moved needs no entry. An entry takes 16 bytes. When
`most` of them are kept, the oldest are forgotten: `known_since` then moves from the world's start to where the
memory begins.
"""

import logging
from array import array
from collections.abc import Iterable
from typing import NamedTuple

_NONE = -1
_log = logging.getLogger(__name__)


class Quote(NamedTuple):
    """Bid and ask of the yes side, in force from an instant on."""

    at: int
    bid: int
    ask: int


class QuoteLog:
    def __init__(self, start: int, most: int) -> None:
        self.known_since = start
        self._most = max(1, most)
        # Entries are numbered from 0 on; the n-th stands at n modulo `most`.
        self._count = 0
        self._instants = array("q")
        self._instant = array("i")
        self._bid = array("i")
        self._ask = array("i")
        self._previous = array("i")
        self._newest = array("i")  # by market

    def __len__(self) -> int:
        return len(self._bid)

    def append(self, at: int, changes: Iterable[tuple[int, int, int]]) -> None:
        """Changes of one instant, no older than the newest: each a market, and its bid and ask until then."""
        instant, newest = len(self._instants), self._newest
        self._instants.append(at)
        for market, bid, ask in changes:
            if market >= len(newest):
                newest.extend([_NONE] * (market + 1 - len(newest)))
            if self._count < self._most:
                self._instant.append(instant)
                self._bid.append(bid)
                self._ask.append(ask)
                self._previous.append(newest[market])
            else:
                slot = self._forget_oldest()
                self._instant[slot] = instant
                self._bid[slot] = bid
                self._ask[slot] = ask
                self._previous[slot] = newest[market]
            newest[market] = self._count
            self._count += 1

    def _forget_oldest(self) -> int:
        """Where its entry stood."""
        if self._count == self._most:
            _log.warning(
                "The log of quotes is full at %d changes: from now on it forgets the oldest.", self._most
            )
        slot = self._count % self._most
        self.known_since = self._instants[self._instant[slot]]
        return slot

    def history(self, market: int, bid: int, ask: int, since: int) -> list[Quote]:
        """From the quote in force at an instant, or at `known_since` if that is later, to the present one, which is
        given; oldest first."""
        since, found = max(since, self.known_since), []
        number = self._newest[market] if market < len(self._newest) else _NONE
        while number >= max(0, self._count - self._most):
            slot = number % self._most
            found.append(Quote(self._instants[self._instant[slot]], bid, ask))
            if found[-1].at <= since:
                return found[::-1]
            bid, ask, number = self._bid[slot], self._ask[slot], self._previous[slot]
        found.append(Quote(self.known_since, bid, ask))
        return found[::-1]
