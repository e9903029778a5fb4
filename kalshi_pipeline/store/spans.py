"""The condition that a market is in an unlisted span, in which no tick confirms it."""

from sqlalchemy import ColumnElement, exists, or_

from kalshi_pipeline.store.schema.tables import unlisted_spans


def is_in_open_span(market_id: ColumnElement[int], *only: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a market is in an open span that meets the conditions `only`."""
    return exists().where(
        unlisted_spans.c.market_id == market_id, unlisted_spans.c.to_tick_id.is_(None), *only
    )


def is_in_span_at(market_id: ColumnElement[int], tick_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a tick is in a span of a market. The tick that closes a span is not in it."""
    span = unlisted_spans.c
    return exists().where(
        span.market_id == market_id,
        span.from_tick_id <= tick_id,
        or_(span.to_tick_id.is_(None), span.to_tick_id > tick_id),
    )
