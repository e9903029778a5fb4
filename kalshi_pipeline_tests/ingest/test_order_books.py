"""Order books of selected markets, in batches or one by one."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from kalshi_pipeline.errors import ExchangeError, RefusedError, TransientExchangeError
from kalshi_pipeline.ingest.order_books import take_order_books
from kalshi_pipeline.ingest.run.report import Report
from kalshi_pipeline.ingest.run.session import open_session
from kalshi_pipeline.monitoring.checks import ORDER_BOOKS_SANE, examine
from kalshi_pipeline.sandbox import Faults, Sandbox, Shape, World, WorldConfig
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.listed import open_markets
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session

SettingsFor = Callable[..., Settings]
BATCH = "/trade-api/v2/markets/orderbooks"


def take(sandbox: Sandbox, settings: Settings) -> Report:
    """Take the books now; retries pause on a manual clock."""
    clock = ManualClock()
    sandbox.date_by(clock.seconds)
    with open_session(settings, clock=clock) as session:
        return take_order_books(session)


def sent_levels(sandbox: Sandbox, ticker: str) -> set[tuple[str, Decimal, Decimal]]:
    book = plain_http.get(f"{sandbox.url}/markets/{ticker}/orderbook").json()["orderbook_fp"]
    return {
        (side, Decimal(price), Decimal(size))
        for side in ("yes", "no")
        for price, size in book[f"{side}_dollars"]
    }


def stored_levels(query: Query, ticker: str) -> set[tuple[str, Decimal, Decimal]]:
    rows = query("SELECT side, price, size FROM order_book_history WHERE ticker = ?", ticker)
    return {(side, Decimal(str(price)), Decimal(str(size))) for side, price, size in rows if side is not None}


def test_books_are_those_of_the_exchange_in_batches_of_a_hundred(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """The store is empty: the markets and their events are fetched first."""
    tickers = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:130]
    report = take(sandbox, settings_for(sandbox.url, order_book_markets=",".join(tickers)))

    assert (report.state, report.tally.pages, report.tally.inserted) == (State.COMPLETE, 2, 130)
    for ticker in tickers[::10]:
        assert stored_levels(query, ticker) == sent_levels(sandbox, ticker)
    assert query("SELECT count(DISTINCT ticker) FROM order_book_history") == [(130,)]
    assert query("SELECT count(*) FROM events WHERE is_placeholder") == [(0,)]
    assert query("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_batch_is_requested_one_by_one_visibly(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query, status: int
) -> None:
    tickers = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:3]
    settings = settings_for(sandbox.url, order_book_markets=",".join(tickers))

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return status if request.url.path == BATCH else answer

    with rewritten_session(settings, rewrite) as session:
        report = take_order_books(session)
    assert (report.state, report.tally.pages, report.tally.inserted) == (State.COMPLETE, 3, 3)
    assert report.notes[0].startswith("books are fetched one by one, because batches are refused: ")
    assert f"answered {status}" in report.notes[0]
    for ticker in tickers:
        assert stored_levels(query, ticker) == sent_levels(sandbox, ticker)


def test_market_without_a_book_does_not_affect_others(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    """One market is unknown, one is omitted by the exchange, and one has an odd book."""
    left_out, odd, good = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:3]
    settings = settings_for(sandbox.url, order_book_markets=f"KXTYPO,{left_out},{odd},{good}")

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == BATCH:
            answer["orderbooks"] = [book for book in answer["orderbooks"] if book["ticker"] != left_out]
            for book in answer["orderbooks"]:
                if book["ticker"] == odd:
                    book["orderbook_fp"]["yes_dollars"] = [["0.5000", "many"]]
        return answer

    with rewritten_session(settings, rewrite) as session:
        report = take_order_books(session)
    assert report.state is State.PARTIAL
    assert report.reason == (
        f"KXTYPO: neither tier knows it; {left_out}: the exchange returned no book; "
        f"{odd}: its book is unreadable and in quarantine"
    )
    assert report.failures == 3
    assert (report.tally.received, report.tally.inserted, report.tally.quarantined) == (2, 1, 1)
    assert query("SELECT DISTINCT ticker FROM order_book_history") == [(good,)]
    assert query("SELECT kind, record_key FROM quarantine") == [("order_books", odd)]


def test_books_that_cannot_be_true_are_stored_and_counted(
    sandbox: Sandbox, settings_for: SettingsFor, query: Query
) -> None:
    chosen = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:4]
    out_of_range = [["-0.0100", "1.00"], ["1.0100", "1.00"]]
    sides = [out_of_range, [["0.4000", "0.00"]], [["0.4000", "-2.00"]], [["0.4000", "2.00"]]]

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == BATCH:
            for book, side in zip(answer["orderbooks"], sides, strict=True):
                book["orderbook_fp"] = {"yes_dollars": side, "no_dollars": None}
        return answer

    settings = settings_for(sandbox.url, order_book_markets=",".join(chosen))
    with rewritten_session(settings, rewrite) as session:
        report = take_order_books(session)
        (finding,) = examine(session, report, [ORDER_BOOKS_SANE])
    assert (finding.passed, finding.numbers) == (False, {"prices_out_of_range": 1, "sizes_out_of_range": 2})
    assert query("SELECT count(*) FROM order_book_history") == [(5,)]


def test_selected_market_whose_lookup_fails_is_not_called_unknown(
    sandbox: Sandbox, settings_for: SettingsFor
) -> None:
    first, second = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:2]
    assert take(sandbox, settings_for(sandbox.url, order_book_markets=first)).state is State.COMPLETE

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return 400 if "tickers" in request.url.params and request.url.path != BATCH else answer

    with rewritten_session(
        settings_for(sandbox.url, order_book_markets=f"{first},{second}"), rewrite
    ) as session:
        report = take_order_books(session)
    assert (report.state, report.tally.inserted, report.failures) == (State.PARTIAL, 1, 1)
    assert report.reason is not None
    assert report.reason.startswith(f"{second}: http")
    assert "answered 400 (refused for a test)" in report.reason


def test_batch_that_is_wrong_is_no_reason_to_ask_a_thousand_times(
    sandbox: Sandbox, settings_for: SettingsFor
) -> None:
    ticker = min(open_markets(sandbox.url))
    settings = settings_for(sandbox.url, order_book_markets=ticker)

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return 400 if request.url.path == BATCH else answer

    with rewritten_session(settings, rewrite) as session, pytest.raises(RefusedError, match="answered 400"):
        take_order_books(session)


def test_single_books_that_fail_are_reported_and_end_the_run_where_all_do(
    sandbox: Sandbox, settings_for: SettingsFor
) -> None:
    tickers = sorted(open_markets(sandbox.url, mve_filter="exclude"))[:6]
    settings = settings_for(sandbox.url, order_book_markets=",".join(tickers))
    failing: set[str] = set()

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        if request.url.path == BATCH:
            return 401
        return 500 if any(request.url.path.endswith(f"/{name}/orderbook") for name in failing) else answer

    failing |= {tickers[1]}
    with rewritten_session(settings, rewrite) as session:
        report = take_order_books(session)
    assert (report.state, report.failures, report.tally.inserted) == (State.PARTIAL, 1, 5)
    assert report.reason is not None
    assert report.reason.startswith(f"{tickers[1]}: ")

    failing |= set(tickers[2:])
    with rewritten_session(settings, rewrite) as session:
        stopped = take_order_books(session)
    assert (stopped.state, isinstance(stopped.error, TransientExchangeError)) == (State.PARTIAL, True)
    assert "answered 500" in str(stopped.error)


def test_exchange_that_has_no_book_at_all_is_an_error(sandbox: Sandbox, settings_for: SettingsFor) -> None:
    """'no data' and 'failed to get data' are different states."""
    settings = settings_for(sandbox.url, order_book_markets=min(open_markets(sandbox.url)))

    def rewrite(request: httpx.Request, answer: Any) -> Any:
        return 404 if "orderbook" in request.url.path else answer

    with (
        rewritten_session(settings, rewrite) as session,
        pytest.raises(ExchangeError, match="none of 1 order"),
    ):
        take_order_books(session)


@pytest.mark.parametrize("shape", ["2026-01", "2026-10", "future"])
def test_books_of_every_shape_come_through_faults(
    shape: Shape, settings_for: SettingsFor, query: Query
) -> None:
    faults = Faults(too_many=0.1, server_errors=0.1, resets=0.05, truncated=0.05, not_json=0.05)
    with Sandbox(World(WorldConfig(markets=20, combos=0, shape=shape)), faults=faults) as sandbox:
        tickers = ",".join(market["ticker"] for market in _retried_markets(sandbox))
        report = take(sandbox, settings_for(sandbox.url, order_book_markets=tickers, retry_seconds=300))
    assert (report.state, report.tally.inserted) == (State.COMPLETE, 20)
    assert query("SELECT count(*) > 40, min(price) > 0, max(price) < 1 FROM order_book_history") == [
        (1, 1, 1)
    ]


def _retried_markets(sandbox: Sandbox) -> list[dict[str, Any]]:
    faults, sandbox.faults = sandbox.faults, Faults()
    try:
        return list(open_markets(sandbox.url).values())  # type: ignore[arg-type]
    finally:
        sandbox.faults = faults


def test_nothing_is_selected_so_nothing_is_asked(sandbox: Sandbox, settings_for: SettingsFor) -> None:
    report = take(sandbox, settings_for(sandbox.url))
    assert (report.state, report.requests, report.notes) == (
        State.COMPLETE,
        1,
        ["no market is selected, so nothing is stored: set KALSHI_ORDER_BOOK_MARKETS"],
    )
