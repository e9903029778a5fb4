"""Settlements, and corrections of published results."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from kalshi_pipeline.record_fields import DOLLARS, Note
from kalshi_pipeline.records import Settlement
from kalshi_pipeline.store.dialects.statements import partial
from kalshi_pipeline.store.schema.from_records import record_columns
from kalshi_pipeline.store.schema.tables.columns import id_column, instant_column, metadata

settlements = Table(
    "settlements",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that ended"),
    *record_columns(Settlement, without=("ticker", "is_current_tier")),
    instant_column("first_seen_at", "when this row was created"),
    instant_column("amended_at", "when a change of its result or value was last seen", nullable=True),
    instant_column(
        "withdrawn_at",
        "when the market was seen without a result again; NULL while the settlement is in force",
        nullable=True,
    ),
    comment="results and payouts of markets, once a result is published",
)
Index("ix_settlements_settled_at", settlements.c.settled_at)

# Settlements whose payout the exchange does not report: few, and counted after each run.
Index(
    "ix_settlements_without_value",
    settlements.c.result,
    settlements.c.settlement_value,
    **partial(settlements.c.settlement_value.is_(None)),
)

settlement_amendments = Table(
    "settlement_amendments",
    metadata,
    id_column(),
    Column("market_id", ForeignKey("markets.id"), nullable=False, comment="the market whose result changed"),
    instant_column("seen_at", "when the change was seen"),
    Column("result_before", Text, comment="the previously published outcome"),
    Column("result_after", Text, comment="the newly published outcome"),
    Column("value_before", BigInteger, comment=str(Note("the earlier payout of one YES contract", DOLLARS))),
    Column("value_after", BigInteger, comment=str(Note("the new payout of one YES contract", DOLLARS))),
    comment="changes of published results and of their values, including withdrawn ones",
)
Index("ix_settlement_amendments_market_id_id", settlement_amendments.c.market_id, settlement_amendments.c.id)
