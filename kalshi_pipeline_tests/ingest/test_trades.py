"""All trades of a day are stored once, from the right tier, and never lost because of a missing parent."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import ConfigurationError, PayloadError, RefusedError, TransientExchangeError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.record_faults import TRADE_FAULTS
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.trades import collect_trades, days_between
from kalshi_pipeline.monitoring.checks import TRADES_SANE, examine
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.completeness import placeholders
from kalshi_pipeline.store.writing.runs import State, Subject
from kalshi_pipeline.units import MICROS_PER_SECOND, instant_of, iso_of
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query

SettingsFor = Callable[..., Settings]
DAY = date(2026, 10, 4)  # within the live tier
SPLIT = date(2026, 8, 9)  # the cutoff is at its noon
OLD = date(2026, 8, 2)
DAY_MICROS = 86_400 * MICROS_PER_SECOND


class Through(httpx.BaseTransport):
    """The exchange over HTTP, with `per_page` trades on a page. `meddle` may answer instead, or break the
    connection.
    """

    def __init__(self, per_page: int = 1000) -> None:
        self.asked: list[httpx.URL] = []
        self.meddle: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
        self.per_page = per_page
        self._transport = plain_http.open_transport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        answer = self.meddle(request)
        return self.forward(request) if answer is None else answer

    def forward(self, request: httpx.Request) -> httpx.Response:
        """Forward the request, and return the complete answer."""
        url = request.url
        if is_about_trades(request):
            url = url.copy_set_param("limit", self.per_page)
        answer = self._transport.handle_request(httpx.Request("GET", url, headers=request.headers))
        answer.read()
        headers = {name: answer.headers[name] for name in ("content-type", "date")}
        return httpx.Response(answer.status_code, content=answer.content, headers=headers)

    def pages(self, tier: str = "/markets/trades") -> list[httpx.URL]:
        return [url for url in self.asked if url.path.endswith(tier)]

    def close(self) -> None:
        self._transport.close()


def is_about_trades(request: httpx.Request) -> bool:
    return request.url.path.endswith("/trades")


def rewriting(
    through: Through, suffix: str, change: Callable[[dict[str, Any]], object]
) -> Callable[[httpx.Request], httpx.Response | None]:
    """Change the answers of paths with this ending."""

    def meddle(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(suffix):
            return None
        answer = through.forward(request)
        content = json.loads(answer.content)
        change(content)
        return httpx.Response(answer.status_code, json=content)

    return meddle


@contextmanager
def session_through(
    sandbox: Sandbox, through: Through, settings: Settings, clock: ManualClock | None = None
) -> Iterator[Session]:
    """A session at the exchange's present, or at another time."""
    clock = clock or ManualClock(sandbox.world.clock)
    sandbox.date_by(clock.seconds)
    with (
        closing(Database(settings.database_url)) as database,
        KalshiClient(
            sandbox.url, requests_per_second=1000, retry_seconds=0, transport=through, clock=clock
        ) as client,
    ):
        yield Session(client, database, settings, lambda _: None, clock)


Collect = Callable[..., Report]


@pytest.fixture
def through() -> Through:
    return Through()


@pytest.fixture
def collect(sandbox: Sandbox, through: Through, settings_for: SettingsFor) -> Collect:
    """Collect a day in its own session, as a process would, and check that the counts of the run add up."""

    def run(day: date, *, again: bool = False, clock: ManualClock | None = None, **settings: Any) -> Report:
        with session_through(sandbox, through, settings_for(sandbox.url, **settings), clock) as session:
            report = collect_trades(session, day, again=again)
        tally = report.tally
        stored = tally.inserted + tally.unchanged + tally.quarantined + tally.duplicates + tally.out_of_scope
        assert tally.received == stored
        return report

    return run


def bounds(day: date) -> tuple[int, int]:
    start = instant_of(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return start, start + DAY_MICROS


def on_tape(sandbox: Sandbox, day: date, *, combos: bool = False) -> set[str]:
    """The identifiers of a day's trades, read from the world."""
    tape = sandbox.world.tape
    first, end = (tape.first_at_or_after(at) for at in bounds(day))
    return {
        tape.trade_id(row)
        for row in range(first, end)
        if combos or not sandbox.world.is_combo(tape.market[row])
    }


def stored(query: Query) -> set[str]:
    rows = [trade_id for (trade_id,) in query("SELECT trade_id FROM trade_history")]
    assert len(rows) == len(set(rows))
    return set(rows)


def walks(query: Query) -> list[tuple[Any, ...]]:
    return query("SELECT name, state, cursor, reason FROM backfill_progress ORDER BY id")


def scopes_of_walks(query: Query) -> list[tuple[Any, ...]]:
    return query(
        "SELECT name, series, combos, status_filter FROM backfill_progress AS b JOIN scopes AS s ON s.id = scope_id "
        "ORDER BY b.id"
    )


def walk_name(day: date, tier: str) -> str:
    return f"trades/{day}/{tier}"


def test_day_is_stored_as_sent_with_its_parents(
    sandbox: Sandbox, collect: Collect, query: Query, database_path: Path
) -> None:
    """On an empty database."""
    report = collect(DAY)
    start, end = bounds(DAY)
    answer = plain_http.get(
        f"{sandbox.url}/markets/trades",
        params={"limit": 1000, "min_ts": start // MICROS_PER_SECOND - 1, "max_ts": end // MICROS_PER_SECOND},
    ).json()
    columns = "ticker, trade_id, created_at, yes_price, no_price, contracts, taker_side, is_block"
    assert sorted(query(f"SELECT {columns} FROM trade_history")) == sorted(
        (
            trade["ticker"],
            trade["trade_id"],
            # The exchange omits trailing zeros of a fraction, and the view does not.
            iso_of(instant_of(datetime.fromisoformat(trade["created_time"]))),
            float(trade["yes_price_dollars"]),
            float(trade["no_price_dollars"]),
            float(trade["count_fp"]),
            trade["taker_outcome_side"],
            int(trade["is_block_trade"]),
        )
        for trade in answer["trades"]
    )
    assert (report.state, report.reason, report.part_rows) == (State.COMPLETE, None, len(answer["trades"]))
    assert report.tally.inserted == report.rows == len(answer["trades"]) > 100
    assert report.subject == Subject(Scope(combos=Combos.EXCLUDE), "2026-10-04")
    assert walks(query) == [(walk_name(DAY, "live"), "complete", None, None)]
    assert query("SELECT count(*) FROM markets WHERE is_placeholder") == [(0,)]
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == [(0,)]
    assert query("SELECT count(*) FROM markets WHERE id NOT IN (SELECT market_id FROM trades)") == [(0,)]
    assert query("PRAGMA foreign_key_check") == []
    assert database_path.exists()


def test_complete_day_is_requested_again_only_on_demand(
    through: Through, collect: Collect, query: Query
) -> None:
    collect(DAY)
    before = query("SELECT * FROM trades"), query("SELECT * FROM markets")
    through.asked.clear()
    second = collect(DAY)
    assert (second.state, second.requests, second.part_rows) == (State.COMPLETE, 1, len(before[0]))
    assert second.notes == ["2026-10-04 was already complete: nothing was requested"]

    third = collect(DAY, again=True)
    assert (third.state, third.tally.inserted, third.tally.unchanged) == (State.COMPLETE, 0, len(before[0]))
    first, confirmed = through.pages()  # the last page is requested twice
    assert first == confirmed
    assert (query("SELECT * FROM trades"), query("SELECT * FROM markets")) == before


@pytest.mark.parametrize("end", [{}, {"cursor": None}], ids=["absent", "null"])
def test_full_page_without_a_cursor_is_not_the_end_of_a_day(
    through: Through, collect: Collect, query: Query, end: dict[str, object]
) -> None:
    """The exchange ends a walk with an empty cursor. The next run continues at that page."""

    def fill(answer: dict[str, Any]) -> None:
        rows = answer["trades"]
        answer.pop("cursor")
        answer["trades"] = [
            {**rows[number % len(rows)], "trade_id": f"{number:08x}-0000-4000-8000-000000000000"}
            for number in range(1000)
        ]
        answer |= end

    through.meddle = rewriting(through, "/markets/trades", fill)
    first = collect(DAY)
    assert first.state is State.PARTIAL
    assert first.reason == "the last page was full and came without a cursor, so more may follow: run again"
    assert [state for _, state, _, _ in walks(query)] == ["partial"]

    through.meddle = lambda _: None
    second = collect(DAY)
    assert (second.state, second.tally.inserted > 100) == (State.COMPLETE, True)


def test_day_without_trades_is_complete(sandbox: Sandbox, collect: Collect, query: Query) -> None:
    live = days_between(SPLIT + timedelta(days=1), DAY)
    quiet = next(day for day in live if not on_tape(sandbox, day, combos=True))
    report = collect(quiet)
    assert (report.state, report.tally.received, report.part_rows) == (State.COMPLETE, 0, 0)
    assert sorted(walks(query)) == [
        (walk_name(quiet, tier), "complete", None, None) for tier in ("historical", "live")
    ]


@pytest.mark.parametrize(
    ("day", "cutoff"),
    [
        pytest.param(OLD, "2020-01-01T00:00:00Z", id="too early"),
        pytest.param(DAY, "2099-01-01T00:00:00Z", id="too late"),
    ],
)
def test_day_without_trades_in_the_tier_that_a_wrong_cutoff_names_comes_from_the_other(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query, day: date, cutoff: str
) -> None:
    through.meddle = rewriting(
        through, "/historical/cutoff", lambda content: content.update(trades_created_ts=cutoff)
    )
    assert collect(day).state is State.COMPLETE
    assert stored(query) == on_tape(sandbox, day)


def test_day_that_has_not_begun_is_refused(collect: Collect, query: Query) -> None:
    """Until its midnight, to the microsecond."""
    midnight, _ = bounds(DAY)
    with pytest.raises(ConfigurationError, match=f"{DAY} has not begun in UTC: choose an earlier day"):
        collect(DAY, clock=ManualClock(midnight - 1))
    assert query("SELECT count(*) FROM listings") == [(0,)]
    assert collect(DAY, clock=ManualClock(midnight)).state is State.PARTIAL


def test_day_is_over_five_minutes_after_its_midnight(collect: Collect, query: Query) -> None:
    """A trade may be listed a little after its time, so a later walk starts with the whole day."""
    _, midnight = bounds(DAY)
    over = midnight + 300 * MICROS_PER_SECOND
    states = [collect(DAY, clock=ManualClock(at)).state for at in (midnight - 1, midnight, over - 1, over)]
    assert states == [State.PARTIAL, State.PARTIAL, State.PARTIAL, State.COMPLETE]
    assert walks(query) == [(walk_name(DAY, "live"), "complete", None, None)]


def test_faults_of_paging_lose_and_repeat_nothing(
    sandbox: Sandbox, collect: Collect, through: Through, query: Query
) -> None:
    through.per_page = 20
    sandbox.faults = Faults(overlap=5, empty_pages=True)
    report = collect(DAY)
    assert stored(query) == on_tape(sandbox, DAY)
    assert report.tally.duplicates > 0
    assert report.state is State.COMPLETE


def test_day_of_the_historical_tier_comes_from_there_alone(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    assert collect(OLD).state is State.COMPLETE
    assert stored(query) == on_tape(sandbox, OLD)
    without_end = "SELECT ticker FROM markets WHERE id NOT IN (SELECT market_id FROM settlements)"
    assert query(f"{without_end} AND NOT is_placeholder") == [], (
        "a market that is looked up comes with its end"
    )
    assert through.pages("/markets/trades") == []
    assert walks(query) == [(walk_name(OLD, "historical"), "complete", None, None)]


def test_day_across_the_cutoff_comes_from_both_tiers(
    sandbox: Sandbox, collect: Collect, query: Query
) -> None:
    """The live tier is walked first, because trades that leave it meanwhile are then in the historical tier."""
    report = collect(SPLIT)
    expected = on_tape(sandbox, SPLIT)
    assert stored(query) == expected
    assert (report.state, report.tally.inserted, report.tally.pages) == (State.COMPLETE, len(expected), 2)
    assert [row[:2] for row in walks(query)] == [
        (walk_name(SPLIT, "live"), "complete"),
        (walk_name(SPLIT, "historical"), "complete"),
    ]


@pytest.mark.parametrize(
    ("moved_days", "day"),
    [
        pytest.param(0.25, SPLIT, id="within a day that was across it"),
        pytest.param(1, SPLIT, id="past a day that was across it"),
        pytest.param(1, SPLIT + timedelta(days=1), id="into a day that was live"),
        pytest.param(2, SPLIT + timedelta(days=1), id="past a day that was live"),
    ],
)
def test_cutoff_that_moves_while_a_day_is_walked_loses_nothing(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query, moved_days: float, day: date
) -> None:
    expected = on_tape(sandbox, day)
    assert len(expected) > 1
    through.per_page = 1

    def move(request: httpx.Request) -> httpx.Response | None:
        if not is_about_trades(request) or len(through.pages()) != 1:
            return None
        answer = through.forward(request)
        sandbox.world.clock += round(moved_days * DAY_MICROS)
        return answer

    through.meddle = move
    report = collect(day)
    assert stored(query) == expected
    assert (report.state, report.part_rows) == (State.COMPLETE, len(expected))
    assert [row[:2] for row in walks(query)] == [
        (walk_name(day, "live"), "complete"),
        (walk_name(day, "historical"), "complete"),
    ]


def test_trade_of_both_tiers_is_one_although_they_round_its_time(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    """The identifier decides, because the historical tier also has the live tier's trades, with times in seconds."""

    def hand_off(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/historical/trades"):
            return None
        historical = json.loads(through.forward(request).content)
        live = request.url.copy_with(path=request.url.path.replace("/historical", "/markets"))
        both = json.loads(through.forward(httpx.Request("GET", live)).content)["trades"]
        for trade in both:
            trade["created_time"] = f"{trade['created_time'][:19]}Z"
        return httpx.Response(200, json={**historical, "trades": both + historical["trades"]})

    through.meddle = hand_off
    report = collect(SPLIT)
    assert (report.state, stored(query)) == (State.COMPLETE, on_tape(sandbox, SPLIT))
    assert report.tally.unchanged > 0


def test_exchange_without_tiers_is_asked_in_its_live_one(settings_for: SettingsFor, query: Query) -> None:
    with Sandbox(World(WorldConfig(markets=300, shape="2026-01"))) as sandbox:
        with session_through(sandbox, Through(), settings_for(sandbox.url)) as session:
            report = collect_trades(session, DAY)
        assert stored(query) == on_tape(sandbox, DAY)
    assert report.state is State.COMPLETE
    assert "the exchange has no historical tier: only the live one was queried" in report.notes


def breaking_at(through: Through, number: int) -> Callable[[httpx.Request], httpx.Response | None]:
    """The connection breaks once, at the n-th page of trades."""
    is_cut = False

    def meddle(request: httpx.Request) -> httpx.Response | None:
        nonlocal is_cut
        if is_about_trades(request) and len(through.pages()) == number and not is_cut:
            is_cut = True
            raise httpx.ConnectError("the line is cut")
        return None

    return meddle


def test_walk_that_was_stopped_continues_where_it_was(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    """Pages 1 to 3 are stored, and the next run begins with page 4."""
    through.per_page = 20
    through.meddle = breaking_at(through, 4)
    stopped = collect(DAY)
    assert isinstance(stopped.error, TransientExchangeError)
    assert (stopped.tally.pages, stopped.part_rows) == (3, 60)
    assert stopped.shortfall == f"trades of {DAY} is partial: {stopped.error}"
    ((name, state, cursor, reason),) = walks(query)
    assert (name, state, reason) == (walk_name(DAY, "live"), "partial", str(stopped.error))
    assert len(stored(query)) == 60

    through.asked.clear()
    report = collect(DAY)
    expected = on_tape(sandbox, DAY)
    assert (through.pages()[0].params["cursor"], report.tally.inserted) == (cursor, len(expected) - 60)
    assert stored(query) == expected
    assert walks(query) == [(walk_name(DAY, "live"), "complete", None, None)]
    assert query("SELECT state, pages, inserted FROM listings ORDER BY id") == [
        ("partial", 3, 60),
        ("complete", report.tally.pages, len(expected) - 60),
    ]
    assert query("SELECT inserted FROM backfill_progress") == [(len(expected),)]


def test_run_that_is_killed_fetches_the_pages_again_that_it_had_not_stored(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    """One transaction stores ten pages, with the cursor after the last."""
    through.per_page = 5

    def kill(request: httpx.Request) -> httpx.Response | None:
        if is_about_trades(request) and len(through.pages()) == 24:
            raise KeyboardInterrupt
        return None

    through.meddle = kill
    with pytest.raises(KeyboardInterrupt):
        collect(DAY)
    assert query("SELECT pages, received FROM backfill_progress") == [(20, 100)]
    assert query("SELECT pages, inserted FROM listings") == [(20, 100)]
    assert len(stored(query)) == 100
    next_page = through.pages()[20]

    through.meddle = lambda _: None
    through.asked.clear()
    assert collect(DAY).state is State.COMPLETE
    assert through.pages()[0].params["cursor"] == next_page.params["cursor"]
    assert stored(query) == on_tape(sandbox, DAY)


def test_cursor_that_is_refused_restarts_the_walk(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    through.per_page = 20
    through.meddle = breaking_at(through, 4)
    assert isinstance(collect(DAY).error, TransientExchangeError)
    through.asked.clear()

    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_first = is_about_trades(request) and len(through.pages()) <= 5  # with pages of 1000 down to 100
        return httpx.Response(400, json={"error": {"message": "invalid cursor"}}) if is_first else None

    through.meddle = refuse
    report = collect(DAY)
    assert stored(query) == on_tape(sandbox, DAY)
    assert (report.state, report.tally.unchanged) == (State.COMPLETE, 60)
    assert any(f"{walk_name(DAY, 'live')} restarts from the beginning" in note for note in report.notes)


def test_page_that_is_refused_behind_the_cursor_fails_the_run_and_keeps_its_place(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    """The stored cursor was accepted, so restarting the walk would not help."""
    through.per_page = 20
    through.meddle = breaking_at(through, 4)
    assert isinstance(collect(DAY).error, TransientExchangeError)
    ((_, _, stopped_at, _),) = walks(query)
    through.asked.clear()

    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_second = is_about_trades(request) and len(through.pages()) >= 2
        return httpx.Response(400, json={"error": {"message": "no more"}}) if is_second else None

    through.meddle = refuse
    refused = collect(DAY)
    assert isinstance(refused.error, RefusedError)
    assert "no more" in str(refused.error)
    ((_, state, cursor, reason),) = walks(query)
    assert (state, reason, len(stored(query))) == ("partial", str(refused.error), 80)
    assert cursor not in (None, stopped_at)

    through.meddle = lambda _: None
    assert collect(DAY).state is State.COMPLETE
    assert stored(query) == on_tape(sandbox, DAY)


def test_historical_walk_that_was_stopped_continues_after_a_whole_live_one(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    def cut(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/historical/trades"):
            raise httpx.ConnectError("the line is cut")
        return None

    through.meddle = cut
    assert isinstance(collect(SPLIT).error, TransientExchangeError)
    through.meddle = lambda _: None
    through.asked.clear()
    assert collect(SPLIT).state is State.COMPLETE
    assert through.pages("/markets/trades") == []
    assert stored(query) == on_tape(sandbox, SPLIT)


def test_walk_that_began_during_its_day_is_restarted_after_it(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query, database_path: Path
) -> None:
    """Its cursor moves away from later trades, so continuing would lose the rest of the day."""
    through.per_page = 20
    through.meddle = breaking_at(through, 4)
    noon = bounds(DAY)[0] + DAY_MICROS // 2
    stopped = collect(DAY, clock=ManualClock(noon))
    assert (isinstance(stopped.error, TransientExchangeError), stopped.awaits_end) == (True, False)
    assert stopped.shortfall is not None
    with closing(sqlite3.connect(database_path)) as connection, connection:
        connection.execute("DELETE FROM trades WHERE created_at >= ?", (noon,))
    through.asked.clear()
    assert collect(DAY).state is State.COMPLETE
    assert "cursor" not in through.pages()[0].params
    assert stored(query) == on_tape(sandbox, DAY)


@pytest.fixture(params=["15:30", "00:03"], ids=["in the afternoon", "just after midnight"])
def present(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, date]]:
    """An exchange at its present, and the current day."""
    start = datetime.fromisoformat(f"2026-11-22T{request.param}:00Z")
    config = WorldConfig(markets=2_200, change_share=0.5, start=start, step_seconds=60)
    with Sandbox(World(config)) as running:
        yield running, start.date()


def refresh(sandbox: Sandbox, settings: Settings, day: date) -> tuple[Report, Through]:
    through = Through()
    with session_through(sandbox, through, settings) as session:
        return collect_trades(session, day), through


def test_present_day_is_partial_and_is_refreshed_from_where_it_was_known(
    present: tuple[Sandbox, date], settings_for: SettingsFor, query: Query
) -> None:
    sandbox, day = present
    settings = settings_for(sandbox.url)
    first, _ = refresh(sandbox, settings, day)
    not_over = "the day is not over: run it again to add the rest"
    assert (first.state, first.reason, first.shortfall) == (State.PARTIAL, not_over, None)
    assert walks(query) == [(walk_name(day, "live"), "caught_up", None, not_over)]
    assert stored(query) == on_tape(sandbox, day)

    began_at = sandbox.world.clock
    assert query("SELECT started_at FROM backfill_progress") == [(began_at,)]
    sandbox.world.step()
    second, through = refresh(sandbox, settings, day)
    assert (second.state, second.tally.inserted) == (State.PARTIAL, len(stored(query)) - first.tally.inserted)
    assert stored(query) == on_tape(sandbox, day)
    # Five minutes before the first refresh, and an extra second on each side.
    since = max(bounds(day)[0], began_at - 300 * MICROS_PER_SECOND) // MICROS_PER_SECOND - 1
    assert through.pages()[0].params["min_ts"] == str(since)


def test_refresh_after_one_that_was_stopped_walks_the_whole_day(
    present: tuple[Sandbox, date], settings_for: SettingsFor, query: Query
) -> None:
    sandbox, day = present
    settings = settings_for(sandbox.url)
    refresh(sandbox, settings, day)
    sandbox.world.step()
    broken = Through(per_page=1)
    broken.meddle = breaking_at(broken, 2)
    with session_through(sandbox, broken, settings) as session:
        assert isinstance(collect_trades(session, day).error, TransientExchangeError)

    _, through = refresh(sandbox, settings, day)
    url, confirmed = through.pages()
    assert url == confirmed
    assert (url.params["min_ts"], "cursor" in url.params) == (
        str(bounds(day)[0] // MICROS_PER_SECOND - 1),
        False,
    )
    assert stored(query) == on_tape(sandbox, day)


def one_traded(sandbox: Sandbox) -> str:
    tape = sandbox.world.tape
    row = tape.first_at_or_after(bounds(DAY)[0])
    ticker: str = sandbox.world.markets.ticker[tape.market[row]]
    return ticker


def test_market_that_no_tier_has_becomes_a_placeholder_until_one_has_it(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query, database_path: Path
) -> None:
    lost = one_traded(sandbox)

    def hide(answer: dict[str, Any]) -> None:
        answer["markets"] = [market for market in answer["markets"] if market["ticker"] != lost]

    through.meddle = rewriting(through, "/markets", hide)
    report = collect(DAY)
    assert stored(query) == on_tape(sandbox, DAY)
    assert report.state is State.COMPLETE
    columns = "m.ticker, m.status, m.is_placeholder, m.gone_at IS NULL, e.ticker, e.title, e.is_placeholder"
    market = f"SELECT {columns} FROM markets AS m JOIN events AS e ON e.id = m.event_id WHERE m.ticker = ?"
    assert query(market, lost) == [(lost, None, 1, 0, lost, None, 1)]
    assert query("SELECT count(*) FROM markets WHERE is_placeholder") == [(1,)]
    with closing(Database(f"sqlite:///{database_path}")) as database, database.read() as connection:
        open_now = {name: found.count for name, found in placeholders(connection).items()}
    assert open_now == {"series": 0, "events": 0, "markets": 0}, "nothing can fill them"

    asked = len([url for url in through.asked if "tickers" in url.params])
    collect(DAY, again=True)
    assert len([url for url in through.asked if "tickers" in url.params]) == asked, "not twice on one day"

    with closing(sqlite3.connect(database_path)) as connection_of_user, connection_of_user:
        connection_of_user.execute("UPDATE markets SET changed_at = 0 WHERE is_placeholder")
    through.meddle = lambda _: None
    healed = collect(DAY, again=True)
    ((_, status, is_placeholder, is_there, event, title, event_is_placeholder),) = query(market, lost)
    assert (is_placeholder, is_there, event_is_placeholder) == (0, 1, 0)
    assert status
    assert title
    assert lost.startswith(event)
    assert event != lost
    assert (healed.tally.inserted, healed.open_placeholders) == (0, 0)


def test_trades_that_cannot_be_placed_are_kept_in_quarantine_one_by_one(
    sandbox: Sandbox, through: Through, collect: Collect, query: Query
) -> None:
    """Two trades of one market are two records."""

    def damage(answer: dict[str, Any]) -> None:
        prices = ("yes_price_dollars", "no_price_dollars")
        for trade, names in zip(answer["trades"], (["created_time"], prices, ["trade_id"]), strict=False):
            trade.update(dict.fromkeys(names, ""), ticker=answer["trades"][0]["ticker"])

    through.meddle = rewriting(through, "/trades", damage)
    report = collect(DAY)
    assert (report.state, report.tally.quarantined) == (State.COMPLETE, 3)
    assert query("SELECT kind, error FROM quarantine ORDER BY id") == [
        ("trades", "created_time: it is missing"),
        ("trades", "yes_price_dollars: it is missing"),
        ("trades", "trade_id: it is missing"),
    ]
    assert len(stored(query)) == len(on_tape(sandbox, DAY)) - 3
    assert query("SELECT quarantined FROM backfill_progress") == [(3,)]


def test_exchange_that_ignores_the_bounds_is_an_error(
    through: Through, collect: Collect, query: Query
) -> None:
    """Otherwise the walk of one day would cover all time."""

    def ignore(request: httpx.Request) -> httpx.Response | None:
        if not is_about_trades(request):
            return None
        url = request.url.copy_remove_param("min_ts").copy_remove_param("max_ts")
        return through.forward(httpx.Request("GET", url))

    through.meddle = ignore
    with pytest.raises(PayloadError, match="it ignores min_ts and max_ts"):
        collect(date(2026, 9, 20))
    assert query("SELECT state, inserted FROM listings") == [("failed", 0)]


@pytest.mark.parametrize("combos", ["exclude", "only", "include"])
def test_scope_of_combos_holds_for_trades(settings_for: SettingsFor, query: Query, combos: str) -> None:
    """Each scope has its own walks."""
    with Sandbox(World(WorldConfig(markets=2_000, combos=4_000))) as sandbox:
        day = date(2026, 10, 8)
        settings = settings_for(sandbox.url, combos=combos)
        with session_through(sandbox, Through(), settings) as session:
            report = collect_trades(session, day)
        both, others = on_tape(sandbox, day, combos=True), on_tape(sandbox, day)
    expected = {"exclude": others, "only": both - others, "include": both}[combos]
    assert 0 < len(others) < len(both)
    assert stored(query) == expected
    assert (report.tally.inserted, report.tally.out_of_scope) == (len(expected), len(both) - len(expected))
    assert query("SELECT out_of_scope FROM listings") == [(len(both) - len(expected),)]
    assert scopes_of_walks(query) == [(walk_name(day, "live"), "", combos, "all")]


def test_scope_of_series_holds_for_trades(sandbox: Sandbox, collect: Collect, query: Query) -> None:
    series = one_traded(sandbox).split("-")[0]
    collect(DAY, series=(series,))
    narrow = stored(query)
    assert query("SELECT count(*) FROM trade_history WHERE ticker NOT LIKE ? || '-%'", series) == [(0,)]
    report = collect(DAY)
    assert (report.tally.unchanged, stored(query)) == (len(narrow), on_tape(sandbox, DAY))
    assert 0 < len(narrow) < len(stored(query))


def test_no_transaction_is_open_across_a_request(
    through: Through, collect: Collect, database_path: Path
) -> None:

    def probe(_: httpx.Request) -> None:
        """A page that is being stored at this moment finishes soon, unless it waits for this request."""
        with closing(sqlite3.connect(database_path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")

    through.per_page = 50
    through.meddle = probe
    assert collect(DAY).state is State.COMPLETE
    assert len(through.asked) > 8


def test_trades_that_cannot_be_true_are_stored_and_counted(
    sandbox: Sandbox, through: Through, collect: Collect, session: Session, query: Query
) -> None:
    """A second price under one identifier does not replace the first, and each run that receives it counts it."""
    odd: list[dict[str, Any]] = [
        {"yes_price_dollars": "9223372036854.5000", "no_price_dollars": None},
        {"yes_price_dollars": "-0.0100", "no_price_dollars": None},
        {"count_fp": "0.00"},
        {"count_fp": "-2.00"},
        {"count_fp": "9999999999999.00"},
        {"yes_price_dollars": "0.4200", "no_price_dollars": "0.5700"},
    ]

    def damage(answer: dict[str, Any]) -> None:
        if len(answer["trades"]) > len(odd):
            for trade, values in zip(answer["trades"], odd, strict=False):
                trade.update(values)
            again = answer["trades"][len(odd)]
            answer["trades"].append({**again, "count_fp": "17.50"})

    through.meddle = rewriting(through, "/trades", damage)
    report = collect(DAY)
    faults = {name: report.counts[name] for name in TRADE_FAULTS}
    assert faults == {"prices_out_of_range": 2, "sizes_out_of_range": 3, "unmirrored": 1, "second_prices": 1}
    assert stored(query) == on_tape(sandbox, DAY)
    assert collect(DAY, again=True).counts["second_prices"] == 1
    found = examine(session, report, [TRADES_SANE])
    assert [(finding.passed, finding.numbers) for finding in found] == [(False, faults)]
