"""Listings that miss existing events or series are partial, and the looked-up ones are stored."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.outcomes import move
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session
from kalshi_pipeline_tests.store.samples import MINUTE

SettingsFor = Callable[..., Settings]
Sync = Callable[[Session], Report]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    config = WorldConfig(markets=300, combos=20, births_per_step=0, closes_per_step=0, change_share=0)
    with Sandbox(World(config)) as running:
        yield running


@pytest.fixture
def settings(sandbox: Sandbox, settings_for: SettingsFor) -> Settings:
    """All parents are stored, and a tick has listed every market."""
    settings = settings_for(sandbox.url)
    with open_session(settings) as session:
        for sync in (sync_series, sync_events):
            assert sync(session).state is State.COMPLETE
        assert take_snapshot(session, NOON).state is State.COMPLETE
    return settings


def listing_without(
    settings: Settings, sync: Sync, missed: set[str], *, are_unknown: bool = False, at: int = NOON + MINUTE
) -> Report:
    """Sync from an exchange whose listing misses some parents; it returns them by ticker unless `are_unknown`."""

    def rewrite(request: httpx.Request, body: Any) -> Any:
        name = request.url.path.rpartition("/")[2]
        if name in missed:
            return 404 if are_unknown else body
        is_listing = name in ("series", "events") and "tickers" not in request.url.params
        if not (is_listing or (are_unknown and name == "events")):
            return body
        kept = [row for row in body[name] if (row.get("event_ticker") or row["ticker"]) not in missed]
        return {**body, name: kept}

    with rewritten_session(settings, rewrite, ManualClock(at)) as session:
        return sync(session)


EVENTS = (
    "SELECT DISTINCT e.ticker FROM events e JOIN markets m ON m.event_id = e.id "
    "WHERE m.status = 'active' AND NOT m.is_combo ORDER BY 1"
)
SERIES = "SELECT ticker FROM series WHERE NOT is_placeholder ORDER BY 1"
_BOTH = pytest.mark.parametrize(
    ("sync", "asset", "known"),
    [
        pytest.param(sync_events, "events", EVENTS, id="events"),
        pytest.param(sync_series, "series", SERIES, id="series"),
    ],
)


@_BOTH
@pytest.mark.parametrize("count", [5, 6])
def test_listing_that_misses_more_than_five_is_partial(
    settings: Settings, query: Query, sync: Sync, asset: str, known: str, count: int
) -> None:
    missed = {ticker for (ticker,) in query(known)[:count]}
    report = listing_without(settings, sync, missed)
    if count == 5:
        assert (report.state, report.reason) == (State.COMPLETE, None)
    else:
        assert (report.state, report.reason) == (
            State.PARTIAL,
            f"the listing was cut short: of 6 {asset} that are missing and were requested, the exchange has 6",
        )


@_BOTH
def test_listing_may_miss_what_the_exchange_does_not_have(
    settings: Settings, query: Query, sync: Sync, asset: str, known: str
) -> None:
    missed = {ticker for (ticker,) in query(known)[:9]}
    report = listing_without(settings, sync, missed, are_unknown=True)
    assert (report.asset, report.state) == (asset, State.COMPLETE)


@_BOTH
@pytest.mark.parametrize("are_lookups_failing", [False, True], ids=["none found", "lookups fail"])
def test_listing_that_is_suddenly_empty_is_partial_until_rows_are_back(
    settings: Settings, query: Query, sync: Sync, asset: str, known: str, *, are_lookups_failing: bool
) -> None:
    """A failing exchange may return 200 with an empty list for every request."""
    [(before,)] = query(f"SELECT received - duplicates FROM listings WHERE asset = '{asset}'")

    def rewrite(request: httpx.Request, body: Any) -> Any:
        name = request.url.path.rpartition("/")[2]
        is_lookup = "tickers" in request.url.params or name not in ("series", "events")
        if is_lookup and are_lookups_failing:
            return 500
        return {**body, name: []} if name in body else 404

    for minute in (1, 2):
        with rewritten_session(settings, rewrite, ManualClock(NOON + minute * MINUTE)) as session:
            report = sync(session)
        assert report.state is State.PARTIAL
        assert report.reason is not None
        assert report.reason.startswith(
            f"the listing was cut short: it has 0 {asset}, {before:,} before, and of "
        )
        assert report.reason.endswith(" that it misses the exchange returned 0")
    assert listing_without(settings, sync, set(), at=NOON + 3 * MINUTE).state is State.COMPLETE
    assert query(f"SELECT count(*) > 5 FROM ({known})") == [(1,)]


@pytest.mark.parametrize(("count", "state"), [(5, State.COMPLETE), (6, State.PARTIAL)])
def test_listing_of_events_is_checked_before_the_first_tick(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, count: int, state: State
) -> None:
    """Against the markets that a sync has stored as open."""
    settings = settings_for(sandbox.url)
    at = sandbox.world.clock
    with rewritten_session(settings, lambda _request, body: body, ManualClock(at)) as session:
        assert sync_events(session).state is State.COMPLETE
        assert sync_markets(session).state is State.COMPLETE
    missed = {ticker for (ticker,) in query(EVENTS)[:count]}
    assert listing_without(settings, sync_events, missed, at=at + MINUTE).state is state


def test_event_that_was_to_close_since_the_tick_is_not_missed(settings: Settings, query: Query) -> None:
    [(last,)] = query("SELECT max(close_at) FROM markets")
    missed = {ticker for (ticker,) in query(f"{EVENTS.removesuffix(' ORDER BY 1')} AND m.close_at > {NOON}")}
    assert len(missed) > 5
    report = listing_without(settings, sync_events, missed, at=last)
    assert (report.state, report.reason) == (State.COMPLETE, None)


def test_event_whose_markets_have_ended_is_not_missed(
    settings: Settings, sandbox: Sandbox, query: Query
) -> None:
    """The same holds for combos, whose events `/events` never lists."""
    ended = {ticker for (ticker,) in query(EVENTS)[:9]}
    for (market,) in query(
        "SELECT m.ticker FROM markets m JOIN events e ON e.id = m.event_id WHERE e.ticker IN "
        f"({', '.join(repr(ticker) for ticker in sorted(ended))})"
    ):
        move(sandbox, market, "closed")
    with open_session(settings) as session:
        take_snapshot(session, NOON + 60_000_000)
        sandbox.requests.clear()
        assert sync_events(session).state is State.COMPLETE
    assert not any("tickers" in request.query for request in sandbox.requests)


@pytest.mark.parametrize("still_open", [0, 6])
def test_events_that_closed_ahead_of_time_since_the_tick_are_not_missed(
    settings: Settings, sandbox: Sandbox, query: Query, still_open: int
) -> None:
    """The exchange returns events forever, and events have no status, so their markets decide whether they have
    ended.
    """
    tickers = [ticker for (ticker,) in query(EVENTS)]
    ended, left_out = tickers[:9], tickers[9 : 9 + still_open]
    for (market,) in query(
        "SELECT m.ticker FROM markets m JOIN events e ON e.id = m.event_id WHERE e.ticker IN "
        f"({', '.join(map(repr, ended))})"
    ):
        move(sandbox, market, "closed")
    report = listing_without(settings, sync_events, {*ended, *left_out})
    if still_open:
        assert report.reason == (
            "the listing was cut short: of 6 events that are missing and were requested, the exchange has 6"
        )
    else:
        assert (report.state, report.reason) == (State.COMPLETE, None)


@pytest.mark.parametrize("narrow", ["tick", "listing"])
def test_event_is_missed_if_both_the_tick_and_the_listing_cover_it(
    settings: Settings, settings_for: SettingsFor, sandbox: Sandbox, query: Query, narrow: str
) -> None:
    """A tick does not cover other series, and a listing of one series does not show others."""
    of_series = "SELECT e.ticker FROM events e JOIN series s ON s.id = e.series_id WHERE s.ticker = '{}'"
    [(series, _), *_] = query(
        "SELECT s.ticker, count(DISTINCT e.id) FROM series s JOIN events e ON e.series_id = s.id "
        "JOIN markets m ON m.event_id = e.id WHERE NOT m.is_combo GROUP BY 1 ORDER BY 2 DESC"
    )
    of_one_series = settings_for(settings.api_url, series=series)
    if narrow == "tick":
        with open_session(of_one_series) as session:
            assert take_snapshot(session, NOON + 1).state is State.COMPLETE
    covered = {ticker for (ticker,) in query(of_series.format(series))}
    everything = {ticker for (ticker,) in query("SELECT ticker FROM events")}
    sandbox.requests.clear()
    listing_without(settings if narrow == "tick" else of_one_series, sync_events, everything)
    asked = {
        ticker
        for request in sandbox.requests
        for ticker in request.query.get("tickers", "").split(",")
        if request.path == "/events"
    }
    assert set() < asked - {""} <= covered < everything
