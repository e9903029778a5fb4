"""The exchange's records of their markets decide which trades are in scope, never the spelling of tickers."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from kalshi_pipeline.errors import TransientExchangeError
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.ingest.trades import collect_trades
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import (
    Record,
    SmallExchange,
    event,
    market,
    served,
    trade,
)
from kalshi_pipeline_tests.store import samples

DAY = date(2026, 11, 20)

EVSHARE, TAYLOR, TAYLOR_R = "EVSHARE-30JAN-20", "KXNEWTAYLOR-27-A", "KXNEWTAYLOR-R-27-A"
NAMED_LIKE_A_COMBO, COMBO, OTHER_COMBO = "KXMVENUS-27-A", "KXPARLAY-1-A", "KXMVESPORTS-1-A"
EVENTS = [
    event("EVSHARE-30JAN", "KXEVSHARE"),
    event("KXNEWTAYLOR-27", "KXNEWTAYLOR"),
    event("KXNEWTAYLOR-R-27", "KXNEWTAYLOR-R"),
    event("KXMVENUS-27", "KXMVENUS"),
    event("KXPARLAY-1", "KXPARLAY"),
    event("KXMVESPORTS-1", "KXMVESPORTS"),
]
MARKETS = [
    market(EVSHARE, "EVSHARE-30JAN"),
    market(TAYLOR, "KXNEWTAYLOR-27"),
    market(TAYLOR_R, "KXNEWTAYLOR-R-27"),
    market(NAMED_LIKE_A_COMBO, "KXMVENUS-27"),
    market(COMBO, "KXPARLAY-1", "KXPARLAY-R"),
    market(OTHER_COMBO, "KXMVESPORTS-1", "KXMVESPORTS-R"),
]
PLAIN, COMBOS = {EVSHARE, TAYLOR, TAYLOR_R, NAMED_LIKE_A_COMBO}, {COMBO, OTHER_COMBO}

Collect = Callable[..., Report]


@pytest.fixture
def exchange() -> SmallExchange:
    """Each market was traded once."""
    return SmallExchange(
        EVENTS,
        [dict(row) for row in MARKETS],
        [trade(number, row["ticker"]) for number, row in enumerate(MARKETS)],
    )


@pytest.fixture
def url(exchange: SmallExchange) -> Iterator[str]:
    exchange.now = ManualClock().seconds
    with served(exchange) as address:
        yield address


@pytest.fixture
def collect(url: str, settings_for: Callable[..., Settings]) -> Collect:
    """Collect the day in its own session, as a process would."""

    def run(**settings: Any) -> Report:
        with open_session(settings_for(url, **settings), clock=ManualClock()) as session:
            return collect_trades(session, DAY)

    return run


@pytest.fixture
def sync(url: str, settings_for: Callable[..., Settings]) -> Callable[[], None]:
    """Store all markets with their events."""

    def run() -> None:
        with open_session(settings_for(url, combos="include"), clock=ManualClock()) as session:
            assert sync_markets(session).is_complete

    return run


def traded(query: Query) -> set[str]:
    return {ticker for (ticker,) in query("SELECT ticker FROM trade_history")}


def tickers(query: Query, table: str) -> set[str]:
    return {ticker for (ticker,) in query(f"SELECT ticker FROM {table}")}


@pytest.fixture(params=[False, True], ids=["markets unknown", "markets stored"])
def is_stored(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


SERIES = [
    pytest.param("KXEVSHARE", {EVSHARE}, id="tickers without the KX of their series"),
    pytest.param("KXNEWTAYLOR", {TAYLOR}, id="a series that begins another's ticker"),
    pytest.param("KXNEWTAYLOR-R", {TAYLOR_R}, id="a series that extends another's ticker"),
    pytest.param("KXEVSHARE,KXNEWTAYLOR", {EVSHARE, TAYLOR}, id="two series"),
    pytest.param("EVSHARE", set(), id="a series that only tickers name"),
]


@pytest.mark.parametrize(("series", "expected"), SERIES)
def test_series_of_its_event_decides_about_a_trade(
    exchange: SmallExchange,
    collect: Collect,
    sync: Callable[[], None],
    query: Query,
    is_stored: bool,
    series: str,
    expected: set[str],
) -> None:
    """For a stored market, this needs no request. Unknown markets that are out of scope are not stored."""
    if is_stored:
        sync()
        exchange.asked.clear()
    report = collect(series=series)
    assert traded(query) == expected
    assert (report.state, report.tally.inserted, report.tally.out_of_scope) == (
        State.COMPLETE,
        len(expected),
        len(MARKETS) - len(expected),
    )
    if is_stored:
        assert exchange.looked_up("/markets") == []
    else:
        assert tickers(query, "markets") == expected
        assert tickers(query, "events") == {
            row["event_ticker"] for row in MARKETS if row["ticker"] in expected
        }


KINDS = [("exclude", PLAIN), ("only", COMBOS), ("include", PLAIN | COMBOS)]


@pytest.mark.parametrize(("combos", "expected"), KINDS)
def test_collection_of_a_market_decides_whether_its_trades_are_of_a_combo(
    collect: Collect,
    sync: Callable[[], None],
    query: Query,
    is_stored: bool,
    combos: str,
    expected: set[str],
) -> None:
    """A combo need not be named KXMVE, and a plain market may be."""
    if is_stored:
        sync()
    report = collect(combos=combos)
    assert traded(query) == expected
    assert report.tally.out_of_scope == len(MARKETS) - len(expected)
    if not is_stored:
        assert tickers(query, "markets") == expected


def test_series_and_kind_decide_together(exchange: SmallExchange, collect: Collect, query: Query) -> None:
    """The event of a combo is fetched alone, because lists of events do not show it."""
    collect(series="KXPARLAY,KXEVSHARE", combos="only")
    assert traded(query) == {COMBO}
    asked = [path for path, _ in exchange.asked if path.startswith("/events/")]
    assert asked == ["/events/KXMVESPORTS-1", "/events/KXPARLAY-1"]


@pytest.mark.parametrize(
    ("ticker", "event_ticker", "series", "is_combo"),
    [
        pytest.param(EVSHARE, "EVSHARE-30JAN", "KXEVSHARE", False, id="plain market"),
        pytest.param(COMBO, "KXPARLAY-1", "KXPARLAY", True, id="combo"),
    ],
)
def test_event_of_a_stored_market_is_fetched_before_its_trades_are_decided(
    exchange: SmallExchange,
    url: str,
    settings_for: Callable[..., Settings],
    query: Query,
    ticker: str,
    event_ticker: str,
    series: str,
    is_combo: bool,
) -> None:
    """Its series is unknown before. Each event is requested once, however many pages name its markets."""
    exchange.trades_per_page = 1
    exchange.trades.extend(trade(number, ticker) for number in (20, 21))
    exchange.trades.sort(key=lambda row: row["created_time"], reverse=True)
    settings = settings_for(url, series=series, combos="include")
    with open_session(settings, clock=ManualClock()) as session:
        samples.store_markets(session.database, samples.market(ticker, event_ticker, is_combo=is_combo))
        assert query("SELECT series_id FROM events") == [(None,)]
        collect_trades(session, DAY)
    assert query("SELECT ticker, count(*) FROM trade_history GROUP BY 1") == [(ticker, 3)]
    assert exchange.looked_up("/events").count(event_ticker) == 1
    of_event = "SELECT s.ticker FROM events AS e JOIN series AS s ON s.id = series_id WHERE e.ticker = ?"
    assert query(of_event, event_ticker) == [(series,)]


def test_event_without_a_series_is_of_no_series(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    """If the exchange does not know the event of a market, its trades are only in scopes of all series."""
    exchange.events = [row for row in exchange.events if row["event_ticker"] != "EVSHARE-30JAN"]
    assert collect(series="KXEVSHARE").tally.out_of_scope == len(MARKETS)
    assert traded(query) == set()
    collect()
    assert traded(query) == PLAIN


@pytest.mark.parametrize(
    ("settings", "is_stored_as"),
    [
        pytest.param({"combos": "include"}, {("LOST", 0, 1)}, id="everything"),
        pytest.param({"combos": "exclude"}, {("LOST", 0, 1)}, id="without combos"),
        pytest.param({"combos": "only"}, set(), id="only combos"),
        pytest.param({"series": "LOST", "combos": "include"}, set(), id="a series"),
    ],
)
def test_market_that_the_exchange_does_not_know_is_a_plain_one_of_no_series(
    exchange: SmallExchange,
    collect: Collect,
    query: Query,
    settings: dict[str, str],
    is_stored_as: set[tuple[object, ...]],
) -> None:
    exchange.trades.append(trade(30, "LOST"))
    report = collect(**settings)
    assert report.state is State.COMPLETE
    found = query("SELECT ticker, is_combo, is_placeholder FROM markets WHERE ticker = 'LOST'")
    assert set(found) == is_stored_as
    assert ("LOST" in traded(query)) is bool(is_stored_as)


def test_lookups_that_all_fail_stop_a_narrow_scope_and_are_repeated_by_the_next_run(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    """A trade is neither stored nor dropped before its scope is known; the next run continues at its page."""
    exchange.trades_per_page = 2
    exchange.failing = {"/markets": "-27-A"}  # the markets of the second page
    report = collect(series="KXEVSHARE,KXNEWTAYLOR-R")
    assert isinstance(report.error, TransientExchangeError)
    runs = "SELECT state, reason, received, out_of_scope FROM listings ORDER BY id"
    assert query(runs) == [("partial", str(report.error), 2, 2)]
    assert tickers(query, "markets") == set()

    exchange.failing = {}
    exchange.asked.clear()
    assert collect(series="KXEVSHARE,KXNEWTAYLOR-R").state is State.COMPLETE
    assert exchange.walks_begun() == 0
    assert traded(query) == {EVSHARE, TAYLOR_R}
    assert query(runs)[1] == ("complete", None, 4, 2)


def test_events_that_cannot_be_looked_up_in_a_batch_are_fetched_one_by_one(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    exchange.failing = {"/events": ""}
    assert collect(series="KXEVSHARE,KXNEWTAYLOR-R").state is State.COMPLETE
    assert traded(query) == {EVSHARE, TAYLOR_R}


def test_lookup_that_fails_for_one_market_leaves_its_trades_to_the_next_run(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    """All others are stored."""
    exchange.failing = {"/markets": "KXMVENUS"}
    report = collect(series="KXEVSHARE,KXNEWTAYLOR-R")
    assert (report.state, report.error) == (State.PARTIAL, None)
    assert report.reason is not None
    assert "could not be read, so their scope is unknown" in report.reason
    assert traded(query) == {EVSHARE, TAYLOR_R}
    exchange.failing = {}
    assert collect(series="KXEVSHARE,KXNEWTAYLOR-R").state is State.COMPLETE
    assert traded(query) == {EVSHARE, TAYLOR_R}


def test_lookup_that_fails_is_no_end_where_everything_is_in_scope(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    exchange.failing = {"/markets": ""}
    report = collect(combos="include")
    assert (report.state, traded(query)) == (State.COMPLETE, PLAIN | COMBOS)
    assert report.counts["not_looked_up"] == len(MARKETS)
    assert query("SELECT count(*), sum(is_placeholder), sum(is_combo), count(gone_at) FROM markets") == [
        (len(MARKETS), len(MARKETS), 0, 0)
    ]


def test_series_in_another_order_are_the_same_scope(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    collect(series="KXEVSHARE,KXNEWTAYLOR")
    exchange.asked.clear()
    report = collect(series="KXNEWTAYLOR,KXEVSHARE,KXNEWTAYLOR")
    assert (report.state, report.requests, report.part_rows) == (State.COMPLETE, 1, 2)
    assert exchange.asked == [("/exchange/status", {})]
    assert query("SELECT series FROM scopes") == [("KXEVSHARE,KXNEWTAYLOR",)]


@pytest.mark.parametrize(
    ("first", "second", "is_requested"),
    [
        pytest.param({}, {"series": "KXEVSHARE"}, False, id="all series, one"),
        pytest.param({"series": "KXEVSHARE"}, {}, True, id="one series, all"),
        pytest.param(
            {"series": "KXEVSHARE,KXNEWTAYLOR"},
            {"series": "KXNEWTAYLOR"},
            False,
            id="two series, one of them",
        ),
        pytest.param(
            {"series": "KXNEWTAYLOR"}, {"series": "KXNEWTAYLOR-R"}, True, id="a series, one named alike"
        ),
        pytest.param({"combos": "include"}, {"combos": "only"}, False, id="with combos, only combos"),
        pytest.param({"combos": "only"}, {"combos": "exclude"}, True, id="combos, the others"),
    ],
)
def test_complete_day_is_not_requested_for_a_scope_within_its_own(
    exchange: SmallExchange,
    collect: Collect,
    query: Query,
    first: dict[str, str],
    second: dict[str, str],
    is_requested: bool,
) -> None:
    assert collect(**first).state is State.COMPLETE
    exchange.asked.clear()
    report = collect(**second)
    assert report.state is State.COMPLETE
    # Its only page is also the last one, which is requested twice.
    assert exchange.walks_begun() == 2 * is_requested
    assert ("2026-11-20 was already complete: nothing was requested" in report.notes) is not is_requested
    assert [state for (state,) in query("SELECT state FROM listings")] == ["complete", "complete"]


def test_walks_of_different_scopes_are_apart(exchange: SmallExchange, collect: Collect, query: Query) -> None:
    """A stopped walk is continued only by a run of the same scope."""
    exchange.trades_per_page = 2

    def states() -> list[tuple[Any, ...]]:
        return query(
            "SELECT name, series, combos, status_filter, state, pages FROM backfill_progress AS b "
            "JOIN scopes AS s ON s.id = scope_id ORDER BY b.id"
        )

    name = "trades/2026-11-20/live"
    exchange.failing = {"/markets": "-27-A"}  # the markets of the second page
    assert isinstance(collect(series="KXEVSHARE").error, TransientExchangeError)
    exchange.failing = {}
    stopped = (name, "KXEVSHARE", "exclude", "all", "partial", 1)
    assert states() == [stopped]
    collect(series="KXNEWTAYLOR")
    assert states() == [stopped, (name, "KXNEWTAYLOR", "exclude", "all", "complete", 3)]
    exchange.asked.clear()
    collect(series="KXEVSHARE")
    assert exchange.walks_begun() == 0
    assert states()[0] == (name, "KXEVSHARE", "exclude", "all", "complete", 3)
    assert traded(query) == {EVSHARE, TAYLOR}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda exchange: _spoil(exchange.markets, TAYLOR, yes_bid_dollars="x"), id="the market"),
        pytest.param(lambda exchange: _spoil(exchange.markets, TAYLOR, event_ticker=5), id="its event"),
    ],
)
def test_trade_of_an_unreadable_market_waits_until_it_can_be_read(
    exchange: SmallExchange,
    collect: Collect,
    query: Query,
    spoil: Callable[[SmallExchange], Callable[[], None]],
) -> None:
    """The others are stored meanwhile, and the next run continues at its page, the last."""
    exchange.trades_per_page = 2
    mend = spoil(exchange)
    settings = {"series": "KXEVSHARE,KXNEWTAYLOR,KXNEWTAYLOR-R"}
    report = collect(**settings)
    assert (report.state, report.is_complete, traded(query)) == (State.PARTIAL, False, {EVSHARE, TAYLOR_R})
    assert str(report.reason).startswith(f"the exchange's records of 1 traded markets ({TAYLOR}, …)")
    assert query("SELECT state, cursor FROM backfill_progress") == [("partial", "4")]
    counted = query("SELECT received, inserted, unchanged + duplicates, out_of_scope FROM listings")
    assert counted == [(5, 2, 0, 3)]
    mend()
    exchange.asked.clear()
    report = collect(**settings)
    assert (report.state, traded(query)) == (State.COMPLETE, {EVSHARE, TAYLOR, TAYLOR_R})
    assert exchange.walks_begun() == 0
    assert query("SELECT state, cursor FROM backfill_progress") == [("complete", None)]


def test_unreadable_market_is_a_placeholder_where_everything_is_in_scope(
    exchange: SmallExchange, collect: Collect, query: Query
) -> None:
    """If combos are excluded, it may be one, so its trade waits."""
    _spoil(exchange.markets, TAYLOR, yes_bid_dollars="x")
    assert (collect().state, traded(query)) == (State.PARTIAL, PLAIN - {TAYLOR})
    assert (collect(combos="include").state, traded(query)) == (State.COMPLETE, PLAIN | COMBOS)
    assert query(f"SELECT is_placeholder, is_combo FROM markets WHERE ticker = '{TAYLOR}'") == [(1, 0)]


def _spoil(records: list[Record], ticker: str, **values: object) -> Callable[[], None]:
    """Make a record unreadable, and return a function that restores it."""
    [record] = [record for record in records if ticker in (record.get("ticker"), record["event_ticker"])]
    before = dict(record)
    record.update(values)

    def mend() -> None:
        record.clear()
        record.update(before)

    return mend
