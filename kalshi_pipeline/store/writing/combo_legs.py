"""The legs of combos: the markets that each consists of."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, Connection, Integer, case, delete, null, select

from kalshi_pipeline.records import Leg
from kalshi_pipeline.store.dialects.statements import insert_or_ignore
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables import combo_legs, markets
from kalshi_pipeline.store.writing.merging import Staging

_staged_legs = Staging("staged_legs", Column("row_id", Integer), *record_columns(Leg))
_leg_market = markets.alias("leg_market")
_leg = _staged_legs.table.c
_staged_combos = Staging("staged_combos", Column("row_id", Integer))
_delete_legs = delete(combo_legs).where(combo_legs.c.market_id.in_(select(_staged_combos.table.c.row_id)))
_insert_legs = insert_or_ignore(
    combo_legs,
    ["market_id", "position", "leg_market_id", "leg_ticker", "leg_event_ticker", "side", "settlement_value"],
    select(
        markets.c.id,
        _leg.position,
        _leg_market.c.id,
        case((_leg_market.c.id.is_(None), _leg.market_ticker), else_=null()),
        case((_leg_market.c.id.is_(None), _leg.event_ticker), else_=null()),
        _leg.side,
        _leg.settlement_value,
    ).select_from(
        _staged_legs.table.join(markets, markets.c.id == _leg.row_id).outerjoin(
            _leg_market, _leg_market.c.ticker == _leg.market_ticker
        )
    ),
)


def replace_legs(connection: Connection, legs: Mapping[int, Sequence[Leg]]) -> None:
    """Replace the stored legs of combos, by the keys of their markets. An empty list deletes them."""
    if not legs:
        return
    _staged_combos.fill(connection, [(row_id,) for row_id in legs])
    connection.execute(_delete_legs)
    _staged_legs.fill(connection, [(row_id, *leg) for row_id, of_combo in legs.items() for leg in of_combo])
    connection.execute(_insert_legs)
