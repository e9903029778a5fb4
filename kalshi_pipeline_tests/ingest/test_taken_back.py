"""Results that are published, withdrawn and published again: the one in force, and the earlier ones."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from kalshi_pipeline.api import Store
from kalshi_pipeline.cli.answers.markets import market_answer
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.ingest.market import fetch_market
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.ingest.settlements import backfill_settlements, sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.monitoring.checks import QUOTES_SANE, examine
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.reading.published_results import results_to_confirm
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.units import MICROS_PER_SECOND, iso_of
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import NOON, ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.outcomes import changed, is_lookup, move, reopen, rewritten, same, without

SettingsFor = Callable[..., Settings]
MINUTE = 60 * MICROS_PER_SECOND
YES, NO = 1, 2
IN_FORCE = "SELECT ticker, result, settlement_value, status, amended_at IS NOT NULL FROM settlement_history"
IN_FORCE_OF = "SELECT * FROM settlement_history WHERE ticker = ?"
STORED = "SELECT result, settlement_value, withdrawn_at IS NOT NULL FROM settlements"
AMENDMENTS = (
    "SELECT result_before, result_after, value_before, value_after FROM settlement_amendment_history "
    "ORDER BY seen_at"
)
HISTORY = "SELECT substr(tick_at, 15, 2), is_terminal FROM price_history WHERE ticker = ? ORDER BY tick_at"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A small exchange that does not change."""
    config = WorldConfig(markets=30, combos=2, births_per_step=0, closes_per_step=0, change_share=0)
    with Sandbox(World(config)) as running:
        yield running


def test_market_that_trades_has_no_settlement_in_force(
    sandbox: Sandbox, session: Session, ticker: str, query: Query
) -> None:
    """It ends at yes, trades again, and ends at no; views, functions and the command agree."""
    store = Store.of(session.database)
    take_snapshot(session, NOON)
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    take_snapshot(session, NOON + MINUTE)
    assert query(IN_FORCE) == [(ticker, "yes", 1.0, "finalized", 0)]

    reopen(sandbox, ticker)
    take_snapshot(session, NOON + 2 * MINUTE)
    assert query(IN_FORCE) == []
    assert query(STORED) == [("yes", 1_000_000, 1)]
    taken_back = store.market(ticker)
    assert taken_back.settlement is not None
    assert taken_back.settlement.withdrawn_at is not None
    assert not taken_back.settlement.is_in_force

    move(sandbox, ticker, "finalized", result=NO, value=0)
    take_snapshot(session, NOON + 3 * MINUTE)
    assert query(IN_FORCE) == [(ticker, "no", 0.0, "finalized", 1)]
    settlement = store.market(ticker).settlement
    assert settlement is not None
    assert (settlement.is_in_force, settlement.withdrawn_at) == (True, None)
    assert query(AMENDMENTS) == [("yes", "no", 1.0, 0.0)]
    assert query(HISTORY, ticker) == [("00", 0), ("01", 1), ("02", 0), ("03", 1)]


def test_command_shows_a_withdrawn_settlement_as_such(
    sandbox: Sandbox, session: Session, ticker: str
) -> None:
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    fetch_market(session, ticker)
    reopen(sandbox, ticker)
    fetch_market(session, ticker)
    answer = market_answer(Asked(), Store.of(session.database).market(ticker))
    [line] = [
        value
        for column, value in zip(answer.columns, answer.rows[0], strict=True)
        if column.name == "settled"
    ]
    assert isinstance(line, str)
    assert "yes, 1, " in line
    assert "withdrawn (seen " in line
    assert ": no result is in force" in line


@pytest.mark.parametrize(
    "see",
    [
        pytest.param(lambda session, _: take_snapshot(session, NOON + MINUTE), id="listing"),
        pytest.param(lambda session, _: sync_markets(session), id="sync"),
        pytest.param(fetch_market, id="command"),
    ],
)
def test_settlement_is_withdrawn_by_whatever_sees_the_market_open(
    sandbox: Sandbox, session: Session, ticker: str, query: Query, see: Callable[[Session, str], Any]
) -> None:
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    fetch_market(session, ticker)
    reopen(sandbox, ticker)
    see(session, ticker)
    assert (query(IN_FORCE), query(STORED)) == ([], [("yes", 1_000_000, 1)])
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    fetch_market(session, ticker)
    assert query(IN_FORCE) == [(ticker, "yes", 1.0, "finalized", 0)]
    assert query(AMENDMENTS) == []


def test_lookup_withdraws_too(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """The market is open again but not listed, or has closed again without a result."""

    def hide(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return rows if is_lookup(request) else [row for row in rows if row["ticker"] != ticker]

    for status in ("active", "inactive", "closed"):
        move(sandbox, ticker, "determined", result=YES)
        fetch_market(session, ticker)
        assert query(IN_FORCE) == [(ticker, "yes", None, "determined", 0)]
        reopen(sandbox, ticker)
        move(sandbox, ticker, status)
        with rewritten(settings_for(sandbox.url), hide) as hiding:
            take_snapshot(hiding, NOON + query("SELECT count(*) FROM ticks")[0][0] * MINUTE)
        assert (query(IN_FORCE), query(STORED)) == ([], [("yes", None, 1)])


def test_result_counts_from_its_determination_on_and_each_flip_is_kept(
    sandbox: Sandbox, session: Session, ticker: str, query: Query
) -> None:
    """The result flips three times, the last time with the payout."""
    stages: list[tuple[str, int, int | None]] = [
        ("determined", YES, None),
        ("amended", NO, None),
        ("disputed", YES, None),
        ("finalized", NO, 0),
    ]
    shown = []
    for status, result, value in stages:
        move(sandbox, ticker, status, result=result, value=value)
        fetch_market(session, ticker)
        fetch_market(session, ticker)
        shown += query("SELECT result, settlement_value, settled_at_source, status FROM settlement_history")
    assert [(row[0], row[1], row[3]) for row in shown] == [
        ("yes", None, "determined"),
        ("no", None, "amended"),
        ("yes", None, "disputed"),
        ("no", 0.0, "finalized"),
    ]
    assert [row[2] == "settlement_ts" for row in shown] == [False, False, False, True]
    assert query(AMENDMENTS) == [
        ("yes", "no", None, None),
        ("no", "yes", None, None),
        ("yes", "no", None, 0.0),
    ]
    [(amended_at,)] = query("SELECT amended_at FROM settlement_history")
    assert query("SELECT max(seen_at) FROM settlement_amendment_history") == [(amended_at,)]
    assert backfill_settlements(session).tally.changed == 0


def test_determined_market_without_a_result_has_no_settlement(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    move(sandbox, ticker, "determined")
    with rewritten(settings_for(sandbox.url), changed(ticker, result="")) as session:
        fetch_market(session, ticker)
    assert query(STORED) == []


def test_payout_of_another_result_is_not_kept(
    sandbox: Sandbox, session: Session, ticker: str, query: Query
) -> None:
    """A new result without a value inherits neither the payout nor the time of the former one."""
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    fetch_market(session, ticker)
    reopen(sandbox, ticker)
    fetch_market(session, ticker)
    move(sandbox, ticker, "determined", result=NO)
    fetch_market(session, ticker)
    assert query(IN_FORCE) == [(ticker, "no", None, "determined", 1)]
    assert query(AMENDMENTS) == [("yes", "no", 1.0, None)]
    assert query("SELECT settled_at_source = 'settlement_ts' FROM settlement_history") == [(0,)]


def test_market_that_returns_and_is_renamed_ends_once_more(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """It has one settlement, one history, and its present event."""
    other = next(
        market["event_ticker"]
        for name, market in open_markets(sandbox.url, mve_filter="exclude").items()
        if market["event_ticker"] != open_markets(sandbox.url)[ticker]["event_ticker"]
    )
    take_snapshot(session, NOON)
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    take_snapshot(session, NOON + MINUTE)
    reopen(sandbox, ticker)
    with rewritten(settings_for(sandbox.url), changed(ticker, event_ticker=other)) as renamed:
        take_snapshot(renamed, NOON + 2 * MINUTE)
        assert query(IN_FORCE) == []
        move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
        take_snapshot(renamed, NOON + 3 * MINUTE)
    assert query("SELECT ticker, event_ticker, result, amended_at FROM settlement_history") == [
        (ticker, other, "yes", None)
    ]
    assert query(HISTORY, ticker) == [("00", 0), ("01", 1), ("02", 0), ("03", 1)]
    assert query("PRAGMA foreign_key_check") == []


def test_negative_size_is_no_quote_and_fails_the_check(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """The other side stays quoted."""
    negative = changed(
        ticker,
        yes_bid_dollars="0.2900",
        yes_bid_size_fp="-1048538.00",
        yes_ask_dollars="0.3100",
        yes_ask_size_fp="12.00",
        no_bid_dollars="0.6900",
        no_ask_dollars="0.7100",
    )
    with rewritten(settings_for(sandbox.url), negative) as session:
        report = take_snapshot(session, NOON)
        [finding] = examine(session, report, [QUOTES_SANE])
    sides = "SELECT yes_bid, yes_bid_size, yes_ask, yes_ask_size FROM latest_prices WHERE ticker = ?"
    assert query(sides, ticker) == [(None, None, 0.31, 12.0)]
    assert (finding.passed, finding.text) == (False, "1 negative_sizes")
    assert finding.numbers == {"crossed": 0, "out_of_range": 0, "unmirrored": 0, "negative_sizes": 1}


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        pytest.param("closed", 0, [], id="closed again"),
        pytest.param("initialized", 0, [], id="not opened yet"),
        pytest.param("determined", NO, [("no", None, "determined", 1)], id="determined otherwise"),
        pytest.param("finalized", NO, [("no", 0.0, "finalized", 1)], id="amended under the same time"),
    ],
)
def test_hourly_run_confirms_the_results_that_its_listing_does_not_show(
    sandbox: Sandbox,
    session: Session,
    ticker: str,
    query: Query,
    status: str,
    result: int,
    expected: list[tuple[Any, ...]],
) -> None:
    """No listing has the market as it now is: another one settled a day later, and moved the watermark."""
    world, later = sandbox.world, [*open_markets(sandbox.url, mve_filter="exclude")][-1]
    settled_at = world.clock
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    move(sandbox, later, "finalized", result=YES, value=1_000_000)
    with world.lock:
        world.markets.settled_at[world.markets.position[later]] = settled_at + 86_400 * MICROS_PER_SECOND
    sync_settlements(session)
    of_ticker = f"SELECT result, settlement_value, status, amended_at > 0 FROM ({IN_FORCE_OF})"
    assert query(of_ticker, ticker) == [("yes", 1.0, "finalized", None)]

    if status != "finalized":
        reopen(sandbox, ticker)
    move(sandbox, ticker, status, result=result, value=0 if status == "finalized" else None)
    report = sync_settlements(session)
    assert report.counts["looked_up"] > 0
    assert query(of_ticker, ticker) == expected


def test_results_are_confirmed_a_day_and_a_week_after_the_settlement(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str
) -> None:
    """Whatever is newer, and once each."""
    clock = ManualClock(sandbox.world.clock // MICROS_PER_SECOND * MICROS_PER_SECOND)
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    with rewritten(settings_for(sandbox.url), same, clock) as session:
        sync_settlements(session)
        asked = []
        for hour in range(1, 8 * 24):
            clock.advance(3600)
            with session.database.read() as connection:
                due = results_to_confirm(
                    connection,
                    session.scope(StatusFilter.SETTLED),
                    [],
                    newest=0,
                    previous_at=clock.now() - 3600 * MICROS_PER_SECOND,
                    at=clock.now(),
                    most=1000,
                )
            asked += [hour] * due.count(ticker)
    assert asked == [24, 7 * 24]


def test_settled_market_that_neither_tier_has_any_more_keeps_its_result(
    sandbox: Sandbox, session: Session, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    move(sandbox, ticker, "finalized", result=YES, value=1_000_000)
    sync_settlements(session)
    before = query(f"{IN_FORCE} ORDER BY ticker")
    with rewritten(settings_for(sandbox.url), lambda _request, _rows: []) as deaf:
        report = sync_settlements(deaf)
    assert report.state is State.COMPLETE
    assert query(f"{IN_FORCE} ORDER BY ticker") == before


def _snapshot(session: Session, _: str) -> None:
    take_snapshot(session, session.clock.now())


def _walk(session: Session, _: str) -> None:
    backfill_settlements(session)


@pytest.mark.parametrize(
    ("status", "see"),
    [
        pytest.param("active", _snapshot, id="by a listing"),
        pytest.param("determined", _snapshot, id="by a lookup"),
        pytest.param("active", fetch_market, id="by the command"),
        pytest.param("determined", fetch_market, id="by the command, determined"),
        pytest.param("finalized", _walk, id="by a walk over settlements"),
    ],
)
def test_gone_market_is_back_once_it_is_seen(
    sandbox: Sandbox,
    settings_for: SettingsFor,
    ticker: str,
    query: Query,
    status: str,
    see: Callable[[Session, str], Any],
) -> None:
    """It then takes two lookups to be gone again."""
    clock = ManualClock(NOON)
    settings = settings_for(sandbox.url)
    with rewritten(settings, same, clock) as session:
        take_snapshot(session, NOON)
    with rewritten(settings, without(ticker), clock) as deaf:
        for minute in (1, 11):
            clock.advance(minute * 60 - clock.monotonic())
            take_snapshot(deaf, NOON + minute * MINUTE)
    assert query("SELECT gone_at FROM markets WHERE gone_at > 0") == [(NOON + 11 * MINUTE,)]

    if status != "active":
        move(sandbox, ticker, status, result=YES, value=1_000_000)
    clock.advance(9 * 60)
    with rewritten(settings, same, clock) as session:
        see(session, ticker)
    assert query("SELECT status, gone_at FROM markets WHERE ticker = ?", ticker) == [(status, None)]
    expected = [] if status == "active" else [(ticker, "yes", 1.0, status, 0)]
    assert query(f"{IN_FORCE} WHERE ticker = ?", ticker) == expected
    assert query("SELECT count(*) FROM market_lookups WHERE missing_at > 0") == [(0,)]
    if status != "finalized":
        with rewritten(settings, without(ticker), clock) as deaf:
            for minute in (30, 39, 40):
                clock.advance(minute * 60 - clock.monotonic())
                take_snapshot(deaf, NOON + minute * MINUTE)
                is_gone = minute == 40
                assert query("SELECT count(gone_at) FROM markets") == [(int(is_gone),)], iso_of(clock.now())


@pytest.mark.parametrize("combos", ["exclude", "only"])
@pytest.mark.parametrize("end", ["gone", "closed"])
def test_market_that_a_lookup_finds_open_again_is_quoted_by_the_same_tick(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query, end: str, combos: str
) -> None:
    """This holds although no listing shows it, but not for a tick whose scope does not cover it."""
    clock = ManualClock(NOON)
    settings = settings_for(sandbox.url)
    with rewritten(settings, same, clock) as session:
        take_snapshot(session, NOON)
    if end == "closed":
        move(sandbox, ticker, "closed")
    with rewritten(settings, without(ticker) if end == "gone" else same, clock) as session:
        for minute in (1, 11):
            clock.advance(minute * 60 - clock.monotonic())
            take_snapshot(session, NOON + minute * MINUTE)
    assert query("SELECT is_terminal FROM latest_prices WHERE ticker = ?", ticker) == [(1,)]

    reopen(sandbox, ticker)

    def hide(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return rows if is_lookup(request) else [row for row in rows if row["ticker"] != ticker]

    clock.advance(9 * 60)
    with rewritten(settings_for(sandbox.url, combos=combos), hide, clock) as session:
        take_snapshot(session, NOON + 20 * MINUTE)
    assert query("SELECT status, gone_at FROM markets WHERE ticker = ?", ticker) == [("active", None)]
    is_covered = combos == "exclude"
    assert query(HISTORY, ticker)[-1] == (("20", 0) if is_covered else ("11" if end == "gone" else "01", 1))


def test_vanished_market_is_requested_ever_more_rarely(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """At every tick of its first hour, then one hour and six hours after it was marked gone, then daily and weekly."""
    clock = ManualClock(NOON)
    settings = settings_for(sandbox.url)
    asked: list[float] = []

    def deaf(request: httpx.Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if ticker in request.url.params.get("tickers", "") and "/historical/" in request.url.path:
            asked.append(clock.monotonic() / 60)
        return [row for row in rows if row["ticker"] != ticker]

    hour, day = 60, 24 * 60
    gone = 11
    early = [1, 2, 10, 11, 12, 40, 60]
    late = [gone + hour, gone + 6 * hour, *(gone + days * day for days in (1, 2, 3, 4, 5, 6, 7, 14, 21))]
    with rewritten(settings, same, clock) as session:
        take_snapshot(session, NOON)
    with rewritten(settings, deaf, clock) as session:
        for minute in sorted([*early, 61, *late, *(minute - 1 for minute in late), gone + 10 * day]):
            clock.advance(minute * 60 - clock.monotonic())
            take_snapshot(session, NOON + minute * MINUTE)
    assert query("SELECT gone_at FROM markets WHERE ticker = ?", ticker) == [(NOON + gone * MINUTE,)]
    assert asked == [*early, *late]

    move(sandbox, ticker, "finalized", result=YES, value=1_000_000, is_archived=True)
    with rewritten(settings, same, clock) as session:
        clock.advance(7 * day * 60)
        take_snapshot(session, NOON + round(clock.monotonic()) * MICROS_PER_SECOND)
    assert query("SELECT status, gone_at FROM markets WHERE ticker = ?", ticker) == [("finalized", None)]
    assert query("SELECT result, settlement_value, tier FROM settlement_history") == [
        ("yes", 1.0, "historical")
    ]


def test_market_that_moved_is_confirmed_by_ticks_that_could_list_it(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, query: Query
) -> None:
    """A tick of the series to which it moved later could not list it; other ticks did."""
    series = dict(query_series(sandbox))
    own = series[open_markets(sandbox.url)[ticker]["event_ticker"]]
    other_event, other = next((event, of) for event, of in series.items() if of != own)
    scopes = [(), (), (other,), (own, other), ()]
    for minute, names in enumerate(scopes):
        with rewritten(settings_for(sandbox.url, series=names, event_lookups=100), same) as session:
            take_snapshot(session, NOON + minute * MINUTE)
    repriced = changed(ticker, volume_fp="99.00")
    with rewritten(settings_for(sandbox.url), repriced) as session:
        take_snapshot(session, NOON + 5 * MINUTE)
    with rewritten(settings_for(sandbox.url), changed(ticker, event_ticker=other_event)) as session:
        take_snapshot(session, NOON + 6 * MINUTE)
    found = query(
        "SELECT substr(tick_at, 15, 2), substr(confirmed_at, 15, 2) FROM quotes_by_tick WHERE ticker = ?"
        " ORDER BY tick_at",
        ticker,
    )
    assert found == [(f"0{minute}", "01" if minute == 2 else f"0{minute}") for minute in range(7)]


def query_series(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Each event of a market that trades, with its series."""
    page = plain_http.get(f"{sandbox.url}/events", params={"limit": "200", "status": "open"}).json()
    return [(event["event_ticker"], event["series_ticker"]) for event in page["events"]]
