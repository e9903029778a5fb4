"""The answers of `open_store` equal those of the command line, and values computed from the tables."""

import csv
import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from kalshi_pipeline import Store, Table, open_store
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline_tests.store.samples import NOON, SECOND, STEP, tick

Rows = list[dict[str, Any]]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows_of(table: Table) -> Rows:
    return list(table.rows(decimals=True))


def at(number: int, seconds: float = 0) -> datetime:
    """The instant of a tick, or some seconds after it."""
    return datetime_of(tick(number) + round(seconds * SECOND))


def by_time(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: (row["at"], row["ticker"]))


def printed(run: Callable[..., str], *arguments: str) -> Rows:
    """The CSV output of a command."""
    return list(csv.DictReader(io.StringIO(run(*arguments, "--csv"))))


def as_printed(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case datetime():
            return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)


def assert_as_printed(rows: Rows, lines: Rows) -> None:
    """Assert that each line has the values of its row, in the common columns."""
    assert lines
    common = [name for name in lines[0] if name in rows[0]]
    assert {"ticker", "state", "quoted_at", "confirmed_at", "yes_bid", "yes_ask", "volume"} <= set(common)
    assert [[line[name] for name in common] for line in lines] == [
        [as_printed(row[name]) for name in common] for row in rows
    ]


INSTANTS = ["2026-11-27T03:12:40Z", "2026-11-27T04:27:00Z", "2026-11-27T04:35:00Z", "2026-11-27T11:00:00Z"]


@pytest.mark.parametrize("instant", INSTANTS)
def test_quotes_match_the_command(full: Store, landed: Path, run: Callable[..., str], instant: str) -> None:
    lines = printed(run, "quotes", "--at", instant, "--db", str(landed))
    assert_as_printed(rows_of(full.quotes(at=instant)), sorted(lines, key=lambda line: str(line["ticker"])))


def test_history_matches_the_command(full: Store, landed: Path, run: Callable[..., str]) -> None:
    """Here unchanged quotes are stored too."""
    ticker = "KXFIXTURE-26-A"
    span = ("2026-11-27T03:26:00Z", "2026-11-27T05:00:00Z")
    options = ["--start", span[0], "--end", span[1], "--db", str(landed)]
    found = full.history(ticker, start=span[0], end=span[1])
    assert_as_printed(rows_of(found), printed(run, "history", ticker, *options))
    grid = full.history(ticker, start=span[0], end=span[1], freq="10m")
    assert_as_printed(rows_of(grid), printed(run, "history", ticker, *options, "--resample", "600s"))
    assert {row["state"] for row in grid} > {"observed"}


STARTS = [None, at(0), at(0, 1), at(1), at(2), at(2, 200), at(4)]


@pytest.mark.parametrize("start", STARTS, ids=str)
@pytest.mark.parametrize("end", [at(2), at(3, 1), at(9)], ids=str)
def test_history_of_a_series_matches_its_markets(store: Store, start: datetime | None, end: datetime) -> None:
    """One is streamed, the other is followed market by market."""
    if start is not None and start >= end:
        return
    of_markets = [store.history(name, start=start, end=end) for name in ("MOVES", "ENDS", "OTHER")]
    of_events = [
        store.history(event=name, start=start, end=end) for name in ("KXRAIN-26NOV23", "KXRAIN-26NOV24")
    ]
    of_series = by_time(rows_of(store.history(series="KXRAIN", start=start, end=end)))
    assert of_series == by_time([row for table in of_markets for row in rows_of(table)])
    assert of_series == by_time([row for table in of_events for row in rows_of(table)])
    everything = rows_of(store.history(start=start, end=end))
    assert by_time([row for row in everything if row["series_ticker"] == "KXRAIN"]) == of_series
    assert [row["at"] for row in everything] == sorted(row["at"] for row in everything)
    assert len(everything) >= len(of_series) > 0


def test_history_of_all_markets_is_theirs_where_every_quote_is_kept(full: Store) -> None:
    tickers = [str(row["ticker"]) for row in full.catalogue()]
    of_markets = [row for ticker in tickers for row in rows_of(full.history(ticker))]
    assert by_time(rows_of(full.history())) == by_time(of_markets)
    assert len(of_markets) > 100


def test_history_matches_the_table_of_quotes(store: Store, changing: Path) -> None:
    sql = """
        SELECT m.ticker, t.tick_at, t.state, q.received_ms, q.is_terminal, q.yes_bid, q.yes_ask, q.last_price, q.volume
        FROM price_snapshots AS q JOIN ticks AS t ON t.id = q.tick_id JOIN markets AS m ON m.id = q.market_id
        ORDER BY t.tick_at, q.market_id
    """
    with closing(sqlite3.connect(changing)) as connection:
        stored = connection.execute(sql).fetchall()
    expected = []
    for ticker, micros, state, received_ms, is_terminal, bid, ask, last, volume in stored:
        moment = EPOCH + timedelta(microseconds=micros)
        expected.append(
            {
                "ticker": ticker,
                "at": moment,
                "quoted_at": moment,
                "received_at": moment + timedelta(milliseconds=received_ms),
                "is_listed": not is_terminal,
                "state": "unknown" if is_terminal else "observed",
                "is_tick_complete": state == "complete",
                "confirmed_at": moment if state == "complete" else None,
                "yes_bid": None if bid is None else Decimal(bid) / 1_000_000,
                "yes_ask": None if ask is None else Decimal(ask) / 1_000_000,
                "last_price": Decimal(last) / 1_000_000 if last else None,
                "volume": None if volume is None else Decimal(volume) / 100,
                "midpoint": None if bid is None else Decimal(bid + ask) / 2_000_000,
                "spread": None if bid is None else Decimal(ask - bid) / 1_000_000,
            }
        )
    found = [{name: row[name] for name in expected[0]} for row in rows_of(store.history())]
    assert found == expected
    assert len(found) == 12


def test_grid_has_every_market_at_every_instant(store: Store) -> None:
    found = rows_of(store.quotes_on_grid(series="KXRAIN", start=at(0), end=at(4), freq=timedelta(minutes=5)))
    assert [(row["at"], row["ticker"]) for row in found] == [
        (at(number), ticker) for number in range(4) for ticker in ("ENDS", "MOVES", "OTHER")
    ]
    states = [row["state"] for row in found if row["ticker"] == "ENDS"]
    assert states == ["observed", "carried", "unknown", "unknown"]


def test_state_is_the_known_quote_at_an_instant(store: Store) -> None:
    assert store.state("ENDS", at(0, 30))["state"] == "observed"
    assert store.state("ENDS", at(1, 30))["state"] == "carried", "a partial tick that has no new quote of it"
    assert store.state("ends", at(3))["state"] == "unknown"
    assert store.state("MOVES", datetime_of(NOON - STEP))["yes_bid"] is None
    assert store.state("MOVES", at(0)) == store.history("MOVES", start=at(0), end=at(1)).head(1)[0]
    assert store.state("MOVES")["state"] == "stale"


def test_trades_match_the_table(full: Store, landed: Path) -> None:
    sql = """
        SELECT m.ticker, t.created_at, t.trade_id, t.yes_price, t.contracts, t.taker_side, t.is_block
        FROM trades AS t JOIN markets AS m ON m.id = t.market_id ORDER BY t.created_at, t.trade_id
    """
    with closing(sqlite3.connect(landed)) as connection:
        expected = [
            {
                "ticker": ticker,
                "created_at": EPOCH + timedelta(microseconds=created_at),
                "trade_id": str(UUID(bytes=trade_id)),
                "yes_price": Decimal(price) / 1_000_000,
                "no_price": 1 - Decimal(price) / 1_000_000,
                "contracts": Decimal(contracts) / 100,
                "taker_side": side,
                "is_block": None if is_block is None else bool(is_block),
            }
            for ticker, created_at, trade_id, price, contracts, side, is_block in connection.execute(sql)
        ]
    found = [{name: row[name] for name in expected[0]} for row in rows_of(full.trades())]
    assert found == expected
    assert len(found) == 20
    start, end = expected[3]["created_at"], expected[9]["created_at"]
    assert [row["created_at"] for row in full.trades(start=start, end=end)] == [
        row["created_at"] for row in expected if start <= row["created_at"] < end
    ]


@pytest.mark.parametrize(
    ("answer", "view"),
    [
        ("trades", "trade_history"),
        ("candlesticks", "candlestick_history"),
        ("settlements", "settlement_history"),
        ("changes", "change_history"),
        ("catalogue", "market_catalogue"),
        ("fees", "fee_history"),
        ("coverage", "coverage_by_day"),
    ],
)
def test_answers_match_the_views(full: Store, answer: str, view: str) -> None:
    found, shown = rows_of(getattr(full, answer)()), rows_of(full.view(view))
    common = [name for name in found[0] if name in shown[0]]
    assert len(common) > 5

    def values(rows: Rows) -> list[list[str]]:
        return sorted([as_printed(row[name]) for name in common] for row in rows)

    assert values(found) == values(shown)


def test_answers_are_of_the_markets_that_are_selected(full: Store) -> None:
    series, event = "KXBTCMAX", "KXBTCMAX-26NOV266"
    for answer in (full.trades, full.settlements, full.catalogue, full.candlesticks):
        everything = rows_of(answer())
        assert rows_of(answer(series=series)) == [row for row in everything if row["series_ticker"] == series]
        assert rows_of(answer(event=event)) == [row for row in everything if row["event_ticker"] == event]
    ticker = "KXBTCMAX-26NOV266-T3631.99"
    assert {row["ticker"] for row in full.trades(ticker)} == {ticker}
    assert {(row["kind"], row["ticker"]) for row in full.changes(series="KXFIXTURE")} == {
        ("series", "KXFIXTURE")
    }


def test_settlements_changes_and_coverage_are_of_their_spans(full: Store) -> None:
    for answer, column in ((full.settlements, "settled_at"), (full.changes, "seen_at")):
        everything = rows_of(answer())
        middle = sorted(row[column] for row in everything)[len(everything) // 2]
        assert rows_of(answer(start=middle)) == [row for row in everything if row[column] >= middle]
        assert rows_of(answer(end=middle)) == [row for row in everything if row[column] < middle]
    assert [row["day"] for row in full.coverage()] == ["2026-11-26", "2026-11-27"]
    assert [row["day"] for row in full.coverage(end="2026-11-27T00:00:00Z")] == ["2026-11-26"]
    assert [row["day"] for row in full.coverage(start="2026-11-26T23:00:00Z")] == ["2026-11-26", "2026-11-27"]
    assert [row["day"] for row in full.coverage(start="2026-11-27T00:00:00Z")] == ["2026-11-27"]


def test_movers_match_the_records(store: Store) -> None:
    found = rows_of(store.movers(timedelta(minutes=20), at(4)))
    expected = store.records.movers(1200, at(4))
    assert [row["ticker"] for row in found] == [mover.ticker for mover in expected] == ["MOVES", "OTHER"]
    assert (found[0]["yes_bid"], found[0]["base_yes_bid"]) == (Decimal("0.31"), Decimal("0.2"))
    assert (found[0]["midpoint"], found[0]["midpoint_change"]) == (Decimal("0.32"), Decimal("0.11"))
    assert (found[0]["event_ticker"], found[0]["state"]) == ("KXRAIN-26NOV23", "observed")


def test_details_match_the_records(full: Store) -> None:
    event = str(next(iter(full.catalogue("event")))["event_ticker"])
    assert full.details(event) == full.details(event.lower()) == full.records.details(event)


def test_search_finds_series_then_events_then_plain_markets(full: Store) -> None:
    found = rows_of(full.search("kxfixture"))
    assert [(row["kind"], row["ticker"]) for row in found] == [
        ("series", "KXFIXTURE"),
        ("event", "KXFIXTURE-26"),
        ("market", "KXFIXTURE-26-A"),
        ("market", "KXFIXTURE-26-B"),
    ]
    assert [row["ticker"] for row in full.search("kxfixture -b")] == ["KXFIXTURE-26-B"]
    assert rows_of(full.search("100%")) == []
    assert not [row for row in full.search("kxmve") if row["kind"] == "market"], "combos are none"


def test_store_reads_the_current_state_at_each_query(changing: Path) -> None:
    with open_store(changing) as store, closing(sqlite3.connect(changing)) as connection:
        table = store.catalogue()
        assert len(list(table)) == 4
        connection.execute("UPDATE markets SET title = 'Another' WHERE ticker = 'MOVES'")
        connection.commit()
        assert "Another" in [row["title"] for row in table]


def test_fees_of_an_event_without_its_own_are_those_of_its_series(store: Store, changing: Path) -> None:
    with closing(sqlite3.connect(changing)) as connection:
        connection.executemany(
            "INSERT INTO series_fee_changes (change_id, series_ticker, fee_type, fee_multiplier, scheduled_at,"
            " first_seen_at, changed_at) VALUES (?, ?, 'quadratic', ?, ?, 0, 0)",
            [
                ("1", "KXRAIN", 500_000, tick(0)),
                ("2", "KXRAIN", 1_000_000, tick(2)),
                ("3", "KXSNOW", 0, tick(1)),
            ],
        )
        connection.execute(
            "INSERT INTO event_fee_changes (change_id, event_ticker, series_ticker, fee_type_override,"
            " fee_multiplier_override, scheduled_at, first_seen_at, changed_at)"
            " VALUES ('4', 'KXRAIN-26NOV24', 'KXRAIN', 'flat', 250000, ?, 0, 0)",
            (tick(1),),
        )
        connection.execute(
            "INSERT INTO listings (asset, state, pages, received, inserted, unchanged, quarantined, duplicates,"
            " placeholders, healed, changed) VALUES ('event_fee_changes', 'complete', 1, 1, 1, 0, 0, 0, 0, 0, 0)"
        )
        connection.commit()

    def fees_of(table: Table) -> list[tuple[Any, ...]]:
        names = ("event_ticker", "from_at", "fee_type", "fee_multiplier", "is_override")
        return [tuple(row[name] for name in names) for row in rows_of(table)]

    half, whole = Decimal("0.5"), Decimal(1)
    of_series = [(None, at(0), "quadratic", half, False), (None, at(2), "quadratic", whole, False)]
    assert fees_of(store.fees(event="KXRAIN-26NOV23")) == of_series
    own = [
        ("KXRAIN-26NOV24", at(0), "quadratic", half, False),
        ("KXRAIN-26NOV24", at(1), "flat", Decimal("0.25"), True),
        ("KXRAIN-26NOV24", at(2), "flat", Decimal("0.25"), True),
    ]
    assert fees_of(store.fees(event="KXRAIN-26NOV24")) == own
    assert sorted(fees_of(store.fees(series="KXRAIN")), key=str) == sorted([*of_series, *own], key=str)
