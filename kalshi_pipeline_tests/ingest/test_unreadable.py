"""Listings of which most records cannot be read: what can be is stored, and the run is not called complete."""

from collections.abc import Callable

import pytest

from kalshi_pipeline.ingest.replay import replay
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import SmallExchange, event, market, served

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
