"""GET /markets/trades and GET /historical/trades: the tape, newest first, divided by the cutoff."""

from bisect import bisect_left
from collections.abc import Callable, Iterator

from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext, cut_page
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.units import MICROS_PER_SECOND


def get_trades(context: EndpointContext, query: Query) -> bytes:
    tape, tiers = context.world.tape, context.tiers
    first = tiers.first_live_trade()
    if not tiers.overlap:
        return _page(context, query, first, len(tape))
    return _page(
        context,
        query,
        tiers.first_overlapping_trade(),
        len(tape),
        lambda row: row >= first or tiers.is_in_both(tape.market[row]),
    )


def get_historical_trades(context: EndpointContext, query: Query) -> bytes:
    return _page(context, query, 0, context.tiers.first_live_trade())


def _page(
    context: EndpointContext, query: Query, first: int, end: int, test: Callable[[int], bool] | None = None
) -> bytes:
    """Return a page of the trades at positions [first, end) that match the query; its bounds in time are exclusive."""
    tape = context.world.tape
    limit = query.limit(100, 1000)
    keyset, is_block = query.keyset(), query.maybe_flag("is_block_trade")
    min_ts, max_ts = query.integer("min_ts"), query.integer("max_ts")
    if min_ts is not None:
        first = max(first, tape.first_at_or_after(min_ts * MICROS_PER_SECOND + 1))
    if max_ts is not None:
        end = min(end, tape.first_at_or_after(max_ts * MICROS_PER_SECOND))
    if keyset is not None:
        position = tape.find(*keyset)
        if position is None:
            raise BadRequestError("invalid cursor")
        end = min(end, position)
    rows = _walk(context.world, query.text("ticker"), first, end)
    if test is not None:
        rows = filter(test, rows)
    if is_block is not None:
        rows = (row for row in rows if tape.is_block(row) == is_block)
    page, has_more = cut_page(rows, limit)
    cursor = query.cursor(tape.at[page[-1]], tape.trade_id(page[-1])) if has_more else ""
    return context.listing("trades", map(context.shape.trade, page), cursor)


def _walk(world: World, ticker: str | None, first: int, end: int) -> Iterator[int]:
    """Return the positions from before `end` down to `first`, of one market if a ticker is given."""
    if ticker is None:
        return iter(range(end - 1, first - 1, -1))
    market = world.markets.position.get(ticker)
    if market is None:
        return iter(())
    rows = world.tape.of_market(market)
    low, high = bisect_left(rows, first), bisect_left(rows, end)
    return (rows[index] for index in range(high - 1, low - 1, -1))
