"""Listings count as complete only if no evidence contradicts them, and histories end only on proof."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx
import pytest

from kalshi_pipeline.exchange.batches import TICKERS_PER_LOOKUP
from kalshi_pipeline.ingest.parents.plausibility import SAMPLE, contradiction, sample_of
from kalshi_pipeline.ingest.parents.reconciliation import LookupPlan
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.sandbox import Sandbox, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.lookups import Unlisted
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.outcomes import is_lookup, move, rewritten
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session
from kalshi_pipeline_tests.store.samples import MINUTE

SettingsFor = Callable[..., Settings]
Rows = list[dict[str, Any]]
Answer = Callable[[httpx.Request, Rows], Rows]
MARKETS = 300


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """An exchange that does not change, all of whose markets trade."""
    config = WorldConfig(markets=MARKETS, combos=0, births_per_step=0, closes_per_step=0, change_share=0)
    with Sandbox(World(config)) as running:
        for ticker, market in open_markets(running.url).items():
            if market["status"] != "active":
                move(running, ticker, "active")
        yield running


@pytest.fixture
def settings(sandbox: Sandbox, settings_for: SettingsFor) -> Settings:
    return settings_for(sandbox.url)


@pytest.fixture
def listed(settings: Settings, query: Query) -> list[str]:
    """The markets of a first, whole tick."""
    with open_session(settings) as session:
        report = take_snapshot(session, NOON)
    assert (report.state, report.tally.inserted) == (State.COMPLETE, MARKETS)
    return [ticker for (ticker,) in query("SELECT ticker FROM markets ORDER BY id")]


def at(settings: Settings, minute: int, answer: Answer) -> Report:
    with rewritten(settings, answer) as session:
        return take_snapshot(session, NOON + minute * MINUTE)


def honest(_: httpx.Request, rows: Rows) -> Rows:
    return rows


def cut_to(tickers: list[str]) -> Answer:
    """Every listing shows only these markets; lookups return the truth."""
    return lambda request, rows: [row for row in rows if is_lookup(request) or row["ticker"] in tickers]


def is_paused_listing(request: httpx.Request) -> bool:
    return bool(request.url.params.get("status") == "paused")


@pytest.mark.parametrize("left", [0, 100], ids=["empty", "cut"])
def test_listing_that_is_cut_short_confirms_and_ends_nothing(
    settings: Settings, listed: list[str], query: Query, left: int
) -> None:
    """This holds for any number of listings, because each is compared with the last good tick."""
    for minute in (1, 2, 3):
        report = at(settings, minute, cut_to(listed[:left]))
        assert (report.state, report.tally.ended, report.tally.unconfirmed) == (State.PARTIAL, 0, 0)
        assert (
            report.reason
            == "the listing was cut short: of 200 markets that left it and were looked up, 200 are open"
        )
        assert report.counts["looked_up"] == SAMPLE
    assert query("SELECT count(*) FROM unlisted_spans") == [(0,)]
    assert query("SELECT count(*) FROM latest_prices WHERE is_terminal OR is_tick_complete") == [(0,)]
    assert query("SELECT count(DISTINCT confirmed_at) FROM latest_prices") == [(1,)]

    report = at(settings, 4, honest)
    assert (report.state, report.tally.received) == (State.COMPLETE, MARKETS)
    assert query("SELECT count(*) FROM latest_prices WHERE is_tick_complete") == [(MARKETS,)]
    assert query("SELECT count(*) FROM lost_markets") == [(0,)]


def test_sync_whose_listing_is_cut_short_is_partial(settings: Settings, listed: list[str]) -> None:
    with rewritten(settings, cut_to(listed[:100])) as session:
        report = sync_markets(session)
    assert (report.state, report.is_complete) == (State.PARTIAL, False)
    assert str(report.reason).startswith("the listing was cut short: of 200 markets")


def test_some_open_markets_may_be_missing_and_are_looked_up_at_each_tick(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query
) -> None:
    """The lookup confirms them, and they do not count as vanished at the next tick."""
    lost = listed[:5]
    for minute in (1, 2):
        sandbox.requests.clear()
        report = at(settings, minute, cut_to(listed[5:]))
        assert (report.state, report.counts["lost_by_listing"]) == (State.COMPLETE, 5)
        assert (report.tally.received, report.tally.unconfirmed) == (MARKETS, 0)
        [asked] = [request.query["tickers"] for request in sandbox.requests if "tickers" in request.query]
        assert sorted(asked.split(",")) == sorted(lost)
    assert query("SELECT count(*) FROM latest_prices WHERE is_tick_complete") == [(MARKETS,)]

    report = at(settings, 3, cut_to(listed[8:]))
    assert (report.state, report.counts["lost_by_listing"]) == (State.COMPLETE, 8), "three more have vanished"
    at(settings, 4, honest)
    assert query("SELECT count(*) FROM lost_markets") == [(0,)]


def test_market_that_is_neither_listed_nor_found_is_unconfirmed_until_it_is(
    settings: Settings, listed: list[str], query: Query
) -> None:
    """The unlisted span starts at the first tick that missed the market, and ends before the tick that lists it
    again.
    """
    lost = listed[0]
    state = f"SELECT confirmed_at, is_tick_complete FROM latest_prices WHERE ticker = '{lost}'"
    [(first_at, _)] = query(state)

    def without(_: httpx.Request, rows: Rows) -> Rows:
        return [row for row in rows if row["ticker"] != lost]

    for minute in (1, 2):
        report = at(settings, minute, without)
        assert (report.state, report.tally.unconfirmed, report.tally.ended) == (State.COMPLETE, 1, 0)
        assert query(state) == [(first_at, 0)]
    at(settings, 3, honest)
    assert query("SELECT from_tick_id, to_tick_id FROM unlisted_spans") == [(2, 4)]
    by_tick = f"SELECT tick_id, is_tick_complete FROM quotes_by_tick WHERE ticker = '{lost}' ORDER BY tick_id"
    assert query(by_tick) == [(1, 1), (2, 0), (3, 0), (4, 1)]
    assert query(f"SELECT count(*) FROM price_history WHERE ticker = '{lost}'") == [(1,)]


@pytest.mark.usefixtures("listed")
def test_listing_is_partial_if_too_few_vanished_markets_are_found(settings: Settings, query: Query) -> None:
    """Such an answer marks nothing as missing."""
    lasting = "SELECT ticker FROM markets WHERE NOT coalesce(is_provisional, 0) LIMIT 20"
    gone = {ticker for (ticker,) in query(lasting)}
    report = at(settings, 1, lambda _, rows: [row for row in rows if row["ticker"] not in gone])
    assert (report.state, report.tally.unconfirmed) == (State.PARTIAL, 0)
    assert report.reason == (
        "the listing cannot be checked: of 20 markets that left it and were looked up, 0 were found"
    )
    assert query("SELECT count(*) FROM market_lookups WHERE missing_at IS NOT NULL") == [(0,)]


def test_listing_is_complete_after_a_mass_close(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query
) -> None:
    for ticker in listed[:250]:
        move(sandbox, ticker, "closed")
    report = at(settings, 1, honest)
    assert (report.state, report.tally.ended, report.tally.unconfirmed) == (State.COMPLETE, 250, 0)
    assert query("SELECT ended, unconfirmed FROM ticks WHERE id = 2") == [(250, 0)]


def test_end_found_by_another_run_is_written_by_the_next_tick_of_any_scope(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query
) -> None:
    for ticker in listed[:3]:
        move(sandbox, ticker, "closed")
    with open_session(settings) as session:
        sync_markets(session)
    assert query("SELECT count(*) FROM latest_quotes WHERE is_terminal") == [(0,)]
    other = settings.model_copy(update={"series": ("KXNONE",)})
    report = at(other, 1, honest)
    assert (report.tally.received, report.tally.ended) == (0, 3)
    assert query("SELECT DISTINCT tick_id FROM latest_quotes WHERE is_terminal") == [(2,)]


@pytest.mark.parametrize("are_listed_as_open", [True, False], ids=["among the open", "alone"])
def test_paused_markets_count_as_open(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query, are_listed_as_open: bool
) -> None:
    """They are listed, confirmed and counted once, whether the listing of open markets contains them or not."""
    for ticker in listed[:30]:
        move(sandbox, ticker, "inactive")

    def answer(request: httpx.Request, rows: Rows) -> Rows:
        if are_listed_as_open or is_paused_listing(request):
            return rows
        return [row for row in rows if row["status"] != "inactive"]

    report = at(settings, 1, answer)
    assert (report.state, report.tally.paused, report.tally.ended) == (State.COMPLETE, 30, 0)
    assert (report.tally.received, report.tally.duplicates) == ((330, 30) if are_listed_as_open else (300, 0))
    assert report.counts["lost_by_listing"] == 0
    assert query("SELECT count(*) FROM latest_prices WHERE is_tick_complete") == [(MARKETS,)]


def test_series_are_walked_one_after_the_other_for_paused_markets(
    sandbox: Sandbox, settings_for: SettingsFor
) -> None:
    """With the same settings, open markets of several series are listed at once."""
    series = sorted({ticker.split("-")[0] for ticker in open_markets(sandbox.url)})[:4]
    all_ask = threading.Barrier(len(series))
    asking: list[str] = []
    overlaps: list[int] = []

    def answer(request: httpx.Request, rows: Rows) -> Rows:
        if request.url.params.get("status") == "open":
            all_ask.wait()
        elif is_paused_listing(request):
            asking.append(request.url.params["series_ticker"])
            threading.Event().wait(0.02)  # long enough for another one to arrive
            overlaps.append(len(asking))
            asking.pop()
        return rows

    report = at(settings_for(sandbox.url, series=",".join(series), windows=len(series)), 0, answer)
    assert (report.state, overlaps) == (State.COMPLETE, [1] * len(series))


@pytest.mark.parametrize("count", [3, 30])
def test_paused_markets_that_cannot_be_listed_are_looked_up(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query, count: int
) -> None:
    """Any number of paused markets is no evidence of a truncated listing."""
    for ticker in listed[:count]:
        move(sandbox, ticker, "inactive")

    def answer(request: httpx.Request, rows: Rows) -> Rows:
        if is_paused_listing(request):
            raise httpx.ConnectError("down")
        return [row for row in rows if is_lookup(request) or row["status"] != "inactive"]

    for minute in (1, 2):
        report = at(settings, minute, answer)
        assert (report.state, report.tally.paused) == (State.COMPLETE, count)
        assert (report.counts["lost_by_listing"], report.tally.unconfirmed) == (0, 0)
        assert report.notes[0].startswith("paused markets could not be listed: ")
        assert query("SELECT count(*) FROM latest_prices WHERE is_tick_complete") == [(MARKETS,)]


@pytest.mark.parametrize(
    "are_listed", [True, False], ids=["nothing vanished", "all that vanished have ended"]
)
def test_full_page_without_a_cursor_may_not_be_the_last(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, are_listed: bool
) -> None:
    """An empty cursor ends a listing. Without a cursor key, lookups of vanished markets must confirm the end."""
    settings = settings_for(sandbox.url, windows=1)

    def full(request: httpx.Request, body: Any) -> Any:
        """A page of the exchange's largest size."""
        if not request.url.path.endswith("/markets") or "tickers" in request.url.params:
            return body
        rows = [row for row in body["markets"] if are_listed or row["ticker"] not in ended]
        numbers = range(1_000 - len(rows)) if rows else ()
        return {"markets": [*rows, *({**rows[0], "ticker": f"KXCOPY-{number}"} for number in numbers)]}

    ended: set[str] = set()
    with rewritten_session(settings, full) as session:
        report = take_snapshot(session, NOON)
        assert (report.state, report.tally.new) == (State.PARTIAL, 1_000)
        assert report.reason == (
            "the listing ended with a full page and has no cursor, not even an empty one: there may be more"
        )
        if not are_listed:
            ended |= {
                ticker
                for (ticker,) in query("SELECT ticker FROM markets WHERE ticker NOT LIKE 'KXCOPY%' LIMIT 9")
            }
            for ticker in ended:
                move(sandbox, ticker, "closed")
            assert take_snapshot(session, NOON + MINUTE).state is State.COMPLETE


@pytest.mark.parametrize("left", [0, 60], ids=["empty", "cut"])
@pytest.mark.parametrize("tickers", ["20", "300"])
def test_listing_that_cannot_be_checked_is_not_believed_later(
    settings_for: SettingsFor, query: Query, left: int, tickers: str
) -> None:
    """Failed lookups must not make a truncated listing the reference for later ones."""
    count = int(tickers)
    config = WorldConfig(markets=count, combos=0, births_per_step=0, closes_per_step=0, change_share=0)
    with Sandbox(World(config)) as sandbox:
        settings = settings_for(sandbox.url)
        with open_session(settings) as session:
            take_snapshot(session, NOON)
        kept = [
            ticker
            for (ticker,) in query(f"SELECT ticker FROM markets ORDER BY id LIMIT {left * count // 300}")
        ]
        cut = cut_to(kept)

        def cut_and_down(request: httpx.Request, rows: Rows) -> Rows:
            if is_lookup(request):
                raise httpx.ConnectError("down")
            return cut(request, rows)

        for minute in (1, 2):
            report = at(settings, minute, cut_and_down)
            assert (report.state, report.tally.unconfirmed) == (State.PARTIAL, 0)
        report = at(settings, 3, cut)
        assert report.state is State.PARTIAL
        assert str(report.reason).startswith("the listing was cut short")
        assert at(settings, 4, honest).state is State.COMPLETE


def test_markets_that_no_tick_listed_have_not_vanished(
    settings: Settings, sandbox: Sandbox, query: Query
) -> None:
    """Markets that were stored otherwise and never listed are no evidence."""
    hidden = sorted(open_markets(sandbox.url))[:9]
    without = cut_to(sorted(open_markets(sandbox.url))[9:])
    at(settings, 0, without)
    with open_session(settings) as session:
        sync_markets(session)
    for minute in (1, 2):
        report = at(settings, minute, without)
        assert (report.state, report.counts["lost_by_listing"]) == (State.COMPLETE, 9)
    assert query("SELECT count(*) FROM latest_prices WHERE is_tick_complete") == [(MARKETS,)]
    assert len(hidden) == 9


@pytest.mark.parametrize("word", ["trading", ""])
def test_unknown_status_word_does_not_switch_the_check_off(
    settings: Settings, listed: list[str], word: str
) -> None:
    """A market whose lookup returns the same word with which it was listed as open is open."""
    with_word = at(settings, 1, lambda _, rows: [{**row, "status": word} for row in rows])
    assert (with_word.state, with_word.tally.received) == (State.COMPLETE, MARKETS)
    for left in (0, 10):

        def cut(request: httpx.Request, rows: Rows, left: int = left) -> Rows:
            return [{**row, "status": word} for row in cut_to(listed[:left])(request, rows)]

        report = at(settings, 2 + left, cut)
        assert (report.state, report.tally.unconfirmed) == (State.PARTIAL, 0)
        assert str(report.reason).startswith("the listing was cut short")


def test_markets_with_an_unknown_status_word_are_in_one_queue(
    settings: Settings, sandbox: Sandbox, query: Query
) -> None:
    """They are missing from the listing and also wait for their result, but no second request is reserved for them."""
    at(settings, 0, lambda _, rows: [{**row, "status": "trading"} for row in rows])
    for (ticker,) in query("SELECT ticker FROM markets"):
        move(sandbox, ticker, "closed")
    report = at(settings.model_copy(update={"reconcile_requests": 2}), 1, honest)
    assert (report.state, report.tally.ended, report.counts["not_looked_up"]) == (State.COMPLETE, MARKETS, 0)


def test_market_in_a_record_that_cannot_be_read_is_unconfirmed(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query
) -> None:
    """It has not vanished, so it is not looked up, but no quote of it was received."""

    def spoil(_: httpx.Request, rows: Rows) -> Rows:
        return [{**row, "yes_bid_dollars": "much"} if row["ticker"] == listed[0] else row for row in rows]

    sandbox.requests.clear()
    report = at(settings, 1, spoil)
    assert (report.state, report.tally.quarantined) == (State.COMPLETE, 1)
    assert (report.tally.ended, report.tally.unconfirmed) == (0, 1)
    assert not any("tickers" in request.query for request in sandbox.requests)
    at(settings, 2, honest)
    spans = "SELECT ticker, from_tick_id, to_tick_id FROM unlisted_spans JOIN markets ON id = market_id"
    assert query(spans) == [(listed[0], 2, 3)]


def test_short_listing_is_believed_where_the_others_are_known_to_have_ended(
    settings: Settings, sandbox: Sandbox, listed: list[str]
) -> None:
    """This also holds beside a market that the listing lost. Results of other runs count as lookups."""
    at(settings, 1, cut_to(listed[1:]))
    for ticker in listed[100:]:
        move(sandbox, ticker, "closed")
    with open_session(settings) as session:
        sync_markets(session)
    for minute in (2, 3):
        report = at(settings, minute, cut_to(listed[1:]))
        assert (report.state, report.reason) == (State.COMPLETE, None)
        assert report.counts["lost_by_listing"] == 1


def test_tick_that_breaks_off_writes_what_is_proved(
    settings: Settings, sandbox: Sandbox, listed: list[str], query: Query
) -> None:
    """The missing pages do not matter for a market that is known to have ended."""
    move(sandbox, listed[0], "closed")
    with open_session(settings) as session:
        sync_markets(session)

    def break_off(request: httpx.Request, body: Any) -> Any:
        if not request.url.path.endswith("/markets"):
            return body
        if "cursor" in request.url.params:
            raise httpx.ConnectError("down")
        return {"markets": body["markets"][:200], "cursor": "more"}

    with rewritten_session(settings.model_copy(update={"windows": 1}), break_off) as session:
        report = take_snapshot(session, NOON + MINUTE)
    assert (report.state, report.tally.pages, report.tally.ended) == (State.PARTIAL, 1, 1)
    assert query("SELECT tick_id, is_terminal FROM latest_quotes WHERE is_terminal") == [(2, 1)]


def unlisted(number: int, *, close_at: int | None = None, is_provisional: bool = False) -> Unlisted:
    return Unlisted(f"M-{number}", "active", close_at, is_provisional, vanished=True)


def test_sample_has_first_the_markets_whose_announced_close_is_ahead() -> None:
    behind = [unlisted(number, close_at=NOON - number) for number in range(300)]
    ahead = [unlisted(number, close_at=NOON + number) for number in range(300, 400)]
    sample = sample_of([*behind, *ahead], NOON, Random(1))
    assert (len(sample), set(sample[:100])) == (SAMPLE, set(ahead))
    assert sample != sample_of([*behind, *ahead], NOON, Random(2))
    assert sample_of(behind[:7], NOON, Random(1)) == sample_of(behind[:7], NOON, Random(1))


@pytest.mark.parametrize(
    ("are_open", "are_closed", "are_missing", "are_provisional", "is_contradicted"),
    [
        pytest.param(5, 100, 0, 0, False, id="five open"),
        pytest.param(6, 100, 0, 0, True, id="six open"),
        pytest.param(0, 9, 10, 0, False, id="nineteen are too few to judge"),
        pytest.param(0, 9, 11, 0, True, id="twenty, fewer than half known"),
        pytest.param(0, 10, 10, 0, False, id="half of twenty known"),
        pytest.param(0, 5, 10, 100, False, id="provisional ones count in neither way"),
        pytest.param(0, 0, 0, 0, False, id="none vanished"),
    ],
)
def test_sample_contradicts(
    are_open: int, are_closed: int, are_missing: int, are_provisional: int, is_contradicted: bool
) -> None:
    words = [*["active"] * are_open, *["closed"] * are_closed, *[None] * (are_missing + are_provisional)]
    first_provisional = len(words) - are_provisional
    sample = [unlisted(n, is_provisional=n >= first_provisional) for n in range(len(words))]
    status_of = {market.ticker: word for market, word in zip(sample, words, strict=True) if word is not None}
    missing = [market.ticker for market in sample if market.ticker not in status_of]
    assert (contradiction(sample, status_of, missing) is not None) is is_contradicted


@dataclass(frozen=True)
class Waiting:
    """Markets that have ended and wait for their result; times are minutes."""

    ended_at: int
    asked_at: int


@pytest.mark.parametrize("minutes", [1, 5, 15])
def test_both_queues_drain_over_a_day_of_ticks(minutes: int) -> None:
    """700 markets end each minute, and once ten thousand; each has its result an hour later.

    Vanished markets are looked up first, then waiting ones that have not been looked up for a while. Neither queue
    grows: the mass close is processed within a quarter of an hour, and every result is found within half an hour.
    """
    requests = Settings(snapshot_minutes=minutes).reconcile_requests_within(minutes * 60)
    hundreds_asked = TICKERS_PER_LOOKUP // 100
    vanished: deque[int] = deque()
    waiting: deque[Waiting] = deque()
    lateness, longest = [], 0
    for now in range(0, 24 * 60, minutes):
        vanished.extend([now] * (7 * minutes + (100 if now == 12 * 60 else 0)))
        plan = LookupPlan.of(requests, len(vanished) * 100, len(waiting) * 100)
        left = float(plan.total)
        for _ in range(min(len(vanished), plan.missing * hundreds_asked)):
            ended_at = vanished.popleft()
            longest = max(longest, now - ended_at)
            waiting.append(Waiting(ended_at, now))
            left -= 1 / hundreds_asked
        for _ in range(min(len(waiting), int(left * hundreds_asked))):
            asked = waiting.popleft()
            if now - asked.ended_at >= 60:
                lateness.append(now - asked.ended_at - 60)
            else:
                waiting.append(Waiting(asked.ended_at, now))
    assert longest <= 15
    assert max(lateness) <= 30
    assert len(vanished) <= 7 * minutes
    assert len(waiting) <= 7 * 90
