"""Unreadable records are kept unchanged: the first and the last refusals of each, up to a size."""

import hashlib

import pytest

from kalshi_pipeline.records import Reject
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import quarantine
from kalshi_pipeline.store.writing.quarantine import add_to_quarantine, mark_replayed
from kalshi_pipeline.store.writing.runs import Run, Subject, open_listing
from kalshi_pipeline_tests.store.samples import LATER, NOON, SCOPE, Row, contents, open_run


def _open_listing(database: Database) -> Run:
    with database.begin() as connection:
        return open_listing(connection, "markets", Subject(SCOPE), NOON, 0)


def _keep(
    database: Database, run: Run, kind: str, *rejects: Reject, at: int = NOON, most: int | None = None
) -> int:
    with database.begin() as connection:
        return add_to_quarantine(connection, run, kind, rejects, at, most)


def _quarantine(database: Database, run: Run, kind: str, *rejects: Reject, at: int = NOON) -> None:
    assert _keep(database, run, kind, *rejects, at=at) == 0


def test_refusal_that_comes_again_is_counted_in_its_row(database: Database) -> None:
    """A record that every tick refuses in the same way does not flood the table."""
    first, second = _open_listing(database), open_run(database, NOON)
    named, nameless = Reject("M-1", '{"ticker": "M-1"}', "odd"), Reject(None, '{"odd": "é"}', "no ticker")
    _quarantine(database, first, "markets", named, nameless, named)
    kept: Row = {
        "kind": "markets",
        "times": 1,
        "run": "listings/1",
        "first_seen_at": NOON,
        "last_seen_at": NOON,
        "replayed_at": None,
    }
    rows: list[Row] = [
        {
            "id": 1,
            "record_key": "M-1",
            "digest": hashlib.sha256(b'{"ticker": "M-1"}\nodd').hexdigest(),
            "bytes": 17,
            "error": "odd",
            "raw": '{"ticker": "M-1"}',
        },
        {
            "id": 2,
            "record_key": hashlib.sha256('{"odd": "é"}'.encode()).hexdigest(),
            "digest": hashlib.sha256('{"odd": "é"}\nno ticker'.encode()).hexdigest(),
            "bytes": 13,
            "error": "no ticker",
            "raw": '{"odd": "é"}',
        },
    ]
    assert contents(database, quarantine) == [{**kept, **row} for row in rows]
    _quarantine(database, second, "markets", nameless, at=LATER)
    again: Row = {"times": 2, "run": "ticks/1", "last_seen_at": LATER}
    assert contents(database, quarantine) == [{**kept, **rows[0]}, {**kept, **rows[1], **again}]


def test_first_and_last_nine_refusals_of_a_record_are_kept(database: Database) -> None:
    run = _open_listing(database)
    for number in range(15):
        _quarantine(
            database,
            run,
            "markets",
            Reject("M-1", str(number), "bad"),
            Reject("M-2", "same", "bad"),
            at=NOON + number,
        )
    kept = [(row["record_key"], row["raw"], row["times"]) for row in contents(database, quarantine)]
    last = [("M-1", str(number), 1) for number in range(6, 15)]
    assert sorted(kept) == sorted([("M-1", "0", 1), ("M-2", "same", 15), *last])


def test_what_quarantine_has_no_room_for_is_counted(database: Database) -> None:
    run = _open_listing(database)
    rejects = [Reject(f"M-{number}", "x" * 40, "bad") for number in range(5)]
    assert _keep(database, run, "markets", *rejects, most=100) == 3
    assert _keep(database, run, "markets", *rejects, most=100) == 3
    assert [(row["record_key"], row["times"]) for row in contents(database, quarantine)] == [
        ("M-0", 2),
        ("M-1", 2),
    ]


@pytest.mark.parametrize("count", [5_000])
def test_many_refusals_are_kept_at_once(database: Database, count: int) -> None:
    run = _open_listing(database)
    rejects = [Reject(f"M-{number}", "{}", "bad") for number in range(count)]
    _quarantine(database, run, "markets", *rejects)
    _quarantine(database, run, "markets", *rejects)
    assert {row["times"] for row in contents(database, quarantine)} == {2}


def test_record_that_is_refused_again_after_a_replay_waits_again(database: Database) -> None:
    run = _open_listing(database)
    _quarantine(database, run, "markets", Reject("M-1", "{}", "bad"))
    with database.begin() as connection:
        mark_replayed(connection, [1], LATER)
    assert contents(database, quarantine)[0]["replayed_at"] == LATER
    _quarantine(database, run, "markets", Reject("M-1", "{}", "bad"))
    assert contents(database, quarantine)[0]["replayed_at"] is None


def test_quarantine_distinguishes_records(database: Database) -> None:
    run = _open_listing(database)
    _quarantine(
        database,
        run,
        "markets",
        Reject("X", "1", "bad"),
        Reject(None, "2", "bad"),
        Reject(None, "3", "bad"),
    )
    _quarantine(database, run, "events", Reject("X", "4", "bad"))
    rows = contents(database, quarantine)
    assert [(row["kind"], row["raw"]) for row in rows] == [
        ("markets", "1"),
        ("markets", "2"),
        ("markets", "3"),
        ("events", "4"),
    ]


def test_quarantine_keeps_the_raw_record_to_the_letter(database: Database) -> None:
    raw = '{"title": "naïve 🌧 \\u0000", "price": 1e400}'
    _quarantine(database, _open_listing(database), "markets", Reject(None, raw, "price is no number"))
    assert contents(database, quarantine)[0]["raw"] == raw
