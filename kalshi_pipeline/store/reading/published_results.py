"""Published results to look up again: they may be withdrawn or amended without appearing in any listing."""

from collections.abc import Collection
from itertools import chain

from sqlalchemy import Connection, and_, or_, select

from kalshi_pipeline.scope import Scope
from kalshi_pipeline.store.schema.tables import markets, settlements
from kalshi_pipeline.store.scopes import is_in
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline.vocabulary import MarketStatus, Tier

_DAY = 86_400 * MICROS_PER_SECOND
_AGES = (_DAY, 7 * _DAY)
"""The times after its settlement at which a market is looked up again, whatever listings say."""


def results_to_confirm(
    connection: Connection,
    scope: Scope,
    listed: Collection[str],
    *,
    newest: int,
    previous_at: int | None,
    at: int,
    most: int,
) -> list[str]:
    """Return tickers of markets with a final result in force, in a scope, that are not among those just `listed`.

    They are the `newest` of the live tier, and up to `most` that became a day or a week old between two instants.
    """
    query = (
        select(markets.c.ticker)
        .select_from(settlements.join(markets))
        .where(
            settlements.c.withdrawn_at.is_(None),
            settlements.c.tier == Tier.LIVE,
            markets.c.status == MarketStatus.FINALIZED,
            is_in(scope),
        )
        .order_by(settlements.c.settled_at.desc())
    )
    found = [connection.execute(query.limit(newest + len(listed))).scalars()]
    if previous_at is not None:
        settled_at = settlements.c.settled_at
        came_of_age = or_(*(and_(settled_at > previous_at - age, settled_at <= at - age) for age in _AGES))
        found.append(connection.execute(query.where(came_of_age).limit(most)).scalars())
    of_each = [[ticker for ticker in tickers if ticker not in listed] for tickers in found]
    return list(dict.fromkeys(chain(of_each[0][:newest], *of_each[1:])))
