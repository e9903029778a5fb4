"""The condition that a market is in an unlisted span, in which no tick confirms it."""

from sqlalchemy import ColumnElement, exists

from kalshi_pipeline.store.schema.tables import unlisted_spans


def is_in_open_span(market_id: ColumnElement[int], *only: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a market is in a span that has not ended and meets the conditions `only`."""
    return exists().where(
        unlisted_spans.c.market_id == market_id, unlisted_spans.c.to_tick_id.is_(None), *only
    )
