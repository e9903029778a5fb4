"""Which markets to look up by their tickers: those missing in a listing, and those whose end is not known."""

from collections.abc import Iterable, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Table,
    and_,
    delete,
    exists,
    false,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import in_parts, insert_or_ignore, written
from kalshi_pipeline.store.schema.tables import market_lookups, markets
from kalshi_pipeline.store.scopes import is_in
from kalshi_pipeline.store.writing.merging import make_empty
from kalshi_pipeline.store.writing.parents import staged_markets
from kalshi_pipeline.vocabulary import STATUSES_OF, MarketStatus, StatusFilter

# A market whose state is a day old is asked for hourly, one in a new state at every run.
_WAIT_SHARE = 24

_listed = Table(
    "listed_markets", MetaData(), Column("market_id", Integer, primary_key=True), prefixes=["TEMPORARY"]
)
# As the index of unsettled markets has it.
_is_unsettled = and_(
    markets.c.status.is_distinct_from(written("final", MarketStatus.FINALIZED)), markets.c.gone_at.is_(None)
)


def _is_any_of(statuses: Iterable[MarketStatus]) -> ColumnElement[bool]:
    return markets.c.status.in_([status.value for status in statuses])


class ListedMarkets:
    """The markets that a run has seen in its listing, in a temporary table of the writer until the next run begins."""

    _add_staged = insert_or_ignore(
        _listed,
        ["market_id"],
        select(markets.c.id).join(staged_markets.table, markets.c.ticker == staged_markets.table.c.ticker),
    )

    def __init__(self, connection: Connection) -> None:
        make_empty(connection, _listed)

    def add_staged(self, connection: Connection) -> None:
        """Remember the staged markets."""
        connection.execute(self._add_staged)

    def add(self, connection: Connection, tickers: Sequence[str]) -> None:
        """Remember markets by their tickers."""
        known = select(markets.c.id).where(markets.c.ticker.in_(tickers))
        connection.execute(insert_or_ignore(_listed, ["market_id"], known))

    @staticmethod
    def hold(market_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that the market of a key is among them."""
        return exists().where(_listed.c.market_id == market_id)

    def unlisted(self, connection: Connection, scope: Scope) -> list[str]:
        """Return the markets that a scope covers by their stored state, and its listing, now complete, did not list."""
        query = (
            select(markets.c.ticker)
            .where(_is_unsettled, _is_any_of(scope.statuses), is_in(scope), ~self.hold(markets.c.id))
            .order_by(markets.c.id)
        )
        return list(connection.execute(query).scalars())

    def due(
        self,
        connection: Connection,
        at: int,
        limit: int,
        *,
        outside: Scope | None = None,
    ) -> list[str]:
        """Return unlisted markets whose end is not known, first those that were asked for longest ago or never.

        Their stored state is not open; with `outside` also those that are stored as open outside of a scope. The
        older a market's state, the more rarely it is due.
        """
        is_open = _is_any_of(STATUSES_OF[StatusFilter.OPEN])
        elsewhere = false() if outside is None else not_(is_in(outside))
        asked_at = market_lookups.c.asked_at
        is_due = or_(asked_at.is_(None), asked_at + (asked_at - markets.c.changed_at) // _WAIT_SHARE <= at)
        is_ours = or_(markets.c.status.is_(None), not_(is_open), elsewhere)
        query = (
            select(markets.c.ticker)
            .select_from(markets.outerjoin(market_lookups))
            .where(_is_unsettled, is_ours, is_due, ~self.hold(markets.c.id))
            .order_by(asked_at.nulls_first(), markets.c.id)
            .limit(limit)
        )
        return list(connection.execute(query).scalars())


def record_market_lookups(connection: Connection, tickers: Sequence[str], at: int) -> None:
    """Record when the exchange was asked for these markets, as long as their end is not known."""
    for some in in_parts(tickers):
        asked = select(markets.c.id).where(markets.c.ticker.in_(some))
        connection.execute(delete(market_lookups).where(market_lookups.c.market_id.in_(asked)))
        rows = select(markets.c.id, literal(at, BigInteger)).where(markets.c.ticker.in_(some), _is_unsettled)
        connection.execute(insert(market_lookups).from_select(["market_id", "asked_at"], rows))


def mark_gone(connection: Connection, tickers: Sequence[str], at: int) -> int:
    """Mark markets that are in none of the exchange's tiers, and return how many were not marked before."""
    marked = 0
    for some in in_parts(tickers):
        gone = update(markets).where(markets.c.ticker.in_(some), markets.c.gone_at.is_(None))
        marked += connection.execute(gone.values(gone_at=at)).rowcount
    return marked
