"""GET /markets/trades and GET /historical/trades: the tape, newest first, cut in two by the cutoff (API.md §1.3)."""

from bisect import bisect_left
from collections.abc import Callable, Iterator

from kalshi_pipeline.sandbox.http.endpoint_context import Desk, cut_page
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.world import World


def get_trades(desk: Desk, query: Query) -> bytes:
    tape, tiers = desk.world.tape, desk.tiers
    first = tiers.first_live_trade()
    if not tiers.overlap:
        return _page(desk, query, first, len(tape))
    return _page(
        desk,
        query,
        tiers.first_overlapping_trade(),
        len(tape),
        lambda row: row >= first or tiers.is_in_both(tape.market[row]),
    )


def get_historical_trades(desk: Desk, query: Query) -> bytes:
    return _page(desk, query, 0, desk.tiers.first_live_trade())


def _page(desk: Desk, query: Query, first: int, end: int, test: Callable[[int], bool] | None = None) -> bytes:
    """The trades from `first` to before `end` that the query asks for; bounds in time are exclusive."""
    tape = desk.world.tape
    limit = query.limit(100, 1000)
    keyset, is_block = query.keyset(), query.maybe_flag("is_block_trade")
    min_ts, max_ts = query.integer("min_ts"), query.integer("max_ts")
    if min_ts is not None:
        first = max(first, tape.first_at_or_after(min_ts * MICROS + 1))
    if max_ts is not None:
        end = min(end, tape.first_at_or_after(max_ts * MICROS))
    if keyset is not None:
        position = tape.find(*keyset)
        if position is None:
            raise BadRequestError("invalid cursor")
        end = min(end, position)
    rows = _walk(desk.world, query.text("ticker"), first, end)
    if test is not None:
        rows = filter(test, rows)
    if is_block is not None:
        rows = (row for row in rows if tape.is_block(row) == is_block)
    page, has_more = cut_page(rows, limit)
    cursor = query.cursor(tape.at[page[-1]], tape.trade_id(page[-1])) if has_more else ""
    return desk.listing("trades", map(desk.shape.trade, page), cursor)


def _walk(world: World, ticker: str | None, first: int, end: int) -> Iterator[int]:
    """Positions from before `end` down to `first`, of one market where it is named."""
    if ticker is None:
        return iter(range(end - 1, first - 1, -1))
    market = world.markets.position.get(ticker)
    if market is None:
        return iter(())
    rows = world.tape.of_market(market)
    low, high = bisect_left(rows, first), bisect_left(rows, end)
    return (rows[index] for index in range(high - 1, low - 1, -1))
