"""The check of the computer's clock against the exchange's `Date`, before a run writes."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from kalshi_pipeline.errors import ClockError
from kalshi_pipeline.exchange.client import KalshiClient
from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.fee_changes import sync_event_fee_changes, sync_series_fee_changes
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.clock_check import ClockCheck, check_clock
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.settlements import backfill_settlements, sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.sandbox import Faults, Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.clock import NOON, SettableClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.store.migrations.stored import stored

DAY = 86_400


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[Sandbox]:
    """An exchange that dates its answers by the manual clock."""
    with Sandbox(
        World(WorldConfig(markets=20, combos=0)), now=lambda: NOON / MICROS_PER_SECOND + clock.monotonic()
    ) as running:
        yield running


@pytest.fixture
def session(
    sandbox: Sandbox, settings_for: Callable[..., Settings], clock: SettableClock
) -> Iterator[Session]:
    with open_session(
        settings_for(sandbox.url, order_book_markets=("KXA",), candlestick_markets=("KXA",)), clock=clock
    ) as opened:
        yield opened


RUNS: dict[str, Callable[[Session], object]] = {
    "series": sync_series,
    "events": sync_events,
    "markets": sync_markets,
    "snapshot": lambda session: take_snapshot(session, session.clock.now()),
    "manual snapshot": lambda session: take_snapshot(session, session.clock.now(), run_id="run"),
    "scheduled snapshot": lambda session: take_snapshot(session, session.clock.now(), 300),
    "settlements": sync_settlements,
    "settlements backfill": backfill_settlements,
    "series fee changes": sync_series_fee_changes,
    "event fee changes": sync_event_fee_changes,
    "trades": lambda session: collect_trades(session, date(2026, 11, 20)),
    "candlesticks": lambda session: collect_candlesticks(session, date(2026, 11, 20)),
    "order books": take_order_books,
    "market": lambda session: fetch_market(session, "KXA"),
}


@pytest.mark.parametrize(
    "seconds", [DAY, -DAY, 366 * DAY, -61], ids=["a day", "behind", "a year", "a minute"]
)
@pytest.mark.parametrize("kind", RUNS)
def test_run_of_any_kind_with_a_wrong_clock_writes_nothing(
    session: Session, clock: SettableClock, database_path: Path, kind: str, seconds: int
) -> None:
    before = stored(database_path)
    clock.set_back(-seconds)
    with pytest.raises(
        ClockError, match=r"so nothing was written; set the clock, for example with NTP, then run again$"
    ):
        RUNS[kind](session)
    assert stored(database_path) == before
    assert [seconds for seconds in clock.slept if seconds > 1] == [2]


def test_wrong_clock_is_named_with_both_times(session: Session, clock: SettableClock) -> None:
    clock.set_back(-DAY)
    with pytest.raises(ClockError) as error:
        check_clock(session)
    assert str(error.value).startswith(
        "this computer's clock says 2026-11-23T12:00:02.000000Z, 86,400 s ahead of the exchange's "
        "(2026-11-22T12:00:02.000000Z), so nothing was written"
    )
    clock.set_back(2 * DAY)
    with pytest.raises(ClockError, match=r"86,400 s behind the exchange's"):
        check_clock(session)


@pytest.mark.parametrize("seconds", [0, 59, -59])
def test_clock_may_differ_by_a_minute(session: Session, clock: SettableClock, seconds: int) -> None:
    clock.set_back(-seconds)
    report = sync_series(session)
    assert (report.state, report.notes, report.requests) == (State.COMPLETE, [], 2)
    assert report.clock_offset_seconds == seconds


def test_run_asks_once_and_a_second_time_past_caches(session: Session, sandbox: Sandbox) -> None:
    """A cache has kept the answer for an hour and a half, and reports that age."""
    sandbox.faults = Faults(answer_age_seconds=5400)
    report = take_snapshot(session, NOON)
    assert (report.state, report.clock_offset_seconds) == (State.COMPLETE, 0)
    assert sum(request.path == "/exchange/status" for request in sandbox.requests) == 1


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        (Faults(no_date=True), "the answer of /exchange/status has no `Date` that can be read$"),
        (Faults(server_errors=1, error_body="html"), "http.*/exchange/status answered 50[0-9] .*, after"),
        (Faults(resets=1), "http.*/exchange/status could not be reached"),
    ],
    ids=["no date", "no status", "no answer"],
)
def test_run_that_cannot_check_the_clock_says_so_and_continues(
    session: Session, sandbox: Sandbox, clock: SettableClock, query: Query, faults: Faults, why: str
) -> None:
    sandbox.faults = Faults(**{**vars(faults), "paths": ("/exchange/status",)})
    clock.set_back(-DAY)
    report = take_snapshot(session, session.clock.now())
    assert (report.state, report.clock_offset_seconds) == (State.COMPLETE, None)
    assert re.match(f"clock not checked: {why}", report.notes[0])
    assert query("SELECT state FROM ticks") == [("complete",)]


class Dated(httpx.BaseTransport):
    """Returns the status with each of these headers in turn."""

    def __init__(self, *headers: dict[str, str]) -> None:
        self.asked: list[str | None] = []
        self._headers = iter(headers)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers.get("cache-control"))
        status = {"exchange_active": True, "trading_active": True}
        return httpx.Response(200, json=status, headers=next(self._headers))


def checked(
    settings: Settings, *headers: dict[str, str], **changes: SettableClock
) -> tuple[ClockCheck, Dated]:
    exchange, clock = Dated(*headers), changes.get("clock") or SettableClock()
    with KalshiClient("http://exchange", retry_seconds=0, transport=exchange, clock=clock) as client:
        database = Database(settings.database_url)
        try:
            return check_clock(Session(client, database, settings, lambda _: None, clock)), exchange
        finally:
            database.close()


def at(time: str, **others: str) -> dict[str, str]:
    return {"Date": f"Sun, 22 Nov 2026 {time} GMT", **others}


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ((at("10:00:00"), at("10:00:00")), "two answers of /exchange/status disagree on the time"),
        ((at("10:00:00"), at("09:59:58")), "two answers of /exchange/status disagree on the time"),
        ((at("10:00:00"), at("10:30:00")), "two answers of /exchange/status disagree on the time"),
        ((at("10:00:00"), at("12:00:02")), None),
        ((at("10:00:00"), at("10:00:00", Age="7202")), None),
        ((at("10:00:00", Age="7200"),), None),
        ((at("12:00:00", Age="90000"), at("12:00:02", Age="90000")), None),
        ((at("12:00:00", Age="999999999"), at("12:00:02", Age="999999999")), None),
        (
            (at("12:00:00", Age="90000"), at("12:00:00", Age="90002")),
            "two answers of /exchange/status disagree",
        ),
        ((at("12:00:00", Age="9999999999"),), None),
        (({},), "the answer of /exchange/status has no `Date` that can be read"),
        (({"Date": "soon"},), "the answer of /exchange/status has no `Date` that can be read"),
        (
            ({"Date": "Sun, 99 Nov 99999 12:00:00 GMT"},),
            "the answer of /exchange/status has no `Date` that can",
        ),
        ((at("10:00:00"), {}), "the answer of /exchange/status has no `Date` that can be read"),
        ((at("10:00:00", Age="-1"), at("12:00:01")), None),
    ],
    ids=[
        "repeated",
        "going back",
        "different",
        "right at the second look",
        "an age at the second look",
        "an age",
        "a constant age",
        "an absurd age",
        "an age of one answer",
        "an age that is too long",
        "no date",
        "no time",
        "no such day",
        "no second date",
        "odd age",
    ],
)
def test_odd_dates_do_not_stop_a_run(
    settings_for: Callable[..., Settings], headers: tuple[dict[str, str], ...], why: str | None
) -> None:
    """Only two agreeing answers stop a run, and the second must be newer. Its request bypasses caches."""
    check, exchange = checked(settings_for("http://exchange"), *headers)
    assert (check.why_unchecked or "").startswith(why or "")
    assert (check.why_unchecked is None) == (why is None)
    assert exchange.asked == [None, "no-cache"][: len(headers)]
    assert check.requests == len(headers)


def test_clock_corrected_between_the_checks_does_not_stop_the_run(
    settings_for: Callable[..., Settings],
) -> None:
    class Corrected(SettableClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            self.set_back(7200)

    clock = Corrected(NOON + 7200 * MICROS_PER_SECOND)
    check, _ = checked(settings_for("http://exchange"), at("12:00:00"), at("12:00:02"), clock=clock)
    assert (check.why_unchecked, check.offset_seconds) == (None, 0)


def test_clock_that_is_set_during_a_run_changes_no_instant_of_it(
    session: Session, clock: SettableClock, query: Query
) -> None:
    """A run keeps the clock that it checked."""

    def set_ahead(_: str) -> None:
        clock.set_back(-DAY)

    session.report_progress = set_ahead
    assert take_snapshot(session, NOON).state is State.COMPLETE
    assert clock.now() >= NOON + DAY * MICROS_PER_SECOND
    instants = query("SELECT started_at, finished_at, (SELECT max(changed_at) FROM markets) FROM ticks")
    assert all(NOON <= instant < NOON + MICROS_PER_SECOND for instant in instants[0])
