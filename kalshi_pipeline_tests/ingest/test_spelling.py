"""Two tickers may differ in case only: each setting and command requests the one that is written."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest

from kalshi_pipeline.api import LedgerPosition
from kalshi_pipeline.cli.answers.markets import store_if_unknown
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.monitoring.ledger import read_ledger
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, event, market, served

NOON = parse_instant("2026-11-21T12:00:00Z") or 0
DAY = date(2026, 11, 20)
END = (parse_instant("2026-11-20T10:00:00Z") or 0) // MICROS_PER_SECOND
LOWER, MIXED, CAPITALS = "kxab", "KXab", "KXAB"
SERIES = [LOWER, MIXED, CAPITALS]


class TwinExchange(SmallExchange):
    """An exchange with series and markets that differ in case only, each with a candlestick and a book."""

    def __init__(self, series: list[str]) -> None:
        super().__init__(
            [event(f"{name}-26", name) for name in series],
            [market(f"{name}-26-A", f"{name}-26") for name in series],
            [],
        )

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        known = {row["ticker"] for row in self.markets}
        match path:
            case "/markets/candlesticks":
                found = [name for name in query["market_tickers"].split(",") if name in known]
                candles = [{"end_period_ts": END, "volume_fp": "1.00"}]
                return 200, {"markets": [{"market_ticker": name, "candlesticks": candles} for name in found]}
            case "/markets/orderbooks":
                asked = query["tickers"]
                return 200, {"orderbooks": [{"ticker": asked, "orderbook_fp": {}}] if asked in known else []}
            case _ if path.removeprefix("/markets/") in known:
                name = path.removeprefix("/markets/")
                return 200, {"market": market(name, name.removesuffix("-A"))}
            case "/markets" if "series_ticker" in query:
                status, content = super().answer(path, query)
                asked = f"{query['series_ticker']}-26"
                return status, {
                    **content,
                    "markets": [row for row in content["markets"] if row["event_ticker"] == asked],
                }
            case _:
                return super().answer(path, query)


@pytest.fixture
def opened(settings_for: Callable[..., Settings]) -> Any:
    """Sessions with an exchange of some series, each with its own settings."""
    with ExitStack() as stack:
        clock = ManualClock(NOON)

        def start(series: list[str]) -> Callable[..., Session]:
            exchange = TwinExchange(series)
            exchange.now = clock.seconds
            url = stack.enter_context(served(exchange))
            return lambda **changes: stack.enter_context(
                open_session(settings_for(url, candlestick_minutes=60, **changes), clock=clock)
            )

        yield start


Opened = Callable[[list[str]], Callable[..., Session]]


@pytest.mark.parametrize("written", SERIES)
def test_selected_series_is_the_one_that_is_written(written: str, opened: Opened, query: Query) -> None:
    """The one in lower case only is known to the store; without it, it would become capitals."""
    open_one = opened(SERIES)
    take_snapshot(open_one(), NOON)
    session = open_one(series=written, candlestick_series=written)
    assert session.scope().series == (written,)
    report = take_snapshot(session, NOON + MICROS_PER_SECOND)
    assert (report.state, report.tally.received, report.tally.out_of_scope) == (State.COMPLETE, 1, 0)
    assert collect_candlesticks(session, DAY).state is State.COMPLETE
    stored = query("SELECT ticker FROM candlesticks JOIN markets ON markets.id = market_id")
    assert stored == [(f"{written}-26-A",)]


@pytest.mark.parametrize("written", [MIXED, CAPITALS])
@pytest.mark.parametrize("are_stored", [False, True])
def test_selected_market_is_the_one_that_is_written(
    written: str, are_stored: bool, opened: Opened, query: Query
) -> None:
    """The exchange is asked for it, even if only its twin is stored."""
    open_one, ticker = opened(SERIES), f"{written}-26-A"
    if are_stored:
        take_snapshot(open_one(series=CAPITALS), NOON)
    session = open_one(candlestick_markets=ticker, order_book_markets=ticker)
    assert collect_candlesticks(session, DAY).state is State.COMPLETE
    assert take_order_books(session).state is State.COMPLETE
    stored = query("SELECT ticker FROM candlesticks JOIN markets ON markets.id = market_id")
    assert stored == query("SELECT DISTINCT ticker FROM order_book_history") == [(ticker,)]


@pytest.mark.parametrize("written", SERIES)
def test_command_fetches_the_market_that_is_written(written: str, opened: Opened, query: Query) -> None:
    open_one, ticker = opened(SERIES), f"{written}-26-A"
    take_snapshot(open_one(series=CAPITALS), NOON)
    assert store_if_unknown(open_one(), ticker) == ticker
    assert query("SELECT count(*) FROM markets WHERE ticker = ?", ticker) == [(1,)]


def test_command_fetches_the_capitals_of_an_unknown_ticker(opened: Opened) -> None:
    assert store_if_unknown(opened([CAPITALS])(), f"{MIXED}-26-a") == f"{CAPITALS}-26-A"


def test_lower_case_means_capitals_if_the_store_has_no_other(opened: Opened, query: Query) -> None:
    session = opened([CAPITALS])(
        series=LOWER,
        order_book_markets=f"{LOWER}-26-a,{CAPITALS}-26-A",
        candlestick_series=f"{LOWER},{CAPITALS}",
    )
    assert session.settings.series == session.settings.candlestick_series == (CAPITALS,)
    assert session.settings.order_book_markets == (f"{CAPITALS}-26-A",)
    take_snapshot(session, NOON)
    assert query("SELECT ticker FROM latest_prices") == [(f"{CAPITALS}-26-A",)]
    written = session.settings.model_copy(update={"series": (LOWER,)})
    assert read_ledger(written, LedgerPosition(), 1).settings.series == (CAPITALS,), (
        "as the runs whose days it judges"
    )
