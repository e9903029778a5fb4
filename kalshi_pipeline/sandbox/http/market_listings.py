"""GET /markets and GET /historical/markets: filters, their exclusions, and pages (API.md §1.3)."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kalshi_pipeline.sandbox.http.cursors import Keyset
from kalshi_pipeline.sandbox.http.endpoint_context import Desk, cut_page
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError
from kalshi_pipeline.sandbox.shapes.json_format import MICROS
from kalshi_pipeline.sandbox.world.states import INACTIVE, LIVE_SHELVES, SHELF_OF_STATE
from kalshi_pipeline.sandbox.world.world import World

_STATUS_WORDS = ("unopened", "open", "paused", "closed", "settled")
# Which status words may stand beside which family of timestamps; None is no status [SPEC 3.32].
_STATUS_BESIDE = {
    "created": ("unopened", "open", None),
    "close": ("closed", None),
    "settled": ("settled", None),
    "updated": (None,),
}
_KINDS = {None: (False, True), "only": (True,), "exclude": (False,)}


@dataclass
class _Search:
    """What a listing looks for. `among` replaces the walk over the shelves by given positions."""

    shelves: tuple[str, ...]
    combos: tuple[bool, ...]
    above: int = 0
    below: int = 1 << 62
    among: list[int] | None = None
    tests: list[Callable[[int], bool]] = field(default_factory=list)


def get_markets(desk: Desk, query: Query) -> bytes:
    """Markets of the live tier, newest created first."""
    limit = query.limit(100, 1000)
    keyset = query.keyset()
    search = _read_search(desk, query)
    event_ticker = query.text("event_ticker")
    if event_ticker is not None:
        # The whole event, whatever the limit, with an empty cursor [MEAS 2026-08-09].
        rows = list(_find(desk.world, search))
        return desk.listing("markets", map(desk.live_market, rows), "")
    return _page(desk, query, search, limit, keyset, desk.live_market)


def get_historical_markets(desk: Desk, query: Query) -> bytes:
    """Markets that left the live tier. They take one filter at a time."""
    limit = query.limit(100, 1000)
    keyset = query.keyset()
    mve_filter = query.word("mve_filter", ("exclude",), "invalid mve_filter")
    tickers = query.tickers("tickers")
    named = _named(desk.world, tickers, query.text("event_ticker"), query.text("series_ticker"))
    if sum(given is not None for given in (*named, mve_filter)) > 1:
        raise BadRequestError("filters are mutually exclusive")
    among = next((given for given in named if given is not None), None)
    search = _Search(("historical",), _KINDS[mve_filter], among=_ordered(among))
    if desk.tiers.hides:
        search.tests.append(desk.tiers.is_historical)
    return _page(desk, query, search, limit, keyset, desk.shape.market)


def _page(
    desk: Desk, query: Query, search: _Search, limit: int, keyset: Keyset | None, render: Callable[[int], str]
) -> bytes:
    markets = desk.world.markets
    if keyset is not None:
        search.below = min(search.below, _position_of(desk.world, keyset))
    page, has_more = cut_page(_find(desk.world, search), limit)
    cursor = query.cursor(markets.created[page[-1]], markets.ticker[page[-1]]) if has_more else ""
    return desk.listing("markets", map(render, page), cursor)


def _position_of(world: World, keyset: Keyset) -> int:
    """All rows that follow a keyset stand under this position (columns.py: ties by ticker, descending)."""
    low, high = world.first_created_from(keyset.at), world.first_created_after(keyset.at)
    return bisect_left(
        world.markets.ticker, x=True, lo=low, hi=high, key=lambda ticker: ticker <= keyset.identifier
    )


def _find(world: World, search: _Search) -> Iterator[int]:
    """Positions that a search finds, highest, so newest, first."""
    if search.among is None:
        found: Iterable[int] = world.shelves.walk_down(
            search.shelves, search.combos, search.below, search.above
        )
    else:
        found = (m for m in search.among if search.above <= m < search.below and _is_on(world, m, search))
    for market in found:
        if all(test(market) for test in search.tests):
            yield market


def _is_on(world: World, market: int, search: _Search) -> bool:
    state = world.markets.state[market]
    is_on_shelf = SHELF_OF_STATE[state] in search.shelves or (
        state == INACTIVE and "paused" in search.shelves
    )
    return is_on_shelf and world.is_combo(market) in search.combos


def _read_search(desk: Desk, query: Query) -> _Search:
    world = desk.world
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
    shelves: tuple[str, ...] = (status,) if status else LIVE_SHELVES
    if desk.tiers.overlap and status in ("settled", None):
        shelves += ("historical",)
    search = _Search(shelves, _KINDS[mve_filter], among=_ordered(among))
    if desk.tiers.overlap or desk.tiers.hides:
        search.tests.append(desk.tiers.is_live)
    if given:
        _bound(desk, search, given[0], *bounds[given[0]])
    return search


def _check_updated(query: Query, mve_filter: str | None) -> None:
    """Nothing beside `updated` but `mve_filter=exclude`, and with that `series_ticker` [SPEC 3.32]."""
    if query.text("event_ticker") or query.text("tickers") or mve_filter == "only":
        raise BadRequestError("updated timestamp filters are incompatible with other filters")
    if query.text("series_ticker") and mve_filter != "exclude":
        raise BadRequestError("series_ticker with updated timestamp filters requires mve_filter=exclude")


def _named(
    world: World, tickers: list[str] | None, event_ticker: str | None, series_ticker: str | None
) -> tuple[list[int] | None, list[int] | None, list[int] | None]:
    """Positions that the three filters by name allow, each None where it is not given."""
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


def _bound(desk: Desk, search: _Search, family: str, least: int | None, most: int | None) -> None:
    """Bounds are exclusive whole seconds, but for max_updated_ts, which is "at or before" [SPEC 3.32]."""
    world, markets = desk.world, desk.world.markets
    low = -(1 << 62) if least is None else least * MICROS
    high = 1 << 62 if most is None else most * MICROS
    match family:
        case "created":
            search.above = world.first_created_after(low + desk.created_skew)
            search.below = world.first_created_from(high + desk.created_skew)
        case "close":
            search.tests.append(lambda market: low < markets.close_at[market] < high)
        case "settled":
            search.tests.append(
                lambda market: market in markets.settled_at and low < markets.settled_at[market] < high
            )
        case _:
            search.tests.append(lambda market: low < markets.updated[market] <= high)
