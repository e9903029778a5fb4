"""The catalogue and run views, compared with values computed in Python from the tables."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kalshi_pipeline import open_store
from kalshi_pipeline_tests.store.migrations.stored import NEWEST, load

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A market that no tick finds any more, one that the exchange does not have at all, a placeholder without a series, a
# market without a quote, and a tick in each state on three days.
ODDITIES = """
INSERT INTO unlisted_spans (market_id, from_tick_id)
    SELECT min(market_id), (SELECT max(id) FROM ticks WHERE state = 'complete')
    FROM latest_quotes WHERE NOT is_terminal;
INSERT INTO events (id, ticker, is_placeholder, first_seen_at, changed_at) VALUES (9001, 'KXNONE-1', 1, 5, 6);
INSERT INTO markets (id, ticker, event_id, is_combo, is_placeholder, first_seen_at, changed_at, gone_at)
    VALUES (9001, 'KXNONE-1-A', 9001, 0, 1, 1795655551954816, 1795655551954817, 1795655551000000),
           (9002, 'KXNONE-1-B', 9001, 1, 1, 7, 8, NULL);
INSERT INTO ticks (tick_at, period_seconds, scope_id, started_at, finished_at, state, pages, received, inserted,
                   unchanged, quarantined, duplicates, placeholders, healed)
    SELECT (SELECT max(tick_at) FROM ticks) + value * 7000000000, 7000, 1, 5000000 * value, 5000000 * value + 1234567,
           CASE value % 6 WHEN 0 THEN 'partial' WHEN 1 THEN 'skipped' WHEN 2 THEN 'complete' WHEN 3 THEN 'missed'
           WHEN 4 THEN 'failed' ELSE 'running' END, 1, 100 + value, value, 0, value, 0, 0, 0
    FROM (
        WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < 25) SELECT value FROM n
    );
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = load(NEWEST, tmp_path_factory.mktemp("contents") / "kalshi.db")
    with closing(sqlite3.connect(made)) as connection:
        connection.executescript(ODDITIES)
    return made


class Tables:
    """Rows of tables, and of a view, as dictionaries."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        self._connection = connection

    def __getitem__(self, name: str) -> list[Row]:
        return [dict(row) for row in self._connection.execute(f"SELECT * FROM {name}")]

    def by(self, name: str, key: str = "id") -> dict[Any, Row]:
        return {row[key]: row for row in self[name]}


@pytest.fixture
def tables(path: Path) -> Iterator[Tables]:
    with closing(sqlite3.connect(path)) as connection:
        yield Tables(connection)


def iso(micros: int | None) -> str | None:
    if micros is None:
        return None
    return f"{EPOCH + timedelta(microseconds=micros):%Y-%m-%dT%H:%M:%S.%fZ}"


def whole(micros: int | None) -> str | None:
    return None if micros is None else f"{EPOCH + timedelta(microseconds=micros):%Y-%m-%dT%H:%M:%SZ}"


def same(found: list[Row], expected: list[Row], *key: str) -> None:
    def order(row: Row) -> str:
        return repr([row[name] for name in key])

    assert expected
    assert [set(row) for row in found[:1]] == [set(row) for row in expected[:1]]
    assert sorted(found, key=order) == sorted(expected, key=order)


def listed(tables: Tables) -> set[int]:
    return {row["market_id"] for row in tables["latest_quotes"] if not row["is_terminal"]}


def test_market_catalogue(tables: Tables) -> None:
    events, series = tables.by("events"), tables.by("series")
    texts, ticks, now = tables.by("texts"), tables.by("ticks"), listed(tables)
    unlisted = {
        row["market_id"]: row["from_tick_id"] for row in tables["unlisted_spans"] if row["to_tick_id"] is None
    }
    plain = (
        *("ticker", "yes_sub_title", "no_sub_title", "status", "result", "can_close_early", "rules_primary"),
        *("strike_type", "floor_strike", "cap_strike", "functional_strike", "custom_strike", "is_combo"),
        *("market_type", "is_provisional", "is_placeholder"),
    )
    times = (
        *("created_at", "open_at", "expected_expiration_at", "occurrence_at", "latest_expiration_at"),
        *("gone_at", "first_seen_at", "changed_at"),
    )
    expected = []
    for market in tables["markets"]:
        event = events[market["event_id"]]
        parent = series.get(event["series_id"], {"ticker": None, "category": None})
        rules = texts.get(market["rules_secondary_id"], {"body": None})
        since = ticks.get(unlisted.get(market["id"]), {"tick_at": None})
        expected.append(
            {
                **{name: market[name] for name in plain},
                **{name: iso(market[name]) for name in times},
                "event_ticker": event["ticker"],
                "series_ticker": parent["ticker"],
                "category": event["category"] if parent["category"] is None else parent["category"],
                "title": market["yes_sub_title"] if market["title"] is None else market["title"],
                "event_title": event["title"],
                "is_listed": int(market["id"] in now),
                "announced_close_at": iso(market["close_at"]),
                "announced_close_at_us": market["close_at"],
                "rules_secondary": rules["body"],
                "leg_count": sum(leg["market_id"] == market["id"] for leg in tables["combo_legs"]),
                "mutually_exclusive": event["mutually_exclusive"],
                "market_id": market["id"],
                "unlisted_since_at": whole(since["tick_at"]),
            }
        )
    assert {row["is_listed"] for row in expected if row["unlisted_since_at"]} == {1}
    assert {row["is_listed"] for row in expected} == {0, 1}
    same(tables["market_catalogue"], expected, "ticker")


def test_listed_markets_are_those_with_a_quote(path: Path) -> None:
    """A market that ticks do not find, but that has not provably ended, is listed in both."""
    with open_store(path) as store:
        now = {row["ticker"] for row in store.quotes()}
        catalogue = list(store.catalogue())
    assert now == {row["ticker"] for row in catalogue if row["is_listed"]}
    assert now & {row["ticker"] for row in catalogue if row["unlisted_since_at"]}


def test_event_catalogue(tables: Tables) -> None:
    series, now, markets = tables.by("series"), listed(tables), tables["markets"]
    plain = (
        *("title", "sub_title", "mutually_exclusive", "strike_period"),
        *("collateral_return_type", "is_placeholder"),
    )
    expected = []
    for event in tables["events"]:
        own = [market for market in markets if market["event_id"] == event["id"]]
        closes = [market["close_at"] for market in own if market["close_at"] is not None]
        parent = series.get(event["series_id"], {"ticker": None, "category": None, "title": None})
        expected.append(
            {
                **{name: event[name] for name in plain},
                **{name: iso(event[name]) for name in ("strike_at", "first_seen_at", "changed_at")},
                "event_ticker": event["ticker"],
                "series_ticker": parent["ticker"],
                "category": event["category"] if parent["category"] is None else parent["category"],
                "series_title": parent["title"],
                "market_count": len(own),
                "listed_market_count": sum(market["id"] in now for market in own),
                "combo_count": sum(market["is_combo"] for market in own),
                "first_close_at": iso(min(closes, default=None)),
                "last_close_at": iso(max(closes, default=None)),
                "event_id": event["id"],
            }
        )
    assert max(row["listed_market_count"] for row in expected)
    same(tables["event_catalogue"], expected, "event_ticker")


def test_order_book(tables: Tables) -> None:
    events, series, markets = tables.by("events"), tables.by("series"), tables.by("markets")
    books, expected = tables.by("order_books"), []
    levels = tables["order_book_levels"]
    for key, is_yes in {(level["order_book_id"], level["is_yes"]) for level in levels}:
        market = markets[books[key]["market_id"]]
        event, total = events[market["event_id"]], 0
        side = [level for level in levels if (level["order_book_id"], level["is_yes"]) == (key, is_yes)]
        for number, level in enumerate(sorted(side, key=lambda level: -level["price"]), 1):
            total += level["size"]
            expected.append(
                {
                    "ticker": market["ticker"],
                    "received_at": iso(books[key]["received_at"]),
                    "side": "yes" if is_yes else "no",
                    "level": number,
                    "price": level["price"] / 1_000_000,
                    "size": level["size"] / 100,
                    "size_up_to_here": total / 100,
                    "event_ticker": event["ticker"],
                    "series_ticker": series[event["series_id"]]["ticker"],
                    "received_at_us": books[key]["received_at"],
                }
            )
    assert max(row["level"] for row in expected) > 1
    same(tables["order_book"], expected, "ticker", "received_at", "side", "level")


def test_run_history(tables: Tables) -> None:
    scopes = {key: row["sentence"] for key, row in tables.by("scopes").items()}
    counts = (
        *("pages", "windows", "received", "inserted", "unchanged", "out_of_scope", "quarantined"),
        *("duplicates", "placeholders", "healed"),
    )

    def of(stored: Row, **more: Any) -> Row:
        started_at, finished_at = stored["started_at"], stored["finished_at"]
        is_whole = started_at is not None and finished_at is not None
        return {
            **{name: stored[name] for name in ("state", "reason", *counts)},
            "scope": scopes.get(stored["scope_id"]),
            "started_at": iso(started_at),
            "finished_at": iso(finished_at),
            "started_at_us": started_at,
            "seconds": (finished_at - started_at) / 1_000_000 if is_whole else None,
            **more,
        }

    ticks = [
        of(
            row,
            asset="price_snapshots",
            run=f"ticks/{row['id']}",
            tick_at=whole(row["tick_at"]),
            day=None,
            selection=None,
            changed=None,
        )
        for row in tables["ticks"]
    ]
    listings = [
        of(
            row,
            run=f"listings/{row['id']}",
            tick_at=None,
            **{name: row[name] for name in ("asset", "day", "selection", "changed")},
        )
        for row in tables["listings"]
    ]
    same(tables["run_history"], ticks + listings, "run")


def test_coverage_by_day(tables: Tables) -> None:
    ticks = sorted(tables["ticks"], key=lambda tick: int(tick["tick_at"]))
    complete = [tick["tick_at"] for tick in ticks if tick["state"] == "complete"]
    gaps = list(zip(complete[1:], complete, strict=False))
    expected = []
    for day in {str(whole(tick["tick_at"]))[:10] for tick in ticks}:
        own = [tick for tick in ticks if str(whole(tick["tick_at"]))[:10] == day]
        states = [tick["state"] for tick in own]
        ended = [(end - start) / 1_000_000 for end, start in gaps if str(whole(end))[:10] == day]
        expected.append(
            {
                "day": day,
                "ticks": len(own),
                **{
                    f"{state}_ticks": states.count(state)
                    for state in ("complete", "partial", "failed", "skipped", "missed", "running")
                },
                "first_tick_at": whole(own[0]["tick_at"]),
                "last_tick_at": whole(own[-1]["tick_at"]),
                "inserted": sum(tick["inserted"] for tick in own),
                "most_received": max(tick["received"] for tick in own),
                "longest_gap_seconds": max(ended, default=None),
            }
        )
    assert {"skipped", "missed", "running", "failed", "partial"} <= {tick["state"] for tick in ticks}
    same(tables["coverage_by_day"], expected, "day")
