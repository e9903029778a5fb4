"""Markets from a page of the exchange to rows of the store, with the events that they need."""

from collections.abc import Callable
from itertools import product
from operator import itemgetter
from typing import Any, NamedTuple

from kalshi_pipeline.exchange.listing import ListedPage, Listing
from kalshi_pipeline.exchange.payloads import MarketPayload, Quote
from kalshi_pipeline.exchange.statuses import MarketStatus, StatusFilter
from kalshi_pipeline.ingest.parents import EventLookup, FetchedEvents, reject_rows
from kalshi_pipeline.ingest.report import Report
from kalshi_pipeline.ingest.session import Session
from kalshi_pipeline.store.catalog import merge_events, merge_markets
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.queries import unknown_events
from kalshi_pipeline.store.rows import MarketRow, Tally
from kalshi_pipeline.store.runs import add_to_quarantine, record_lookups
from kalshi_pipeline.units import now

_KNOWN_WORDS = {
    "status": frozenset({None, *MarketStatus}),
    "market_type": frozenset({None, "binary", "scalar"}),
    "result": frozenset({None, "", "yes", "no", "scalar"}),
}
_KNOWN = frozenset(product(*_KNOWN_WORDS.values()))


class PreparedMarkets(NamedTuple):
    """A page of markets, and what the exchange gave of the events that the page names and the database lacks."""

    markets: list[MarketRow]
    events: FetchedEvents
    received_at: int


class MarketPages:
    """Turns listed markets into rows with their parents; used by the markets asset and by the snapshot alike."""

    def __init__(self, session: Session, report: Report) -> None:
        self._session = session
        self._report = report
        self._lookup = EventLookup(session, report)

    def listing(self) -> Listing[MarketPayload]:
        """Begin a walk over every open market of the configured scope."""
        settings = self._session.settings
        return self._session.client.list_markets(
            status=StatusFilter.OPEN,
            mve_filter=self._session.mve_filter,
            series=settings.series,
            max_pages=settings.max_pages,
            walk_seconds=settings.walk_seconds,
        )

    def prepare(self, page: ListedPage[MarketPayload]) -> PreparedMarkets:
        """Make the rows, and fetch the events that are missing while no transaction is open."""
        rows = [self._row(payload) for payload in page.records]
        with self._session.database.read() as connection:
            missing = unknown_events(connection, (row.event_ticker for row in rows))
        return PreparedMarkets(rows, self._lookup.fetch(missing), page.received_at)

    def merge(self, connection: Connection, page: PreparedMarkets) -> Tally:
        """Write the page, parents first; one that the exchange did not give becomes a marked placeholder."""
        seen_at = now()
        parents = merge_events(connection, page.events.rows, seen_at) if page.events.rows else Tally()
        tally = merge_markets(connection, page.markets, seen_at)
        if page.events.missing:
            record_lookups(connection, page.events.missing, seen_at)
        add_to_quarantine(connection, self._report.run, "events", reject_rows(page.events.rejects), seen_at)
        return tally + Tally(placeholders=parents.placeholders, healed=parents.healed)

    def _row(self, payload: MarketPayload) -> MarketRow:
        quote = payload.quote()
        if not payload.has_mirrored_sides(quote):
            self._report.unmirrored += 1
        if (payload.status, payload.market_type, payload.result) not in _KNOWN:
            for name, known in _KNOWN_WORDS.items():
                if (word := getattr(payload, name)) not in known:
                    self._report.unknown_words[f"{name}={word}"] += 1
        return market_row(payload, quote)


# The payload's fields in the order of the row's; what is made from others follows them.
_DETAILS: Callable[[dict[str, Any]], tuple[Any, ...]] = itemgetter(
    "ticker",
    "event_ticker",
    "title",
    "yes_sub_title",
    "no_sub_title",
    "market_type",
    "status",
    "result",
    "created_time",
    "open_time",
    "close_time",
    "expected_expiration_time",
    "occurrence_datetime",
    "strike_type",
    "floor_strike",
    "cap_strike",
    "rules_primary",
    "is_provisional",
)


def market_row(payload: MarketPayload, quote: Quote) -> MarketRow:
    """Give a market as the store takes it, with its quote."""
    made = (payload.is_combo, payload.mve_collection_ticker, *quote)
    return MarketRow._make(_DETAILS(vars(payload)) + made)
