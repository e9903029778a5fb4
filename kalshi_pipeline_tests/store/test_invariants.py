"""The invariants of a store: each violation is found, and repaired if possible."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.errors import PipelineError
from kalshi_pipeline.store.database import Database, ReadOnlyDatabase
from kalshi_pipeline.store.invariants import Fault, find_faults, repair
from kalshi_pipeline.store.schema.tables import latest_quotes, metadata, ticks
from kalshi_pipeline.store.search_index import fill_search_index
from kalshi_pipeline_tests.conftest import by_another_program
from kalshi_pipeline_tests.store.samples import LATER, bid, contents, sqlite_url, take, tick


@pytest.fixture
def filled(database: Database) -> Database:
    """Two markets at three ticks: the first changes twice, the second ends at the last tick."""
    take(database, tick(0), [bid(30, "M"), bid(40, "N")])
    take(database, tick(1), [bid(31, "M"), bid(40, "N")])
    take(database, tick(2), [bid(32, "M")])
    return database


def faults_of(path: Path) -> list[Fault]:
    with closing(ReadOnlyDatabase(sqlite_url(path))) as database:
        return database.ask_at_length(find_faults)


def mend(database: Database) -> None:
    with database.begin() as connection:
        repair(connection, LATER)


def test_sound_store_has_no_fault_and_a_repair_changes_nothing(filled: Database, path: Path) -> None:
    assert faults_of(path) == []
    before = {name: contents(filled, table) for name, table in metadata.tables.items()}
    mend(filled)
    assert {name: contents(filled, table) for name, table in metadata.tables.items()} == before


@pytest.mark.parametrize(
    ("statement", "subject", "fact"),
    [
        (
            "UPDATE latest_quotes SET yes_bid = 1 WHERE market_id = 1",
            "latest_quotes",
            "1 markets do not have the newest row of price_snapshots",
        ),
        (
            "DELETE FROM latest_quotes",
            "latest_quotes",
            "2 markets do not have the newest row of price_snapshots",
        ),
        (
            "UPDATE latest_quotes SET tick_id = 2, yes_bid = 310000, yes_ask = 330000 WHERE market_id = 1",
            "latest_quotes",
            "1 markets do not have the newest row of price_snapshots",
        ),
        ("DELETE FROM market_fingerprints WHERE market_id = 1", "market_fingerprints", "1 markets have none"),
        (
            "UPDATE ticks SET state = 'running' WHERE id = 2",
            "ticks",
            "1 are running although a later one was taken",
        ),
        (
            "UPDATE ticks SET inserted = 70 WHERE id = 3",
            "ticks",
            "1 say that they stored more or fewer quotes than there are",
        ),
        (
            "INSERT INTO unlisted_spans VALUES (2, 2, NULL)",
            "unlisted_spans",
            "1 are open although the market has ended",
        ),
        ("INSERT INTO unlisted_spans VALUES (1, 2, 1)", "unlisted_spans", "1 end before they begin"),
        (
            "UPDATE row_counts SET row_count = 7 WHERE table_name = 'markets'",
            "row_counts",
            "1 are not the sizes of their tables",
        ),
        (
            "INSERT INTO unlisted_spans VALUES (77, 2, 3)",
            "unlisted_spans",
            "1 rows refer to rows of markets that are missing",
        ),
    ],
)
def test_derived_rows_are_checked_and_repaired(
    filled: Database, path: Path, statement: str, subject: str, fact: str
) -> None:
    quotes, runs = contents(filled, latest_quotes), [row["inserted"] for row in contents(filled, ticks)]
    by_another_program(path, statement)
    assert [fault.sentence for fault in faults_of(path)] == [
        f"{subject}: {fact}; run `kalshi data verify --repair`"
    ]
    mend(filled)
    assert faults_of(path) == []
    assert contents(filled, latest_quotes) == quotes
    assert [row["inserted"] for row in contents(filled, ticks)] == runs


def test_history_whose_market_was_deleted_is_listed_and_stays(filled: Database, path: Path) -> None:
    by_another_program(path, "DELETE FROM markets WHERE id = 2")
    mend(filled)
    (fault,) = faults_of(path)
    assert (fault.subject, fault.fact) == (
        "price_snapshots",
        "2 rows refer to rows of markets that are missing",
    )
    assert not fault.is_repairable


@pytest.mark.usefixtures("filled")
def test_key_reused_by_another_program_is_found(path: Path) -> None:
    by_another_program(
        path, "UPDATE markets SET ticker = 'NEW', first_seen_at = first_seen_at + 86400000000 WHERE id = 2"
    )
    (fault,) = faults_of(path)
    assert fault.fact == "1 have quotes from before they were first seen"


@pytest.mark.usefixtures("filled")
def test_table_of_the_user_is_named_as_such(path: Path) -> None:
    by_another_program(
        path,
        "CREATE TABLE notes (market_id INTEGER REFERENCES markets (id), note TEXT)",
        "INSERT INTO notes VALUES (99, 'gone')",
    )
    (fault,) = faults_of(path)
    assert fault.sentence == (
        "notes: 1 rows refer to rows of markets that are missing; the table is not of this program: repair or drop it"
    )


@pytest.mark.usefixtures("filled")
def test_document_that_is_not_what_was_stored_is_found(path: Path) -> None:
    by_another_program(
        path,
        "INSERT INTO document_blocks VALUES (1, NULL, x'00')",
        "INSERT INTO market_documents VALUES (1, 1, 1, 1, 0)",
    )
    (fault,) = faults_of(path)
    assert (fault.subject, fault.fact) == ("market_documents", "1 documents differ from what was stored")


def _overwrite(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(os.urandom(4096))


def _cut(path: Path, page: int) -> None:
    os.truncate(path, page * 4096)


@pytest.mark.parametrize("damage", [_overwrite, _cut])
def test_damaged_page_anywhere_is_one_line(
    filled: Database, path: Path, damage: Callable[[Path, int], None]
) -> None:
    """Each page is damaged in turn."""
    filled.close()
    whole = path.read_bytes()
    for page in range(1, len(whole) // 4096, 7):
        path.write_bytes(whole)
        damage(path, page)
        try:
            lines = [fault.sentence for fault in faults_of(path)]
        except PipelineError as error:
            lines = [str(error)]
        assert lines, page
        assert all("\n" not in line for line in lines)


def test_damaged_search_index_is_found_and_deleted(filled: Database, path: Path) -> None:
    assert fill_search_index(filled, 60, SYSTEM_CLOCK) is None
    index = path.with_name(f"{path.name}.search")
    assert faults_of(path) == []
    octets = index.read_bytes()
    index.write_bytes(octets[:4096] + b"\xff" * (len(octets) - 4096))
    (fault,) = faults_of(path)
    assert (fault.subject, fault.is_repairable) == ("search index", True)
    mend(filled)
    assert faults_of(path) == []
    assert not index.exists()
    index.write_bytes(b"no database at all" * 1000)
    assert [fault.subject for fault in faults_of(path)] == ["search index"]
