"""Markets with how they ended: from a page of the exchange to rows of markets and of settlements."""

from typing import NamedTuple

from kalshi_pipeline.errors import NotFoundError
from kalshi_pipeline.exchange.listing import ListedPage
from kalshi_pipeline.exchange.outcomes import Outcome
from kalshi_pipeline.exchange.statuses import STATUSES_OF, MarketStatus, StatusFilter
from kalshi_pipeline.exchange.tiers import Tier
from kalshi_pipeline.ingest.parents.market_pages import MarketPages, PreparedMarkets
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.store.database import Connection
from kalshi_pipeline.store.rows import SettlementRow, Tally
from kalshi_pipeline.store.writing.settlements import REPORTED, merge_staged_settlements, stage_settlements

_SETTLED = frozenset(STATUSES_OF[StatusFilter.SETTLED])
_NOT_SETTLED = frozenset(MarketStatus) - _SETTLED


class Cutoff(NamedTuple):
    """Where the live tier begins; `at` is None where the exchange does not say, and where it has one tier only."""

    at: int | None
    has_tiers: bool

    @classmethod
    def ask(cls, session: Session) -> "Cutoff":
        """Ask the exchange."""
        try:
            return cls(session.client.tiers.fetch_cutoff().market_settled_ts, has_tiers=True)
        except NotFoundError:
            return cls(None, has_tiers=False)

    def home(self, settled_at: int | None) -> Tier:
        """Give the tier in which the exchange keeps what settled at an instant."""
        is_old = self.at is not None and settled_at is not None and settled_at < self.at
        return Tier.HISTORICAL if is_old else Tier.LIVE


class PreparedOutcomes(NamedTuple):
    """A page of markets as rows, and the settlements of those that are settled."""

    markets: PreparedMarkets
    settlements: list[SettlementRow]


def prepare_outcomes(
    pages: MarketPages,
    page: ListedPage[Outcome],
    tier: Tier,
    *,
    is_told_settled: bool,
    cutoff: Cutoff | None = None,
) -> PreparedOutcomes:
    """Make the rows of a page of one tier.

    `is_told_settled` says that the exchange gave them as settled ones: then so is a market whose status is a word
    that this version does not know. Without `cutoff`, the page's tier is the one where the exchange keeps them.
    """
    markets = ListedPage([outcome.market for outcome in page.records], page.rejects, page.received_at)
    rows = [
        settlement_row(outcome, tier, page.received_at, cutoff)
        for outcome in page.records
        if is_settled(outcome, is_told_settled=is_told_settled)
    ]
    return PreparedOutcomes(pages.prepare(markets), rows)


def merge_outcomes(connection: Connection, pages: MarketPages, page: PreparedOutcomes) -> tuple[Tally, int]:
    """Write markets, parents first, and their settlements; give the settlements' counts, and how many did not count."""
    outranked = stage_settlements(connection, page.settlements)
    parents = pages.merge(connection, page.markets)
    tally = merge_staged_settlements(connection, len(page.markets.markets), pages.clock.now())
    return tally + Tally(placeholders=parents.placeholders, healed=parents.healed), outranked


def is_settled(outcome: Outcome, *, is_told_settled: bool) -> bool:
    """Whether a market has its end; `is_told_settled` as in `prepare_outcomes`."""
    status = outcome.market.status
    return status in _SETTLED or (is_told_settled and status not in _NOT_SETTLED)


def settlement_row(
    outcome: Outcome, tier: Tier, received_at: int, cutoff: Cutoff | None = None
) -> SettlementRow:
    """Give the settlement of a settled market, as one tier tells it.

    Where the time is not told, the market's close stands in for it; but not one that is still to come: most markets
    settle long before it, and then the time at which the settlement was first seen is nearer.
    """
    market = outcome.market
    settled_at, source = outcome.settled_at, REPORTED
    if settled_at is None:
        has_closed = market.close_at is not None and market.close_at <= received_at
        settled_at, source = (market.close_at, "close_time") if has_closed else (None, "first_seen")
    return SettlementRow(
        market.ticker,
        market.result or None,
        outcome.settlement_value,
        settled_at,
        source,
        tier.value,
        is_at_home=cutoff is None or cutoff.home(settled_at) is tier,
    )
