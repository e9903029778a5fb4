"""Parses quarantined records again after an update, and stores them unless newer data is known."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kalshi_pipeline.exchange.books import read_book
from kalshi_pipeline.exchange.events import EVENTS, SERIES
from kalshi_pipeline.exchange.markets import OUTCOMES
from kalshi_pipeline.exchange.readers import PageReader
from kalshi_pipeline.ingest.parents.outcomes import is_published, settlement_of_outcome
from kalshi_pipeline.ingest.run.clock_check import check_clock
from kalshi_pipeline.ingest.run.repair import repairing
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Event, OrderBook, Outcome, Series
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
from kalshi_pipeline.store.writing.order_books import append_order_books
from kalshi_pipeline.store.writing.parents import merge_events, merge_markets, merge_series
from kalshi_pipeline.store.writing.quarantine import mark_replayed
from kalshi_pipeline.store.writing.settlements import merge_staged_settlements, stage_settlements
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import Tier

_AT_ONCE = 500
_QUOTED = "price_snapshots"
_BOOKS = "order_books"


def _of(reader: PageReader[Any]) -> Callable[[Refusal], Any]:
    return lambda refusal: reader.read_row(refusal.raw.encode())


_READERS: dict[str, Callable[[Refusal], Any]] = {
    "series": _of(SERIES),
    "events": _of(EVENTS),
    "markets": _of(OUTCOMES),
    "settlements": _of(OUTCOMES),
    _QUOTED: _of(OUTCOMES),
    _BOOKS: lambda refusal: read_book(refusal.raw.encode(), refusal.record_key),
}


_MERGES: dict[str, Callable[..., Tally]] = {"series": merge_series, "events": merge_events}


@dataclass
class Replay:
    """The result of a replay.

    `unread` records are still unreadable, or of a kind that is not replayed. `stored` counts stored records by kind:
    markets, quotes, settlements, events, series, order books. `too_late` counts quotes of markets that a later tick has
    listed, and `superseded` records with newer data, and books of unknown markets.
    """

    read: int = 0
    unread: int = 0
    too_late: int = 0
    superseded: int = 0
    stored: Counter[str] = field(default_factory=Counter)


@repairing
def replay(session: Session) -> Replay:
    """Parse the quarantined records again, and store them unless newer data is known; a second call changes nothing.

    A market, an event or a series is stored if it is missing or a placeholder, and a settlement if its market has none.
    A quote is stored with its tick only if no later tick has listed its market, because it would change later states.
    An order book is stored with the instant at which it was received.
    Raises ClockError like any run, if there are records to read.
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
    """Return the record, or None if it is still unreadable."""
    if refusal.kind not in _READERS:
        return None
    try:
        return _READERS[refusal.kind](refusal)
    except ValueError:
        return None


class _Read(NamedTuple):
    """A market that is now readable, and its refusal."""

    refusal: Refusal
    outcome: Outcome

    @property
    def was_refused(self) -> tuple[str, str, int]:
        """The kind, the run and the time that all records of a page share."""
        return self.refusal.kind, self.refusal.run, self.refusal.last_seen_at


def _stored_at_once(found: Iterable[_Read]) -> Iterator[list[_Read]]:
    """Yield markets that were refused together, each once, because storing one may change the state of the others."""
    group: dict[str, _Read] = {}
    for one in found:
        first = next(iter(group.values()), one)
        if one.outcome.ticker in group or one.was_refused != first.was_refused:
            yield list(group.values())
            group = {}
        group[one.outcome.ticker] = one
    if group:
        yield list(group.values())


class _Replaying:
    """Stores records that are now readable, and counts them."""

    def __init__(self, session: Session) -> None:
        self.found = Replay()
        self._clock = session.clock
        self._scope = session.scope()

    def store(self, connection: Connection, refusals: Sequence[Refusal]) -> None:
        readable: list[int] = []
        markets: list[_Read] = []
        for refusal in refusals:
            if (record := _read(refusal)) is None:
                self.found.unread += 1
                continue
            self.found.read += 1
            readable.append(refusal.id)
            if refusal.kind == _BOOKS:
                self._store_book(connection, refusal, record)
            elif not refusal.is_newest:
                self.found.superseded += 1
            elif refusal.kind in _MERGES:
                self._store_parent(connection, refusal, record)
            else:
                markets.append(_Read(refusal, record))
        for group in _stored_at_once(markets):
            self._store_markets(connection, group[0].refusal, [one.outcome for one in group])
        mark_replayed(connection, readable, self._clock.now())

    def _store_book(self, connection: Connection, refusal: Refusal, book: OrderBook) -> None:
        """Store a book with the instant of its receipt; each one is data of its own, however many came later."""
        stored = append_order_books(connection, [book], refusal.last_seen_at)
        self.found.superseded += 1 - stored
        self.found.stored += Counter({"order books": stored})

    def _store_parent(self, connection: Connection, refusal: Refusal, record: Series | Event) -> None:
        if filled(connection, refusal.kind, [record.ticker]):
            self.found.superseded += 1
            return
        _MERGES[refusal.kind](connection, [record], self._clock.now())
        self.found.stored[refusal.kind] += 1

    def _store_markets(self, connection: Connection, refusal: Refusal, outcomes: Sequence[Outcome]) -> None:
        """Store this market and those refused together with it, with their quotes and settlements."""
        known = filled(connection, "markets", [outcome.ticker for outcome in outcomes])
        quoted = self._store_quotes(connection, refusal, outcomes)
        missing = [outcome.market for outcome in outcomes if outcome.ticker not in known | quoted]
        if missing:
            merge_markets(connection, missing, self._clock.now())
        self.found.superseded += len(known - quoted)
        self.found.stored += Counter({"markets": len(missing) + len(quoted), "quotes": len(quoted)})
        self._store_settlements(connection, refusal, outcomes)

    def _store_settlements(
        self, connection: Connection, refusal: Refusal, outcomes: Sequence[Outcome]
    ) -> None:
        published = [outcome for outcome in outcomes if is_published(outcome, is_listed_as_settled=False)]
        has_one = settled(connection, [outcome.ticker for outcome in published])
        settlements = [
            settlement_of_outcome(outcome, Tier.LIVE, refusal.last_seen_at)
            for outcome in published
            if outcome.ticker not in has_one
        ]
        if settlements:
            stage_settlements(connection, settlements)
            merge_staged_settlements(connection, len(settlements), self._clock.now())
        self.found.stored += Counter({"settlements": len(settlements)})

    def _store_quotes(
        self, connection: Connection, refusal: Refusal, outcomes: Sequence[Outcome]
    ) -> set[str]:
        """Store the quotes with their tick, and return the markets whose quotes were stored."""
        if refusal.kind != _QUOTED:
            return set()
        tickers, tick = [outcome.ticker for outcome in outcomes], tick_of(connection, refusal.run)
        late = set(tickers) if tick is None else listed_since(connection, tickers, tick.run.id)
        self.found.too_late += len(late)
        page = [outcome.market for outcome in outcomes if outcome.ticker not in late]
        if tick is None or not page:
            return set()
        append_late_quotes(
            connection, tick.run, tick.at, self._scope, page, refusal.last_seen_at, self._clock.now()
        )
        return {market.ticker for market in page}
