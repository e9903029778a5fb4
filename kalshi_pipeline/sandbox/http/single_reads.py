"""Endpoints that answer for named things: one market, its book and its candlesticks, series, the exchange itself."""

from collections.abc import Callable

from kalshi_pipeline.sandbox.http.endpoint_context import Desk
from kalshi_pipeline.sandbox.http.queries import Query
from kalshi_pipeline.sandbox.http.refusals import BadRequestError, NotFoundError
from kalshi_pipeline.sandbox.shapes.json_format import MICROS, spell_text, spell_time
from kalshi_pipeline.sandbox.world.books import book_of
from kalshi_pipeline.sandbox.world.candles import Candle, candles_of, count_periods, latest_before
from kalshi_pipeline.sandbox.world.world_state import DAY, SeriesRow

_PERIODS = (1, 60, 1440)
# What the event endpoint documents as its bound; nobody recorded one of the single endpoint.
MOST_CANDLES = 5_000
MOST_CANDLES_OF_A_BATCH = 10_000
_GAP = -2  # the topic of a recorded series, or, without its text, of one that only an event names


def get_market(desk: Desk, query: Query) -> bytes:
    return desk.envelope(f'"market":{desk.live_market(desk.market_named(query.path["ticker"]))}')


def get_historical_market(desk: Desk, query: Query) -> bytes:
    market = desk.market_named(query.path["ticker"], live=False)
    return desk.envelope(f'"market":{desk.shape.market(market)}')


def get_book(desk: Desk, query: Query) -> bytes:
    depth = query.integer("depth") or 0
    if not 0 <= depth <= 100:
        raise BadRequestError("invalid depth")
    return desk.envelope(
        desk.shape.book(*book_of(desk.world, desk.market_named(query.path["ticker"]), depth))
    )


def get_books(desk: Desk, query: Query) -> bytes:
    """Books of repeated `tickers`, 1 to 100; an unknown one is left out, as in every list."""
    tickers = query.texts("tickers")
    if not 1 <= len(tickers) <= 100 or any(len(ticker) > 200 for ticker in tickers):
        raise BadRequestError("invalid tickers")
    books = (
        f'{{"ticker":"{desk.world.markets.ticker[market]}",{desk.shape.book(*book_of(desk.world, market, 0))}}}'
        for market in _live_markets(desk, tickers)
    )
    return desk.listing("orderbooks", books)


def _live_markets(desk: Desk, tickers: list[str]) -> list[int]:
    """The markets of these names that the live tier has, each once."""
    position = desk.world.markets.position
    known = [position[ticker] for ticker in dict.fromkeys(tickers) if ticker in position]
    return [market for market in known if desk.tiers.is_live(market)]


def get_candles(desk: Desk, query: Query) -> bytes:
    start_ts, end_ts, minutes = _range(query, _PERIODS)
    market = desk.market_named(query.path["ticker"])
    events = desk.world.events
    series = events.series[desk.world.markets.event[market]]
    if series < 0 or desk.world.series[series].ticker != query.path["series_ticker"]:
        raise NotFoundError
    candles = _candles(desk, query, market, start_ts, end_ts, minutes)
    return desk.envelope(
        f'"candlesticks":{_texts(candles, desk.shape.candle)},"ticker":"{query.path["ticker"]}"'
    )


def get_historical_candles(desk: Desk, query: Query) -> bytes:
    start_ts, end_ts, minutes = _range(query, _PERIODS)
    market = desk.market_named(query.path["ticker"], live=False)
    candles = candles_of(desk.world, market, start_ts, end_ts, minutes)
    texts = _texts(candles, desk.shape.historical_candle)
    return desk.envelope(f'"candlesticks":{texts},"ticker":"{query.path["ticker"]}"')


def get_candles_of_many(desk: Desk, query: Query) -> bytes:
    """Candles of up to 100 live markets, 10,000 in all; more is refused."""
    tickers = query.tickers("market_tickers", most=100)
    if not tickers:
        raise BadRequestError("market_tickers is required")
    start_ts, end_ts, minutes = _range(query, None)
    found = [
        (market, _candles(desk, query, market, start_ts, end_ts, minutes))
        for market in _live_markets(desk, tickers)
    ]
    if sum(len(candles) for _, candles in found) > MOST_CANDLES_OF_A_BATCH:
        raise BadRequestError("too many candlesticks")
    rows = (
        f'{{"candlesticks":{_texts(candles, desk.shape.candle)},"market_ticker":"{desk.world.markets.ticker[market]}"}}'
        for market, candles in found
    )
    return desk.listing("markets", rows)


def _range(query: Query, periods: tuple[int, ...] | None) -> tuple[int, int, int]:
    start_ts, end_ts = query.required_integer("start_ts"), query.required_integer("end_ts")
    minutes = query.required_integer("period_interval")
    if minutes < 1 or (periods is not None and minutes not in periods):
        raise BadRequestError("invalid period_interval")
    if end_ts < start_ts:
        raise BadRequestError("end_ts is before start_ts")
    # A century of minutes would keep the exchange busy for everybody.
    if count_periods(start_ts, end_ts, minutes) > (MOST_CANDLES if periods else MOST_CANDLES_OF_A_BATCH):
        raise BadRequestError("too many candlesticks")
    return start_ts, end_ts, minutes


def _candles(desk: Desk, query: Query, market: int, start_ts: int, end_ts: int, minutes: int) -> list[Candle]:
    candles = candles_of(desk.world, market, start_ts, end_ts, minutes)
    if query.flag("include_latest_before_start"):
        latest = latest_before(desk.world, market, start_ts, minutes)
        candles = [latest, *candles] if latest else candles
    return candles


def _texts(candles: list[Candle], render: Callable[[Candle], str]) -> str:
    return f"[{','.join(map(render, candles))}]"


def get_series_list(desk: Desk, query: Query) -> bytes:
    """All series at once: this list has no pages. `category` is exact, `tags` a comma list of which one must fit."""
    category, tags = query.text("category"), query.text("tags")
    min_updated_ts = query.integer("min_updated_ts")
    with_metadata, with_volume = query.flag("include_product_metadata"), query.flag("include_volume")
    volumes = _volumes(desk) if with_volume else {}
    wanted = set(tags.split(",")) if tags else set()
    rows = []
    for position, row in enumerate(desk.world.series):
        if _is_gap(row):
            continue
        facts = desk.shape.series_facts(row)
        if category is not None and category not in facts.categories:
            continue
        if wanted and not wanted & set(facts.tags):
            continue
        if min_updated_ts is not None and facts.updated <= min_updated_ts * MICROS:
            continue
        volume = volumes.get(position, 0) if with_volume else None
        rows.append(desk.shape.series(row, volume, with_metadata=with_metadata))
    return desk.listing("series", rows)


def get_series(desk: Desk, query: Query) -> bytes:
    position = desk.world.series_position.get(query.path["series_ticker"])
    if position is None or _is_gap(desk.world.series[position]):
        raise NotFoundError
    volume = _volumes(desk).get(position, 0) if query.flag("include_volume") else None
    return desk.envelope(f'"series":{desk.shape.series(desk.world.series[position], volume)}')


def _is_gap(row: SeriesRow) -> bool:
    return row.topic == _GAP and row.recorded is None


def _volumes(desk: Desk) -> dict[int, int]:
    """Hundredths of a contract ever traded, by position of the series."""
    markets, series = desk.world.markets, desk.world.events.series
    volumes: dict[int, int] = {}
    for event, volume in zip(markets.event, markets.volume, strict=True):
        volumes[series[event]] = volumes.get(series[event], 0) + volume
    return volumes


def get_fee_changes(desk: Desk, query: Query) -> bytes:
    """Nothing is scheduled (recorded); the history has one change of the first series."""
    series_ticker, rows = query.text("series_ticker"), []
    if query.flag("show_historical") and desk.world.series:
        first = desk.world.series[0].ticker
        if series_ticker in (None, first):
            scheduled = spell_time(desk.world.start - 90 * DAY)
            rows.append(
                f'{{"fee_multiplier":1,"fee_type":"quadratic_with_maker_fees","id":"fee-change-1",'
                f'"scheduled_ts":"{scheduled}","series_ticker":{spell_text(first)}}}'
            )
    return desk.listing("series_fee_change_arr", rows)


def get_cutoff(desk: Desk, query: Query) -> bytes:  # noqa: ARG001 - every endpoint has the same signature
    cutoff = spell_time(desk.world.cutoff)
    orders = spell_time(desk.world.clock - 14 * DAY)
    return desk.envelope(
        f'"market_positions_last_updated_ts":"{cutoff}","market_settled_ts":"{cutoff}",'
        f'"orders_updated_ts":"{orders}","trades_created_ts":"{cutoff}"'
    )


def get_status(desk: Desk, query: Query) -> bytes:  # noqa: ARG001
    return desk.shape.status().encode()


def get_schedule(desk: Desk, query: Query) -> bytes:  # noqa: ARG001
    """All day long, but for the pause on Thursdays from 03:00 to 05:00 in New York (recorded 15 January 2026)."""
    all_day = '[{"close_time":"00:00","open_time":"00:00"}]'
    thursday = '[{"close_time":"03:00","open_time":"00:00"},{"close_time":"00:00","open_time":"05:00"}]'
    days = ",".join(
        f'"{day}":{all_day}' for day in ("friday", "monday", "saturday", "sunday", "tuesday", "wednesday")
    )
    week = (
        f'"end_time":"2200-12-01T00:00:00Z",{days},"start_time":"2024-12-01T00:00:00Z","thursday":{thursday}'
    )
    return desk.envelope(f'"schedule":{{"maintenance_windows":[],"standard_hours":[{{{week}}}]}}')
