"""The history of quotes: each change of a bid or an ask since the world began, until the log is full.

A change has the time at which listings first served it, and the bid and ask before it. The past is therefore read
backwards from the present quote, and a market whose quote never moved needs no entry. An entry takes 16 bytes. Once the
log has `most` entries, each new one replaces the oldest; `known_since` is then the time of the last entry that was
replaced.
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
        # Entries are numbered from 0; the n-th is stored at n modulo `most`.
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
        """Append the changes of one instant, no older than the newest: each market with its bid and ask before it."""
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
        """Forget the oldest entry, and return the slot that it occupied."""
        if self._count == self._most:
            _log.warning(
                "The log of quotes is full at %d changes: from now on it forgets the oldest.", self._most
            )
        slot = self._count % self._most
        self.known_since = self._instants[self._instant[slot]]
        return slot

    def history(self, market: int, bid: int, ask: int, since: int) -> list[Quote]:
        """Return the quotes from the one in force at an instant to the present one, oldest first.

        `bid` and `ask` are the present quote. The history begins at `known_since` if that is later than the instant.
        """
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
