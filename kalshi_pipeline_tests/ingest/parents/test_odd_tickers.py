"""Tickers with characters that mean something else in an address or a list are requested as they are."""

from collections.abc import Callable
from datetime import date
from urllib.parse import unquote

import pytest

from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, event, market, served

COMMA, PART, PLAIN = "KX,A-1", "KX", "KXA-1"
NOON = parse_instant("2026-11-21T12:00:00Z") or 0
DAY = date(2026, 11, 20)
END = (parse_instant("2026-11-20T10:00:00Z") or 0) // MICROS_PER_SECOND
ODD = [",", "/", "?", "#", "%", "&", "+", " ", ";", "=", '"', "é", "%2C"]


class ReadingExchange(SmallExchange):
    """Answers single reads of the live tier too, and has one candlestick of each market."""

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        known = {row["ticker"]: row for row in self.markets}
        match [unquote(part) for part in path.split("/")[1:]]:
            case ["markets", "candlesticks"]:
                asked = query["market_tickers"].split(",")
                rows = [{"market_ticker": name, **_candles()} for name in asked if name in known]
                return 200, {"markets": rows}
            case ["series", _, "markets", name, "candlesticks"] if name in known:
                return 200, {"ticker": name, **_candles()}
            case ["markets", name]:
                self.asked.append((path, query))
                found = known.get(name)
                return (200, {"market": found}) if found else (404, {"error": {"code": "not_found"}})
            case _:
                return super().answer(path, query)


def _candles() -> Record:
    return {"candlesticks": [{"end_period_ts": END, "volume_fp": "1.00"}]}


def test_ticker_with_a_comma_is_looked_up_by_itself(settings_for: Callable[..., Settings]) -> None:
    """In a list it would be two tickers: the market would seem to be in neither tier, and its history would end."""
    exchange = ReadingExchange(
        [event("KX-1", "KX")], [market(name, "KX-1") for name in (COMMA, PART, PLAIN)], []
    )
    with served(exchange) as url, open_session(settings_for(url)) as session:
        lookup = MarketLookup(session, [PLAIN, COMMA, "KXB-1", "B,C"])
        found = {outcome.ticker for answer in lookup for outcome in answer.page.records}
    assert found == {PLAIN, COMMA}
    assert (lookup.gone, lookup.failed) == (["KXB-1", "B,C"], {})
    assert exchange.looked_up("/markets") == [PLAIN, "KXB-1"]


@pytest.mark.parametrize("odd", ODD)
def test_events_and_candlesticks_of_odd_tickers_are_found(
    odd: str, settings_for: Callable[..., Settings], query: Query
) -> None:
    """The event is stored with its market by the first tick, although no listing of events has been read."""
    name, ticker = f"KX{odd}-26", f"KX{odd}-26-A"
    clock = ManualClock(NOON)
    exchange = ReadingExchange([event(name, "KX")], [market(ticker, name), market(PLAIN, name)], [])
    exchange.now = clock.seconds
    with served(exchange) as url:
        settings = settings_for(url, candlestick_series="KX", candlestick_minutes=60)
        with open_session(settings, clock=clock) as session:
            take_snapshot(session, NOON)
            report = collect_candlesticks(session, DAY)
    assert query("SELECT ticker, is_placeholder, title FROM events") == [(name, 0, f"Title of {name}")]
    assert report.state is State.COMPLETE
    stored = query("SELECT ticker FROM candlesticks JOIN markets ON markets.id = market_id ORDER BY ticker")
    assert stored == [(other,) for other in sorted((ticker, PLAIN))]


def test_event_with_a_comma_that_the_exchange_does_not_know_stays_a_placeholder(
    settings_for: Callable[..., Settings], query: Query
) -> None:
    exchange = ReadingExchange([], [market(PLAIN, COMMA)], [])
    with served(exchange) as url, open_session(settings_for(url)) as session:
        report = take_snapshot(session, NOON)
    assert report.state is State.COMPLETE
    assert query("SELECT ticker, is_placeholder FROM events") == [(COMMA, 1)]
    assert query("SELECT count(*) FROM event_lookups") == [(1,)]
