"""Which markets are to be looked up by their tickers: those that a listing lacks, and those whose end is not known."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Table,
    and_,
    bindparam,
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

from kalshi_pipeline.store.schema.tables import events, market_lookups, markets, series
from kalshi_pipeline.store.writing.merging import make_empty
from kalshi_pipeline.store.writing.parents import staged_markets

_FINAL = "finalized"
# A market that has stood in its state for a day is asked for hourly, a new one at every run.
_WAIT_SHARE = 24
_MOST_PARAMETERS = 900

_listed = Table(
    "listed_markets", MetaData(), Column("market_id", Integer, primary_key=True), prefixes=["TEMPORARY"]
)
# Written into the statement, and not bound to it: else SQLite would not use the index of unsettled markets.
_final: BindParameter[str] = bindparam("final", _FINAL, literal_execute=True)
_is_unsettled = and_(markets.c.status.is_distinct_from(_final), markets.c.gone_at.is_(None))


class Scope(NamedTuple):
    """What the runs of this configuration list: combos or not, and the series where it is narrowed to some."""

    combos: Sequence[bool]
    series: Sequence[str]

    def holds(self) -> ColumnElement[bool]:
        """Tell of a row of `markets` whether it is in."""
        if not self.series:
            return markets.c.is_combo.in_(self.combos)
        named = select(events.c.id).join(series).where(series.c.ticker.in_(self.series))
        return and_(markets.c.is_combo.in_(self.combos), markets.c.event_id.in_(named))


class ListedMarkets:
    """The markets that a run has seen in its listing. The writer's connection holds them, until the next run begins."""

    _add_staged = (
        insert(_listed)
        .prefix_with("OR IGNORE")
        .from_select(
            ["market_id"],
            select(markets.c.id).join(
                staged_markets.table, markets.c.ticker == staged_markets.table.c.ticker
            ),
        )
    )

    def __init__(self, connection: Connection) -> None:
        make_empty(connection, _listed)

    def add_staged(self, connection: Connection) -> None:
        """Remember the staged markets."""
        connection.execute(self._add_staged)

    def add(self, connection: Connection, tickers: Sequence[str]) -> None:
        """Remember markets by their tickers."""
        known = select(markets.c.id).where(markets.c.ticker.in_(tickers))
        connection.execute(insert(_listed).prefix_with("OR IGNORE").from_select(["market_id"], known))

    @staticmethod
    def hold(market_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Tell of a market's key whether it is among them."""
        return exists().where(_listed.c.market_id == market_id)

    def unlisted(self, connection: Connection, scope: Scope, open_words: Sequence[str]) -> list[str]:
        """Give the markets that are stored as open and that a listing of this scope, now complete, has lacked."""
        query = (
            select(markets.c.ticker)
            .where(_is_unsettled, markets.c.status.in_(open_words), scope.holds(), ~self.hold(markets.c.id))
            .order_by(markets.c.id)
        )
        return list(connection.execute(query).scalars())

    def due(
        self,
        connection: Connection,
        open_words: Sequence[str],
        at: int,
        limit: int,
        *,
        outside: Scope | None = None,
    ) -> list[str]:
        """Give unlisted markets whose end is not known, those first that were asked for longest ago or never.

        They are past their close, or in a state with a word of its own; with `outside` also those that are stored as
        open outside of a scope. The longer a market has stood in its state, the more rarely is it due.
        """
        is_open = markets.c.status.in_(open_words)
        elsewhere = false() if outside is None else not_(outside.holds())
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
    """Remember that the exchange was asked for these markets, as long as their end is not known."""
    for some in _in_parts(tickers):
        asked = select(markets.c.id).where(markets.c.ticker.in_(some))
        connection.execute(delete(market_lookups).where(market_lookups.c.market_id.in_(asked)))
        rows = select(markets.c.id, literal(at)).where(markets.c.ticker.in_(some), _is_unsettled)
        connection.execute(insert(market_lookups).from_select(["market_id", "asked_at"], rows))


def mark_gone(connection: Connection, tickers: Sequence[str], at: int) -> int:
    """Mark markets that are in none of the exchange's tiers, once; count those that were not marked before."""
    marked = 0
    for some in _in_parts(tickers):
        gone = update(markets).where(markets.c.ticker.in_(some), markets.c.gone_at.is_(None))
        marked += connection.execute(gone.values(gone_at=at)).rowcount
    return marked


def _in_parts(tickers: Sequence[str]) -> Iterator[Sequence[str]]:
    """Part tickers so that no statement has more parameters than SQLite takes."""
    for start in range(0, len(tickers), _MOST_PARAMETERS):
        yield tickers[start : start + _MOST_PARAMETERS]
