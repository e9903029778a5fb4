"""GET /markets and GET /historical/markets: filters, which of them exclude each other, and pages."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kalshi_pipeline.sandbox.http.cursors import Keyset
from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext, cut_page
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.sandbox.world.states import FILTER_OF_STATE, INACTIVE, LIVE_FILTERS
from kalshi_pipeline.sandbox.world.world import World
from kalshi_pipeline.units import MICROS_PER_SECOND

_STATUS_WORDS = ("unopened", "open", "paused", "closed", "settled")
# The status words that each family of timestamps may be combined with, None for no status (documented).
_STATUS_BESIDE = {
    "created": ("unopened", "open", None),
    "close": ("closed", None),
    "settled": ("settled", None),
    "updated": (None,),
}
_KINDS = {None: (False, True), "only": (True,), "exclude": (False,)}


@dataclass
class _Search:
    """What a listing selects: markets that the status filters find or, if given, those of the positions `among`."""

    status_filters: tuple[str, ...]
    combos: tuple[bool, ...]
    above: int = 0
    below: int = 1 << 62
    among: list[int] | None = None
    tests: list[Callable[[int], bool]] = field(default_factory=list)


def get_markets(context: EndpointContext, query: Query) -> bytes:
    """Return markets of the live tier, the newest created first."""
    limit = query.limit(100, 1000)
    keyset = query.keyset()
    search = _read_search(context, query)
    event_ticker = query.text("event_ticker")
    if event_ticker is not None:
        # The whole event regardless of the limit, with an empty cursor (reported, 9 August 2026).
        rows = list(_find(context.world, search))
        return context.listing("markets", map(context.live_market, rows), "")
    return _page(context, query, search, limit, keyset, context.live_market)


def get_historical_markets(context: EndpointContext, query: Query) -> bytes:
    """Return markets that have left the live tier. This listing takes one filter at a time."""
    limit = query.limit(100, 1000)
    keyset = query.keyset()
    mve_filter = query.word("mve_filter", ("exclude",), "invalid mve_filter")
    tickers = query.tickers("tickers")
    named = _named(context.world, tickers, query.text("event_ticker"), query.text("series_ticker"))
    if sum(given is not None for given in (*named, mve_filter)) > 1:
        raise BadRequestError("filters are mutually exclusive")
    among = next((given for given in named if given is not None), None)
    search = _Search(("historical",), _KINDS[mve_filter], among=_ordered(among))
    if context.tiers.hides:
        search.tests.append(context.tiers.is_historical)
    return _page(context, query, search, limit, keyset, context.shape.market)


def _page(
    context: EndpointContext,
    query: Query,
    search: _Search,
    limit: int,
    keyset: Keyset | None,
    render: Callable[[int], str],
) -> bytes:
    markets = context.world.markets
    if keyset is not None:
        search.below = min(search.below, _position_of(context.world, keyset))
    page, has_more = cut_page(_find(context.world, search), limit)
    cursor = query.cursor(markets.created[page[-1]], markets.ticker[page[-1]]) if has_more else ""
    return context.listing("markets", map(render, page), cursor)


def _position_of(world: World, keyset: Keyset) -> int:
    """Return the position below which all rows follow a keyset (columns.py: ties are in descending order of ticker)."""
    low, high = world.first_created_from(keyset.at), world.first_created_after(keyset.at)
    return bisect_left(
        world.markets.ticker, x=True, lo=low, hi=high, key=lambda ticker: ticker <= keyset.identifier
    )


def _find(world: World, search: _Search) -> Iterator[int]:
    """Yield the positions that a search finds, highest (which is newest) first."""
    if search.among is None:
        found: Iterable[int] = world.status_index.iter_down(
            search.status_filters, search.combos, search.below, search.above
        )
    else:
        found = (m for m in search.among if search.above <= m < search.below and _is_found(world, m, search))
    for market in found:
        if all(test(market) for test in search.tests):
            yield market


def _is_found(world: World, market: int, search: _Search) -> bool:
    state = world.markets.state[market]
    has_status = FILTER_OF_STATE[state] in search.status_filters or (
        state == INACTIVE and "paused" in search.status_filters
    )
    return has_status and world.is_combo(market) in search.combos


def _read_search(context: EndpointContext, query: Query) -> _Search:
    world = context.world
    status = query.word("status", _STATUS_WORDS, "invalid status filter")
    mve_filter = query.word("mve_filter", ("only", "exclude"), "invalid mve_filter")
    tickers = query.tickers("tickers")
    named = _named(world, tickers, query.text("event_ticker"), query.text("series_ticker"))
    bounds = {
        family: (query.integer(f"min_{family}_ts"), query.integer(f"max_{family}_ts"))
        for family in _STATUS_BESIDE
    }
    given = [family for family, pair in bounds.items() if pair != (None, None)]
    if len(given) > 1:
        raise BadRequestError("timestamp filters are mutually exclusive")
    if given and status not in _STATUS_BESIDE[given[0]]:
        raise BadRequestError(f"status filter is incompatible with {given[0]} timestamp filters")
    if given == ["updated"]:
        _check_updated(query, mve_filter)
    among: set[int] | None = None
    for positions in named:
        if positions is not None:
            among = set(positions) if among is None else among & set(positions)
    status_filters: tuple[str, ...] = (status,) if status else LIVE_FILTERS
    if context.tiers.overlap and status in ("settled", None):
        status_filters += ("historical",)
    search = _Search(status_filters, _KINDS[mve_filter], among=_ordered(among))
    if context.tiers.overlap or context.tiers.hides:
        search.tests.append(context.tiers.is_live)
    if given:
        _bound(context, search, given[0], *bounds[given[0]])
    return search


def _check_updated(query: Query, mve_filter: str | None) -> None:
    """Refuse all filters beside `updated` but `mve_filter=exclude`, and with that `series_ticker` (documented)."""
    if query.text("event_ticker") or query.text("tickers") or mve_filter == "only":
        raise BadRequestError("updated timestamp filters are incompatible with other filters")
    if query.text("series_ticker") and mve_filter != "exclude":
        raise BadRequestError("series_ticker with updated timestamp filters requires mve_filter=exclude")


def _named(
    world: World, tickers: list[str] | None, event_ticker: str | None, series_ticker: str | None
) -> tuple[list[int] | None, list[int] | None, list[int] | None]:
    """Return the positions that each of the three filters by name allows, or None for one that is not given."""
    of_tickers = of_event = of_series = None
    if tickers is not None:
        of_tickers = [
            world.markets.position[ticker] for ticker in tickers if ticker in world.markets.position
        ]
    if event_ticker is not None:
        event = world.events.position.get(event_ticker)
        of_event = [] if event is None else list(world.events.markets_of(event))
    if series_ticker is not None:
        series = world.series_position.get(series_ticker, -1)
        events = world.events_of_series.get(series, []) if series >= 0 else []
        of_series = [market for event in events for market in world.events.markets_of(event)]
    return of_tickers, of_event, of_series


def _ordered(among: Iterable[int] | None) -> list[int] | None:
    return None if among is None else sorted(among, reverse=True)


def _bound(
    context: EndpointContext, search: _Search, family: str, least: int | None, most: int | None
) -> None:
    """Apply time bounds: exclusive whole seconds, except for max_updated_ts, which is inclusive (documented)."""
    world, markets = context.world, context.world.markets
    low = -(1 << 62) if least is None else least * MICROS_PER_SECOND
    high = 1 << 62 if most is None else most * MICROS_PER_SECOND
    match family:
        case "created":
            search.above = world.first_created_after(low + context.created_skew)
            search.below = world.first_created_from(high + context.created_skew)
        case "close":
            search.tests.append(lambda market: low < markets.close_at[market] < high)
        case "settled":
            search.tests.append(
                lambda market: market in markets.settled_at and low < markets.settled_at[market] < high
            )
        case _:
            search.tests.append(lambda market: low < markets.updated[market] <= high)
