"""Filters by time as text, numbers and parameters, from sqlite3, pandas and SQLAlchemy."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pandas
import pytest
from sqlalchemy import BigInteger, DateTime, Text, TextClause, bindparam, create_engine, text

from kalshi_pipeline.store.database import Database
from kalshi_pipeline.units import parse_dollars, tick_iso_of
from kalshi_pipeline_tests.store.conftest import NewDatabase
from kalshi_pipeline_tests.store.samples import MINUTE, NOON, market, query, sqlite_url, take

Ask: TypeAlias = Callable[[str, dict[str, object]], list[Any]]

AT = [NOON + number * 5 * MINUTE for number in range(4)]
_VIEWS = pytest.mark.parametrize(
    "view", ["price_history", "quotes_by_tick", "tick_history", "price_history_filled"]
)


@pytest.fixture(scope="module")
def stored(new_database: NewDatabase) -> Database:
    """Four ticks with a market that changes at each; read only."""
    database = new_database()
    for number, at in enumerate(AT):
        take(database, at, [market("M", yes_bid=100_000 + number)])
    return database


@pytest.fixture(scope="module", params=["sqlite3", "pandas", "SQLAlchemy"])
def ask(request: pytest.FixtureRequest, stored: Database) -> Iterator[Ask]:
    """Returns the first column of a query with named parameters."""
    if request.param == "SQLAlchemy":
        engine = create_engine(sqlite_url(Path(stored.place)))
        with engine.connect() as connection:
            yield lambda sql, values: list(connection.execute(_bound(sql, values)).scalars())
        engine.dispose()
        return
    with closing(sqlite3.connect(stored.place)) as opened:
        if request.param == "sqlite3":
            yield lambda sql, values: [row[0] for row in opened.execute(sql, values)]
        else:
            yield lambda sql, values: list(pandas.read_sql_query(sql, opened, params=values).iloc[:, 0])


def _bound(sql: str, values: dict[str, object]) -> TextClause:
    kinds: dict[type, Any] = {int: BigInteger(), str: Text(), datetime: DateTime()}
    return text(sql).bindparams(
        *(bindparam(name, value, kinds[type(value)]) for name, value in values.items())
    )


def _times(view: str) -> tuple[str, str]:
    return ("quote_at", "quote_at_us") if view == "price_history_filled" else ("tick_at", "tick_at_us")


@_VIEWS
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("{} >= {}", AT[1:]),
        ("{} < {}", AT[:1]),
        ("{} = {}", AT[1:2]),
        ("{} BETWEEN {} AND {}", AT[1:3]),
    ],
    ids=["from", "before", "at", "between"],
)
@pytest.mark.parametrize("kind", ["text", "strftime", "text parameter", "number", "number parameter"])
def test_view_is_asked_by_time(ask: Ask, view: str, condition: str, expected: list[int], kind: str) -> None:
    """Finds the second tick, or the second to the third."""
    of_text, of_number = _times(view)
    bounds: list[object] = [at if "number" in kind else tick_iso_of(at) for at in AT[1:3]]
    written = {
        "text": [f"'{bound}'" for bound in bounds],
        "strftime": [f"strftime('%Y-%m-%dT%H:%M:%SZ', {at // 1_000_000}, 'unixepoch')" for at in AT[1:3]],
        "number": [str(bound) for bound in bounds],
    }.get(kind, [":first", ":second"])
    values = {"first": bounds[0], "second": bounds[1]} if "parameter" in kind else {}
    if "BETWEEN" not in condition:
        values.pop("second", None)
    where = condition.format(of_number if "number" in kind else of_text, *written)
    assert ask(f"SELECT {of_number} FROM {view} WHERE {where} ORDER BY {of_number}", values) == expected


@_VIEWS
def test_text_of_datetime_finds_the_whole_day(ask: Ask, view: str) -> None:
    """It has a blank instead of the T of these times, as documented."""
    of_text, of_number = _times(view)
    late = "SELECT {1} FROM {2} WHERE {0} >= datetime('2026-11-22 23:59:59') ORDER BY {1}"
    assert ask(late.format(of_text, of_number, view), {}) == AT


@_VIEWS
@pytest.mark.filterwarnings("ignore:The default datetime adapter:DeprecationWarning")
def test_datetime_as_a_parameter_finds_the_whole_day(ask: Ask, view: str) -> None:
    """The driver writes it with a blank: the docs say what to pass."""
    of_text, of_number = _times(view)
    late = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    question = f"SELECT {of_number} FROM {view} WHERE {of_text} >= :late ORDER BY {of_number}"
    assert ask(question, {"late": late}) == AT
    assert ask(question, {"late": late.strftime("%Y-%m-%dT%H:%M:%SZ")}) == []


def test_spread_of_a_cent_is_a_cent(new_database: NewDatabase) -> None:
    """At every cent; a subtraction of REALs is wrong for one in eleven."""
    database = new_database()
    cents = range(1, 99)
    page = [
        market(f"{cent:02}", yes_bid=cent * parse_dollars("0.01"), yes_ask=(cent + 1) * parse_dollars("0.01"))
        for cent in cents
    ]
    take(database, NOON, page)
    for view in ("latest_prices", "price_history", "quotes_by_tick", "price_history_filled"):
        assert query(database, f"SELECT count(*) FROM {view} WHERE spread = 0.01") == [(len(cents),)]
        assert query(database, f"SELECT midpoint FROM {view} WHERE ticker = '28'") == [(0.285,)]
    subtracted = query(database, "SELECT count(*) FROM price_history WHERE yes_ask - yes_bid = 0.01")
    assert subtracted != [(len(cents),)]
