"""Databases of every landed schema, with rows stored by that version, upgraded to the newest schema."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.errors import StoreError, StoreProblem
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.history import history
from kalshi_pipeline.store.reading.quotes import latest, quotes_as_of
from kalshi_pipeline.units import tick_iso_of
from kalshi_pipeline_tests.store.migrations.stored import (
    LANDED,
    NEWEST,
    Stored,
    copies,
    in_whole_seconds,
    load,
    stored,
    upgrade,
)
from kalshi_pipeline_tests.store.samples import Row, query, sqlite_url

RELEASED = sorted(path.stem for path in LANDED.glob("[0-9]*.sql"))
# Renamed tables, and columns whose values are written differently since.
RENAMED = {"sightings": "unchanged_quotes", "walks": "backfill_progress"}
# Tables that have become views.
SHOWN = "unchanged_quotes"
REWRITTEN = {"walks": {"name"}}
# The second revision keeps the time of an answer to the millisecond: test_migrations has it exactly.
ROUNDED = {"0001": {"received_at"}}
# The newest tick that saw a quote observes it; before, only the tick that stored it did.
DECIDED_ANEW = {"is_observed"}
# Fees follow `fee_at`: every series has them, and no event before the changes of events were listed.
OF_FEES = {"events_with_fees", "fee_starts", "fee_history"}


def shared_by(before: list[Row], after: list[Row], without: Iterable[str] = ()) -> set[str]:
    """The columns that rows have both before and after."""
    assert before
    assert after
    return (set(before[0]) & set(after[0])) - set(without)


def only(rows: list[Row], columns: set[str]) -> list[str]:
    return sorted(repr(sorted((name, row[name]) for name in columns)) for row in rows)


@pytest.fixture(params=RELEASED)
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def released(revision: str, path: Path) -> Path:
    return load(revision, path)


def test_landed_database_gets_the_schema_of_an_empty_one(released: Path, newest: Stored) -> None:
    upgrade(released)
    assert stored(released).schema == newest.schema


def test_landed_database_keeps_every_row(released: Path) -> None:
    before = stored(released)
    upgrade(released)
    found = stored(released)
    tables = {**found.tables, SHOWN: found.views[SHOWN]}
    after = {name: tables[name if name in tables else RENAMED[name]] for name in before.tables}
    assert {name: len(rows) for name, rows in after.items()} == {
        name: len(rows) for name, rows in before.tables.items()
    }
    for name, rows in before.tables.items():
        if rows and name != "alembic_version":
            columns = shared_by(rows, after[name], REWRITTEN.get(name, ()))
            assert columns, name
            assert only(after[name], columns) == only(rows, columns), name


def as_read_since(row: Row) -> Row:
    """A row of a view with last prices as shown since, and times of ticks in whole seconds.

    A last price of 0, which the exchange writes before the first trade, was shown as a price and is now NULL.
    """
    changed: Row = {name: row[name] or None for name in ("last_price", "base_last_price") if name in row}
    if "last_price_change" in row and None in changed.values():
        changed["last_price_change"] = None
    return in_whole_seconds({**row, **changed})


def has_moved(row: Row) -> bool:
    """Whether a row of a movers view has moved; rows of other views count as moved."""
    return "midpoint_change" not in row or bool(row["midpoint_change"] or row["last_price_change"])


def assert_the_same_in_every_view(path: Path, revision: str) -> None:
    """Except for new rules: observed quotes (now in `state`), last prices of 0, and fees."""
    before = stored(path)
    upgrade(path)
    after = stored(path)
    assert before.views
    for name, rows in before.views.items():
        if name in OF_FEES:
            continue
        expected = [row for row in map(as_read_since, rows) if has_moved(row)]
        if not expected:
            assert (after.views[name], name[:7]) == ([], "movers_")
            continue
        columns = shared_by(expected, after.views[name], ROUNDED.get(revision, set()) | DECIDED_ANEW)
        assert len(columns) >= 2, name
        assert only(after.views[name], columns) == only(expected, columns), name


def test_landed_database_shows_the_same_in_every_view(released: Path, revision: str) -> None:
    assert_the_same_in_every_view(released, revision)


@pytest.mark.parametrize("last", [4, 8, 9, 10])
def test_series_in_another_order_stay_another_scope_in_every_view(path: Path, last: int) -> None:
    """In earlier versions, ticks with one order confirmed nothing that ticks with the other had stored."""
    load("0004", path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"UPDATE ticks SET scope = iif(id <= {last}, 'KXNFLTOTAL,KXBTCD', 'KXBTCD,KXNFLTOTAL') || ', no combos'"
        )
    assert_the_same_in_every_view(path, "0004")


def test_functions_read_a_landed_database_as_the_views_do(released: Path) -> None:
    """Ticks before the upgrade confirm the same quotes as before."""
    upgrade(released)
    with closing(Database(sqlite_url(released))) as database, database.read() as connection:
        shown = {str(row["ticker"]): row for row in stored(released).views["latest_prices"]}
        for ticker, row in shown.items():
            [quote] = latest(connection, ticker)
            assert (row["state"], row["confirmed_at"], row["is_observed"], row["is_tick_complete"]) == (
                quote.state,
                None if quote.confirmed_at is None else tick_iso_of(quote.confirmed_at),
                quote.is_observed,
                quote.is_tick_complete,
            )
        tick_ats = [at for (at,) in query(database, "SELECT tick_at FROM ticks WHERE pages ORDER BY tick_at")]
        for at in map(int, map(str, tick_ats)):
            for quote in quotes_as_of(connection, at):
                assert history(connection, quote.ticker, at, at + 1, 1) == [quote]


def test_landed_database_is_kept_as_a_copy(released: Path, revision: str) -> None:
    before = stored(released)
    place = upgrade(released)
    if revision == NEWEST:
        assert (place, copies(released)) == (None, [])
        return
    assert place == str(released.with_name(f"kalshi.before-{NEWEST}.db"))
    assert stored(Path(place)) == before
    assert copies(released) == [Path(place).name]


def test_landed_databases_have_rows_of_every_kind() -> None:
    """Otherwise the tests would not show that rows are kept."""
    assert RELEASED[-1] == NEWEST
    text = (LANDED / f"{RELEASED[-1]}.sql").read_text(encoding="utf-8")
    made = {line.split('"')[1] for line in text.splitlines() if line.startswith('INSERT INTO "')}
    tables = {line.split()[2].strip('("') for line in text.splitlines() if line.startswith("CREATE TABLE")}
    assert made == tables


@pytest.mark.parametrize(
    ("name", "table"),
    [
        pytest.param("broken-0001-lookups-in-events", "event_lookups is missing", id="0001"),
        pytest.param("broken-0003-sightings-first", "candlestick_days is missing", id="0003"),
    ],
)
def test_database_of_a_development_version_is_refused_as_it_is(path: Path, name: str, table: str) -> None:
    """Its revision has the name of a landed one, but other tables."""
    before = stored(load(name, path))
    with pytest.raises(StoreError) as caught:
        upgrade(path)
    assert with_advice(caught.value) == (
        f"{path} says that it has schema {name[7:11]}, but its table {table}; a development version made it, or "
        "another program changed it: keep it for that version, and set KALSHI_DATABASE_URL to a new file"
    )
    assert caught.value.problem is StoreProblem.ALTERED_SCHEMA
    assert stored(path) == before
    assert copies(path) == []


@pytest.mark.parametrize("name", ["altered-0001-other-indexes", "altered-0002-no-quotes-by-tick"])
def test_views_and_indexes_of_a_development_version_become_those_of_releases(
    path: Path, name: str, newest: Stored
) -> None:
    """They contain no data."""
    before = stored(load(name, path))
    upgrade(path)
    after = stored(path)
    assert after.schema == newest.schema
    columns = shared_by(before.tables["series"], after.tables["series"])
    assert only(after.tables["series"], columns) == only(before.tables["series"], columns)
