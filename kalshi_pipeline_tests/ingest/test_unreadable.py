"""Listings of which most records cannot be read: what can be is stored, and the run is not called complete."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from kalshi_pipeline.ingest.fee_changes import sync_series_fee_changes
from kalshi_pipeline.ingest.replay import replay
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, event, market, served, trade

NOON = parse_instant("2026-11-22T12:00:00Z") or 0
MINUTE = 60 * MICROS_PER_SECOND
QUOTED = {"yes_bid_dollars": "0.4200", "yes_bid_size_fp": "7.00"}
SettingsFor = Callable[..., Settings]


@pytest.mark.parametrize(
    ("markets", "unreadable", "state"),
    [
        pytest.param(3, 2, State.COMPLETE, id="two of three"),
        pytest.param(3, 3, State.PARTIAL, id="all of three"),
        pytest.param(40, 20, State.COMPLETE, id="half of many"),
        pytest.param(40, 21, State.PARTIAL, id="most of many"),
    ],
)
def test_tick_that_could_hardly_read_anything_is_partial(
    settings_for: SettingsFor, query: Query, markets: int, unreadable: int, state: State
) -> None:
    """It ends nobody's history, and what it could read is stored."""
    exchange = SmallExchange(
        [event("KXA-26", "KXA")], [market(f"KXA-26-T{number}", "KXA-26") for number in range(markets)], []
    )
    with served(exchange) as url, open_session(settings_for(url)) as session:
        take_snapshot(session, NOON)
        for row in exchange.markets[:unreadable]:
            row["yes_bid_dollars"] = "$0.55"
        for row in exchange.markets[unreadable:]:
            row.update(yes_bid_dollars="0.3300", yes_bid_size_fp="7.00")
        report, synced = take_snapshot(session, NOON + MINUTE), sync_markets(session)
    assert report.state is state
    assert (synced.state, synced.tally.quarantined) == (state, unreadable)
    if state is State.PARTIAL:
        assert report.reason == (
            f"{unreadable} of {markets} records could not be read and are in quarantine: check whether the exchange's "
            "API has changed; after an update, `kalshi data replay` stores them"
        )
    assert query("SELECT count(*) FROM latest_prices WHERE is_terminal") == [(0,)]
    assert query("SELECT count(*) FROM latest_prices WHERE yes_bid = 0.33") == [(markets - unreadable,)]


def test_listing_of_events_that_cannot_be_read_is_partial(settings_for: SettingsFor) -> None:
    events = [{**event(ticker, "KXA"), "event_ticker": 7} for ticker in ("KXA-26", "KXA-27")]
    with served(SmallExchange(events, [], [])) as url, open_session(settings_for(url)) as session:
        report = sync_events(session)
    assert (report.state, report.tally.quarantined) == (State.PARTIAL, 2)


def test_renamed_quotes_are_not_taken_for_markets_without_one(
    settings_for: SettingsFor, query: Query
) -> None:
    """What was known is carried, and what came is kept until a version can read it."""
    listed = [{**market(f"KXA-26-T{number}", "KXA-26"), **QUOTED} for number in range(30)]
    exchange = SmallExchange([event("KXA-26", "KXA")], listed, [])
    with served(exchange) as url, open_session(settings_for(url)) as session:
        take_snapshot(session, NOON)
        for row in exchange.markets:
            for name in QUOTED:
                row[f"best_{name}"] = row.pop(name)
        report = take_snapshot(session, NOON + MINUTE)
        found = replay(session)
    assert (report.state, report.tally.inserted) == (State.PARTIAL, 0)
    assert query("SELECT DISTINCT yes_bid, state FROM latest_prices") == [(0.42, "carried")]
    assert query("SELECT count(*) FROM quarantine WHERE raw LIKE '%best_yes_bid_dollars%'") == [(30,)]
    assert (found.read, dict(found.stored)) == (0, {})


DAY = date(2026, 11, 20)
PRICE = "yes_price_dollars"


@pytest.mark.parametrize(
    ("pages", "stored"),
    [
        pytest.param([[False] * 3], 0, id="the only page"),
        pytest.param([[True] * 30, [False] * 29 + [True]], 31, id="most of a later page"),
        pytest.param([[False] * 30, [True] * 30], 30, id="all of the first page"),
    ],
)
def test_day_of_trades_that_could_hardly_be_read_is_walked_again(
    settings_for: SettingsFor, query: Query, pages: list[list[bool]], stored: int
) -> None:
    """The next run continues at the page that could not be read; readable, the day is complete."""
    are_readable = [is_readable for page in pages for is_readable in page]
    of_day = [trade(number, "KXA-26-T1") for number in range(len(are_readable))]
    exchange = SmallExchange([event("KXA-26", "KXA")], [market("KXA-26-T1", "KXA-26")], of_day)
    exchange.trades_per_page = len(pages[0])
    exchange.now = (clock := ManualClock(NOON)).seconds
    good = [*exchange.trades]
    exchange.trades = [
        row if is_readable else {**row, PRICE: "half"}
        for row, is_readable in zip(good, are_readable, strict=True)
    ]
    with served(exchange) as url, open_session(settings_for(url), clock=clock) as session:
        reports = [collect_trades(session, DAY), collect_trades(session, DAY)]
        assert query("SELECT count(*) FROM trades") == [(stored,)]
        exchange.trades = good
        complete = collect_trades(session, DAY)
    assert {report.state for report in reports} == {State.PARTIAL}
    assert "records of a page could not be read" in (reports[0].reason or "")
    assert complete.state is State.COMPLETE
    assert query("SELECT count(*) FROM trades") == [(len(good),)]


def test_a_few_unreadable_trades_are_set_aside(settings_for: SettingsFor) -> None:
    """Even if one is alone on the last page."""
    of_day = [trade(number, "KXA-26-T1") for number in range(21)]
    of_day[0][PRICE] = of_day[10][PRICE] = "half"
    exchange = SmallExchange([event("KXA-26", "KXA")], [market("KXA-26-T1", "KXA-26")], of_day)
    exchange.trades_per_page = 20
    exchange.now = (clock := ManualClock(NOON)).seconds
    with served(exchange) as url, open_session(settings_for(url), clock=clock) as session:
        report = collect_trades(session, DAY)
    assert (report.state, report.tally.inserted, report.tally.quarantined) == (State.COMPLETE, 19, 2)


class _SettledExchange(SmallExchange):
    """Every market has settled, and each series has a fee change."""

    def __init__(self, markets: list[Record], changes: list[Any]) -> None:
        super().__init__([event("KXA-26", "KXA")], markets, [])
        self.changes = changes

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        if path == "/series/fee_changes":
            return 200, {"series_fee_change_arr": self.changes}
        return super().answer(path, query)


def test_settlements_and_fee_changes_that_cannot_be_read_are_partial(
    settings_for: SettingsFor, query: Query
) -> None:
    settled = {"status": "finalized", "result": "yes", "settlement_ts": "2026-11-22T11:00:00Z"}
    markets = [{**market(f"KXA-26-T{number}", "KXA-26"), **settled} for number in range(3)]
    exchange = _SettledExchange([{**row, "ticker": 7} for row in markets], [{"id": "A"}])
    exchange.now = (clock := ManualClock(NOON)).seconds
    with served(exchange) as url, open_session(settings_for(url), clock=clock) as session:
        reports = [sync_settlements(session), sync_series_fee_changes(session)]
        exchange.markets = markets
        again = sync_settlements(session)
    assert [(report.state, report.tally.quarantined) for report in reports] == [
        (State.PARTIAL, 3),
        (State.PARTIAL, 1),
    ]
    assert again.state is State.COMPLETE
    assert query("SELECT count(*) FROM settlements") == [(3,)]
