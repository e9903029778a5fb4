"""Records that were not requested are counted, but not stored."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import Any

import httpx
import pytest

from kalshi_pipeline.cli.reports import report_line
from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.errors import PaginationError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.parents.lookup import MarketLookup
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import parse_instant
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session
from kalshi_pipeline_tests.ingest.small_exchange import SmallExchange, event, market, served, trade

SettingsFor = Callable[..., Settings]
NOON = parse_instant("2026-11-22T12:00:00Z") or 0
MIXED = [
    market("KXA-26-T1", "KXA-26"),
    market("KXB-26-T1", "KXB-26"),
    {**market("KXA-25-OLD", "KXA-25"), "status": "finalized", "result": "yes"},
    market("KXMVE-S1", "KXMVE-S", "KXMVE-R"),
]
EVENTS = [event("KXA-26", "KXA"), event("KXB-26", "KXB"), event("KXA-25", "KXA")]


def assert_counts_add_up(report: Report) -> None:
    tally = report.tally
    stored = tally.inserted + tally.changed + tally.unchanged
    assert tally.received == stored + tally.quarantined + tally.duplicates + tally.out_of_scope


def test_filters_that_are_ignored_are_not_believed(settings_for: SettingsFor, query: Query) -> None:
    """One of four markets is finalized, and one is a combo: they are too few to stop the walk."""
    with served(SmallExchange(EVENTS, MIXED, [])) as url, open_session(settings_for(url)) as session:
        report = take_snapshot(session, NOON)
        again = sync_markets(session)
    for table in ("markets", "latest_prices", "price_history"):
        assert query(f"SELECT ticker FROM {table} ORDER BY 1") == [("KXA-26-T1",), ("KXB-26-T1",)]
    for one in (report, again):
        assert (one.state, one.tally.received, one.tally.out_of_scope) == (State.COMPLETE, 4, 2)
        assert one.notes == ["records that were not requested were omitted: 1 by `status`, 1 by `mve_filter`"]
        assert ", 2 out of scope, " in report_line(one)
        assert run_metadata(one)["out_of_scope"] == 2
        assert_counts_add_up(one)
    assert query("SELECT received, out_of_scope FROM listings WHERE asset = 'markets'") == [(4, 2)]


def test_nothing_is_reported_if_everything_was_requested(settings_for: SettingsFor) -> None:
    """Except for zeros in a snapshot's metadata, which are plotted."""
    with served(SmallExchange(EVENTS, MIXED[:2], [])) as url, open_session(settings_for(url)) as session:
        report, synced = take_snapshot(session, NOON), sync_markets(session)
    assert report.notes == []
    for name in ("out_of_scope", "ended", "gone", "paused", "unconfirmed"):
        assert name not in report_line(report)
        assert run_metadata(report)[name] == 0
        assert name not in run_metadata(synced)


def test_what_comes_beside_paused_markets_is_counted_once(settings_for: SettingsFor, query: Query) -> None:
    """Open markets that are also in the listing of open ones are not counted again."""
    missed = market("KXA-26-T9", "KXA-26")
    paused = {**market("KXA-26-T2", "KXA-26"), "status": "inactive"}

    def answer(request: httpx.Request, body: Any) -> Any:
        match request.url.params.get("status"):
            case "open" if request.url.path.endswith("/markets"):
                return {"markets": MIXED[:3], "cursor": ""}
            case "paused":
                return {"markets": [*MIXED, missed, paused], "cursor": ""}
            case _:
                return body

    exchange = SmallExchange(EVENTS, [*MIXED, missed, paused], [])
    with served(exchange) as url, rewritten_session(settings_for(url), answer) as session:
        report = take_snapshot(session, NOON)
    # The finalized market in both listings, and the combo and the open market that only the second one has.
    assert (report.state, report.tally.received, report.tally.out_of_scope) == (State.COMPLETE, 6, 3)
    assert report.tally.paused == 1
    assert_counts_add_up(report)
    assert query("SELECT received, out_of_scope FROM ticks") == [(6, 3)]
    assert query("SELECT ticker FROM price_history ORDER BY 1") == [
        ("KXA-26-T1",),
        ("KXA-26-T2",),
        ("KXB-26-T1",),
    ]


@pytest.mark.parametrize(
    "sync",
    [
        pytest.param(lambda session: take_snapshot(session, NOON + 60_000_000), id="for a page of markets"),
        pytest.param(sync_events, id="as a check of a listing"),
        pytest.param(sync_markets, id="for placeholders"),
    ],
)
def test_what_comes_beside_events_that_are_looked_up_is_counted(
    settings_for: SettingsFor, query: Query, sync: Callable[[Session], Report]
) -> None:
    def add_another(request: httpx.Request, body: Any) -> Any:
        if not request.url.path.endswith("/events"):
            return body
        return {"events": [*EVENTS[:2], event("KXC-26", "KXC")] if "tickers" in request.url.params else []}

    exchange = SmallExchange([], MIXED[:1], [])
    lookups = 0 if sync is sync_markets else 9
    with served(exchange) as url:
        with open_session(settings_for(url, event_lookups=lookups)) as session:
            take_snapshot(session, NOON)  # its event is a placeholder now
        exchange.markets = MIXED[:2] if sync not in (sync_events, sync_markets) else MIXED[:1]
        with rewritten_session(settings_for(url, event_lookups=lookups), add_another) as session:
            report = sync(session)
    assert (report.state, report.tally.out_of_scope) == (State.COMPLETE, 2)
    assert_counts_add_up(report)
    assert query("SELECT ticker FROM events WHERE ticker = 'KXC-26'") == []
    assert query(
        "SELECT out_of_scope FROM ticks WHERE id = 2 UNION ALL SELECT out_of_scope FROM listings"
    ) == [(2,)]


def test_market_that_is_listed_although_it_ended_is_not_listed(
    settings_for: SettingsFor, query: Query
) -> None:
    exchange = SmallExchange(EVENTS, MIXED[:2], [])
    with served(exchange) as url, open_session(settings_for(url)) as session:
        take_snapshot(session, NOON)
        exchange.markets[0] = {**MIXED[0], "status": "finalized", "result": "yes"}
        report = take_snapshot(session, NOON + 60_000_000)
    assert (report.tally.out_of_scope, report.tally.ended) == (1, 1)
    assert query("SELECT ticker, status FROM markets ORDER BY 1") == [
        ("KXA-26-T1", "finalized"),
        ("KXB-26-T1", "active"),
    ]


@pytest.mark.parametrize(
    ("ignored", "why"),
    [
        pytest.param("status", "it ignores the filter `status`", id="status"),
        pytest.param("mve_filter", "it ignores the filter `mve_filter`", id="combos"),
        pytest.param("series_ticker", "it ignores the filter `series_ticker`", id="series"),
    ],
)
def test_snapshot_of_what_was_not_requested_is_partial(
    settings_for: SettingsFor, query: Query, ignored: str, why: str
) -> None:
    """The requested records of the first pages are stored."""
    config = WorldConfig(markets=1_200, combos=400, past_share=1.0)
    with Sandbox(World(config)) as sandbox:
        wanted = open_markets(sandbox.url, mve_filter="exclude")
        series = next(iter(wanted)).split("-")[0] if ignored == "series_ticker" else ""
        sandbox.faults = Faults(ignored=(ignored,), paths=("/markets",))
        with open_session(settings_for(sandbox.url, series=series, event_lookups=100)) as session:
            report = take_snapshot(session, NOON)
    assert report.state is State.PARTIAL
    assert report.reason is not None
    assert why in report.reason
    assert report.tally.out_of_scope > 20
    assert_counts_add_up(report)
    stored = {ticker for (ticker,) in query("SELECT ticker FROM markets")}
    assert len(stored) > 0
    assert stored <= wanted.keys()
    if series:
        assert query("SELECT DISTINCT ticker FROM series") == [(series,)]
    assert query("SELECT state, reason FROM ticks") == [("partial", report.reason)]


def test_series_is_known_by_the_event_and_never_by_the_ticker(
    settings_for: SettingsFor, query: Query
) -> None:
    """A market of an unknown event passes the check."""
    markets = [
        market("KXA-26-T1", "KXA-26"),
        market("OLD-NAME-T1", "OLD-NAME"),
        market("KXA-LIKE-T1", "KXA-LIKE"),
        market("KXA-NEW-T1", "KXA-NEW"),
        market("UNKNOWN-T1", "UNKNOWN"),
    ]
    events = [event("KXA-26", "KXA"), event("OLD-NAME", "KXA"), event("KXA-LIKE", "KXALIKE")]
    exchange = SmallExchange([*events, event("KXA-NEW", "KXNEW")], markets, [])
    with served(exchange) as url:
        with open_session(settings_for(url)) as session:
            exchange.markets = markets[:3]
            sync_markets(session)  # three of the events are stored now, the others are fetched
        exchange.markets = markets
        with open_session(settings_for(url, series="KXA")) as session:
            report = take_snapshot(session, NOON)
    assert query("SELECT ticker FROM price_history ORDER BY 1") == [
        ("KXA-26-T1",),
        ("OLD-NAME-T1",),
        ("UNKNOWN-T1",),
    ]
    assert query("SELECT ticker FROM events WHERE ticker = 'KXA-NEW'") == []
    assert (report.state, report.tally.received, report.tally.out_of_scope) == (State.COMPLETE, 5, 2)
    assert report.notes[0] == "records that were not requested were omitted: 2 by `series_ticker`"
    assert_counts_add_up(report)


def test_events_and_settlements_of_other_series_are_left_out(settings_for: SettingsFor, query: Query) -> None:
    """Their settlements move no watermark."""
    old = {"status": "finalized", "result": "yes", "settlement_ts": "2026-11-01T00:00:00Z"}
    newer = {**old, "settlement_ts": "2026-11-02T00:00:00Z"}
    markets = [
        {**market("KXA-26-T1", "KXA-26"), **old},
        {**market("KXB-26-T1", "KXB-26"), **newer},
        market("KXA-25-T1", "KXA-25"),
    ]
    with (
        served(SmallExchange(EVENTS, markets, [])) as url,
        open_session(settings_for(url, series="KXA")) as session,
    ):
        events, settlements = sync_events(session), sync_settlements(session)
    assert query("SELECT ticker FROM events ORDER BY 1") == [("KXA-25",), ("KXA-26",)]
    assert (events.tally.received, events.tally.out_of_scope) == (3, 1)
    assert query("SELECT ticker FROM settlement_history") == [("KXA-26-T1",)]
    assert (settlements.state, settlements.tally.received, settlements.tally.out_of_scope) == (
        State.COMPLETE,
        3,
        2,
    )
    assert query("SELECT newest_at, received FROM backfill_progress") == [
        (parse_instant("2026-11-01T00:00:00Z"), 3)
    ]
    for report in (events, settlements):
        assert_counts_add_up(report)


def test_day_whose_trades_are_of_other_days_too_is_partial(settings_for: SettingsFor, query: Query) -> None:
    """Its only page has some trades of the day, so it is not an error, but it does not make the day complete."""
    of_the_day = [trade(number, "KXA-26-T1") for number in range(40)]
    others = [
        {**trade(number, "KXA-26-T1"), "created_time": f"2026-11-19T10:00:{number:02d}Z"}
        for number in range(40, 60)
    ]
    exchange = SmallExchange(EVENTS, MIXED, [*of_the_day, *others])

    def collect() -> Report:
        with served(exchange) as url, open_session(settings_for(url)) as session:
            return collect_trades(session, date(2026, 11, 20))

    report = collect()
    assert (report.state, report.tally.inserted, report.tally.out_of_scope) == (State.COMPLETE, 40, 20)
    exchange.trades += [{**others[0], "trade_id": "00000000-0000-0000-0000-000000000099"}]
    with served(exchange) as url, open_session(settings_for(url)) as session:
        report = collect_trades(session, date(2026, 11, 20), again=True)
    assert (report.state, report.tally.unchanged, report.tally.out_of_scope) == (State.PARTIAL, 40, 21)
    assert report.reason == (
        "the exchange returned 21 of 61 records that were not requested (21 by `min_ts`): it ignores the filter "
        "`min_ts`; check whether its API has changed"
    )
    assert query("SELECT state FROM listings ORDER BY id") == [("complete",), ("partial",)]
    assert_counts_add_up(report)


def test_lookup_finds_what_was_requested_among_others(settings_for: SettingsFor) -> None:
    """A market missing from such an answer may exist, so it is not gone."""
    markets = [market(f"KXA-26-T{number}", "KXA-26") for number in range(4)]

    def ignore(request: httpx.Request, answer: Any) -> Any:
        is_lookup = "tickers" in request.url.params and request.url.path.endswith("/markets")
        return {"markets": markets, "cursor": ""} if is_lookup else answer

    with (
        served(SmallExchange(EVENTS, markets, [])) as url,
        rewritten_session(settings_for(url), ignore) as session,
    ):
        lookup = MarketLookup(session, ["KXA-26-T1", "KXA-26-T9"])
        found = [outcome.ticker for answer in lookup for outcome in answer.page.records]
    assert (found, lookup.gone, [*lookup.failed]) == (["KXA-26-T1"], [], ["KXA-26-T9"])
    assert "may exist" in lookup.why_missing("KXA-26-T9")


def test_other_books_are_left_out(sandbox: Sandbox, settings_for: SettingsFor, query: Query) -> None:
    first, second = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:2]
    url = f"{sandbox.url}/markets/orderbooks"
    both = plain_http.get(url, params={"tickers": [first, second]}).json()

    def ignore(request: httpx.Request, answer: Any) -> Any:
        return both if request.url.path.endswith("/orderbooks") else answer

    with rewritten_session(settings_for(sandbox.url, order_book_markets=first), ignore) as session:
        report = take_order_books(session)
    assert (report.state, report.tally.received, report.tally.out_of_scope) == (State.COMPLETE, 2, 1)
    assert query("SELECT DISTINCT ticker FROM order_book_history") == [(first,)]
    assert_counts_add_up(report)


# Walks in circles.


def test_snapshot_in_circles_ends_as_partial(settings_for: SettingsFor, query: Query) -> None:
    """Its first page is stored. Repeated records do not count as progress."""
    lines: list[str] = []
    with Sandbox(World(WorldConfig(markets=1_200, past_share=0.0))) as sandbox:
        sandbox.faults = Faults(ignored=("cursor",))
        settings = settings_for(sandbox.url)
        with (
            closing(Database(settings.database_url)) as database,
            KalshiClient(sandbox.url, requests_per_second=1000) as client,
        ):
            report = take_snapshot(Session(client, database, settings, lines.append), NOON)
    assert isinstance(report.error, PaginationError)
    assert "ignores the cursor" in str(report.error)
    assert query("SELECT state, pages, received, inserted, duplicates FROM ticks") == [
        ("partial", 21, 21_000, 1_000, 20_000)
    ]
    assert lines[-1] == "price_snapshots: 21 pages, 1,000 records"


def test_rows_that_are_stored_already_are_no_repeats(settings_for: SettingsFor) -> None:
    with (
        Sandbox(World(WorldConfig(markets=24_000, past_share=0.0))) as sandbox,
        open_session(settings_for(sandbox.url, windows=1)) as session,
    ):
        take_snapshot(session, NOON)
        report = take_snapshot(session, NOON + 60_000_000)
    assert (report.state, report.tally.pages, report.tally.unchanged) == (State.COMPLETE, 25, 24_000)
