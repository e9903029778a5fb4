"""What quarantine holds, read again after an update, and stored as far as nothing newer is known."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.ingest.parents.outcomes import is_published, settlement_of_outcome
from kalshi_pipeline.ingest.run.clock_check import check_clock
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, Outcome, Series
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.reading.refusals import (
    Refusal,
    filled,
    listed_since,
    settled,
    tick_of,
    waiting_refusals,
)
from kalshi_pipeline.store.writing.late_quotes import append_late_quotes
from kalshi_pipeline.store.writing.parents import merge_events, merge_markets, merge_series
from kalshi_pipeline.store.writing.quarantine import mark_replayed
from kalshi_pipeline.store.writing.settlements import merge_staged_settlements, stage_settlements
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import Tier

_AT_ONCE = 500
_QUOTED = "price_snapshots"
_READERS: dict[str, PageReader[Any]] = {
    "series": SERIES,
    "events": EVENTS,
    "markets": OUTCOMES,
    "settlements": OUTCOMES,
    _QUOTED: OUTCOMES,
}


_MERGES: dict[str, Callable[..., Tally]] = {"series": merge_series, "events": merge_events}


@dataclass
class Replay:
    """What became of the records: `unread` cannot be read still, or are of a kind that is not replayed.

    `stored` counts what was stored by kind: markets, quotes, settlements, events, series. `too_late` counts quotes of
    markets that a later tick has listed, and `superseded` records of which something newer is known.
    """

    read: int = 0
    unread: int = 0
    too_late: int = 0
    superseded: int = 0
    stored: Counter[str] = field(default_factory=Counter)


def replay(session: Session) -> Replay:
    """Read again what quarantine holds, and store it where nothing newer is known; a second call changes nothing.

    A market, an event or a series is stored if it is missing or a placeholder, and a settlement if its market has none.
    A quote is stored with its tick if no later tick has listed its market: it would change what was known since.
    ClockError as in any run, if something waits.
    """
    replaying, after_id = _Replaying(session), 0
    if session.database.ask(lambda connection: waiting_refusals(connection, after_id, 1)):
        check_clock(session)
    with session.database.snapshot_lock(session.report_progress):
        while True:
            with session.database.begin() as connection:
                refusals = waiting_refusals(connection, after_id, _AT_ONCE)
                if not refusals:
                    return replaying.found
                after_id = refusals[-1].id
                replaying.store(connection, refusals)
            session.report_progress(f"replay: {replaying.found.read:,} records read")


def _read(refusal: Refusal) -> Any:  # noqa: ANN401  (a record of any kind)
    """Return the record, or None if it cannot be read still."""
    if refusal.kind not in _READERS:
        return None
    try:
        return _READERS[refusal.kind].read_row(refusal.raw.encode())
    except ValueError:
        return None


class _Replaying:
    """Stores records that can be read now, and counts them."""

    def __init__(self, session: Session) -> None:
        self.found = Replay()
        self._clock = session.clock
        self._scope = session.scope()

    def store(self, connection: Connection, refusals: Sequence[Refusal]) -> None:
        readable: list[int] = []
        for refusal in refusals:
            if (record := _read(refusal)) is None:
                self.found.unread += 1
                continue
            self.found.read += 1
            readable.append(refusal.id)
            if not refusal.is_newest:
                self.found.superseded += 1
            elif refusal.kind in _MERGES:
                self._store_parent(connection, refusal, record)
            else:
                self._store_market(connection, refusal, record)
        mark_replayed(connection, readable, self._clock.now())

    def _store_parent(self, connection: Connection, refusal: Refusal, record: Series | Event) -> None:
        if filled(connection, refusal.kind, [record.ticker]):
            self.found.superseded += 1
            return
        _MERGES[refusal.kind](connection, [record], self._clock.now())
        self.found.stored[refusal.kind] += 1

    def _store_market(self, connection: Connection, refusal: Refusal, outcome: Outcome) -> None:
        ticker, at = outcome.ticker, self._clock.now()
        is_known = bool(filled(connection, "markets", [ticker]))
        is_quoted = self._store_quote(connection, refusal, outcome)
        if is_known and not is_quoted:
            self.found.superseded += 1
        else:
            self.found.stored["markets"] += 1
            if not is_quoted:
                merge_markets(connection, [outcome.market], at)
        is_settled = is_published(outcome, is_listed_as_settled=False)
        if is_settled and not settled(connection, [ticker]):
            settlement = settlement_of_outcome(outcome, Tier.LIVE, refusal.last_seen_at)
            stage_settlements(connection, [settlement])
            merge_staged_settlements(connection, 1, at)
            self.found.stored["settlements"] += 1

    def _store_quote(self, connection: Connection, refusal: Refusal, outcome: Outcome) -> bool:
        """Store a quote with its tick, and return whether that was possible."""
        if refusal.kind != _QUOTED:
            return False
        tick = tick_of(connection, refusal.run)
        if tick is None or listed_since(connection, [outcome.ticker], tick.run.id):
            self.found.too_late += 1
            return False
        append_late_quotes(
            connection,
            tick.run,
            tick.at,
            self._scope,
            [outcome.market],
            refusal.last_seen_at,
            self._clock.now(),
        )
        self.found.stored["quotes"] += 1
        return True
