"""The condition that a tick found the quote of a market unchanged, where every quote is kept."""

from sqlalchemy import ColumnElement, and_

from kalshi_pipeline.store.dialects.statements import holds_octet
from kalshi_pipeline.store.schema.tables import BLOCK_SIZE, unchanged_blocks

_blocks = unchanged_blocks.c


def is_unchanged_at(market_id: ColumnElement[int], tick_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a row of `unchanged_blocks` lists a market for a tick. At most one row of a
    tick does.
    """
    return and_(_blocks.tick_id == tick_id, lists_market(market_id))


def lists_market(market_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a row of `unchanged_blocks` lists a market."""
    return and_(
        _blocks.block == market_id // BLOCK_SIZE, holds_octet(_blocks.remainders, market_id % BLOCK_SIZE)
    )
