"""Merging series, events and markets: inserted, changed, unchanged, placeholder and filled rows."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Connection, Table
from sqlalchemy import event as sqlalchemy_event

from kalshi_pipeline.record_fields import fields_of
from kalshi_pipeline.records import READING, Document, Event, Market, Series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.from_records import shared_fields, text_key
from kalshi_pipeline.store.schema.tables import (
    UNSTORED,
    events,
    last_ids,
    market_fingerprints,
    markets,
    series,
)
from kalshi_pipeline.store.writing.documents import EVENT
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.parents import (
    merge_events,
    merge_markets,
    merge_series,
    merge_staged_markets,
)
from kalshi_pipeline.store.writing.quotes import Appended
from kalshi_pipeline.store.writing.staged_pages import stage_markets, unknown_events
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.texts import key_of
from kalshi_pipeline_tests.store.samples import (
    LATER,
    NOON,
    Tick,
    contents,
    event,
    market,
    query,
    series_row,
    store_documents,
    store_events,
    store_markets,
    store_series,
    without,
)

Merge = Callable[[Connection, Sequence[Series | Event | Market], int], Tally]
_KNOWN = {"is_placeholder": False, "reading": READING, "first_seen_at": NOON, "changed_at": NOON}
_NOT_STORED = {
    "ticker",
    "series_ticker",
    "event_ticker",
    "quote",
    *UNSTORED,
}


def _stored(row: Series | Event | Market) -> dict[str, object]:
    """The columns that a row fills."""
    given = {name: value for name, value in row._asdict().items() if name not in _NOT_STORED}
    return dict(_column(type(row), name, value) for name, value in given.items())


def _column(record: type[NamedTuple], name: str, value: object) -> tuple[str, object]:
    """The column of a field with its value, or the key of a shared text."""
    if name not in shared_fields(record):
        return name, value
    return text_key(name), None if value is None else key_of(str(value))


def _of_placeholder(table: Table) -> dict[str, object]:
    """The columns of a placeholder except its key and its ticker."""
    nothing = dict.fromkeys(column.name for column in table.columns if column.name not in ("id", "ticker"))
    return nothing | {"is_placeholder": True, "reading": 0, "first_seen_at": NOON, "changed_at": NOON}


def test_series_are_stored_as_given(database: Database) -> None:
    rows = [series_row("KXRAIN"), series_row("KXSNOW", category=None, tags=None)]
    assert store_series(database, *rows) == Tally(inserted=2)
    assert contents(database, series) == [
        {"id": 1, "ticker": "KXRAIN", **_stored(rows[0]), **_KNOWN},
        {"id": 2, "ticker": "KXSNOW", **_stored(rows[1]), **_KNOWN},
    ]


def test_events_are_stored_as_given_under_their_series(database: Database) -> None:
    store_series(database, series_row("OTHER"), series_row("KXRAIN"))
    rows = [event("KXRAIN-26NOV23"), event("LONELY", series_ticker=None, mutually_exclusive=None)]
    assert store_events(database, *rows) == Tally(inserted=2)
    assert contents(database, events) == [
        {"id": 1, "ticker": "KXRAIN-26NOV23", "series_id": 2, **_stored(rows[0]), **_KNOWN},
        {"id": 2, "ticker": "LONELY", "series_id": None, **_stored(rows[1]), **_KNOWN},
    ]


def test_markets_are_stored_as_given_under_their_event(database: Database) -> None:
    store_events(database, event("OTHER"), event("KXRAIN-26NOV23"))
    rows = [
        market("KXRAIN-26NOV23-T1"),
        market("KXRAIN-26NOV23-T2", floor_strike=None, is_combo=True, collection_ticker="KXMVE-1"),
    ]
    assert store_markets(database, *rows) == Tally(inserted=2)
    assert contents(database, markets) == [
        {
            "id": 1,
            "ticker": "KXRAIN-26NOV23-T1",
            "event_id": 2,
            **_stored(rows[0]),
            "gone_at": None,
            **_KNOWN,
        },
        {
            "id": 2,
            "ticker": "KXRAIN-26NOV23-T2",
            "event_id": 2,
            **_stored(rows[1]),
            "gone_at": None,
            **_KNOWN,
        },
    ]


def test_merge_counts_inserted_changed_and_unchanged(database: Database) -> None:
    store_series(database, series_row("A"), series_row("B"), series_row("C"))
    before = contents(database, series)
    tally = store_series(
        database, series_row("C", title="New"), series_row("D"), series_row("A"), series_row("E"), at=LATER
    )
    assert tally == Tally(inserted=2, changed=1, unchanged=1)
    assert contents(database, series) == [
        before[0],
        before[1],
        {**before[2], "title": "New", "changed_at": LATER},
        {**before[0], "id": 4, "ticker": "D", "first_seen_at": LATER, "changed_at": LATER},
        {**before[0], "id": 5, "ticker": "E", "first_seen_at": LATER, "changed_at": LATER},
    ]


@pytest.mark.parametrize("name", [name for name in Series._fields if name != "ticker"])
def test_series_is_rewritten_when_one_value_changes(database: Database, name: str) -> None:
    store_series(database, series_row("KXRAIN"))
    before = contents(database, series)
    assert store_series(database, series_row("KXRAIN", **{name: "new"}), at=LATER) == Tally(changed=1)
    column, value = _column(Series, name, "new")
    assert contents(database, series) == [{**before[0], column: value, "changed_at": LATER}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", ""),
        ("sub_title", "new"),
        ("category", "new"),
        ("mutually_exclusive", True),
        ("strike_at", 0),
    ],
    ids=["title", "sub_title", "category", "mutually_exclusive", "strike_at"],
)
def test_event_is_rewritten_when_one_value_changes(database: Database, name: str, value: object) -> None:
    store_events(database, event("KXRAIN-26NOV23"))
    before = contents(database, events)
    changed = event("KXRAIN-26NOV23", **{name: value})
    assert store_events(database, changed, at=LATER) == Tally(changed=1)
    assert contents(database, events) == [{**before[0], name: value, "changed_at": LATER}]


@pytest.mark.parametrize("name", [name for name in Market._fields if name not in _NOT_STORED])
def test_market_is_rewritten_when_one_value_changes(database: Database, name: str) -> None:
    store_markets(database, market("KXRAIN-26NOV23-T1", collection_ticker="KXMVE-1"))
    before = contents(database, markets)
    old = getattr(market("KXRAIN-26NOV23-T1", collection_ticker="KXMVE-1"), name)
    is_text = {field.name: field.type is str for field in fields_of(Market)}
    value = f"{old}, new" if is_text[name] else not old if isinstance(old, bool) else 12_345
    changed = market("KXRAIN-26NOV23-T1", **{"collection_ticker": "KXMVE-1", name: value})
    assert store_markets(database, changed, at=LATER) == Tally(changed=1)
    column, stored = _column(Market, name, value)
    assert contents(database, markets) == [{**before[0], column: stored, "changed_at": LATER}]


def test_event_that_moves_to_another_series_follows_it(database: Database) -> None:
    store_events(database, event("E", "OLD"))
    before = contents(database, events)
    assert store_events(database, event("E", "NEW"), at=LATER) == Tally(changed=1, placeholders=1)
    assert contents(database, events) == [{**before[0], "series_id": 2, "changed_at": LATER}]


def test_market_that_moves_to_another_event_follows_it(database: Database) -> None:
    store_markets(database, market("M", "OLD"))
    before = contents(database, markets)
    assert store_markets(database, market("M", "NEW"), at=LATER) == Tally(changed=1, placeholders=1)
    assert contents(database, markets) == [{**before[0], "event_id": 2, "changed_at": LATER}]


def test_absent_value_never_erases_a_known_one(database: Database) -> None:
    """This includes a later API that omits fields."""
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    store_markets(database, market("KXRAIN-26NOV23-T1", collection_ticker="KXMVE-1"))
    before = [contents(database, table) for table in (series, events, markets)]

    nothing = dict.fromkeys(Series._fields[1:])
    assert store_series(database, series_row("KXRAIN", **nothing), at=LATER) == Tally(unchanged=1)
    nothing = dict.fromkeys(Event._fields[1:])
    assert store_events(database, event("KXRAIN-26NOV23", **nothing), at=LATER) == Tally(unchanged=1)
    nothing = dict.fromkeys(name for name in Market._fields if name not in _NOT_STORED)
    bare = market("KXRAIN-26NOV23-T1", **nothing | {"status": "active", "is_combo": False})
    assert store_markets(database, bare, at=LATER) == Tally(unchanged=1)

    assert [contents(database, table) for table in (series, events, markets)] == before


def test_absent_status_is_stored_as_absent(database: Database) -> None:
    """A status describes the present, so one that is no longer sent is not kept."""
    store_markets(database, market("M"))
    before = contents(database, markets)
    assert store_markets(database, market("M", status=None), at=LATER) == Tally(changed=1)
    assert contents(database, markets) == [{**before[0], "status": None, "changed_at": LATER}]


def test_known_values_fill_absent_ones_and_leave_the_rest(database: Database) -> None:
    store_markets(database, market("M", title=None, close_at=None))
    before = contents(database, markets)
    known = market("M", title="Told", close_at=None, rules_primary=None)
    assert store_markets(database, known, at=LATER) == Tally(changed=1)
    assert contents(database, markets) == [{**before[0], "title": "Told", "changed_at": LATER}]


def test_quote_is_not_part_of_a_market(database: Database) -> None:
    store_markets(database, market("M"))
    before = contents(database, markets)
    moved = market("M", yes_bid=1, yes_ask=None, last_price=0, volume=5)
    assert store_markets(database, moved, at=LATER) == Tally(unchanged=1)
    assert contents(database, markets) == before


def test_unchanged_page_writes_nothing(database: Database, path: Path) -> None:
    """Another connection's `data_version` moves with any commit that changed the file."""
    parents = [series_row("KXRAIN")], [event("KXRAIN-26NOV23")]
    page = [market(f"KXRAIN-26NOV23-T{n}", collection_ticker=None, cap_strike=n / 3) for n in range(50)]
    quotes = Tick(database, NOON).quotes

    def store(at: int) -> list[Tally | Appended]:
        with database.begin() as connection:
            return [
                merge_series(connection, parents[0], at),
                merge_events(connection, parents[1], at),
                merge_markets(connection, page, at),
                quotes.append(connection, at),
            ]

    with closing(sqlite3.connect(path)) as other_program:

        def data_version() -> int:
            return int(other_program.execute("PRAGMA data_version").fetchone()[0])

        empty = data_version()
        assert store(NOON) == [Tally(inserted=1), Tally(inserted=1), Tally(inserted=50), Appended(50, 0)]
        stored = data_version()
        assert stored != empty
        log = path.with_name(f"{path.name}-wal").read_bytes()
        assert store(LATER) == [Tally(unchanged=1), Tally(unchanged=1), Tally(unchanged=50), Appended(0, 0)]
        assert data_version() == stored
        assert path.with_name(f"{path.name}-wal").read_bytes() == log


@pytest.mark.parametrize(
    "merge", [merge_series, merge_events, merge_markets], ids=["series", "events", "markets"]
)
def test_empty_page_changes_nothing(database: Database, merge: Merge) -> None:
    with database.begin() as connection:
        assert merge(connection, [], NOON) == Tally()
    assert [contents(database, table) for table in (series, events, markets)] == [[], [], []]


def test_page_leaves_no_rows_of_the_page_before(database: Database) -> None:
    with database.begin() as connection:
        assert merge_series(connection, [series_row("A"), series_row("B")], NOON) == Tally(inserted=2)
        assert merge_series(connection, [series_row("C")], NOON) == Tally(inserted=1)


def test_event_without_its_series_makes_a_marked_placeholder(database: Database) -> None:
    """There is one for each series, without invented values."""
    page = [event("A-1", "A"), event("A-2", "A"), event("B-1", "B"), event("LONELY", None)]
    assert store_events(database, *page) == Tally(inserted=4, placeholders=2)
    unknown = _of_placeholder(series)
    assert contents(database, series) == [
        {"id": 1, "ticker": "A", **unknown},
        {"id": 2, "ticker": "B", **unknown},
    ]
    assert [row["series_id"] for row in contents(database, events)] == [1, 1, 2, None]
    assert query(database, "PRAGMA foreign_key_check") == []


def test_market_without_its_event_makes_a_marked_placeholder(database: Database) -> None:
    """There is one for each event, without invented values."""
    page = [market("A-1-X", "A-1"), market("A-1-Y", "A-1"), market("B-1-X", "B-1")]
    assert store_markets(database, *page) == Tally(inserted=3, placeholders=2)
    unknown = _of_placeholder(events)
    assert contents(database, events) == [
        {"id": 1, "ticker": "A-1", **unknown},
        {"id": 2, "ticker": "B-1", **unknown},
    ]
    assert [row["event_id"] for row in contents(database, markets)] == [1, 1, 2]
    assert query(database, "PRAGMA foreign_key_check") == []


def test_placeholder_is_made_once(database: Database) -> None:
    store_markets(database, market("A-1-X", "A-1"))
    before = contents(database, events)
    assert store_markets(database, market("A-1-Y", "A-1"), at=LATER) == Tally(inserted=1)
    assert contents(database, events) == before


def test_known_parent_is_not_a_placeholder(database: Database) -> None:
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    before = contents(database, series), contents(database, events)
    assert store_events(database, event("KXRAIN-26NOV24"), at=LATER) == Tally(inserted=1)
    assert store_markets(database, market("KXRAIN-26NOV23-T1"), at=LATER) == Tally(inserted=1)
    assert (contents(database, series), contents(database, events)[:1]) == before


def test_placeholder_event_is_filled_in_place(database: Database) -> None:
    """It is the same row, now first seen, and its children are kept."""
    store_markets(database, market("KXRAIN-26NOV23-T1"))
    children = contents(database, markets)
    given = event("KXRAIN-26NOV23")
    tally = store_events(database, given, event("KXRAIN-26NOV24"), at=LATER)
    assert tally == Tally(inserted=1, changed=1, placeholders=1, healed=1)
    assert contents(database, events)[0] == {
        "id": 1,
        "ticker": "KXRAIN-26NOV23",
        "series_id": 1,
        **_stored(given),
        "is_placeholder": False,
        "reading": READING,
        "first_seen_at": LATER,
        "changed_at": LATER,
    }
    assert contents(database, markets) == children
    assert store_events(database, given, at=LATER) == Tally(unchanged=1)


def test_placeholder_series_is_filled_in_place(database: Database) -> None:
    store_events(database, event("KXRAIN-26NOV23"))
    children = contents(database, events)
    given = series_row("KXRAIN")
    assert store_series(database, given, at=LATER) == Tally(changed=1, healed=1)
    healed = {**_KNOWN, "first_seen_at": LATER, "changed_at": LATER}
    assert contents(database, series) == [{"id": 1, "ticker": "KXRAIN", **_stored(given), **healed}]
    assert contents(database, events) == children


@pytest.mark.parametrize("table", [series, events], ids=["series", "event"])
def test_placeholder_is_filled_even_by_an_empty_answer(database: Database, table: Table) -> None:
    store_events(database, event("A-1", "A"))
    store_markets(database, market("B-1-X", "B-1"))
    before = [row for row in contents(database, table) if row["is_placeholder"]]
    if table is series:
        tally = store_series(
            database, series_row("A", title=None, category=None, frequency=None, tags=None), at=LATER
        )
    else:
        tally = store_events(database, event("B-1", **dict.fromkeys(Event._fields[1:])), at=LATER)
    assert tally == Tally(changed=1, healed=1)
    healed = [row for row in contents(database, table) if row["id"] == before[0]["id"]]
    seen = {"first_seen_at": LATER, "changed_at": LATER}
    assert healed == [{**before[0], "is_placeholder": False, "reading": READING, **seen}]


def test_merge_in_any_order_of_runs_ends_with_the_same_rows(database: Database) -> None:
    """Markets first and parents last gives the same rows as parents first, except for instants."""
    tables, instants = (series, events, markets), ("first_seen_at", "changed_at")
    given = [series_row("KXRAIN")], [event("KXRAIN-26NOV23")], [market("KXRAIN-26NOV23-T1")]
    with database.begin() as connection:
        merge_markets(connection, given[2], NOON)
        merge_events(connection, given[1], LATER)
        merge_series(connection, given[0], LATER)
    markets_first = [without(contents(database, table), *instants) for table in tables]
    with database.begin() as connection:
        for table in (market_fingerprints, *reversed(tables), last_ids):
            connection.execute(table.delete())
        merge_series(connection, given[0], NOON)
        merge_events(connection, given[1], NOON)
        merge_markets(connection, given[2], NOON)
    assert [without(contents(database, table), *instants) for table in tables] == markets_first
    assert query(database, "PRAGMA foreign_key_check") == []


def test_merge_takes_text_and_numbers_as_they_are(database: Database) -> None:
    odd = "naïve 🌧 'quoted' \"twice\"; DROP TABLE markets; -- ? % :name \\ \n"
    given = market(odd, odd, title=odd, floor_strike=0.1 + 0.2, cap_strike=-1e308, close_at=2**63 - 1)
    assert store_markets(database, given) == Tally(inserted=1, placeholders=1)
    assert store_markets(database, given, at=LATER) == Tally(unchanged=1)
    assert contents(database, markets) == [
        {"id": 1, "ticker": odd, "event_id": 1, **_stored(given), "gone_at": None, **_KNOWN}
    ]
    assert [row["ticker"] for row in contents(database, events)] == [odd]


def _statements_of_a_page(database: Database, first: int, count: int) -> list[str]:
    """The statements that a page of new and known rows takes, parents and quotes included."""
    store_events(database, event(f"OPEN-{first}", f"OPEN-{first}"))
    known = [n for n in range(first, first + count) if n % 2]
    store_markets(database, *(market(f"M-{n}", f"E-{n}") for n in known))
    quotes = Tick(database, NOON + first).quotes
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    numbers = range(first, first + count)
    with database.begin() as connection:
        sqlalchemy_event.listen(connection, "before_cursor_execute", note)
        merge_series(connection, [series_row(f"S-{n}") for n in numbers], NOON)
        merge_events(connection, [event(f"E-{n}", f"S-{n + 1}") for n in numbers], NOON)
        merge_markets(connection, [market(f"M-{n}", f"E-{n + 2}", title="new") for n in numbers], NOON)
        quotes.append(connection, NOON)
        sqlalchemy_event.remove(connection, "before_cursor_execute", note)
    return statements


def test_page_takes_as_many_statements_as_a_row(database: Database) -> None:
    of_two = _statements_of_a_page(database, 0, 2)
    of_many = _statements_of_a_page(database, 1000, 300)
    assert of_many == of_two
    assert len(of_two) < 80
    assert query(database, "SELECT count(*) FROM markets") == [(302,)]


def _unknown(database: Database, *named: str) -> list[str]:
    """The events among those that staged markets name."""
    with database.stage() as connection:
        stage_markets(connection, [market(f"M-{n}", ticker) for n, ticker in enumerate(named)])
        return sorted(unknown_events(connection))


def test_unknown_events_are_those_missing_in_the_store_each_once(database: Database) -> None:
    store_events(database, event("KNOWN"), event("UNDOCUMENTED"))
    store_documents(database, EVENT, [Document("KNOWN", {"event_ticker": "KNOWN"})], NOON)
    assert _unknown(database, "Z", "KNOWN", "A", "Z", "UNDOCUMENTED") == ["A", "UNDOCUMENTED", "Z"]
    assert _unknown(database) == []


def test_unknown_events_are_those_of_plain_markets(database: Database) -> None:
    """`/events` does not list those of combos. Their tickers decide nothing."""
    plain, combo = market("M-1", "KXMVENUS-27"), market("M-2", "KXPARLAY-1", is_combo=True)
    with database.stage() as connection:
        stage_markets(connection, [plain, combo])
        assert unknown_events(connection) == ["KXMVENUS-27"]


def test_unknown_events_hold_placeholders_until_the_exchange_was_asked(database: Database) -> None:
    store_markets(database, market("A-X", "A"), market("B-X", "B"))
    assert _unknown(database, "B", "A") == ["A", "B"]
    with database.begin() as connection:
        record_event_lookups(connection, ["A"], NOON)
    assert _unknown(database, "B", "A") == ["B"]
    store_events(database, event("B"))
    store_documents(database, EVENT, [Document("B", {"event_ticker": "B"})], NOON)
    assert _unknown(database, "B", "A") == []


def test_staged_markets_are_merged_by_a_later_transaction(database: Database) -> None:
    """Staging holds no lock, so others may write in between."""
    with database.stage() as connection:
        staged = stage_markets(connection, [market("M-1"), market("M-2")])
    store_events(database, event("KXRAIN-26NOV23"))
    with database.begin() as connection:
        assert merge_staged_markets(connection, staged, NOON) == Tally(inserted=2)
    assert [row["ticker"] for row in contents(database, markets)] == ["M-1", "M-2"]


def test_market_that_is_sent_without_its_event_stays_with_the_one_it_has(database: Database) -> None:
    """It is staged with an event of its own ticker, which only a new market needs."""
    store_events(database, event("KXRAIN-A"))
    store_markets(database, market("KXRAIN-A-1", "KXRAIN-A"))
    with database.begin() as connection:
        merge_markets(
            connection, [market("KXRAIN-A-1", "KXRAIN-A-1"), market("KXRAIN-B-1", "KXRAIN-B-1")], LATER
        )
    found = query(
        database,
        "SELECT m.ticker, e.ticker, e.is_placeholder FROM markets m JOIN events e ON e.id = m.event_id ORDER BY 1",
    )
    assert found == [
        ("KXRAIN-A-1", "KXRAIN-A", 0),
        ("KXRAIN-B-1", "KXRAIN-B-1", 1),
    ]


def test_market_of_an_event_of_the_same_ticker_moves_there_once_the_exchange_knows_it(
    database: Database,
) -> None:
    store_events(database, event("KXRAIN-A"), event("KXMARS-99"))
    store_markets(database, market("KXMARS-99", "KXRAIN-A"))
    store_markets(database, market("KXMARS-99", "KXMARS-99"), at=LATER)
    found = query(database, "SELECT e.ticker FROM markets m JOIN events e ON e.id = m.event_id")
    assert found == [("KXMARS-99",)]
