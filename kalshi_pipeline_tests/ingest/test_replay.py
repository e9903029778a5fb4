"""Quarantined records are stored once they are readable, unless newer data is known."""

from collections.abc import Callable, Iterator

import pytest

from kalshi_pipeline.errors import ClockError
from kalshi_pipeline.ingest.replay import Replay, replay
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_markets
from kalshi_pipeline.records import Reject
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.schema.tables import listings
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine
from kalshi_pipeline.store.writing.runs import Run, State
from kalshi_pipeline.units import MICROS_PER_SECOND
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.small_exchange import Record, SmallExchange, event, market, served

QUOTES = "SELECT ticker, yes_bid FROM price_history ORDER BY tick_at"
SPANS = "SELECT from_tick_id, to_tick_id FROM unlisted_spans ORDER BY 1"


def quoted(ticker: str, bid: str) -> Record:
    return {**market(ticker, "E"), "yes_bid_dollars": bid, "yes_ask_dollars": "0.9000", "title": f"at {bid}"}


@pytest.fixture
def exchange() -> SmallExchange:
    """An exchange with another market beside the one that a test makes odd."""
    return SmallExchange([event("E", "S")], [quoted("OTHER", "0.1000")], [])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def session(
    exchange: SmallExchange, clock: ManualClock, settings_for: Callable[..., Settings]
) -> Iterator[Session]:
    exchange.now = clock.seconds
    with served(exchange) as url, open_session(settings_for(url), clock=clock) as opened:
        yield opened


@pytest.fixture
def tick(session: Session, exchange: SmallExchange, clock: ManualClock) -> Callable[..., None]:
    """Take a snapshot of the other market and of the given ones."""

    def take(*markets: Record) -> None:
        exchange.markets[1:] = markets
        clock.advance(300)
        report = take_snapshot(session, clock.now() // MICROS_PER_SECOND * MICROS_PER_SECOND)
        tally = report.tally
        assert report.state is State.COMPLETE
        assert tally.received == sum(
            (tally.inserted, tally.unchanged, tally.quarantined, tally.duplicates, tally.out_of_scope)
        )

    return take


def update(session: Session) -> None:
    """Act as an update that can read the odd records."""
    with session.database.begin() as connection:
        connection.exec_driver_sql("UPDATE quarantine SET raw = replace(raw, 'odd', '0.4200')")


def stored(found: Replay) -> tuple[dict[str, int], int, int, int]:
    return dict(found.stored), found.too_late, found.superseded, found.unread


def test_market_that_was_never_stored_is_stored_with_its_quote(
    session: Session, tick: Callable[..., None], query: Query
) -> None:
    tick(quoted("M", "odd"))
    assert stored(replay(session)) == ({}, 0, 0, 1)
    update(session)
    assert stored(replay(session)) == ({"markets": 1, "quotes": 1}, 0, 0, 0)
    assert query(QUOTES) == [("OTHER", 0.1), ("M", 0.42)]
    assert query(
        "SELECT m.title, e.ticker FROM markets m JOIN events e ON e.id = m.event_id WHERE m.ticker = 'M'"
    ) == [("at 0.4200", "E")]
    assert query("PRAGMA foreign_key_check") == []
    assert stored(replay(session)) == ({}, 0, 0, 0)


def test_wrong_clock_stores_nothing(
    session: Session, exchange: SmallExchange, clock: ManualClock, tick: Callable[..., None], query: Query
) -> None:
    """Stored data is dated by the clock. Without quarantined records, no request is sent."""
    exchange.now = lambda: clock.seconds() + 86_400
    assert replay(session) == Replay()
    exchange.now = clock.seconds
    tick(quoted("M", "odd"))
    update(session)
    exchange.now = lambda: clock.seconds() + 86_400
    with pytest.raises(ClockError, match=r"86,400 s behind the exchange's"):
        replay(session)
    assert query("SELECT count(*) FROM markets WHERE ticker = 'M'") == [(0,)]
    exchange.now = clock.seconds
    assert stored(replay(session)) == ({"markets": 1, "quotes": 1}, 0, 0, 0)


def test_markets_that_were_refused_together_have_fates_of_their_own(
    session: Session, tick: Callable[..., None], query: Query
) -> None:
    """One record is refused as a quote and as a market. After it is stored with its quote, the other refusal is
    obsolete.
    """
    tick(quoted("TWICE", "odd"))
    sync_markets(session)
    tick(*(quoted(ticker, "odd") for ticker in ("NEW", "LATE", "TWICE", "ALSO NEW")))
    tick(quoted("LATE", "0.3000"))
    update(session)
    assert stored(replay(session)) == ({"markets": 3, "quotes": 3}, 1, 2, 0)
    assert query(f"SELECT DISTINCT ticker, yes_bid FROM ({QUOTES}) ORDER BY 1") == [
        ("ALSO NEW", 0.42),
        ("LATE", 0.3),
        ("NEW", 0.42),
        ("OTHER", 0.1),
        ("TWICE", 0.42),
    ]
    assert query("PRAGMA foreign_key_check") == []


def test_quote_of_the_newest_tick_is_stored_and_ends_the_span(
    session: Session, tick: Callable[..., None], query: Query
) -> None:
    tick(quoted("M", "0.3000"))
    tick(quoted("M", "odd"))
    assert query(SPANS) == [(2, None)]
    update(session)
    assert stored(replay(session)) == ({"markets": 1, "quotes": 1}, 0, 0, 0)
    assert query(f"SELECT yes_bid FROM ({QUOTES}) WHERE ticker = 'M'") == [(0.3,), (0.42,)]
    assert query("SELECT title FROM markets WHERE ticker = 'M'") == [("at 0.4200",)]
    assert query(SPANS) == [(2, 2)]
    tick(quoted("M", "0.4200"))
    assert len(query(QUOTES)) == 3


@pytest.mark.parametrize("bid", ["0.3000", "0.5000"], ids=["unchanged", "changed"])
def test_quote_of_a_market_that_a_later_tick_listed_is_too_late(
    session: Session, tick: Callable[..., None], query: Query, bid: str
) -> None:
    """Storing it would change the known quotes of every later instant."""
    tick(quoted("M", "0.3000"))
    tick(quoted("M", "odd"))
    tick(quoted("M", bid))
    before = query(QUOTES), query("SELECT title FROM markets"), query(SPANS)
    update(session)
    assert stored(replay(session)) == ({}, 1, 1, 0)
    assert (query(QUOTES), query("SELECT title FROM markets"), query(SPANS)) == before


def test_quote_before_the_market_vanished_is_confirmed_by_no_later_tick(
    session: Session, tick: Callable[..., None], query: Query
) -> None:
    tick(quoted("M", "0.3000"))
    tick(quoted("M", "odd"))
    tick()
    tick()
    update(session)
    assert stored(replay(session)) == ({"markets": 1, "quotes": 1}, 0, 0, 0)
    assert query(SPANS) == [(2, 2), (3, None)]
    assert query(f"SELECT yes_bid FROM ({QUOTES}) WHERE ticker = 'M'") == [(0.3,), (0.42,)]


def test_newest_of_several_refusals_is_stored(
    session: Session, tick: Callable[..., None], query: Query
) -> None:
    tick({**quoted("M", "odd"), "title": "first"})
    tick({**quoted("M", "odd"), "title": "second"})
    update(session)
    assert stored(replay(session)) == ({"markets": 1, "quotes": 1}, 0, 1, 0)
    assert query("SELECT title FROM markets WHERE ticker = 'M'") == [("second",)]


def test_settlement_event_and_series_are_stored_where_none_is_known(session: Session, query: Query) -> None:
    ended = '{"ticker": "M", "event_ticker": "E2", "status": "finalized", "result": "yes"}'
    rows = {
        "settlements": Reject("M", ended, "odd"),
        "events": Reject("E2", '{"event_ticker": "E2", "series_ticker": "S2", "title": "T"}', "odd"),
        "series": Reject("S2", '{"ticker": "S2", "title": "U"}', "odd"),
        "trades": Reject(None, "{}", "odd"),
    }
    with session.database.begin() as connection:
        for kind, reject in rows.items():
            add_to_quarantine(connection, Run(listings, 1, State.COMPLETE), kind, [reject], 1)
    found = stored(replay(session))
    assert found == ({"markets": 1, "settlements": 1, "events": 1, "series": 1}, 0, 0, 1)
    assert query("SELECT ticker, result FROM settlement_history") == [("M", "yes")]
    assert query("SELECT title, is_placeholder FROM events WHERE ticker = 'E2'") == [("T", 0)]
    assert query("SELECT title, is_placeholder FROM series WHERE ticker = 'S2'") == [("U", 0)]
    with session.database.begin() as connection:
        connection.exec_driver_sql("UPDATE quarantine SET replayed_at = NULL")
    assert stored(replay(session)) == ({}, 0, 3, 1)


def test_order_books_are_stored_with_the_instants_of_their_receipt(
    session: Session, tick: Callable[..., None], query: Query
) -> None:
    """A later book is no newer data about an earlier moment. A book alone does not name its market."""
    tick(quoted("M", "0.3000"))
    refusals = {
        7: Reject("M", '{"ticker": "M", "orderbook_fp": {"yes_dollars": [["0.4000", "2.00"]]}}', "odd"),
        8: Reject("M", '{"orderbook_fp": {"no_dollars": [["0.5000", "3.00"]]}}', "odd"),
        9: Reject("M", '{"orderbook_fp": {"no_dollars": [["0.5000", "many"]]}}', "odd"),
        10: Reject("UNKNOWN", '{"orderbook_fp": {}}', "odd"),
    }
    with session.database.begin() as connection:
        for at, reject in refusals.items():
            add_to_quarantine(connection, Run(listings, 1, State.COMPLETE), "order_books", [reject], at)
    assert stored(replay(session)) == ({"order books": 2}, 0, 1, 1)
    assert stored(replay(session)) == ({}, 0, 0, 1)
    levels = "SELECT ticker, received_at, is_yes, price, size FROM order_book_levels l"
    joins = "JOIN order_books b ON b.id = l.order_book_id JOIN markets m ON m.id = b.market_id ORDER BY 2"
    assert query(f"{levels} {joins}") == [("M", 7, 1, 400_000, 200), ("M", 8, 0, 500_000, 300)]
