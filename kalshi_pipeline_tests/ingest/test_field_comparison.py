"""The comparison of the fields that the exchange sends with those of the weeks before."""

from collections import Counter

import pytest

from kalshi_pipeline.api import Store
from kalshi_pipeline.exchange.documents import Source
from kalshi_pipeline.ingest.run.session import Session
from kalshi_pipeline.monitoring.checks import Finding
from kalshi_pipeline.monitoring.field_comparison import compare_with_weeks_before
from kalshi_pipeline.records import Document
from kalshi_pipeline.store.writing.document_fields import Layout, count_fields, layout_of
from kalshi_pipeline.store.writing.documents import MARKET, SERIES
from kalshi_pipeline_tests.store.samples import MINUTE, NOON

WEEK = 7 * 24 * 60 * MINUTE
USUAL: dict[str, object] = {
    "ticker": "A",
    "title": "T",
    "floor_strike": 1,
    "can_close_early": True,
    "note": None,
    "ranges": [{"start": "0", "end": "1"}, {"step": "1"}],
    "strike": {"deep": {}},
    "custom_strike": {"player": "a"},
}


def count(session: Session, at: int, *fields: dict[str, object], times: int = 100) -> None:
    layouts: Counter[Layout] = Counter()
    for one in fields:
        layouts[layout_of(MARKET, Document("A", one))] += times
    layouts[layout_of(SERIES, Document("S", {"ticker": "S"}))] += 1
    with session.database.begin() as connection:
        count_fields(connection, layouts, at)


def compare(session: Session) -> Finding:
    return compare_with_weeks_before(Store.of(session.database))


def test_nothing_was_listed_yet(session: Session) -> None:
    finding = compare(session)
    assert (finding.passed, finding.text) == (True, "no documents were listed yet")


def test_first_week_has_nothing_to_compare_with(session: Session) -> None:
    count(session, NOON, USUAL)
    count(session, NOON + MINUTE, USUAL)
    finding = compare(session)
    assert finding.passed
    assert finding.numbers == {"documents": 202, "changes": 0}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({**USUAL, "a_new_field": [1]}, "market.a_new_field is new (list)"),
        ({**USUAL, "floor_strike": "1"}, "market.floor_strike is text (was number)"),
        ({name: USUAL[name] for name in USUAL if name != "title"}, "market.title is missing (was text)"),
        ({**USUAL, "title": None}, None),
        ({**USUAL, "note": "said at last"}, None),
        (
            {**USUAL, "ranges": [{"start": "0", "end": "1"}, {"step": 1}]},
            "market.ranges.step is number (was text)",
        ),
        ({**USUAL, "ranges": [{"start": "0"}, {"step": "1"}]}, "market.ranges.end is missing (was text)"),
        ({**USUAL, "strike": {"deep": {"new": None}}}, "market.strike.deep.new is new (null)"),
        ({**USUAL, "custom_strike": {"a player": "b"}}, None),
        (USUAL, None),
    ],
    ids=[
        *("new", "another type", "missing", "null", "filled"),
        *("type in a list", "missing in a list", "new in an object", "data as keys", "as before"),
    ],
)
def test_changes_are_named(session: Session, fields: dict[str, object], text: str | None) -> None:
    count(session, NOON - 2 * WEEK, USUAL)
    count(session, NOON - WEEK, USUAL)
    count(session, NOON, fields)
    finding = compare(session)
    assert finding.passed == (text is None)
    assert text is None or text in finding.text
    assert finding.numbers["changes"] == (text is not None)


def test_rare_field_may_be_absent_for_a_week(session: Session) -> None:
    count(session, NOON - WEEK, USUAL, times=99)
    count(session, NOON - WEEK, {**USUAL, "rare": 1}, times=10)
    count(session, NOON, USUAL, times=100)
    assert compare(session).passed
    count(session, NOON, USUAL, times=1000)
    assert "market.rare is missing (was number)" in compare(session).text


def test_many_changes_are_counted(session: Session) -> None:
    count(session, NOON - WEEK, USUAL)
    count(session, NOON, {**USUAL, **{f"new_{number:02}": 1 for number in range(30)}})
    finding = compare(session)
    assert finding.text.count(" is new") == 20
    assert "and 10 more" in finding.text


def test_fields_of_a_document_count_the_same_however_it_was_read(session: Session) -> None:
    body = b'{"markets":[{"ticker":"A","note":null,"new":%s},{"title":"T","ticker":"B","new":1.5}]}'
    counted = []
    for value in (b"NaN", b'"NaN"'):  # the first one is read in full
        layouts = Counter(
            layout_of(MARKET, document) for document in Source(body % value, "markets").documents()
        )
        with session.database.begin() as connection:
            count_fields(connection, layouts, NOON)
            counted.append(
                sorted(connection.exec_driver_sql("SELECT field, type, documents FROM document_fields").all())
            )
            connection.exec_driver_sql("DELETE FROM document_fields")
    assert counted[0] == counted[1]
    assert ("title", "text", 1) in counted[0]
    assert ("new", "number", 1) in counted[0]
