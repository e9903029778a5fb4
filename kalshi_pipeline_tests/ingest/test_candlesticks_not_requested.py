"""Candlesticks that were not requested are not stored, and the day stays incomplete."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from kalshi_pipeline.ingest.candlesticks import collect_candlesticks
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, parse_instant
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, event, market, served

DAY = date(2026, 11, 20)
START = (parse_instant("2026-11-20T00:00:00Z") or 0) // MICROS_PER_SECOND
NOON = parse_instant("2026-11-21T12:00:00Z") or 0
MINUTE, HOUR, DAY_SECONDS = 60, 3600, 86_400
FIRST, SECOND = "KXRAIN-26NOV20-T1", "KXRAIN-26NOV20-T2"
OF_HOURS = [START + HOUR * hour for hour in range(1, 25)]
OF_MINUTES = [START + MINUTE * minute for minute in range(1, 1441)]
STORED = "SELECT ticker, count(*) FROM candlesticks JOIN markets ON markets.id = market_id GROUP BY ticker"


class ChartingExchange(SmallExchange):
    """Two markets, each with fixed candlestick ends, whatever period is requested."""

    def __init__(self, ends: dict[str, list[Any]]) -> None:
        self.ends = ends
        self.is_of_first_only = False
        """Whether every answer has the first market, and no other."""
        self.omissions = 0
        """How many answers leave out the second market."""
        self.empty_answers = 0
        """How many answers have no candlestick of the second market."""
        self.unreadable: Record | int | None = None
        """What answers have instead of the second market, None if they have it."""
        super().__init__(
            [event("KXRAIN-26NOV20", "KXRAIN")],
            [market(FIRST, "KXRAIN-26NOV20"), market(SECOND, "KXRAIN-26NOV20")],
            [],
        )

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        if path != "/markets/candlesticks":
            return super().answer(path, query)
        asked = [FIRST] if self.is_of_first_only else query["market_tickers"].split(",")
        if SECOND in asked and self.omissions:
            self.omissions -= 1
            asked.remove(SECOND)
        found: list[Record | int] = [
            {"market_ticker": ticker, "candlesticks": [_candle(end) for end in self.ends[ticker]]}
            for ticker in asked
        ]
        if SECOND in asked and self.empty_answers:
            self.empty_answers -= 1
            found[asked.index(SECOND)] = {"market_ticker": SECOND, "candlesticks": []}
        if SECOND in asked and self.unreadable is not None:
            found[asked.index(SECOND)] = self.unreadable
        return 200, {"markets": found}


def _candle(end: int | str) -> Record:
    prices = {f"{name}_dollars": "0.5500" for name in ("open", "high", "low", "close")}
    return {"end_period_ts": end, "yes_bid": prices, "yes_ask": prices, "price": prices, "volume_fp": "1.00"}


@pytest.fixture
def collect(settings_for: Callable[..., Settings]) -> Callable[..., Report]:
    def run(exchange: ChartingExchange, minutes: int = 60) -> Report:
        with _session_of(exchange, settings_for, minutes) as session:
            take_snapshot(session, NOON)
            return collect_candlesticks(session, DAY)

    return run


@contextmanager
def _session_of(
    exchange: ChartingExchange, settings_for: Callable[..., Settings], minutes: int
) -> Iterator[Session]:
    clock = ManualClock(NOON)
    exchange.now = clock.seconds
    with served(exchange) as url:
        settings = settings_for(url, candlestick_series="KXRAIN", candlestick_minutes=minutes)
        with open_session(settings, clock=clock) as session:
            yield session


@pytest.mark.parametrize(
    ("minutes", "ends"),
    [
        pytest.param(60, OF_MINUTES, id="minutes for hours"),
        pytest.param(1440, OF_MINUTES, id="minutes for days"),
        pytest.param(1440, OF_HOURS, id="hours for days"),
        pytest.param(60, [START + 7 * MINUTE], id="a lone minute for hours"),
        pytest.param(1, [START + 7, START + 67], id="ends between minutes"),
    ],
)
def test_candlesticks_of_another_period_are_not_stored(
    collect: Callable[..., Report], query: Query, minutes: int, ends: list[int]
) -> None:
    """An answer does not name its period, and some wrong candlesticks end where a right one would."""
    report = collect(ChartingExchange({FIRST: ends, SECOND: []}), minutes)
    assert report.state is State.PARTIAL
    assert report.tally.out_of_scope == len(ends)
    assert query(STORED) == []
    assert query("SELECT ticker, state, reason FROM candlestick_coverage ORDER BY ticker") == [
        (FIRST, "failed", f"the exchange returned candlesticks of another period than {minutes} min"),
        (SECOND, "complete", None),
    ]


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param([end * 1000 for end in OF_HOURS], id="milliseconds"),
        pytest.param([OF_HOURS[0] * 1000], id="a single one in milliseconds"),
        pytest.param([end - DAY_SECONDS for end in OF_HOURS], id="the day before"),
    ],
)
def test_candlesticks_of_other_times_leave_the_day_open(
    collect: Callable[..., Report], query: Query, ends: list[int]
) -> None:
    report = collect(ChartingExchange({FIRST: ends, SECOND: OF_HOURS}))
    assert report.state is State.PARTIAL
    assert (report.tally.inserted, report.tally.out_of_scope) == (24, len(ends))
    assert query(STORED) == [(SECOND, 24)]
    assert query("SELECT ticker, state, reason FROM candlestick_coverage WHERE state <> 'complete'") == [
        (FIRST, "failed", "the exchange returned candlesticks of other times than 2026-11-20")
    ]


@pytest.mark.parametrize(
    ("minutes", "ends", "stored"),
    [
        pytest.param(60, [START, *OF_HOURS, START + 25 * HOUR], 24, id="neighbours of the day"),
        pytest.param(60, [*OF_HOURS, START + 90], 24, id="one between the hours"),
        pytest.param(60, [START, START + 25 * HOUR], 0, id="nothing but neighbours"),
        pytest.param(1440, [START + 5 * HOUR], 1, id="a day of New York"),
        pytest.param(1, OF_MINUTES, 1440, id="every minute"),
    ],
)
def test_a_few_others_cost_nothing(
    collect: Callable[..., Report], minutes: int, ends: list[int], stored: int
) -> None:
    report = collect(ChartingExchange({FIRST: ends, SECOND: []}), minutes)
    assert report.state is State.COMPLETE
    asked = 1 if stored else 2  # a market without candlesticks is requested again
    assert (report.tally.inserted, report.tally.out_of_scope) == (stored, asked * (len(ends) - stored))


@pytest.mark.parametrize(
    ("readable", "unreadable", "problem"),
    [
        pytest.param(0, 1, "1 of 1 candlesticks are unreadable and in quarantine", id="the only one"),
        pytest.param(0, 24, "24 of 24 candlesticks are unreadable and in quarantine", id="all"),
        pytest.param(3, 21, "21 of 24 candlesticks are unreadable and in quarantine", id="most"),
        pytest.param(22, 2, None, id="a few"),
    ],
)
def test_day_of_which_hardly_anything_can_be_read_is_requested_again(
    collect: Callable[..., Report], query: Query, readable: int, unreadable: int, problem: str | None
) -> None:
    ends: list[Any] = [*OF_HOURS[:readable], *(f"{end} s" for end in OF_HOURS[readable:][:unreadable])]
    report = collect(ChartingExchange({FIRST: ends, SECOND: OF_HOURS}))
    state = State.COMPLETE if problem is None else State.PARTIAL
    assert (report.state, report.tally.quarantined) == (state, unreadable)
    assert query(STORED) == [(FIRST, readable)] * bool(readable) + [(SECOND, 24)]
    assert query("SELECT ticker, reason FROM candlestick_coverage WHERE state <> 'complete'") == (
        [] if problem is None else [(FIRST, problem)]
    )


def test_answer_with_other_markets_does_not_show_that_one_has_no_candlestick(
    collect: Callable[..., Report], query: Query
) -> None:
    exchange = ChartingExchange({FIRST: OF_HOURS, SECOND: OF_HOURS})
    exchange.is_of_first_only = True
    report = collect(exchange)
    assert (report.state, report.tally.inserted, report.failures) == (State.PARTIAL, 24, 1)
    assert query("SELECT ticker, state, reason FROM candlestick_coverage ORDER BY ticker") == [
        (FIRST, "complete", None),
        (SECOND, "failed", "the exchange returned other markets than requested"),
    ]


@pytest.mark.parametrize(("omissions", "stored"), [(1, 24), (2, 0)])
def test_market_that_a_batch_leaves_out_is_requested_again(
    collect: Callable[..., Report], query: Query, omissions: int, stored: int
) -> None:
    """A market omitted once may still have candlesticks. Omitted twice, and missing in the other tier, it has none."""
    exchange = ChartingExchange({FIRST: OF_HOURS, SECOND: OF_HOURS})
    exchange.omissions = omissions
    assert collect(exchange).state is State.COMPLETE
    assert sum(count for ticker, count in query(STORED) if ticker == SECOND) == stored


@pytest.mark.parametrize(
    "record",
    [
        7,
        {"candlesticks": []},
        {"market_ticker": {"moved": True}, "candlesticks": []},
        {"market_ticker": SECOND},
    ],
    ids=["a number", "no ticker", "an object as ticker", "no candlesticks"],
)
def test_market_whose_record_cannot_be_read_is_not_without_candlesticks(
    settings_for: Callable[..., Settings], query: Query, record: Record | int
) -> None:
    exchange = ChartingExchange({FIRST: OF_HOURS, SECOND: OF_HOURS})
    exchange.unreadable = record
    with _session_of(exchange, settings_for, 60) as session:
        take_snapshot(session, NOON)
        report = collect_candlesticks(session, DAY)
        assert (report.state, query(STORED)) == (State.PARTIAL, [(FIRST, 24)])
        assert query("SELECT state FROM candlestick_days ORDER BY market_id") == [("complete",), ("failed",)]
        assert f"{SECOND} failed" in str(report.reason)
        exchange.unreadable = None
        assert collect_candlesticks(session, DAY).state is State.COMPLETE
    assert query(STORED) == [(FIRST, 24), (SECOND, 24)]


def test_market_without_candlesticks_is_requested_again(collect: Callable[..., Report], query: Query) -> None:
    """Its day would be complete without them, and no later run would request it."""
    exchange = ChartingExchange({FIRST: OF_HOURS, SECOND: OF_HOURS})
    exchange.empty_answers = 1
    assert collect(exchange).state is State.COMPLETE
    assert query(STORED) == [(FIRST, 24), (SECOND, 24)]
