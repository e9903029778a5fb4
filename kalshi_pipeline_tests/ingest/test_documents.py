"""Everything that the exchange sends about a record is stored once as a document, and reads back unchanged."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kalshi_pipeline.api import Store
from kalshi_pipeline.errors import NoDetailsError, RangeError, StoreError, UnknownTickerError
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.ingest.run.documents import MARKET
from kalshi_pipeline.ingest.run.session import Session, open_session
from kalshi_pipeline.ingest.settlements import sync_settlements
from kalshi_pipeline.ingest.snapshot import take_snapshot
from kalshi_pipeline.ingest.sync import sync_events, sync_markets, sync_series
from kalshi_pipeline.records import Document
from kalshi_pipeline.sandbox import Sandbox
from kalshi_pipeline.settings import Settings
from kalshi_pipeline.store.writing.documents import prepare_document
from kalshi_pipeline_tests import plain_http
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.conftest import Query
from kalshi_pipeline_tests.ingest.rewriting import rewritten_session
from kalshi_pipeline_tests.sandbox.walking import Row, walk

SettingsFor = Callable[..., Settings]
COUNT = "SELECT count(*) FROM market_documents"
MOVING = {
    *("yes_bid_dollars", "yes_ask_dollars", "no_bid_dollars", "no_ask_dollars"),
    *("yes_bid_size_fp", "yes_ask_size_fp", "last_price_dollars", "volume_fp", "volume_24h_fp"),
    *("open_interest_fp", "liquidity_dollars"),
    *("previous_price_dollars", "previous_yes_bid_dollars", "previous_yes_ask_dollars"),
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def without_quote(record: Row) -> Row:
    return {name: value for name, value in record.items() if name not in MOVING}


def stored(session: Session, ticker: str, kind: str | None = None, at: int | None = None) -> Row:
    found: Row = json.loads(Store.of(session.database).details(ticker, at, kind).json)
    return found


class Changing:
    """Changes the answers about a market."""

    def __init__(self) -> None:
        self.fields: Row = {}
        self.ticker = ""

    def __call__(self, _: httpx.Request, answer: Any) -> Any:
        for market in answer.get("markets", ()):
            if market["ticker"] == self.ticker:
                market.update(self.fields)
        return answer


def test_documents_are_what_the_exchange_said(sandbox: Sandbox, session: Session) -> None:
    with plain_http.open_client(sandbox.url) as client:
        markets = walk(client, "/markets", "markets", limit=1000, status="open", mve_filter="exclude")
        events = walk(client, "/events", "events", limit=200, status="open")
        series = client.get("/series").json()["series"]
    sync_series(session)
    sync_events(session)
    report = sync_markets(session)
    assert report.counts["documents"] == len(markets)
    assert {row["ticker"]: stored(session, row["ticker"]) for row in markets[::50]} == {
        row["ticker"]: without_quote(row) for row in markets[::50]
    }
    assert [stored(session, row["event_ticker"]) for row in events] == events
    assert [stored(session, row["ticker"]) for row in series] == series
    again = sync_markets(session)
    assert again.counts["documents"] == 0


def test_keys_are_sorted_at_every_depth(session: Session, query: Query) -> None:
    take_snapshot(session, session.clock.now())
    [(ticker,)] = query("SELECT ticker FROM markets WHERE custom_strike IS NOT NULL LIMIT 1")
    text = Store.of(session.database).details(ticker).json
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_each_change_of_any_field_is_a_document(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, clock: ManualClock, query: Query
) -> None:
    """The hourly listing notices an unknown field, and the tick a known one."""
    changing = Changing()
    with rewritten_session(settings_for(sandbox.url), changing, clock) as session:
        changing.ticker = ticker
        take_snapshot(session, clock.now())
        first = stored(session, ticker)
        seen = []
        for fields, run in (
            ({"title": "Another"}, "tick"),
            ({"title": "Another", "a_new_field": [0.10, {"b": 1, "a": None}]}, "listing"),
            ({"title": "Another", "a_new_field": "text now"}, "listing"),
            ({}, "tick"),
        ):
            clock.advance(300)
            changing.fields = fields
            before = query(COUNT)
            if run == "tick":
                take_snapshot(session, clock.now())
            else:
                sync_markets(session)
            assert query(COUNT)[0][0] == before[0][0] + 1, fields
            seen.append((clock.now(), first | fields))
        for at, document in seen:
            assert stored(session, ticker, at=at) == document
        assert stored(session, ticker) == first


def test_documents_of_one_answer_with_a_change_and_its_end_are_both_kept(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, clock: ManualClock, query: Query
) -> None:
    changing = Changing()
    with rewritten_session(settings_for(sandbox.url), changing, clock) as session:
        changing.ticker = ticker
        take_snapshot(session, clock.now())
        for _ in range(2):  # the clock stands still
            changing.fields = {} if changing.fields else {"title": "Another"}
            sync_markets(session)
        assert query(
            "SELECT count(*), count(DISTINCT seen_at), count(DISTINCT digest) FROM market_documents "
            "JOIN markets ON markets.id = market_id WHERE ticker = ?",
            ticker,
        ) == [(3, 3, 2)]


ODD: list[Any] = [
    "\ud800",
    "\x00",
    "x" * 2_000_000,
    10**30,
    {"a": {"b": [1, 2, {"c": None}]}},
    "\u202e\x9b\x1b]52;c;aGk=\x07",
]


@pytest.mark.parametrize("value", ODD, ids=["half a character", "NUL", "2 MB", "large", "nested", "controls"])
def test_odd_value_affects_nothing_else(
    sandbox: Sandbox, settings_for: SettingsFor, ticker: str, clock: ManualClock, query: Query, value: Any
) -> None:
    changing = Changing()
    changing.ticker, changing.fields = ticker, {"a_new_field": value}
    with rewritten_session(settings_for(sandbox.url), changing, clock) as session:
        report = take_snapshot(session, clock.now())
        assert query(COUNT) == [(report.tally.inserted,)]
        assert stored(session, ticker)["a_new_field"] == ("\ufffd" if value == "\ud800" else value)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("9" * 5000, "9" * 5000),
        ("[" * 5000 + "]" * 5000, f'"{"[" * 5000 + "]" * 5000}"'),
        ("0.10", "0.10"),
        ("1" * 30, "1" * 30),
    ],
    ids=["exponent", "digits", "depth", "zeros", "large"],
)
def test_odd_json_costs_no_document_of_its_page(sent: str, kept: str) -> None:
    body = f'{{"markets": [{{"ticker": "A", "new": {sent}}}, {{"ticker": "B"}}]}}'
    odd, other = Source(body.encode(), "markets").documents()
    assert prepare_document(MARKET, odd, 1).line.decode() == f'[{{"new":{kept},"ticker":"A"}},{{}}]'
    assert prepare_document(MARKET, other, 1).line == b'[{"ticker":"B"},{}]'


def test_second_document_of_a_record_costs_no_pending_one(session: Session, query: Query) -> None:
    """This holds even if the record's row is stored after both."""
    for title, tickers in (("One", ["OLD"]), ("Two", ["NEW", "OLD"])):
        documents = [Document(ticker, {"ticker": ticker, "title": title}) for ticker in tickers]
        session.documents.add(MARKET, documents, 1_000_000)
    with session.database.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO events (id, ticker, is_placeholder, first_seen_at, changed_at) VALUES (1, 'E', 1, 1, 1)"
        )
        connection.exec_driver_sql(
            "INSERT INTO markets (ticker, event_id, is_combo, is_placeholder, first_seen_at, changed_at) "
            "VALUES ('OLD', 1, 0, 0, 1, 1), ('NEW', 1, 0, 0, 1, 1)"
        )
    session.documents.store()
    assert query(COUNT) == [(3,)]
    assert [stored(session, ticker)["title"] for ticker in ("OLD", "NEW")] == ["Two", "Two"]


def test_shared_text_is_stored_once(
    sandbox: Sandbox, settings_for: SettingsFor, clock: ManualClock, query: Query
) -> None:
    rules = "These are the second rules of all of them. " * 40

    def rewrite(_: httpx.Request, answer: Any) -> Any:
        for market in answer.get("markets", ()):
            market["rules_secondary"] = rules
        return answer

    with rewritten_session(settings_for(sandbox.url), rewrite, clock) as session:
        take_snapshot(session, clock.now())
        [(ticker,)] = query("SELECT ticker FROM markets WHERE NOT is_combo LIMIT 1")
        assert stored(session, ticker)["rules_secondary"] == rules
    assert query("SELECT count(*) FROM texts WHERE body = ?", rules) == [(1,)]
    [(size, count)] = query("SELECT sum(length(body)), (SELECT count(*) FROM markets) FROM document_blocks")
    assert size / count < 150


def test_documents_of_settled_markets_are_stored(session: Session, query: Query) -> None:
    """Documents of the historical tier, which omits fields, are stored only if no other is known."""
    report = sync_settlements(session)
    [(ticker, result)] = query(
        "SELECT ticker, s.result FROM markets JOIN settlements AS s ON s.market_id = markets.id LIMIT 1"
    )
    known = stored(session, ticker)
    assert (known["result"], known["status"]) == (result, "finalized")
    assert query(COUNT) == [(report.tally.inserted,)]
    older = Document(ticker, {"ticker": ticker})
    session.documents.add(MARKET, [older], session.clock.now(), is_first_only=True)
    session.documents.store()
    assert stored(session, ticker) == known
    with session.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM market_documents")
    session.documents.add(MARKET, [older._replace(fields={"ticker": ticker})], 1, is_first_only=True)
    session.documents.store()
    assert stored(session, ticker) == {"ticker": ticker}


def test_legs_of_combos_are_a_table(sandbox: Sandbox, settings_for: SettingsFor, query: Query) -> None:

    with open_session(settings_for(sandbox.url, combos="include")) as session:
        take_snapshot(session, session.clock.now())
        combos = [ticker for (ticker,) in query("SELECT ticker FROM markets WHERE is_combo")]
        assert combos
        for ticker in combos:
            legs = query(
                "SELECT position, coalesce(m.ticker, l.leg_ticker), coalesce(e.ticker, l.leg_event_ticker), l.side "
                "FROM combo_legs AS l JOIN markets AS c ON c.id = l.market_id "
                "LEFT JOIN markets AS m ON m.id = l.leg_market_id LEFT JOIN events AS e ON e.id = m.event_id "
                "WHERE c.ticker = ? ORDER BY position",
                ticker,
            )
            sent = stored(session, ticker)["mve_selected_legs"]
            assert legs == [
                (position, leg["market_ticker"], leg["event_ticker"], leg["side"])
                for position, leg in enumerate(sent)
            ]
            assert legs


def test_what_is_not_stored_is_named(session: Session, ticker: str) -> None:
    take_snapshot(session, session.clock.now())
    with pytest.raises(UnknownTickerError, match="NOPE is not stored"):
        stored(session, "NOPE")
    with pytest.raises(UnknownTickerError, match=r"no series .* is stored"):
        stored(session, ticker, "series")
    with pytest.raises(RangeError, match=rf"details of {ticker} are known from .* on"):
        stored(session, ticker, at=1_000_000)
    with session.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM market_documents")
    with pytest.raises(NoDetailsError, match=f"{ticker} is stored without details"):
        stored(session, ticker)


def test_damaged_block_is_an_error(session: Session, ticker: str) -> None:
    take_snapshot(session, session.clock.now())
    with session.database.begin() as connection:
        connection.exec_driver_sql("UPDATE document_blocks SET body = substr(body, 1, length(body) - 9)")
    with pytest.raises(StoreError, match="a block of documents cannot be read"):
        stored(session, ticker)


def test_fields_are_counted_by_the_hourly_listings(session: Session, query: Query) -> None:
    take_snapshot(session, session.clock.now())
    assert query("SELECT * FROM document_fields") == []
    report = sync_markets(session)
    counted: dict[str, int] = dict(
        query("SELECT field || type, documents FROM document_fields WHERE kind = 'market'")
    )
    listed = report.tally.received - report.tally.duplicates
    assert counted[""] == counted["tickertext"] == counted["can_close_earlyboolean"] == listed
    assert not MOVING & {name for (name,) in query("SELECT field FROM document_fields")}
