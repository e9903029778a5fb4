"""Which ticks confirm a quote, and so what is known of it at an instant: observed, carried, stale or unknown.

Later ticks whose scope covers a market carry its stored quote. A complete tick confirms it, unless the tick is in an
unlisted span of the market; an incomplete one does not. The keys of ticks with quotes ascend with their times.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, Integer, bindparam, select

from kalshi_pipeline.store.reading.taken_ticks import TakenTick, ticks_between
from kalshi_pipeline.store.schema.tables import events, series, ticks, unlisted_spans
from kalshi_pipeline.store.scopes import former_scopes, stored_scopes
from kalshi_pipeline.store.writing.runs import TAKEN
from kalshi_pipeline.units import MICROS_PER_SECOND


class QuoteState(StrEnum):
    """The state of a market's quote at an instant; a period is the time between two scheduled ticks."""

    OBSERVED = "observed"
    """The newest tick that covers the market saw it, less than a period before."""
    CARRIED = "carried"
    """A complete tick confirmed it, at most two periods before."""
    STALE = "stale"
    """It was confirmed earlier, or never."""
    UNKNOWN = "unknown"
    """Nothing was stored by then, or the market had ended."""


class Provenance(NamedTuple):
    """What is known of a row at an instant; the fields are those of `quotes.Quote`."""

    quoted_at: int
    state: QuoteState
    is_tick_complete: bool
    confirmed_at: int | None


# The time between ticks where none was scheduled.
_PERIOD_SECONDS = 300.0
_scheduled = (
    select(ticks.c.period_seconds)
    .where(
        ticks.c.id <= bindparam("last_id", type_=Integer),
        ticks.c.state.in_(TAKEN),
        ticks.c.period_seconds.is_not(None),
        ticks.c.scope_id.in_(bindparam("scope_ids", expanding=True)),
    )
    .order_by(ticks.c.id.desc())
    .limit(1)
)
_spans = select(unlisted_spans.c.market_id, unlisted_spans.c.from_tick_id, unlisted_spans.c.to_tick_id)
_series_of_events = select(events.c.id, series.c.ticker).join(series)


class Coverage:
    """The ticks that confirm a market's quotes: those whose scope includes the series and kind of its event.

    Before schema 0005, a tick stored again what a tick of another scope had stored. So ticks of former scopes confirm
    only quotes that ticks of the same scope stored.
    """

    def __init__(self, connection: Connection) -> None:
        self._scopes = {key: scope for key, scope in stored_scopes(connection).items() if scope.shows_absence}
        self.former = former_scopes(connection)
        self._series: dict[int, str] = {}
        if any(scope.series for scope in self._scopes.values()):
            self._series = dict(connection.execute(_series_of_events).all())

        self._spans: dict[int, list[tuple[int, int | None]]] = {}
        for market_id, from_id, to_id in connection.execute(_spans):
            self._spans.setdefault(market_id, []).append((from_id, to_id))

    def scopes_of(self, event_id: int, *, is_combo: bool) -> frozenset[int | None]:
        """Return the keys of the scopes that cover a market of this event, without former ones."""
        series = self._series.get(event_id)
        return frozenset(
            key for key, scope in self._scopes.items() if scope.covers_market(series, is_combo=is_combo)
        )

    def spans_of(self, market_id: int) -> Sequence[tuple[int, int | None]]:
        """Return the unlisted spans of a market, each with its first tick and the tick that closed it, if any.

        A tick in a span confirms nothing of the market.
        """
        return self._spans.get(market_id, ())


def state_at(
    at: int, seen_at: int, confirmed_at: int | None, period_seconds: float, *, was_seen: bool
) -> QuoteState:
    """Return the state of a quote at an instant; `was_seen` says whether the newest covering tick,
    `seen_at`, saw it.
    """
    period = period_seconds * MICROS_PER_SECOND
    if was_seen and at - seen_at < period:
        return QuoteState.OBSERVED
    if confirmed_at is not None and at - confirmed_at <= 2 * period:
        return QuoteState.CARRIED
    return QuoteState.STALE


def period_of(connection: Connection, scope_ids: Iterable[int | None], last_id: int) -> float:
    """Return the period of ticks of some scopes in seconds, by the newest scheduled one up to a tick."""
    bound = {"last_id": last_id, "scope_ids": [key for key in scope_ids if key is not None]}
    found: float | None = connection.execute(_scheduled, bound).scalar_one_or_none()
    return _PERIOD_SECONDS if found is None else found


class _Since(NamedTuple):
    """For a tick and later ones: the newest that covers a market, whether it confirms, and the newest that confirms."""

    own: TakenTick
    last: TakenTick
    is_confirmed: bool
    confirmed_at: int | None


class _AlongTicks:
    """What the ticks of some scopes show about their markets, up to the last tick."""

    def __init__(self, since: dict[int, _Since], period_seconds: float, at: int) -> None:
        self._since = since
        self._period_seconds = period_seconds
        self._at = at
        self._known: dict[tuple[int, int], Provenance] = {}

    def of_row(self, tick_id: int, row_tick_id: int) -> Provenance:
        """Return what is known of a row that one tick stored and the same or another one last sent."""
        if (found := self._known.get((tick_id, row_tick_id))) is None:
            found = self._known[tick_id, row_tick_id] = self._provenance(tick_id, row_tick_id)
        return found

    def _provenance(self, tick_id: int, row_tick_id: int) -> Provenance:
        sent, stored = self._since[tick_id], self._since[row_tick_id]
        confirmed_at = max(filter(None, (sent.confirmed_at, stored.confirmed_at)), default=None)
        was_seen = sent.last.id == tick_id or sent.is_confirmed
        state = state_at(self._at, sent.last.tick_at, confirmed_at, self._period_seconds, was_seen=was_seen)
        return Provenance(sent.own.tick_at, state, sent.is_confirmed, confirmed_at)


class Provenances:
    """What is known of rows at an instant, market by market, by the ticks from the first of them to the last."""

    def __init__(self, connection: Connection, first_id: int, last_id: int, at: int) -> None:
        self._connection = connection
        self._at = at
        self._last_id = last_id
        self._ticks = ticks_between(connection, first_id, last_id)
        self._coverage = Coverage(connection)
        self._of_events: dict[tuple[int, int], _AlongTicks] = {}
        self._of_scopes: dict[frozenset[int | None], _AlongTicks] = {}

    def of(self, market_id: int, event_id: int, is_combo: int) -> _AlongTicks:
        """Return what the ticks show about a market of this event and kind."""
        if spans := self._coverage.spans_of(market_id):
            scope_ids = self._coverage.scopes_of(event_id, is_combo=bool(is_combo))
            missed = frozenset(
                tick.id
                for tick in self._ticks
                if any(from_id <= tick.id and (to_id is None or tick.id < to_id) for from_id, to_id in spans)
            )
            return self._along_ticks(scope_ids, missed)
        if (found := self._of_events.get((event_id, is_combo))) is None:
            scope_ids = self._coverage.scopes_of(event_id, is_combo=bool(is_combo))
            if (found := self._of_scopes.get(scope_ids)) is None:
                found = self._of_scopes[scope_ids] = self._along_ticks(scope_ids)
            self._of_events[event_id, is_combo] = found
        return found

    def _along_ticks(
        self, scope_ids: frozenset[int | None], missed: frozenset[int] = frozenset()
    ) -> _AlongTicks:
        # By former scope, and of all others together.
        newest: dict[int | None, TakenTick] = {}
        confirmed_at: dict[int | None, int] = {}
        since = {}
        for tick in reversed(self._ticks):
            former = tick.scope_id if tick.scope_id in self._coverage.former else None
            if former is not None or tick.scope_id in scope_ids:
                newest.setdefault(former, tick)
                if tick.is_complete and tick.id not in missed:
                    confirmed_at.setdefault(former, tick.tick_at)
            # Ticks of former scopes are the older ones. The tick of a row has seen its market, whatever its scope.
            last = newest.get(None) or newest.get(former, tick)
            own_at = tick.tick_at if tick.is_complete else None
            last_confirmed_at = confirmed_at.get(None) or confirmed_at.get(former, own_at)
            since[tick.id] = _Since(tick, last, last.is_complete and last.id not in missed, last_confirmed_at)
        scheduled = scope_ids | self._coverage.former
        return _AlongTicks(since, period_of(self._connection, scheduled, self._last_id), self._at)
