"""Endpoints of named objects: a market, its order book and its candlesticks, series, and the exchange itself."""

from collections.abc import Callable

from kalshi_pipeline.sandbox.http.endpoint_context import EndpointContext
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError, NotFoundError
from kalshi_pipeline.sandbox.shapes.json_format import format_time
from kalshi_pipeline.sandbox.world.books import book_of
from kalshi_pipeline.sandbox.world.candles import Candle, candles_of, count_periods, latest_before
from kalshi_pipeline.sandbox.world.world_state import AS_RECORDED, DAY, SeriesRow
from kalshi_pipeline.units import MICROS_PER_SECOND

_PERIODS = (1, 60, 1440)
# Documented for the endpoint of an event; the bound of the endpoint of a single market is not known.
MOST_CANDLES = 5_000
MOST_CANDLES_OF_A_BATCH = 10_000


def get_market(context: EndpointContext, query: Query) -> bytes:
    return context.envelope(f'"market":{context.live_market(context.find_market(query.path["ticker"]))}')


def get_historical_market(context: EndpointContext, query: Query) -> bytes:
    market = context.find_market(query.path["ticker"], live=False)
    return context.envelope(f'"market":{context.shape.market(market)}')


def get_book(context: EndpointContext, query: Query) -> bytes:
    depth = query.integer("depth") or 0
    if not 0 <= depth <= 100:
        raise BadRequestError("invalid depth")
    return context.envelope(
        context.shape.book(*book_of(context.world, context.find_market(query.path["ticker"]), depth))
    )


def get_books(context: EndpointContext, query: Query) -> bytes:
    """Return the order books of 1 to 100 repeated `tickers`; unknown ones are left out, as in every list."""
    tickers = query.texts("tickers")
    if not 1 <= len(tickers) <= 100 or any(len(ticker) > 200 for ticker in tickers):
        raise BadRequestError("invalid tickers")
    world, shape = context.world, context.shape
    books = (
        f'{{"ticker":"{world.markets.ticker[market]}",{shape.book(*book_of(world, market, 0))}}}'
        for market in _live_markets(context, tickers)
    )
    return context.listing("orderbooks", books)


def _live_markets(context: EndpointContext, tickers: list[str]) -> list[int]:
    """Return the distinct markets with these tickers in the live tier."""
    position = context.world.markets.position
    known = [position[ticker] for ticker in dict.fromkeys(tickers) if ticker in position]
    return [market for market in known if context.tiers.is_live(market)]


def get_candles(context: EndpointContext, query: Query) -> bytes:
    start_ts, end_ts, minutes = _range(query, _PERIODS)
    market = context.find_market(query.path["ticker"])
    events = context.world.events
    series = events.series[context.world.markets.event[market]]
    if series < 0 or context.world.series[series].ticker != query.path["series_ticker"]:
        raise NotFoundError
    candles = _candles(context, query, market, start_ts, end_ts, minutes)
    return context.envelope(
        f'"candlesticks":{_texts(candles, context.shape.candle)},"ticker":"{query.path["ticker"]}"'
    )


def get_historical_candles(context: EndpointContext, query: Query) -> bytes:
    start_ts, end_ts, minutes = _range(query, _PERIODS)
    market = context.find_market(query.path["ticker"], live=False)
    candles = candles_of(context.world, market, start_ts, end_ts, minutes)
    texts = _texts(candles, context.shape.historical_candle)
    return context.envelope(f'"candlesticks":{texts},"ticker":"{query.path["ticker"]}"')


def get_candles_of_many(context: EndpointContext, query: Query) -> bytes:
    """Return candles of up to 100 live markets; more than 10,000 in all are refused."""
    tickers = query.tickers("market_tickers", most=100)
    if not tickers:
        raise BadRequestError("market_tickers is required")
    start_ts, end_ts, minutes = _range(query, None)
    found = [
        (market, _candles(context, query, market, start_ts, end_ts, minutes))
        for market in _live_markets(context, tickers)
    ]
    if sum(len(candles) for _, candles in found) > MOST_CANDLES_OF_A_BATCH:
        raise BadRequestError("too many candlesticks")
    names, render = context.world.markets.ticker, context.shape.candle
    rows = (
        f'{{"candlesticks":{_texts(candles, render)},"market_ticker":"{names[market]}"}}'
        for market, candles in found
    )
    return context.listing("markets", rows)


def _range(query: Query, periods: tuple[int, ...] | None) -> tuple[int, int, int]:
    start_ts, end_ts = query.required_integer("start_ts"), query.required_integer("end_ts")
    minutes = query.required_integer("period_interval")
    if minutes < 1 or (periods is not None and minutes not in periods):
        raise BadRequestError("invalid period_interval")
    if end_ts < start_ts:
        raise BadRequestError("end_ts is before start_ts")
    # A century of minutes would block the exchange for all clients.
    if count_periods(start_ts, end_ts, minutes) > (MOST_CANDLES if periods else MOST_CANDLES_OF_A_BATCH):
        raise BadRequestError("too many candlesticks")
    return start_ts, end_ts, minutes


def _candles(
    context: EndpointContext, query: Query, market: int, start_ts: int, end_ts: int, minutes: int
) -> list[Candle]:
    candles = candles_of(context.world, market, start_ts, end_ts, minutes)
    if query.flag("include_latest_before_start"):
        latest = latest_before(context.world, market, start_ts, minutes)
        candles = [latest, *candles] if latest else candles
    return candles


def _texts(candles: list[Candle], render: Callable[[Candle], str]) -> str:
    return f"[{','.join(map(render, candles))}]"


def get_series_list(context: EndpointContext, query: Query) -> bytes:
    """Return all series, without pages. `category` must match exactly, and one tag of the comma list `tags`."""
    category, tags = query.text("category"), query.text("tags")
    min_updated_ts = query.integer("min_updated_ts")
    with_metadata, with_volume = query.flag("include_product_metadata"), query.flag("include_volume")
    volumes = _volumes(context) if with_volume else {}
    wanted = set(tags.split(",")) if tags else set()
    rows = []
    for position, row in enumerate(context.world.series):
        if _is_unknown(row):
            continue
        facts = context.shape.series_facts(row)
        if category is not None and category not in facts.categories:
            continue
        if wanted and not wanted & set(facts.tags):
            continue
        if min_updated_ts is not None and facts.updated <= min_updated_ts * MICROS_PER_SECOND:
            continue
        volume = volumes.get(position, 0) if with_volume else None
        rows.append(context.shape.series(row, volume, with_metadata=with_metadata))
    return context.listing("series", rows)


def get_series(context: EndpointContext, query: Query) -> bytes:
    position = context.world.series_position.get(query.path["series_ticker"])
    if position is None or _is_unknown(context.world.series[position]):
        raise NotFoundError
    volume = _volumes(context).get(position, 0) if query.flag("include_volume") else None
    return context.envelope(f'"series":{context.shape.series(context.world.series[position], volume)}')


def _is_unknown(row: SeriesRow) -> bool:
    return row.topic == AS_RECORDED and row.recorded is None


def _volumes(context: EndpointContext) -> dict[int, int]:
    """Return the traded volume in hundredths of a contract, by position of the series."""
    markets, series = context.world.markets, context.world.events.series
    volumes: dict[int, int] = {}
    for event, volume in zip(markets.event, markets.volume, strict=True):
        volumes[series[event]] = volumes.get(series[event], 0) + volume
    return volumes


def get_cutoff(context: EndpointContext, query: Query) -> bytes:  # noqa: ARG001 - every endpoint has the same signature
    cutoff = format_time(context.world.cutoff)
    orders = format_time(context.world.clock - 14 * DAY)
    return context.envelope(
        f'"market_positions_last_updated_ts":"{cutoff}","market_settled_ts":"{cutoff}",'
        f'"orders_updated_ts":"{orders}","trades_created_ts":"{cutoff}"'
    )


def get_status(context: EndpointContext, query: Query) -> bytes:  # noqa: ARG001
    return context.shape.status().encode()


def get_schedule(context: EndpointContext, query: Query) -> bytes:  # noqa: ARG001
    """Return trading hours: always, except on Thursdays from 03:00 to 05:00 in New York (recorded on 2026-01-15)."""
    all_day = '[{"close_time":"00:00","open_time":"00:00"}]'
    thursday = '[{"close_time":"03:00","open_time":"00:00"},{"close_time":"00:00","open_time":"05:00"}]'
    days = ",".join(
        f'"{day}":{all_day}' for day in ("friday", "monday", "saturday", "sunday", "tuesday", "wednesday")
    )
    week = (
        f'"end_time":"2200-12-01T00:00:00Z",{days},"start_time":"2024-12-01T00:00:00Z","thursday":{thursday}'
    )
    return context.envelope(f'"schedule":{{"maintenance_windows":[],"standard_hours":[{{{week}}}]}}')
