"""Scopes as rows, and the condition that a market is in a scope."""

from sqlalchemy import ColumnElement, Connection, Select, and_, not_, or_, select

from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.schema.tables import events, markets, scopes, series
from kalshi_pipeline.store.writing.ids import insert_one
from kalshi_pipeline.vocabulary import StatusFilter

# The stored word of a scope without a status filter.
_ANY_STATUS = "all"
_KEY = ("series", "combos", "status_filter", "is_former")
_values = select(scopes.c.id, scopes.c.series, scopes.c.combos, scopes.c.status_filter)


def scope_id(connection: Connection, scope: Scope) -> int:
    """Return the key of a scope, storing it if it is new."""
    found = connection.execute(select_id(scope)).scalar_one_or_none()
    return insert_one(connection, scopes, _columns(scope)) if found is None else found


def select_id(scope: Scope) -> Select[int]:
    """Return the query for the key of a scope; it is empty if the scope is not stored."""
    values = _columns(scope)
    return select(scopes.c.id).where(*(scopes.c[name] == values[name] for name in _KEY))


def stored_scopes(connection: Connection) -> dict[int, Scope]:
    """Return every scope by key, except former ones and those that cover nothing."""
    return {
        key: Scope(
            tuple(named.split(",")) if named else (),
            Combos(combos),
            None if status_filter == _ANY_STATUS else StatusFilter(status_filter),
        )
        for key, named, combos, status_filter in connection.execute(
            _values.where(scopes.c.combos.is_not(None), not_(scopes.c.is_former))
        )
    }


def former_scopes(connection: Connection) -> frozenset[int]:
    """Return the keys of the scopes whose ticks confirm only what ticks of the same scope stored."""
    return frozenset(connection.execute(select(scopes.c.id).where(scopes.c.is_former)).scalars())


def is_in(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a row of `markets` is in a scope, by the series of its event and its kind."""
    is_of_kind = markets.c.is_combo.in_(scope.kinds)
    if not scope.series:
        return is_of_kind
    named = select(events.c.id).join(series).where(series.c.ticker.in_(scope.series))
    return and_(is_of_kind, markets.c.event_id.in_(named))


def may_be_in(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a row of `markets` is in a scope, or may be, because its series is unknown."""
    unplaced = select(events.c.id).where(events.c.series_id.is_(None))
    is_of_kind = markets.c.is_combo.in_(scope.kinds)
    return or_(is_in(scope), and_(is_of_kind, markets.c.event_id.in_(unplaced)))


def _columns(scope: Scope) -> dict[str, str | bool]:
    return {
        "series": ",".join(scope.series),
        "combos": scope.combos.value,
        "status_filter": _ANY_STATUS if scope.status is None else scope.status.value,
        "sentence": scope.sentence,
        "is_former": False,
    }
