"""The state of many markets along a sequence of ticks.

A tick is identified by its place in the sequence; a place before the first one means none.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from kalshi_pipeline.store.reading.provenance import Coverage, Provenance, QuoteState, period_of, state_at
from kalshi_pipeline.store.reading.quotes import Quote, Stored, quote_of
from kalshi_pipeline.store.reading.taken_ticks import TakenTick
from kalshi_pipeline.store.schema.tables import QUOTE_COLUMNS

_NONE = -1
_NO_NUMBERS: dict[str, None] = dict.fromkeys(QUOTE_COLUMNS)


class _Shown(NamedTuple):
    """For each tick: what ticks of some scopes show about their markets up to it."""

    covering: Sequence[int]
    """The newest tick that covers the markets."""
    confirming: Sequence[int]
    """The newest tick that confirms their quotes, apart from unlisted spans."""
    period_seconds: Sequence[float]


class Timelines:
    """A sequence of ticks and what they show, computed once for all markets of the same scopes."""

    def __init__(self, connection: Connection, taken: Sequence[TakenTick]) -> None:
        self.taken = taken
        self._ids = [tick.id for tick in taken]
        self._connection = connection
        self._coverage = Coverage(connection)
        self._scopes_of: dict[tuple[int, int], frozenset[int | None]] = {}
        self._shown: dict[tuple[frozenset[int | None], int | None], _Shown] = {}

    def place_of(self, tick_id: int) -> int | None:
        """Return the place of a tick; None if it is not among them."""
        place = bisect_left(self._ids, tick_id)
        return place if place < len(self._ids) and self._ids[place] == tick_id else None

    def missed_places(self, market_id: int) -> Sequence[tuple[int, int]]:
        """Return the ranges [first, end) of ticks that missed a market, newest first."""
        return [
            (
                bisect_left(self._ids, from_id),
                len(self._ids) if to_id is None else bisect_left(self._ids, to_id),
            )
            for from_id, to_id in sorted(
                self._coverage.spans_of(market_id), key=lambda span: span[0], reverse=True
            )
        ]

    def is_covered(self, row: Stored, tick: TakenTick) -> bool:
        """Return whether a tick that stored or sent a row covers its market."""
        return tick.scope_id in self._coverage.former or tick.scope_id in self._scopes(row)

    def shown(self, row: Stored, sent_by: TakenTick) -> _Shown:
        """Return what the ticks show about the market of a row that one of them stored or sent."""
        scope_ids = self._scopes(row)
        former = sent_by.scope_id if sent_by.scope_id in self._coverage.former else None
        if (found := self._shown.get((scope_ids, former))) is None:
            found = self._shown[scope_ids, former] = self._work_out(scope_ids, former)
        return found

    def _scopes(self, row: Stored) -> frozenset[int | None]:
        _, event_id, is_combo = row[4:7]
        if (found := self._scopes_of.get((event_id, is_combo))) is None:
            found = self._coverage.scopes_of(event_id, is_combo=bool(is_combo))
            self._scopes_of[event_id, is_combo] = found
        return found

    def _work_out(self, scope_ids: frozenset[int | None], former: int | None) -> _Shown:
        covering, confirming, period_seconds = array("q"), array("q"), array("d")
        scheduled = scope_ids | self._coverage.former
        period = period_of(self._connection, scheduled, self._ids[0])
        covers = confirms = _NONE
        for place, tick in enumerate(self.taken):
            if tick.scope_id in scope_ids or (former is not None and tick.scope_id == former):
                covers = place
                confirms = place if tick.is_complete else confirms
            if tick.period_seconds is not None and tick.scope_id in scheduled:
                period = tick.period_seconds
            covering.append(covers)
            confirming.append(confirms)
            period_seconds.append(period)
        return _Shown(covering, confirming, period_seconds)


class Followed:
    """One market along the ticks, and what is known of its quote."""

    __slots__ = (
        "_confirmed_at",
        "_missed",
        "_place",
        "_row",
        "_sent_at",
        "_sent_by",
        "_shown",
        "_timelines",
        "ticker",
    )
    _sent_by: TakenTick
    _shown: _Shown

    def __init__(self, timelines: Timelines, market_id: int, ticker: str) -> None:
        self.ticker = ticker
        self._timelines = timelines
        self._missed = timelines.missed_places(market_id)
        self._row: Stored = ()
        self._place = _NONE
        self._confirmed_at: int | None = None
        self._sent_at: int | None = None

    def meet(self, place: int, row: Stored) -> None:
        """Advance to a tick that stored a row of the market, or sent its quote again."""
        tick = self._timelines.taken[place]
        sent_at = tick.tick_at if tick.is_complete else None
        is_repeat = bool(self._row) and row[7] != tick.id
        if is_repeat and not (sent_at is not None and self._timelines.is_covered(row, tick)):
            self._confirmed_at = self._confirmed_until(place - 1)
        else:
            self._confirmed_at = sent_at
        self._row, self._place, self._sent_by, self._sent_at = row, place, tick, sent_at
        self._shown = self._timelines.shown(row, tick)

    def meet_again(self, place: int, received_ms: int) -> None:
        """Advance to a tick that found the quote unchanged."""
        if self._row:
            tick_id = self._timelines.taken[place].id
            self.meet(place, (self._row[0], tick_id, received_ms, *self._row[3:]))

    def at(self, at: int, place: int) -> Quote:
        """Return what is known at an instant by the ticks up to a place; no later row has been met."""
        if not self._row:
            return Quote(
                ticker=self.ticker,
                at=at,
                quoted_at=None,
                received_at=None,
                is_listed=False,
                state=QuoteState.UNKNOWN,
                is_observed=False,
                is_tick_complete=False,
                confirmed_at=None,
                **_NO_NUMBERS,
            )
        newest = self._shown.covering[place]
        if newest > self._place:
            tick = self._timelines.taken[newest]
            was_seen = confirms = tick.is_complete and not self._is_missed(newest)
        else:
            tick = self._sent_by
            was_seen, confirms = True, tick.is_complete
        confirmed_at, sent_at = self._confirmed_until(place), self._sent_at
        if sent_at is not None and (confirmed_at is None or confirmed_at < sent_at):
            # Of the ticks that sent it again without covering its market, the last one counts.
            confirmed_at = sent_at
        period_seconds = self._shown.period_seconds[place]
        state = state_at(at, tick.tick_at, confirmed_at, period_seconds, was_seen=was_seen)
        return quote_of(self._row, at, Provenance(self._sent_by.tick_at, state, confirms, confirmed_at))

    def _confirmed_until(self, place: int) -> int | None:
        newest = self._shown.confirming[place]
        for first, end in self._missed:
            if first <= newest < end:
                newest = self._shown.confirming[first - 1] if first else _NONE
        return self._timelines.taken[newest].tick_at if newest > self._place else self._confirmed_at

    def _is_missed(self, place: int) -> bool:
        return any(first <= place < end for first, end in self._missed)
