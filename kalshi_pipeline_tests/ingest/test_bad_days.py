"""Refused, truncated and late answers lose as little as possible, and the report names them."""

from collections.abc import Callable

import httpx
import pytest

from kalshi_pipeline.defs.metadata import run_metadata
from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.event_metadata import sync_event_metadata
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.sandbox.http.limits import RateLimit, TokenBucket
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.outcomes import move

SettingsFor = Callable[..., Settings]
MINUTE = 60_000_000


# The waiting time of a run.


def late_exchange(clock: ManualClock, retry_after: str) -> Sandbox:
    """A small exchange whose first answer to each listing of markets has a Retry-After."""
    config = WorldConfig(markets=20, combos=0)
    shown = Faults(fail_first=1, retry_after=retry_after, paths=("/markets",))
    return Sandbox(World(config), faults=shown, now=clock.seconds)


@pytest.mark.parametrize("retry_after", ["60", "Sun, 22 Nov 2026 12:01:00 GMT"], ids=["seconds", "date"])
def test_snapshot_waits_as_long_as_the_exchange_asks(
    settings_for: SettingsFor, query: Query, retry_after: str
) -> None:
    clock, lines = ManualClock(), list[str]()
    with (
        late_exchange(clock, retry_after) as sandbox,
        open_session(settings_for(sandbox.url, retry_seconds=5), lines.append, clock=clock) as session,
    ):
        report = take_snapshot(session, NOON, 300)
    assert report.state == State.COMPLETE
    assert query("SELECT count(*) FROM price_snapshots") == [(20,)]
    assert [line for line in lines if line.startswith("waiting for the exchange: 50 s to go")]
    assert clock.monotonic() == pytest.approx(60 if "GMT" in retry_after else 120, abs=1.5)


@pytest.mark.parametrize(
    ("period_seconds", "is_taken"),
    [(60, False), (120, True), (None, True)],
    ids=["until its next tick", "within its period", "manual"],
)
def test_snapshot_waits_until_its_next_tick_at_most(
    settings_for: SettingsFor, period_seconds: float | None, is_taken: bool
) -> None:
    """A manual snapshot waits for KALSHI_WALK_SECONDS. A run that cannot wait fails immediately, and names the time to
    return.
    """
    clock = ManualClock()
    with (
        late_exchange(clock, "70") as sandbox,
        open_session(settings_for(sandbox.url, retry_seconds=600), clock=clock) as session,
    ):
        if is_taken:
            assert take_snapshot(session, NOON, period_seconds).tally.inserted == 20
            return
        with pytest.raises(
            TransientExchangeError, match=r"asks to wait 70 s, until 2026-11-22 12:01:10 UTC: check that"
        ):
            take_snapshot(session, NOON, period_seconds)
        assert clock.monotonic() < 1


def test_fetching_one_market_waits_too(settings_for: SettingsFor) -> None:
    clock = ManualClock()
    with (
        late_exchange(clock, "45") as sandbox,
        open_session(settings_for(sandbox.url), clock=clock) as session,
    ):
        ticker = httpx.get(f"{sandbox.url}/markets", params={"limit": 1, "status": "open"})
        assert ticker.status_code == 503
        ticker = httpx.get(f"{sandbox.url}/markets", params={"limit": 1, "status": "open"})
        assert fetch_market(session, ticker.json()["markets"][0]["ticker"]).is_listed
    assert 45 <= clock.monotonic() < 47


def test_sync_before_a_snapshot_does_not_wait_past_its_tick(settings_for: SettingsFor) -> None:
    """In a collector, the waits of the syncs end with the tick; each request still has a short retry time."""
    clock = ManualClock()
    with (
        late_exchange(clock, "90") as sandbox,
        open_session(settings_for(sandbox.url, retry_seconds=5), clock=clock) as session,
    ):
        sandbox.faults = Faults(fail_first=1, retry_after="90", paths=("/series",))
        with (
            session.client.waiting_at_most(60),
            pytest.raises(TransientExchangeError, match="asks to wait 90 s"),
        ):
            sync_series(session)
        assert clock.monotonic() < 1


# The number of requests.


@pytest.mark.parametrize("burst", [1, 4, 60], ids=["none saved up", "a second", "as documented"])
def test_tick_of_120_pages_ends_within_the_minute_at_four_requests_a_second(burst: int) -> None:
    """With the default of 15, refusals teach the limit, and each costs a second or two."""
    clock = ManualClock()
    bucket = TokenBucket(RateLimit(4, burst), clock.monotonic)

    def answer(request: httpx.Request) -> httpx.Response:
        if not bucket.take():
            return httpx.Response(429, json={"error": {"code": "too_many_requests"}})
        page = int(request.url.params.get("cursor") or 0) + 1
        rows = [
            {
                "ticker": f"{request.url.params['series_ticker']}-{page}",
                "event_ticker": "E",
                "status": "active",
            }
        ]
        return httpx.Response(200, json={"markets": rows, "cursor": str(page) if page < 15 else ""})

    with KalshiClient(
        "http://exchange.test/v2", clock=clock, retry_seconds=30, transport=httpx.MockTransport(answer)
    ) as client:
        listing = client.list_markets(
            status=StatusFilter.OPEN,
            mve_filter=None,
            series=[f"S{number}" for number in range(8)],
            at_once=8,
            max_pages=None,
            walk_seconds=60,
        )
        assert sum(len(page.records) for page in listing) == 120
        assert clock.monotonic() < 60
        assert client.requests_per_second < 8


def test_refusals_are_counted_and_the_limit_in_force_is_in_the_metadata(settings_for: SettingsFor) -> None:
    clock = ManualClock()
    with (
        Sandbox(World(WorldConfig(markets=20, combos=0)), now=clock.seconds) as sandbox,
        open_session(
            settings_for(sandbox.url, requests_per_second=16, retry_seconds=60), clock=clock
        ) as session,
    ):
        sandbox.faults = Faults(too_many=0.7, paths=("/markets",))
        report = take_snapshot(session, NOON)
    assert report.state == State.COMPLETE
    assert report.too_many > 0
    metadata = run_metadata(report)
    assert (metadata["too_many"], metadata["requests_per_second"]) == (
        report.too_many,
        report.requests_per_second,
    )
    assert report.requests_per_second is not None
    assert 0.5 <= report.requests_per_second < 16
    assert f"{report.too_many} requests were refused as too many (429): the request limit is now" in "".join(
        report.notes
    )


def test_limit_that_cannot_be_shared_is_noted_and_costs_nothing(
    settings_for: SettingsFor, sandbox: Sandbox
) -> None:
    with open_session(settings_for(sandbox.url)) as session:
        file = session.database.limit_file
        file.unlink(missing_ok=True)
        file.mkdir()
        report = sync_series(session)
    assert report.is_complete
    assert any(
        note.startswith("the request limit is not shared with other processes") for note in report.notes
    )


# Too long or too large requests.


def test_lookups_pass_a_gateway_of_short_urls(settings_for: SettingsFor, query: Query) -> None:
    """400 markets leave the listing; batches are halved until the gateway takes them."""
    with Sandbox(World(WorldConfig(markets=400, combos=0, births_per_step=0, change_share=0))) as sandbox:
        with open_session(settings_for(sandbox.url)) as session:
            take_snapshot(session, NOON)
        for (ticker,) in query("SELECT ticker FROM markets WHERE status = 'active'"):
            move(sandbox, ticker, "closed")
        sandbox.faults = Faults(longest_url=900)
        with open_session(settings_for(sandbox.url)) as session:
            report = take_snapshot(session, NOON + MINUTE)
    assert (report.state, report.counts["not_looked_up"]) == (State.COMPLETE, 0)
    assert query("SELECT count(*) FROM markets WHERE status = 'active'") == [(0,)]


def test_pages_that_are_refused_are_read_in_smaller_ones_and_noted(
    settings_for: SettingsFor, query: Query
) -> None:
    with Sandbox(World(WorldConfig(markets=2_600, combos=0, closes_per_step=0))) as sandbox:
        with open_session(settings_for(sandbox.url)) as session:
            take_snapshot(session, NOON)
        sandbox.faults = Faults(largest_page=300)
        with open_session(settings_for(sandbox.url)) as session:
            report = take_snapshot(session, NOON + MINUTE)
    assert report.state == State.COMPLETE
    assert query("SELECT count(*) FROM latest_quotes WHERE NOT is_terminal") == [(2_600,)]
    assert report.notes[0].startswith("markets were listed in a single walk instead of windows")
    assert report.notes[1] == "/markets was read in pages of 250: larger ones are refused"
    assert "pages of 250" in str(run_metadata(report)["notes"])


# One that fails.


def failing_event(query: Query, *, of_combos: bool) -> str:
    is_combo = "event_ticker LIKE 'KXMVE%'" if of_combos else "event_ticker NOT LIKE 'KXMVE%'"
    return str(
        query(f"SELECT ticker FROM events WHERE {is_combo.replace('event_ticker', 'ticker')} ORDER BY id")[0][
            0
        ]
    )


@pytest.mark.parametrize("of_combos", [False, True], ids=["of a batch", "one by one"])
def test_event_that_fails_does_not_stop_the_filling_of_the_others(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, of_combos: bool
) -> None:
    """It is noted, and the next run requests it last."""
    given = {"combos": "include", "event_lookups": 0}
    with open_session(settings_for(sandbox.url, **given, healing_requests=0)) as session:
        sync_markets(session)
    poison = failing_event(query, of_combos=of_combos)
    sandbox.faults = Faults(failing=(poison,), not_offered=("/events/multivariate",))
    with open_session(settings_for(sandbox.url, **given)) as session:
        report = sync_markets(session)
    assert query("SELECT ticker FROM events WHERE is_placeholder") == [(poison,)]
    assert any(f"1 placeholders could not be fetched ({poison})" in note for note in report.notes)
    assert query(
        "SELECT count(*) FROM event_lookups JOIN events ON id = event_id WHERE ticker = ?", poison
    ) == [(1,)]


def test_series_that_fails_does_not_stop_the_filling_of_the_others(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    with open_session(settings_for(sandbox.url)) as session:
        sync_events(session)
        poison = str(query("SELECT ticker FROM series WHERE NOT is_placeholder ORDER BY id")[0][0])
        with session.database.begin() as connection:
            connection.exec_driver_sql("UPDATE series SET is_placeholder = 1, title = NULL")
        sandbox.faults = Faults(failing=(poison,), not_offered=("/series",))
        report = sync_events(session)
    assert query("SELECT ticker FROM series WHERE is_placeholder") == [(poison,)]
    assert any(poison in note for note in report.notes)


def test_selected_series_that_fails_does_not_stop_the_others(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """This holds in every listing that requests series one by one."""
    rows = httpx.get(f"{sandbox.url}/series").json()["series"]
    chosen = [row["ticker"] for row in rows][:4]
    sandbox.faults = Faults(failing=(chosen[1],))
    with open_session(settings_for(sandbox.url, series=",".join(chosen))) as session:
        reports = [flow(session) for flow in (sync_series, sync_events, sync_markets, sync_settlements)]
        reports.append(take_snapshot(session, NOON))
    for report in reports:
        assert report.state == State.PARTIAL
        assert report.error is not None
    assert {ticker for (ticker,) in query("SELECT ticker FROM series WHERE NOT is_placeholder")} == {
        ticker for ticker in chosen if ticker != chosen[1]
    }


def test_order_books_of_batches_that_are_refused_or_fail_are_taken_without_the_failing_one(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    rows = httpx.get(
        f"{sandbox.url}/markets", params={"limit": 120, "status": "open", "mve_filter": "exclude"}
    )
    tickers = [row["ticker"] for row in rows.json()["markets"]]
    sandbox.faults = Faults(failing=(tickers[7],), longest_url=700, paths=("/markets/orderbooks",))
    with open_session(settings_for(sandbox.url, order_book_markets=",".join(tickers))) as session:
        report = take_order_books(session)
    assert (report.state, report.failures) == (State.PARTIAL, 1)
    assert report.reason is not None
    assert report.reason.startswith(f"{tickers[7]}: http")
    assert query("SELECT count(DISTINCT market_id) FROM order_books") == [(119,)]


def test_events_whose_metadata_fails_are_requested_after_the_others(
    settings_for: SettingsFor, query: Query
) -> None:
    """Three failures at the start end a run, but not the next one too."""
    with (
        Sandbox(World(WorldConfig(markets=60, combos=0))) as sandbox,
        open_session(settings_for(sandbox.url)) as session,
    ):
        sync_events(session)
        events = [ticker for (ticker,) in query("SELECT ticker FROM events ORDER BY id DESC")]
        sandbox.faults = Faults(failing=tuple(events[:3]))
        first, second = sync_event_metadata(session), sync_event_metadata(session)
    assert (first.state, first.tally.received) == (State.PARTIAL, 0)
    assert (second.state, second.tally.received) == (State.COMPLETE, len(events) - 3)
