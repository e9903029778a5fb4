"""Fingerprints: their contents, and that rows are the same as if every description were compared."""

import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.records import Market
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import (
    market_changes,
    market_fingerprints,
    markets,
    metadata,
)
from kalshi_pipeline.store.writing.event_lookups import record_event_lookups
from kalshi_pipeline.store.writing.fingerprints import (
    CURRENT,
    Encoding,
    delete_foreign_fingerprints,
    rely_on_fingerprints,
)
from kalshi_pipeline.store.writing.lookups import mark_gone, record_market_lookups
from kalshi_pipeline.store.writing.parents import merge_staged_markets
from kalshi_pipeline.store.writing.staged_pages import Staged, stage_listed, stage_markets, unknown_events
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    Tick,
    changed,
    contents,
    event,
    market,
    query,
    sqlite_url,
    store_events,
    store_markets,
)

EVENT = "KXRAIN-26NOV23"
DESCRIBED = [name for name in Market._fields if name not in ("quote", "is_mirrored", "has_negative_size")]


def other(value: object) -> object:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return "COLLECTION" if value is None else not value
    return f"{value}!" if isinstance(value, str) else value + 1  # type: ignore[operator]


def list_page(
    database: Database, *page: Market, at: int = NOON, encoding: Encoding = CURRENT
) -> tuple[Staged, Tally]:
    """Process a page as a snapshot does, without its quotes."""
    with database.begin() as connection:
        staged = stage_listed(connection, page, encoding)
        return staged, merge_staged_markets(connection, staged, at, encoding=encoding)


def test_fingerprint_is_the_same_in_every_process_and_version() -> None:
    """It is stored, so a different value would make every market be compared once."""
    assert CURRENT.of([market("KXRAIN-26NOV23-T1"), market("naïve 🌧", cap_strike=None)]) == [
        -4_593_146_591_997_362_701,
        -96_734_613_451_695_209,
    ]


@pytest.mark.parametrize("name", DESCRIBED)
def test_fingerprint_shows_each_field_of_the_description(name: str) -> None:
    row = market("M")
    [before, after] = CURRENT.of([row, changed(row, **{name: other(getattr(row, name))})])
    assert before != after


@pytest.mark.parametrize("name", ["yes_bid", "volume", "is_mirrored", "has_negative_size"])
def test_fingerprint_does_not_show_the_quote(name: str) -> None:
    row = market("M")
    [before, after] = CURRENT.of([row, changed(row, **{name: 7})])
    assert before == after


def test_fields_that_change_places_have_another_fingerprint() -> None:
    row = market("M", yes_sub_title="a", no_sub_title=None)
    [before, after] = CURRENT.of([row, changed(row, yes_sub_title=None, no_sub_title="a")])
    assert before != after


def test_page_is_compared_only_where_its_description_is_new(database: Database) -> None:
    page = [market(f"M-{number}") for number in range(5)]
    assert list_page(database, *page) == (Staged(5, 5), Tally(inserted=5, placeholders=1))
    store_events(database, event(EVENT))
    list_page(database, *page)
    assert list_page(database, *(changed(row, yes_bid=1) for row in page)) == (
        Staged(5, 0),
        Tally(unchanged=5),
    )
    moved = changed(page[3], title="Another", updated_time="2026-11-23T12:00:00Z")
    assert list_page(database, *page[:3], moved, at=LATER) == (Staged(4, 1), Tally(changed=1, unchanged=3))
    assert [row["title"] == "Another" for row in contents(database, markets)] == [False] * 3 + [True, False]


def test_change_of_the_time_alone_changes_no_row(database: Database) -> None:
    """Only a field that is not stored has changed."""
    list_page(database, market("M"))
    before = contents(database, markets)
    later = market("M", updated_time="2026-11-23T12:00:00Z")
    assert list_page(database, later, at=LATER) == (Staged(1, 1), Tally(unchanged=1))
    assert contents(database, markets) == before


def test_market_whose_event_may_be_requested_is_compared_until_it_was(database: Database) -> None:
    """The budget of a run may not suffice for its event."""
    for _ in range(2):
        assert list_page(database, market("M"))[0] == Staged(1, 1)
        with database.stage() as connection:
            stage_listed(connection, [market("M")])
            assert unknown_events(connection) == [EVENT]
    with database.begin() as connection:
        record_event_lookups(connection, [EVENT], NOON)
    assert [list_page(database, market("M"))[0] for _ in range(2)] == [Staged(1, 1), Staged(1, 0)]


def test_two_markets_may_have_one_fingerprint(database: Database) -> None:
    one_bit = Encoding(CURRENT.version, bits=1)
    page = [market(f"M-{number}", title=f"Title {number}") for number in range(20)]
    store_events(database, event(EVENT))
    list_page(database, *page, encoding=one_bit)
    assert len(set(one_bit.of(page))) == 2
    assert [row["title"] for row in contents(database, markets)] == [row.title for row in page]
    assert list_page(database, *page, encoding=one_bit) == (Staged(20, 0), Tally(unchanged=20))


def test_event_without_a_document_is_fetched_again(database: Database) -> None:
    """A run was killed before it stored the document."""
    store_events(database, event(EVENT), event("OTHER"))
    with database.begin() as connection:
        connection.exec_driver_sql("INSERT INTO document_blocks (id, body) VALUES (1, x'00')")
        connection.exec_driver_sql(
            "INSERT INTO event_documents SELECT id, 1, 0, 1, 0 FROM events WHERE ticker = 'OTHER'"
        )
    with database.stage() as connection:
        stage_listed(connection, [market("M"), market("N", "OTHER")])
        assert unknown_events(connection) == [EVENT]


def test_description_is_compared_until_its_document_is_stored(database: Database) -> None:
    """If a run is killed in between, the next tick stores it. A listing of known markets changes nothing."""
    store_events(database, event(EVENT))
    page = [market(f"M-{number}") for number in range(3)]

    def compared(*, stores: bool) -> int:
        with database.begin() as connection:
            staged = stage_listed(connection, page)
            merge_staged_markets(connection, staged, NOON, have_documents=True)
        if stores:
            with database.begin() as connection:
                rely_on_fingerprints(connection, staged.fingerprints)
        return staged.compared

    assert [compared(stores=False), compared(stores=True), compared(stores=False)] == [3, 3, 0]
    relied = contents(database, market_fingerprints)
    with database.begin() as connection:
        merge_staged_markets(connection, stage_markets(connection, page), NOON, have_documents=True)
    assert contents(database, market_fingerprints) == relied


def test_fingerprint_that_changed_meanwhile_is_not_relied_on(database: Database) -> None:
    """Another run has listed the market, but its document is not stored yet."""
    store_events(database, event(EVENT))
    described = [market("M", title=title) for title in ("One", "Two")]
    fingerprints = []
    for row in described:
        with database.begin() as connection:
            staged = stage_listed(connection, [row])
            merge_staged_markets(connection, staged, NOON, have_documents=True)
            fingerprints.append(staged.fingerprints)
    for given, compared in zip(fingerprints, (1, 0), strict=True):
        with database.begin() as connection:
            rely_on_fingerprints(connection, given)
            assert stage_listed(connection, described[1:]).compared == compared


def test_missing_fingerprints_are_made_again_and_counted(database: Database) -> None:
    store_events(database, event(EVENT))
    page = [market(f"M-{number}") for number in range(4)]
    list_page(database, *page)
    stored = contents(database, market_fingerprints)
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM market_fingerprints WHERE market_id > 2")
    # Two are missing, and one is new.
    assert list_page(database, *page, market("NEW")) == (Staged(5, 3, 2), Tally(inserted=1, unchanged=4))
    assert contents(database, market_fingerprints)[:4] == stored


def test_fingerprint_of_a_market_that_is_not_stored_is_not_trusted(database: Database, path: Path) -> None:
    row = market("M", title="New")
    with closing(sqlite3.connect(path)) as connection:  # which enforces no foreign keys
        [fingerprint] = CURRENT.of([row])
        given = [(number, CURRENT.version, fingerprint) for number in (1, 77)]
        connection.executemany("INSERT INTO market_fingerprints VALUES (?, ?, ?)", given)
        connection.commit()
    assert list_page(database, row)[1] == Tally(inserted=1, placeholders=1)
    assert [stored["title"] for stored in contents(database, markets)] == ["New"]
    with database.begin() as connection:
        assert [delete_foreign_fingerprints(connection) for _ in range(2)] == [2, 0]
    assert query(database, "PRAGMA foreign_key_check") == []


def test_run_that_is_killed_between_staging_and_merging_changes_nothing(
    database: Database, path: Path
) -> None:
    store_events(database, event(EVENT))
    list_page(database, market("M"))
    before = [contents(database, table) for table in (markets, market_fingerprints)]
    new = market("M", title="New")
    with closing(Database(sqlite_url(path))) as killed, killed.stage() as connection:
        stage_listed(connection, [new])
    assert [contents(database, table) for table in (markets, market_fingerprints)] == before
    assert list_page(database, new, at=LATER) == (Staged(1, 1), Tally(changed=1))


def test_description_that_changes_back_within_a_tick_is_as_it_was(database: Database) -> None:
    store_events(database, event(EVENT))
    one, two = market("M", status="active"), market("M", status="inactive")
    for row in (one, two, one, one):
        list_page(database, row, at=LATER)
    assert [(row["before"], row["after"]) for row in contents(database, market_changes)] == [
        ("active", "inactive"),
        ("inactive", "active"),
    ]
    assert [row["status"] for row in contents(database, markets)] == ["active"]


def test_new_version_of_the_encoding_compares_in_full_and_logs_no_change(database: Database) -> None:
    store_events(database, event(EVENT))
    page = [market(f"M-{number}") for number in range(3)]
    list_page(database, *page)
    before = contents(database, markets)
    newer = Encoding(CURRENT.version + 1)
    for compared in (3, 0):
        assert list_page(database, *page, at=LATER, encoding=newer) == (
            Staged(3, compared),
            Tally(unchanged=3),
        )
    assert (contents(database, markets), contents(database, market_changes)) == (before, [])
    assert {row["version"] for row in contents(database, market_fingerprints)} == {newer.version}


def test_single_read_is_corrected_by_the_next_listing(database: Database) -> None:
    """A single read may be older than the listing, or have no times."""
    store_events(database, event(EVENT))
    row = market("M")
    list_page(database, row)
    stored = contents(database, markets)
    without_times = changed(row, created_at=None, open_at=None, updated_time="0001-01-01T00:00:00Z")
    for read, compared in ((without_times, 0), (changed(without_times, status="closed"), 1)):
        with database.begin() as connection:
            staged = stage_markets(connection, [read])
            merge_staged_markets(connection, staged, NOON, are_listed=False)
        assert list_page(database, row)[0] == Staged(1, compared)
        assert contents(database, markets) == stored


def test_market_that_was_never_listed_has_no_damaged_fingerprint(database: Database) -> None:
    store_events(database, event(EVENT))
    with database.begin() as connection:
        merge_staged_markets(connection, stage_markets(connection, [market("M")]), NOON, are_listed=False)
    assert list_page(database, market("M"))[0] == Staged(1, 1)


def test_missing_fingerprints_are_counted_where_all_are_compared(database: Database) -> None:
    store_events(database, event(EVENT))
    list_page(database, market("M"), market("N"))
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM market_fingerprints WHERE market_id = 1")
        staged = stage_markets(connection, [market("M"), market("N"), market("NEW")])
        assert staged == Staged(3, 3, 1)
        merge_staged_markets(connection, staged, NOON)
    assert list_page(database, market("M"), market("N"))[0] == Staged(2, 0)


def test_combo_whose_collection_is_left_out_is_still_one(database: Database) -> None:
    """The historical tier may omit it; the market would otherwise alternate between combo and plain."""
    combo = market("M", is_combo=True, collection_ticker="COLLECTION")
    list_page(database, combo)
    stored = contents(database, markets)
    assert store_markets(database, changed(combo, is_combo=False, collection_ticker=None)).changed == 0
    assert contents(database, markets) == stored


def test_market_that_was_gone_is_back_as_soon_as_it_is_listed(database: Database) -> None:
    store_events(database, event(EVENT))
    list_page(database, market("M"))
    with database.begin() as connection:
        record_market_lookups(connection, ["M"], NOON, are_missing=True)
        assert mark_gone(connection, ["M"], NOON + 20 * MINUTE) == 1
    assert list_page(database, market("M"), at=LATER) == (Staged(1, 1), Tally(changed=1))
    assert [row["gone_at"] for row in contents(database, markets)] == [None]


@pytest.fixture
def two_databases(database: Database, path: Path) -> Iterator[tuple[Database, Database]]:
    shutil.copyfile(path, other_path := path.with_name("other.db"))
    with closing(Database(sqlite_url(other_path))) as other_database:
        yield database, other_database


def invented_page(chance: random.Random, world: dict[str, Market]) -> Sequence[Market]:
    """The next listing: markets are created, changed, moved, closed, reopened and omitted."""
    for ticker, row in list(world.items()):
        changes: dict[str, object] = {}
        if chance.random() < 0.05:
            changes |= {"status": chance.choice(["active", "inactive", "closed", "determined"])}
        if chance.random() < 0.05:
            changes |= {"title": chance.choice(["One", "Two"]), "updated_time": f"{chance.random()}"}
        if chance.random() < 0.02:
            changes |= {"event_ticker": f"E-{chance.randrange(6)}"}
        if chance.random() < 0.1:
            changes |= {"yes_bid": chance.randrange(10) * 10_000}
        world[ticker] = changed(row, **changes)
    for _ in range(chance.randrange(3)):
        ticker = f"M-{len(world)}"
        world[ticker] = market(ticker, f"E-{chance.randrange(6)}", is_combo=chance.random() < 0.2)
    return [row for row in world.values() if chance.random() < 0.9 and row.status != "closed"]


def test_tables_are_those_of_comparing_everything(two_databases: tuple[Database, Database]) -> None:
    chance, world = random.Random(5), {f"M-{n}": market(f"M-{n}", f"E-{n % 6}") for n in range(40)}
    for tick in range(50):
        page = invented_page(chance, world)
        for database, compares_all in zip(two_databases, (False, True), strict=True):
            if tick == 7:
                store_events(database, *(event(f"E-{number}") for number in range(3)))
            if compares_all:
                store_markets(database, *page)
            taken = Tick(database, NOON + tick * MINUTE)
            taken.store(page)
            taken.close()
    for table in metadata.sorted_tables:
        ours, theirs = (contents(database, table) for database in two_databases)
        assert ours == theirs, table.name
    assert len(contents(two_databases[0], market_changes)) > 50
