"""The markets to look up by ticker: those missing from a listing, and those without a known end."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Table,
    and_,
    case,
    cast,
    delete,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    update,
)

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.dialects.statements import in_parts, insert_or_ignore, upsert, written
from kalshi_pipeline.store.schema.tables import (
    latest_quotes,
    lost_markets,
    market_lookups,
    markets,
    ticks,
    unlisted_spans,
)
from kalshi_pipeline.store.scopes import is_in, select_id
from kalshi_pipeline.store.spans import is_in_open_span
from kalshi_pipeline.store.writing.fingerprints import forget_fingerprints
from kalshi_pipeline.store.writing.merging import make_empty
from kalshi_pipeline.store.writing.row_counts import count_changed
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.staged_pages import staged_market_ids
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import NOT_OPEN, STATUSES_OF, MarketStatus, StatusFilter

_HOUR = 3600 * MICROS_PER_SECOND
# A market whose state is a day old is requested hourly, one in a new state by every run.
_WAIT_SHARE = 24
# A market that was found in neither tier is requested by every run of the first hour. A gone one is requested after
# one hour and after six, then daily, and from the second week on weekly.
_FIRST = _HOUR
_STEPS_UNTIL = ((_HOUR, _HOUR), (6 * _HOUR, 6 * _HOUR), (168 * _HOUR, 24 * _HOUR))
_LAST_STEP = 168 * _HOUR
# One look may fall between the tiers, while the exchange moves a market.
_BETWEEN_LOOKS = 600 * MICROS_PER_SECOND

_listed = Table(
    "listed_markets",
    MetaData(),
    Column("market_id", Integer, primary_key=True),
    # An unreadable record only shows that its market is listed.
    Column("is_readable", Boolean),
    prefixes=["TEMPORARY"],
)
_is_not_final = markets.c.status.is_distinct_from(written("final", MarketStatus.FINALIZED))
# The same condition as that of the index of unsettled markets.
_is_unsettled = and_(_is_not_final, markets.c.gone_at.is_(None))
# Whether this version knows the status; NULL is unknown.
_is_known = func.coalesce(markets.c.status, "").in_([status.value for status in MarketStatus])


def _is_any_of(statuses: Iterable[MarketStatus]) -> ColumnElement[bool]:
    return markets.c.status.in_([status.value for status in statuses])


class Unlisted(NamedTuple):
    """A market missing from a listing, stored as open or with an unknown status.

    It has `vanished` if the last complete tick of the listing's scope, or a later one, listed it. Before the first such
    tick, every market that no other tick has missed counts as listed.
    """

    ticker: str
    status: str | None
    close_at: int | None
    is_provisional: bool
    vanished: bool


class Due(NamedTuple):
    """A market without a known end, and whether the run's scope covers it."""

    ticker: str
    is_covered: bool


class ListedMarkets:
    """The markets that a run has seen in its listing, in a temporary table that exists until the next run."""

    _add_staged = upsert(
        _listed,
        ["market_id", "is_readable"],
        staged_market_ids.add_columns(true()),
    )
    _find_staged = delete(lost_markets).where(lost_markets.c.market_id.in_(staged_market_ids))

    def __init__(self, connection: Connection) -> None:
        make_empty(connection, _listed)
        self._some_are_lost = connection.execute(select(exists(select(lost_markets)))).scalar_one()

    def add_staged(self, connection: Connection) -> None:
        """Add the staged markets, which are then no longer lost."""
        connection.execute(self._add_staged)
        if self._some_are_lost:
            connection.execute(self._find_staged)

    def add_unreadable(self, connection: Connection, tickers: Sequence[str]) -> None:
        """Add the markets of unreadable records, by ticker."""
        known = select(markets.c.id, false()).where(markets.c.ticker.in_(tickers))
        connection.execute(insert_or_ignore(_listed, ["market_id", "is_readable"], known))

    def count_of(self, connection: Connection, tickers: Sequence[str]) -> int:
        """Return the number of these tickers that were listed."""
        held = select(func.count()).select_from(markets).where(self.hold(markets.c.id))
        return sum(
            connection.execute(held.where(markets.c.ticker.in_(some))).scalar_one()
            for some in in_parts(tickers)
        )

    @staticmethod
    def hold(market_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that the market with a key was listed."""
        return exists().where(_listed.c.market_id == market_id)

    @staticmethod
    def hold_readable(market_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that the market with a key was listed in a readable record."""
        return exists().where(_listed.c.market_id == market_id, _listed.c.is_readable)

    def unlisted(self, connection: Connection, scope: Scope) -> list[Unlisted]:
        """Return the markets that a scope covers by their stored state, but that its complete listing did not show."""
        is_lost = exists().where(lost_markets.c.market_id == markets.c.id)
        good = select(func.max(ticks.c.id)).where(
            ticks.c.scope_id == select_id(scope).scalar_subquery(), ticks.c.state == State.COMPLETE
        )
        good_id = connection.execute(good).scalar_one()
        since_then = () if good_id is None else (unlisted_spans.c.from_tick_id <= good_id,)
        was_missed = is_in_open_span(markets.c.id, *since_then)
        has_quote = exists().where(latest_quotes.c.market_id == markets.c.id, ~latest_quotes.c.is_terminal)
        query = (
            select(
                markets.c.ticker,
                markets.c.status,
                markets.c.close_at,
                func.coalesce(markets.c.is_provisional, false()),
                and_(not_(or_(is_lost, was_missed)), true() if good_id is None else has_quote),
            )
            .outerjoin(market_lookups)
            .where(
                _is_unsettled,
                or_(_is_any_of(scope.statuses), and_(not_(_is_known), has_quote)),
                is_in(scope),
                ~self.hold(markets.c.id),
            )
            .order_by(market_lookups.c.asked_at.nulls_first(), markets.c.id)
        )
        return [Unlisted(*row) for row in connection.execute(query)]

    def due(
        self,
        connection: Connection,
        at: int,
        limit: int,
        scope: Scope,
        *,
        everywhere: bool = False,
    ) -> list[Due]:
        """Return unlisted markets without a known end, starting with those that were requested longest ago or never.

        Their stored state is not open; with `everywhere`, also markets outside of the scope that are stored as open.
        The older a market's state, the more rarely it is due. Gone markets follow, in any state.
        """
        waiting = self._waiting(connection, at, limit, scope, everywhere=everywhere)
        return waiting + self._gone(connection, at, limit - len(waiting), scope)

    def _waiting(
        self, connection: Connection, at: int, limit: int, scope: Scope, *, everywhere: bool
    ) -> list[Due]:
        is_open = _is_any_of(STATUSES_OF[StatusFilter.OPEN])
        elsewhere = not_(is_in(scope)) if everywhere else false()
        asked_at = market_lookups.c.asked_at
        is_due = or_(
            asked_at.is_(None),
            asked_at + (asked_at - markets.c.changed_at) // _WAIT_SHARE <= at,
            market_lookups.c.missing_at > at - _FIRST,
        )
        is_ours = or_(markets.c.status.is_(None), not_(is_open), elsewhere)
        query = (
            select(markets.c.ticker, is_in(scope))
            .select_from(markets.outerjoin(market_lookups))
            .where(_is_unsettled, is_ours, is_due, ~self.hold(markets.c.id))
            .order_by(asked_at.nulls_first(), markets.c.id)
            .limit(limit)
        )
        return [Due(*row) for row in connection.execute(query)]

    def _gone(self, connection: Connection, at: int, limit: int, scope: Scope) -> list[Due]:
        asked_at = func.coalesce(market_lookups.c.asked_at, markets.c.gone_at)
        age = asked_at - markets.c.gone_at
        step = case(*((age < until, step) for until, step in _STEPS_UNTIL), else_=_LAST_STEP)
        is_due = or_(
            market_lookups.c.missing_at > at - _FIRST, markets.c.gone_at + step * (age // step + 1) <= at
        )
        query = (
            select(markets.c.ticker, is_in(scope))
            .select_from(markets.outerjoin(market_lookups))
            .where(markets.c.gone_at.is_not(None), _is_not_final, is_due, ~self.hold(markets.c.id))
            .order_by(asked_at, markets.c.id)
            .limit(limit)
        )
        return [Due(*row) for row in connection.execute(query)]


def record_market_lookups(
    connection: Connection, tickers: Sequence[str], at: int, *, are_missing: bool | None
) -> None:
    """Record when markets without a known end were requested.

    `are_missing` says whether they are in neither tier. None means unknown: gone markets are then due as before. The
    time of the first miss is kept until a tier has the market again; for gone markets, for an hour.
    """
    since = market_lookups.c.missing_at
    missing_at: ColumnElement[int | None] = {
        True: case(
            (markets.c.gone_at.is_(None), func.coalesce(since, literal(at, BigInteger))),
            (since > at - _FIRST, since),
        ),
        False: null(),
        None: since,
    }[are_missing]
    is_recorded = _is_unsettled if are_missing is None else _is_not_final
    for some in in_parts(tickers):
        asked = (
            select(markets.c.id, literal(at, BigInteger), cast(missing_at, BigInteger))
            .outerjoin(market_lookups)
            .where(markets.c.ticker.in_(some))
        )
        connection.execute(
            delete(market_lookups).where(
                market_lookups.c.market_id.in_(
                    select(markets.c.id).where(markets.c.ticker.in_(some), not_(_is_not_final))
                )
            )
        )
        connection.execute(
            upsert(market_lookups, ["market_id", "asked_at", "missing_at"], asked.where(is_recorded))
        )


def record_lost(connection: Connection, tickers: Sequence[str], at: int) -> None:
    """Record markets that are open by a lookup but missing in the listing."""
    for some in in_parts(tickers):
        rows = select(markets.c.id, literal(at, BigInteger)).where(markets.c.ticker.in_(some))
        connection.execute(insert_or_ignore(lost_markets, ["market_id", "since_at"], rows))


def forget_found(connection: Connection) -> None:
    """Remove markets from the lost ones if they are no longer known to be open."""
    ended = select(markets.c.id).where(
        or_(_is_any_of(NOT_OPEN), markets.c.gone_at.is_not(None)), markets.c.id == lost_markets.c.market_id
    )
    connection.execute(delete(lost_markets).where(exists(ended)))


def mark_gone(connection: Connection, tickers: Sequence[str], at: int) -> int:
    """Mark markets as gone that neither tier has, at two looks at least ten minutes apart; return their number.

    `record_market_lookups` records the first look.
    """
    was_missing = exists().where(
        market_lookups.c.market_id == markets.c.id, market_lookups.c.missing_at <= at - _BETWEEN_LOOKS
    )
    marked = 0
    for some in in_parts(tickers):
        is_found = (markets.c.ticker.in_(some), markets.c.gone_at.is_(None), was_missing)
        connection.execute(forget_fingerprints(select(markets.c.id).where(*is_found)))
        marked += connection.execute(update(markets).where(*is_found).values(gone_at=at)).rowcount
    count_changed(connection, markets, marked)
    return marked
