"""Listing markets in windows gives the rows of a serial listing, or falls back to one with a note."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from kalshi_pipeline.errors import DeadlineError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.exchange.windows import Window
from kalshi_pipeline.ingest.parents.market_pages import known_windows
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.monitoring.window_comparison import compare_listings
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets, quote_of, stored_quote

SettingsFor = Callable[..., Settings]
NOON = parse_instant("2026-11-22T12:00:00Z") or 0
MINUTE = 60 * MICROS_PER_SECOND


@pytest.fixture
def wide() -> Iterator[Sandbox]:
    """An exchange of several pages, on which four windows make sense."""
    with Sandbox(World(WorldConfig(markets=4_300, combos=100, change_share=0.1, past_share=0.0))) as running:
        yield running


@pytest.fixture
def session(wide: Sandbox, settings_for: SettingsFor) -> Iterator[Session]:
    with open_session(settings_for(wide.url, windows=4)) as opened:
        yield opened


def latest(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM latest_prices WHERE NOT is_terminal").fetchall()
    return {row["ticker"]: stored_quote(dict(row)) for row in rows}


def listed(sandbox: Sandbox) -> dict[str, object]:
    markets = open_markets(sandbox.url, mve_filter="exclude")
    return {ticker: quote_of(market) for ticker, market in markets.items()}


def test_first_listing_is_serial_and_the_next_in_windows(
    session: Session, wide: Sandbox, database_path: Path, query: Query
) -> None:
    first = take_snapshot(session, NOON)
    wide.world.step()
    second = take_snapshot(session, NOON + MINUTE)

    assert (first.windows, second.windows) == (1, 4)
    assert (second.state, second.notes) == (State.COMPLETE, [])
    assert latest(database_path) == listed(wide)
    assert query("SELECT windows, state FROM ticks ORDER BY id") == [(1, "complete"), (4, "complete")]


def test_windows_hold_about_equally_many_markets(session: Session, wide: Sandbox) -> None:
    take_snapshot(session, NOON)
    windows = known_windows(session)
    created = [
        parse_instant(str(market["created_time"])) or 0
        for market in open_markets(wide.url, mve_filter="exclude").values()
    ]

    def holds(window: Window, at: int) -> bool:
        second = at // MICROS_PER_SECOND
        return (window.since is None or second >= window.since) and (
            window.until is None or second < window.until
        )

    counts = [sum(holds(window, at) for at in created) for window in windows]
    assert sum(counts) == 4_300
    assert all(0.8 * 4_300 / 4 < count < 1.2 * 4_300 / 4 for count in counts)


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        pytest.param(Faults(created_filter="refused"), "refuses them", id="refused"),
        pytest.param(Faults(created_filter="ignored"), "outside its window", id="ignored"),
        pytest.param(Faults(created_skew_seconds=86_400), "outside its window", id="clock ahead"),
        pytest.param(Faults(created_skew_seconds=-86_400), "outside its window", id="clock behind"),
    ],
)
def test_failing_windows_fall_back_to_one_walk(
    session: Session, wide: Sandbox, database_path: Path, query: Query, faults: Faults, why: str
) -> None:
    take_snapshot(session, NOON)
    wide.world.step()
    wide.faults = faults
    report = take_snapshot(session, NOON + MINUTE)

    assert (report.state, report.windows) == (State.COMPLETE, 1)
    (note,) = report.notes
    assert note.startswith("markets were listed in a single walk instead of windows")
    assert why in note
    wide.faults = Faults()
    assert latest(database_path) == listed(wide)
    assert query("SELECT windows FROM ticks ORDER BY id DESC LIMIT 1") == [(1,)]


@pytest.mark.parametrize("seconds", [0, 1, 5], ids=["one instant", "one second", "five seconds"])
def test_markets_of_one_moment_are_listed_all(
    settings_for: SettingsFor, database_path: Path, seconds: float
) -> None:
    """Bounds are whole seconds and exclusive, but a market created exactly at a bound must also be in a window."""
    world = World(WorldConfig(markets=3_000, created_within_seconds=seconds, past_share=0.0))
    with Sandbox(world) as sandbox, open_session(settings_for(sandbox.url)) as session:
        reports = [take_snapshot(session, NOON + minute * MINUTE) for minute in range(2)]
        assert all(report.is_complete for report in reports)
        assert [report.tally.ended for report in reports] == [0, 0]
        assert latest(database_path) == listed(sandbox)


def test_few_markets_are_not_worth_windows(sandbox: Sandbox, settings_for: SettingsFor) -> None:
    """A window has at least a page, so 2,200 markets make two, however many are allowed."""
    with open_session(settings_for(sandbox.url, windows=8)) as session:
        sync_markets(session)
        assert len(known_windows(session)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"windows": 1}, id="one walk is asked for"),
        pytest.param({"series": ("KXA",)}, id="some series"),
        pytest.param({"combos": "only"}, id="no combo is stored"),
    ],
)
def test_scope_without_windows(
    session: Session, wide: Sandbox, settings_for: SettingsFor, changes: dict[str, object]
) -> None:
    take_snapshot(session, NOON)
    assert len(known_windows(session)) == 4
    with open_session(settings_for(wide.url, **changes)) as narrow:
        assert known_windows(narrow) == []


def test_market_born_during_the_walk_is_in_the_next(
    wide: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """Listings are newest first and cursors are keys, so new markets lie before every window's first page."""

    class SteppingOnce(httpx.BaseTransport):
        """Steps the world after the first page of markets."""

        def __init__(self) -> None:
            self._transport = plain_http.open_transport()
            self._is_done = False

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = self._transport.handle_request(request)
            response.read()
            if request.url.path.endswith("/markets") and not self._is_done:
                self._is_done = True
                wide.world.step()
            return response

        def close(self) -> None:
            self._transport.close()

    settings = settings_for(wide.url, windows=4)
    with closing(Database(settings.database_url)) as database:
        for minute in range(2):
            with KalshiClient(wide.url, requests_per_second=1000, transport=SteppingOnce()) as client:
                report = take_snapshot(
                    Session(client, database, settings, lambda _: None), NOON + minute * MINUTE
                )
            assert report.is_complete
        with KalshiClient(wide.url, requests_per_second=1000) as client:
            take_snapshot(Session(client, database, settings, lambda _: None), NOON + 2 * MINUTE)
    open_now = set(open_markets(wide.url, mve_filter="exclude"))
    stored = {ticker for (ticker,) in query("SELECT ticker FROM latest_prices WHERE NOT is_terminal")}
    assert stored == open_now
    assert query("PRAGMA foreign_key_check") == []


def test_cut_walk_in_windows_continues_where_it_was_cut(
    wide: Sandbox, settings_for: SettingsFor, database_path: Path, query: Query
) -> None:
    """The repeated tick ends with the rows of an undisturbed one."""
    with open_session(settings_for(wide.url, windows=4)) as session:
        take_snapshot(session, NOON)
    wide.world.step()
    wide.faults = Faults(unreachable_after=2)
    with (
        open_session(settings_for(wide.url, windows=4)) as session,
        contextlib.suppress(Exception),
    ):
        take_snapshot(session, NOON + MINUTE)
    ((state, pages),) = query("SELECT state, pages FROM ticks WHERE id = 2")
    assert (state, pages <= 2) == ("partial" if pages else "failed", True)
    assert query("SELECT count(*) FROM price_snapshots WHERE is_terminal") == [(0,)]

    wide.faults = Faults()
    with open_session(settings_for(wide.url, windows=4)) as session:
        report = take_snapshot(session, NOON + MINUTE)
    assert report.is_complete
    assert latest(database_path) == listed(wide)


def test_slow_exchange_ends_as_a_partial_tick_that_says_why(settings_for: SettingsFor, query: Query) -> None:
    """Each page takes a third of the time that the whole walk may take."""
    clock = ManualClock(NOON)

    async def pause(seconds: float) -> None:
        clock.sleep(seconds)

    with Sandbox(World(WorldConfig(markets=4_300, past_share=0.0)), pause=pause, now=clock.seconds) as slow:
        with open_session(settings_for(slow.url), clock=clock) as session:
            assert take_snapshot(session, NOON).is_complete
        slow.faults = Faults(latency_seconds=100, paths=("/markets",))
        settings = settings_for(slow.url, windows=2, walk_seconds=300, timeout_seconds=600)
        with open_session(settings, clock=clock) as session:
            assert isinstance(take_snapshot(session, NOON + MINUTE).error, DeadlineError)
    ((state, pages, reason),) = query("SELECT state, pages, reason FROM ticks WHERE id = 2")
    assert (state, pages in (1, 2, 3)) == ("partial", True)
    assert reason.startswith("/markets was not walked within KALSHI_WALK_SECONDS=300")
    assert query("SELECT count(*) FROM price_snapshots WHERE is_terminal") == [(0,)]


def test_listings_that_agree_pass_their_check(session: Session) -> None:
    take_snapshot(session, NOON)
    finding = compare_listings(session)
    assert finding.passed
    assert finding.text == "4,300 markets in 4 windows, none missing"


def test_windows_that_lose_a_market_fail_their_check(wide: Sandbox, settings_for: SettingsFor) -> None:
    """An exchange whose windows omit rows at their bounds, by more than the overlap."""

    class Forgetful(httpx.BaseTransport):
        """Requests windows that begin a day late."""

        def __init__(self) -> None:
            self._transport = plain_http.open_transport()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if since := request.url.params.get("min_created_ts"):
                url = request.url.copy_set_param("min_created_ts", str(int(since) + 86_400))
                request = httpx.Request("GET", url, headers=request.headers)
            return self._transport.handle_request(request)

        def close(self) -> None:
            self._transport.close()

    settings = settings_for(wide.url, windows=4)
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(wide.url, requests_per_second=1000, transport=Forgetful()) as client,
    ):
        session = Session(client, database, settings, lambda _: None)
        take_snapshot(session, NOON)
        finding = compare_listings(session)
    assert not finding.passed
    assert finding.numbers["lost"] == finding.numbers["serial"] - finding.numbers["windowed"] > 0
    assert finding.text.endswith("set KALSHI_WINDOWS=1")


def test_failing_windows_fail_their_check(session: Session, wide: Sandbox) -> None:
    take_snapshot(session, NOON)
    wide.faults = Faults(created_filter="refused")
    finding = compare_listings(session)
    assert not finding.passed
    assert "windows fail, and a single walk replaces them" in finding.text


def test_nothing_is_compared_where_there_is_one_walk(session: Session) -> None:
    assert (
        compare_listings(session).text == "markets are listed in a single walk: there is nothing to compare"
    )


def test_cut_listing_proves_nothing(session: Session, wide: Sandbox, settings_for: SettingsFor) -> None:
    take_snapshot(session, NOON)
    with open_session(settings_for(wide.url, windows=4, max_pages=2)) as capped:
        finding = compare_listings(capped)
    assert not finding.passed
    assert "KALSHI_MAX_PAGES=2" in finding.text
