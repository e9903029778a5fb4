"""Markets that leave the listing are looked up until they end; each ends once, and none stays open forever."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kalshi_pipeline.cli.reports import report_line
from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.settlements import backfill_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of, parse_instant
from kalshi_pipeline.vocabulary import Tier
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.outcomes import is_historical, is_lookup, move, rewritten, same, without
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session

SettingsFor = Callable[..., Settings]
NOON = parse_instant("2026-11-22T12:00:00Z") or 0
MINUTE = 60 * MICROS_PER_SECOND
YES, NO = 1, 2
STATUS = "SELECT status, gone_at IS NOT NULL FROM markets WHERE ticker = ?"
HISTORY = "SELECT substr(tick_at, 15, 2), is_terminal FROM price_history WHERE ticker = ? ORDER BY tick_at"
CHANGES = (
    "SELECT field, before, after FROM market_change_history"
    " WHERE ticker = ? AND field NOT IN ('close_at', 'expiration_value')"
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small exchange that does not change."""
    config = WorldConfig(markets=60, combos=5, births_per_step=0, closes_per_step=0, change_share=0)
    with Sandbox(World(config)) as running:
        yield running


def looked_up(sandbox: Sandbox, path: str = "/markets") -> list[str]:
    return [
        request.query["tickers"]
        for request in sandbox.requests
        if request.path == path and "tickers" in request.query
    ]


def test_whole_life_of_a_market(sandbox: Sandbox, session: Session, ticker: str, query: Query) -> None:
    """From open to the historical tier: each state once, one end of the history, and the payout."""
    stages: list[dict[str, Any]] = [
        {"status": "active"},
        {"status": "closed"},
        {"status": "determined", "result": YES},
        {"status": "disputed"},
        {"status": "amended", "result": NO},
        {"status": "finalized", "value": 0},
    ]
    for minute, stage in enumerate(stages):
        move(sandbox, ticker, **stage)
        assert take_snapshot(session, NOON + minute * MINUTE).is_complete

    assert query(CHANGES, ticker) == [
        ("status", "active", "closed"),
        ("status", "closed", "determined"),
        ("result", "", "yes"),
        ("status", "determined", "disputed"),
        ("status", "disputed", "amended"),
        ("result", "yes", "no"),
        ("status", "amended", "finalized"),
        ("settlement_value", None, "0.0"),
    ]
    assert query(HISTORY, ticker) == [("00", 0), ("01", 1)]
    [amendment] = query("SELECT * FROM settlement_amendment_history")
    assert (amendment[0], *amendment[2:6]) == (ticker, "yes", "no", None, None)
    settled = "SELECT result, settlement_value, settled_at, settled_at_source, tier, amended_at FROM settlement_history"
    at, amended_at = iso_of(sandbox.world.clock), amendment[1]
    assert query(f"{settled} WHERE ticker = ?", ticker) == [
        ("no", 0.0, at, "settlement_ts", "live", amended_at)
    ]

    sandbox.requests.clear()
    take_snapshot(session, NOON + 6 * MINUTE)
    assert not any(ticker in asked for asked in looked_up(sandbox)), "what is final is not asked for again"

    move(sandbox, ticker, "finalized", is_archived=True)
    sandbox.world.clock += 61 * 24 * 3600 * MICROS_PER_SECOND
    assert backfill_settlements(session).tally.changed == 0, "the other tier has the same outcome"
    assert query(f"{settled} WHERE ticker = ?", ticker) == [
        ("no", 0.0, at, "settlement_ts", "historical", amended_at)
    ]
    assert len(query(CHANGES, ticker)) == 8
    assert query("SELECT count(*) FROM settlement_amendments") == [(1,)]


def test_market_in_neither_tier_is_gone_after_two_lookups(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """Between the lookups its quote is not confirmed, and its history continues."""
    take_snapshot(session, NOON)
    clock = ManualClock(NOON)
    with rewritten(settings_for(sandbox.url), without(ticker), clock) as deaf:
        for minute in (1, 10):
            clock.advance(minute * 60 - clock.monotonic())
            report = take_snapshot(deaf, NOON + minute * MINUTE)
            assert (report.tally.gone, report.tally.ended, report.tally.unconfirmed) == (0, 0, 1)
        clock.advance(60)
        report = take_snapshot(deaf, NOON + 11 * MINUTE)
        assert (report.tally.gone, report.tally.ended, report.tally.unconfirmed) == (1, 1, 0)
        assert query("SELECT gone_at FROM markets WHERE ticker = ?", ticker) == [(NOON + 11 * MINUTE,)]
        assert [ticker in asked for asked in looked_up(sandbox, "/historical/markets")] == [True] * 3

        take_snapshot(deaf, NOON + 12 * MINUTE)
    assert query(HISTORY, ticker) == [("00", 0), ("11", 1)]
    assert query("SELECT from_tick_id, to_tick_id FROM unlisted_spans") == [(2, 4)]

    take_snapshot(session, NOON + 13 * MINUTE)  # it is listed again
    assert query(STATUS, ticker) == [("active", 0)]
    assert query(HISTORY, ticker) == [("00", 0), ("11", 1), ("13", 0)]


@pytest.mark.parametrize("page", ["<html><h1>404 Not Found</h1></html>", "404 page not found", ""])
def test_page_of_a_gateway_marks_nothing_as_gone(
    session: Session, settings_for: SettingsFor, ticker: str, query: Query, page: str
) -> None:
    """An exchange without a historical tier returns a JSON 404; a gateway's page says nothing about a market."""

    def astray(request: httpx.Request, answer: Any) -> Any:
        if is_historical(request):
            return httpx.Response(404, text=page)
        if "markets" not in answer:
            return answer
        return {**answer, "markets": [row for row in answer["markets"] if row["ticker"] != ticker]}

    take_snapshot(session, NOON)
    clock = ManualClock(NOON)
    with rewritten_session(settings_for(session.settings.api_url), astray, clock) as deaf:
        for minute in (1, 12):
            clock.advance(minute * 60 - clock.monotonic())
            report = take_snapshot(deaf, NOON + minute * MINUTE)
            assert (report.tally.gone, report.tally.ended, report.tally.unconfirmed) == (0, 0, 1)
            assert "/historical/markets answered 404" in " ".join(report.notes)
    assert query(STATUS, ticker) == [("active", 0)]


def test_market_that_a_sync_finds_in_neither_tier_is_in_what_it_reports(
    session: Session, settings_for: SettingsFor, ticker: str
) -> None:
    take_snapshot(session, NOON)
    clock = ManualClock(NOON)
    with rewritten(settings_for(session.settings.api_url), without(ticker), clock) as deaf:
        assert "gone" not in run_metadata(sync_markets(deaf))
        clock.advance(600)
        report = sync_markets(deaf)
    assert run_metadata(report)["gone"] == 1
    assert ", 1 gone, " in report_line(report)


def test_listing_between_two_lookups_restarts_the_count(
    session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """A market is gone if two lookups missed it and nothing saw it in between."""
    take_snapshot(session, NOON)
    settings, clock = settings_for(session.settings.api_url), ManualClock(NOON)

    def take(minute: int, *, is_listed: bool) -> int:
        clock.advance(minute * 60 - clock.monotonic())
        with rewritten(settings, same if is_listed else without(ticker), clock) as seeing:
            return take_snapshot(seeing, NOON + minute * MINUTE).tally.gone

    assert take(1, is_listed=False) == 0
    assert query("SELECT missing_at FROM market_lookups") == [(NOON + MINUTE,)]
    assert take(6, is_listed=True) == 0
    assert query("SELECT missing_at FROM market_lookups") == [(None,)]
    assert [take(minute, is_listed=False) for minute in (12, 21, 22)] == [0, 0, 1]


def test_market_that_the_listing_lost_continues(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """The lookup finds it open: its history continues, with the quote of the tick."""

    def lose(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**row, "last_price_dollars": "0.1230"} if row["ticker"] == ticker else row
            for row in rows
            if is_lookup(request) or row["ticker"] != ticker
        ]

    take_snapshot(session, NOON)
    with rewritten(settings_for(sandbox.url), lose) as other:
        report = take_snapshot(other, NOON + MINUTE)

    assert (report.is_complete, report.tally.ended, report.counts["lost_by_listing"]) == (True, 0, 1)
    assert report.notes == ["1 open markets were missing from the listing and were looked up"]
    tally = report.tally
    assert (tally.received, tally.inserted, tally.unchanged) == (60, 1, 59)
    assert query("SELECT received, inserted, unchanged FROM ticks ORDER BY tick_at")[1] == (60, 1, 59)
    assert query("SELECT last_price FROM latest_prices WHERE ticker = ?", ticker) == [(0.123,)]
    assert query(HISTORY, ticker) == [("00", 0), ("01", 0)]


@pytest.mark.parametrize("tier", ["live", "historical"])
def test_failed_lookups_lose_nothing(
    tier: str, sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """The tick is complete but does not confirm the market. The next run looks it up and ends its history."""

    def fail(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if is_lookup(request) and (tier == "live" or is_historical(request)):
            raise httpx.ConnectError("down")
        return [row for row in rows if row["ticker"] != ticker]

    take_snapshot(session, NOON)
    move(sandbox, ticker, "closed")
    with rewritten(settings_for(sandbox.url), fail) as failing:
        report = take_snapshot(failing, NOON + MINUTE)
    assert (report.state, report.tally.ended, report.tally.unconfirmed) == ("complete", 0, 1)
    assert report.notes[0].startswith("1 markets could not be looked up and are left to later runs: http")
    assert report.counts["not_looked_up"] == 1
    assert query(STATUS, ticker) == [("active", 0)]

    take_snapshot(session, NOON + 2 * MINUTE)
    assert query(STATUS, ticker) == [("closed", 0)]
    assert query(HISTORY, ticker) == [("00", 0), ("02", 1)]


def test_batch_that_fails_does_not_affect_others_one(settings_for: SettingsFor, query: Query) -> None:
    """The batch is split until only the failing market is left to the next run, with the reason. The first batch is the
    sample that checks the listing: if it fails, the tick is partial.
    """
    config = WorldConfig(markets=450, combos=0, births_per_step=0, closes_per_step=0, change_share=0)
    batches: list[str] = []
    poisonous: list[str] = []

    def fail_second(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked = request.url.params.get("tickers")
        if asked is not None and asked not in batches:
            batches.append(asked)
        if asked is not None and batches.index(asked) == 1:
            poisonous.append(asked.split(",")[-1])
        if asked is not None and not {*poisonous}.isdisjoint(asked.split(",")):
            raise httpx.ConnectError("down")
        return rows

    with Sandbox(World(config)) as sandbox:
        settings = settings_for(sandbox.url)
        with open_session(settings) as session:
            take_snapshot(session, NOON)
        moved = query("SELECT ticker FROM markets WHERE status = 'active'")
        for (active,) in moved:
            move(sandbox, active, "closed")
        with rewritten(settings, fail_second) as failing:
            report = take_snapshot(failing, NOON + MINUTE)
        assert (report.state, report.counts["not_looked_up"], report.tally.unconfirmed) == (
            "complete",
            1,
            1,
        )
        assert "1 markets could not be looked up and are left to later runs:" in report.notes[0]
        assert query("SELECT count(*) FROM markets WHERE status = 'closed'") == [(len(moved) - 1,)]
        with open_session(settings) as session:
            take_snapshot(session, NOON + 2 * MINUTE)
        assert query("SELECT count(*) FROM markets WHERE status = 'active'") == [(0,)]


def test_market_that_changes_tiers_between_two_requests_is_not_gone(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str
) -> None:
    """The historical tier is queried again at the end, because a market may have moved there meanwhile."""
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    asked = []

    def hand_over(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.append(is_historical(request))
        if asked == [True]:
            move(sandbox, ticker, "finalized", is_archived=True)
        return rows

    with rewritten(settings_for(sandbox.url), hand_over) as moving:
        lookup = MarketLookup(moving, [ticker], first=Tier.HISTORICAL)
        found = [(answer.tier, outcome.ticker) for answer in lookup for outcome in answer.page.records]
    assert (asked, found, lookup.gone) == ([True, False, True], [(Tier.HISTORICAL, ticker)], [])


def test_exchange_that_is_down_is_not_requested_every_batch(
    sandbox: Sandbox, settings_for: SettingsFor
) -> None:
    asked = []

    def fail(request: httpx.Request, _: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.append(request.url.params["tickers"])
        raise httpx.ConnectError("down")

    tickers = [f"KXNONE-{number}" for number in range(1_000)]
    with rewritten(settings_for(sandbox.url), fail) as failing:
        lookup = MarketLookup(failing, tickers)
        assert list(lookup) == []
    assert (len(asked), len(lookup.failed), lookup.unasked, lookup.gone) == (3, 600, tickers[600:], [])


def test_market_of_the_historical_tier_alone_is_found_there(
    sandbox: Sandbox, session: Session, ticker: str, query: Query
) -> None:
    """For example after the pipeline was off for months."""
    take_snapshot(session, NOON)
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000, is_archived=True)
    take_snapshot(session, NOON + MINUTE)
    assert query(STATUS, ticker) == [("finalized", 0)]
    assert query("SELECT result, settlement_value, tier FROM settlement_history") == [
        ("yes", 1.0, "historical")
    ]


def test_market_stored_by_sync_alone_is_closed_by_sync(
    sandbox: Sandbox, session: Session, ticker: str, query: Query
) -> None:
    sync_markets(session)
    sandbox.requests.clear()
    sync_markets(session)
    assert looked_up(sandbox) == [], "what is listed is not asked for"

    move(sandbox, ticker, "closed")
    sync_markets(session)
    assert query(STATUS, ticker) == [("closed", 0)]


def test_market_outside_the_scope_is_closed_by_sync(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    with open_session(settings_for(sandbox.url, combos="include")) as session:
        sync_markets(session)
    combo = next(iter(open_markets(sandbox.url, mve_filter="only")))
    move(sandbox, combo, "closed")
    with open_session(settings_for(sandbox.url)) as session:
        sandbox.requests.clear()
        take_snapshot(session, NOON)
        assert not any(combo in asked for asked in looked_up(sandbox)), "a tick asks for its own scope only"
        sync_markets(session)
    assert query(STATUS, combo) == [("closed", 0)]
    assert query(HISTORY, combo) == []


def test_market_outside_of_some_series_is_closed_by_sync(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    with open_session(settings_for(sandbox.url)) as session:
        sync_markets(session)
    ours = query(
        "SELECT s.ticker FROM series s JOIN events e ON e.series_id = s.id JOIN markets m ON m.event_id = e.id "
        "WHERE m.ticker = ?",
        ticker,
    )[0][0]
    other = query(
        "SELECT m.ticker FROM markets m JOIN events e ON e.id = m.event_id JOIN series s ON s.id = e.series_id "
        "WHERE s.ticker <> ? AND m.status = 'active'",
        ours,
    )[0][0]
    for moved in (ticker, other):
        move(sandbox, moved, "closed")
    with open_session(settings_for(sandbox.url, series=(ours,))) as session:
        sync_markets(session)
    assert query(STATUS, ticker) == query(STATUS, other) == [("closed", 0)]


def test_exchange_that_ignores_tickers_marks_nothing_as_gone(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """An answer with other markets says nothing about the requested ones."""
    others = [{**row} for name, row in open_markets(sandbox.url).items() if name != ticker]

    def ignore(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return others if is_lookup(request) else [row for row in rows if row["ticker"] != ticker]

    take_snapshot(session, NOON)
    with rewritten(settings_for(sandbox.url), ignore) as deaf:
        report = take_snapshot(deaf, NOON + MINUTE)
    assert (report.tally.gone, report.tally.unconfirmed) == (0, 1)
    assert "the exchange ignores `tickers`" in report.notes[0]
    assert query(STATUS, ticker) == [("active", 0)]


def test_unreadable_record_marks_nothing_as_gone(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    def garble(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if is_lookup(request):
            return [{"status": "closed"}]
        return [row for row in rows if row["ticker"] != ticker]

    take_snapshot(session, NOON)
    with rewritten(settings_for(sandbox.url), garble) as other:
        report = take_snapshot(other, NOON + MINUTE)
    assert (report.is_complete, report.tally.gone, report.tally.unconfirmed) == (True, 0, 1)
    assert query("SELECT kind, count(*) FROM quarantine") == [("markets", 1)]


def test_lookups_stay_within_their_budget(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    with open_session(settings_for(sandbox.url, reconcile_requests=0)) as session:
        take_snapshot(session, NOON)
        move(sandbox, ticker, "closed")
        report = take_snapshot(session, NOON + MINUTE)
    assert (looked_up(sandbox), report.state) == ([], "complete")
    assert (report.tally.ended, report.tally.unconfirmed) == (0, 1)
    assert query(STATUS, ticker) == [("active", 0)]


def test_old_markets_are_looked_up_more_rarely_than_recent_ones(
    sandbox: Sandbox, session: Session, ticker: str
) -> None:
    """A day after its last change, a market is looked up hourly; a recently changed one at each tick."""
    take_snapshot(session, NOON)
    move(sandbox, ticker, "closed")
    for minute in (1, 2):
        sandbox.requests.clear()
        take_snapshot(session, NOON + minute * MINUTE)
        assert [ticker in asked for asked in looked_up(sandbox)] == [True]

    day = 24 * 60 * MINUTE
    with session.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE markets SET changed_at = changed_at - {day}")
    sandbox.requests.clear()
    take_snapshot(session, NOON + 3 * MINUTE)
    assert looked_up(sandbox) == []
    with session.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE market_lookups SET asked_at = asked_at - {61 * MINUTE}")
    take_snapshot(session, NOON + 4 * MINUTE)
    assert [ticker in asked for asked in looked_up(sandbox)] == [True]
