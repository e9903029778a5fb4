"""Markets with their outcomes: from a page of the exchange to rows of markets and settlements."""

from typing import NamedTuple, Self

from kalshi_pipeline.errors import NotFoundError
from kalshi_pipeline.exchange.listed_page import ListedPage
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.records import Outcome, Settlement
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.writing.settlements import merge_staged_settlements, stage_settlements
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import (
    DETERMINED,
    STATUSES_OF,
    MarketStatus,
    SettledAtSource,
    StatusFilter,
    Tier,
)

_SETTLED = STATUSES_OF[StatusFilter.SETTLED]


class Cutoff(NamedTuple):
    """The start of the live tier. `at` is None if it is unknown, or if the exchange has only one tier."""

    at: int | None
    has_tiers: bool

    @classmethod
    def fetch(cls, session: Session) -> Self:
        """Request the start of the live tier."""
        try:
            return cls(session.client.tiers.fetch_cutoff().market_settled_ts, has_tiers=True)
        except NotFoundError:
            return cls(None, has_tiers=False)

    def current_tier(self, settled_at: int | None) -> Tier:
        """Return the tier that now has markets settled at an instant."""
        is_old = self.at is not None and settled_at is not None and settled_at < self.at
        return Tier.HISTORICAL if is_old else Tier.LIVE


class PreparedOutcomes(NamedTuple):
    """A page of markets as rows, and the settlements of those with a published result."""

    markets: PreparedMarkets
    settlements: list[Settlement]


def prepare_outcomes(
    pages: MarketPages,
    page: ListedPage[Outcome],
    tier: Tier,
    *,
    are_listed_as_settled: bool,
    cutoff: Cutoff | None = None,
) -> PreparedOutcomes:
    """Return the rows of a page of one tier.

    With `are_listed_as_settled`, the exchange returned the markets as settled, so a market with an unknown status also
    has a result. Without `cutoff`, the page's tier counts as its markets' current tier.
    """
    listed = ListedPage(
        [outcome.market for outcome in page.records],
        page.rejects,
        page.received_at,
        series=page.series,
        out_of_scope=page.out_of_scope,
        unasked=page.unasked,
        sources=page.sources,
    )
    markets = pages.prepare(listed, tier)
    in_scope = {market.ticker for market in markets.markets}
    rows = [
        settlement_of_outcome(outcome, tier, page.received_at, cutoff)
        for outcome in page.records
        if outcome.ticker in in_scope and is_published(outcome, is_listed_as_settled=are_listed_as_settled)
    ]
    return PreparedOutcomes(markets, rows)


def merge_outcomes(connection: Connection, pages: MarketPages, page: PreparedOutcomes) -> tuple[Tally, int]:
    """Write markets, parents first, and their settlements.

    Return the counts of the settlements, and how many a better stored record outranked.
    """
    outranked = stage_settlements(connection, page.settlements)
    parents = pages.merge(connection, page.markets)
    tally = merge_staged_settlements(connection, len(page.markets.markets), pages.clock.now())
    return tally + Tally(placeholders=parents.placeholders, healed=parents.healed), outranked


def is_published(outcome: Outcome, *, is_listed_as_settled: bool) -> bool:
    """Return whether a market's result is published: final, or determined and subject to change.

    See `prepare_outcomes` for `is_listed_as_settled`.
    """
    status = outcome.market.status
    if status in DETERMINED:
        return bool(outcome.market.result) or outcome.settlement_value is not None
    return status in _SETTLED or (is_listed_as_settled and status not in frozenset(MarketStatus))


def settlement_of_outcome(
    outcome: Outcome, tier: Tier, received_at: int, cutoff: Cutoff | None = None
) -> Settlement:
    """Return the settlement of a market with a published result, as one tier reports it.

    If the exchange does not report the time, the market's close replaces it. If the close is in the future, the time at
    which the settlement was first seen is used, because most markets settle long before their close.
    """
    market = outcome.market
    settled_at, source = outcome.settled_at, SettledAtSource.SETTLEMENT_TS
    if settled_at is None:
        has_closed = market.close_at is not None and market.close_at <= received_at
        if has_closed:
            settled_at, source = market.close_at, SettledAtSource.CLOSE_TIME
        else:
            source = SettledAtSource.FIRST_SEEN
    return Settlement(
        ticker=market.ticker,
        result=market.result or None,
        settlement_value=outcome.settlement_value,
        settled_at=settled_at,
        settled_at_source=source,
        tier=tier,
        is_current_tier=cutoff is None or cutoff.current_tier(settled_at) is tier,
    )
