"""GET /events, /events/multivariate and /events/{ticker}."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from kalshi_pipeline.sandbox.http.cursors import Keyset
from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext, cut_page
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError, NotFoundError
from kalshi_pipeline.sandbox.shapes.related_records import milestone_text
from kalshi_pipeline.sandbox.world.related import has_milestone, milestone_of
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.units import MICROS_PER_SECOND

_STATUS_WORDS = ("unopened", "open", "closed", "settled")


def get_events(context: EndpointContext, query: Query) -> bytes:
    """Return the events that are not combos: latest close first, or soonest close first if a status is given."""
    limit = query.limit(200, 200, least=1)
    keyset, world = query.keyset(), context.world
    status = query.word("status", _STATUS_WORDS, "invalid status filter")
    with_markets = query.flag("with_nested_markets")
    with_milestones = query.flag("with_milestones")
    tests = [*_time_tests(world, query)]
    if status is not None:
        counts = world.events.status_counts[status]
        tests.append(lambda event: counts[event] > 0)
    tickers = query.tickers("tickers")
    if tickers is not None:
        wanted = set(tickers)
        tests.append(lambda event: world.events.ticker[event] in wanted)
    order = _order(world, query.text("series_ticker"), combos=False)
    walked = _walk(world, order, keyset, ascending=status is not None)
    rows = (event for event in walked if all(test(event) for test in tests))
    page, cursor = _cut(context, query, rows, limit)
    found = (event for event in page if with_milestones and has_milestone(world, event))
    milestones = ",".join(milestone_text(world, milestone_of(world, event)) for event in found)
    # `milestones: []` is present even without `with_milestones` (recorded on 2026-10-06).
    return context.envelope(
        f'{_members(context, page, cursor, with_markets=with_markets)},"milestones":[{milestones}]'
    )


def get_multivariate_events(context: EndpointContext, query: Query) -> bytes:
    """Return the events of combos: latest close first, ties by descending ticker (recorded in January 2026)."""
    limit = query.limit(100, 200, least=1)
    keyset, world = query.keyset(), context.world
    series_ticker, collection = query.text("series_ticker"), query.text("collection_ticker")
    if series_ticker is not None and collection is not None:
        raise BadRequestError("series_ticker and collection_ticker are mutually exclusive")
    if collection is not None:
        series_ticker = collection.rpartition("-")[0]  # every series of combos has one collection here
    rows = _walk(world, _order(world, series_ticker, combos=True), keyset, ascending=False)
    with_markets = query.flag("with_nested_markets")
    return context.envelope(_members(context, *_cut(context, query, rows, limit), with_markets=with_markets))


def get_event(context: EndpointContext, query: Query) -> bytes:
    """Return one event, which may be a combo's, with its markets in a list beside it.

    With nested markets they are inside the event, and the list beside it is empty (recorded on 2026-10-06).
    """
    with_markets = query.flag("with_nested_markets")
    events = context.world.events
    event = events.position.get(query.path["event_ticker"])
    if event is None or event in events.unrecorded:
        raise NotFoundError
    markets = _live_markets(context, event)
    beside = [] if with_markets else [context.shape.market(market) for market in markets]
    text = context.shape.event(event, markets if with_markets else None, is_single=True)
    return context.envelope(f'"event":{text},"markets":[{",".join(beside)}]')


def _live_markets(context: EndpointContext, event: int) -> list[int]:
    """Return the markets of an event that did not settle before the cutoff, by ascending ticker, as recorded."""
    markets = reversed(context.world.events.markets_of(event))
    return [
        market for market in markets if context.world.is_live(market) and not context.tiers.is_hidden(market)
    ]


def _order(world: World, series_ticker: str | None, *, combos: bool) -> list[int]:
    if series_ticker is None:
        return world.events_by_close[combos]
    series = world.series_position.get(series_ticker)
    events = [] if series is None else world.events_of_series.get(series, [])
    return sorted(
        (event for event in events if bool(world.events.is_combo[event]) == combos), key=world.event_key
    )


def _walk(world: World, order: list[int], keyset: Keyset | None, *, ascending: bool) -> Iterator[int]:
    """Return the events that follow a keyset, in ascending or descending order of (close time, ticker)."""
    key = None if keyset is None else (keyset.at, keyset.identifier)
    if ascending:
        start = 0 if key is None else bisect_right(order, key, key=world.event_key)
        return (order[index] for index in range(start, len(order)))
    start = len(order) if key is None else bisect_left(order, key, key=world.event_key)
    return (order[index] for index in range(start - 1, -1, -1))


def _time_tests(world: World, query: Query) -> Iterator[Callable[[int], bool]]:
    min_close_ts, min_updated_ts = query.integer("min_close_ts"), query.integer("min_updated_ts")
    if min_close_ts is not None:
        close_at, bound = world.markets.close_at, min_close_ts * MICROS_PER_SECOND
        yield lambda event: any(close_at[market] > bound for market in world.events.markets_of(event))
    if min_updated_ts is not None:
        updated = world.events.updated
        yield lambda event: updated[event] > min_updated_ts * MICROS_PER_SECOND


def _cut(context: EndpointContext, query: Query, rows: Iterator[int], limit: int) -> tuple[list[int], str]:
    """Return the events of a page, and the cursor that follows it."""
    page, has_more = cut_page(rows, limit)
    return page, query.cursor(*context.world.event_key(page[-1])) if has_more else ""


def _members(context: EndpointContext, page: list[int], cursor: str, *, with_markets: bool) -> str:
    texts = (
        context.shape.event(event, _live_markets(context, event) if with_markets else None) for event in page
    )
    return f'"cursor":"{cursor}","events":[{",".join(texts)}]'
