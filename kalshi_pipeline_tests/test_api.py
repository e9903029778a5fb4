"""Typed records from `open_store`: its answers, and that reading changes nothing, wherever the files are."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import kalshi_pipeline
from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.api import MarketView, QuoteState, Store, open_store
from kalshi_pipeline.api.store import database_at
from kalshi_pipeline.errors import (
    ConfigurationError,
    NoQuoteError,
    RangeError,
    StoreError,
    StoreProblem,
    UnknownTickerError,
)
from kalshi_pipeline.monitoring.overview import overview
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading import catalogue, completeness, history, movers, quotes
from kalshi_pipeline.store.schema.tables import ticks
from kalshi_pipeline.store.writing.runs import Run, State, Subject, open_listing
from kalshi_pipeline.units import datetime_of
from kalshi_pipeline_tests.clock import ManualClock
from kalshi_pipeline_tests.processes import next_line, python
from kalshi_pipeline_tests.store.samples import (
    NOON,
    SCOPE,
    STEP,
    bid,
    event,
    market,
    query,
    series_row,
    sqlite_url,
    store_events,
    store_markets,
    store_series,
    take,
    tick,
)

_IS_ROOT = os.getuid() == 0
_OWNER, _READER, _GROUP = 65532, 65534, 65533


def _fill(database: Database) -> None:
    """Two markets over three ticks: one moves, the other ends at the last tick."""
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("KXRAIN-26NOV23"))
    take(database, tick(0), [bid(20, "MOVES"), bid(40, "ENDS")])
    take(database, tick(1), [bid(25, "MOVES"), bid(40, "ENDS")], state=State.PARTIAL)
    take(database, tick(2), [bid(30, "MOVES")])


@pytest.fixture(scope="module")
def filled_template(tmp_path_factory: pytest.TempPathFactory, migrated_template: Path) -> Path:
    path = shutil.copyfile(migrated_template, tmp_path_factory.mktemp("filled") / "kalshi.db")
    with closing(Database(sqlite_url(path))) as database:
        _fill(database)
    return path


@pytest.fixture
def path(tmp_path: Path, filled_template: Path) -> Path:
    """A filled database that is not open in any program."""
    folder = tmp_path / "data"
    folder.mkdir()
    return shutil.copyfile(filled_template, folder / "kalshi.db")


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """The same database, opened by a writer."""
    with closing(Database(sqlite_url(path))) as database:
        yield database


def _folder_of(path: Path) -> dict[str, tuple[str, int, int]]:
    """The contents of a database's folder, without the index of its log, which belongs to programs that have it
    open.
    """
    return {
        file.name: (
            "" if file.name.endswith("-shm") else sha256(file.read_bytes()).hexdigest(),
            file.stat().st_mode,
            file.stat().st_mtime_ns if not file.name.endswith("-shm") else 0,
        )
        for file in [path.parent, *path.parent.iterdir()]
        if file.is_file()
    }


# Where it is.


@pytest.mark.parametrize("of", [Path, str, sqlite_url], ids=["path", "text", "url"])
def test_store_opens_at_a_path_or_a_url(path: Path, of: Callable[[Path], str | Path]) -> None:
    with open_store(of(path)) as store:
        assert store.count_rows("markets") == 2


def test_store_opens_at_the_setting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_DATABASE_URL", sqlite_url(path))
    with open_store() as store:
        assert store.count_rows("markets") == 2
    monkeypatch.setenv("KALSHI_DATABASE_URL", "postgresql://u:secret@h/d")
    with pytest.raises(ConfigurationError, match="KALSHI_DATABASE_URL: names no SQLite file"):
        open_store()


@pytest.mark.parametrize("name", ["what?.db", "a?b=c.db", "100%.db", "%41.db", "a b#c.db", "prix-été.db"])
def test_store_opens_at_an_odd_path(path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = path.rename(path.with_name(name))
    monkeypatch.chdir(odd.parent)
    for where in (odd, str(odd), name):
        with open_store(where) as store:
            assert store.count_rows("markets") == 2
    assert [file.name for file in odd.parent.iterdir()] == [name]


def test_store_opens_through_a_link(path: Path, tmp_path: Path) -> None:
    """The log is beside the file, not beside the link."""
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with closing(Database(sqlite_url(path))) as database, open_store(link) as store:
        store_series(database, series_row("NEW"))
        assert store.count_rows("series") == 2
    with open_store(link) as store:
        assert store.count_rows("series") == 2
    assert [file.name for file in path.parent.iterdir()] == ["kalshi.db"]


def _text(path: Path) -> None:
    path.write_text("Dear diary, this is no database. " * 100)


def _another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other_program, other_program:
        other_program.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY, place TEXT)")


def _with_schema(version: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        Database(sqlite_url(path)).close()
        with closing(sqlite3.connect(path)) as other_version, other_version:
            other_version.execute("UPDATE alembic_version SET version_num = ?", (version,))

    return make


@pytest.mark.parametrize(
    ("make", "line"),
    [
        pytest.param(_text, "database {}: file is not a database; if it was one, ", id="not_a_database"),
        pytest.param(
            _another_programs, "{} holds tables of another program; set KALSHI_", id="another_programs"
        ),
        pytest.param(
            _with_schema("0001"),
            "{} has the older schema 0001, this version needs ",
            id="older_schema",
        ),
        pytest.param(
            _with_schema("9999"),
            "{} was written by a newer version of kalshi-pipeline (schema 9999, ",
            id="newer_schema",
        ),
        pytest.param(
            Path.mkdir, "database {}: unable to open database file (it is not a file); set", id="folder"
        ),
        pytest.param(
            Path.touch, "there is no database at {}: it is empty; run `kalshi data", id="empty_file"
        ),
        pytest.param(lambda _: None, "there is no database at {}; run `kalshi data collect", id="missing"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], line: str
) -> None:
    path = tmp_path / "kalshi.db"
    make(path)
    before = _folder_of(path)
    with pytest.raises(StoreError) as caught:
        open_store(path)
    assert with_advice(caught.value).startswith(line.format(path))
    assert "\n" not in str(caught.value)
    assert _folder_of(path) == before


def test_older_schema_has_the_advice_that_writers_get(tmp_path: Path) -> None:
    path = tmp_path / "kalshi.db"
    _with_schema("0001")(path)
    with pytest.raises(StoreError) as of_reader:
        open_store(path)
    with pytest.raises(StoreError) as of_writer:
        Database(sqlite_url(path))
    assert with_advice(of_reader.value) == with_advice(of_writer.value)


@pytest.mark.parametrize("name", ["missing/kalshi.db", "file/kalshi.db"])
def test_missing_folder_is_not_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / name)
    assert caught.value.problem is StoreProblem.MISSING
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_address_of_another_kind_is_refused_and_not_repeated() -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://u:secret@h/d")
    assert caught.value.problem is StoreProblem.ADDRESS
    assert "secret" not in str(caught.value)


# What it returns.


_RUN = Run(ticks, 3, State.COMPLETE)
_NOW = tick(5)
_READS: dict[str, tuple[Callable[[Store], object], Callable[[Any], object]]] = {
    "quotes": (lambda store: store.quotes(at=tick(1)), lambda c: quotes.quotes_as_of(c, tick(1))),
    "latest_quotes": (lambda store: store.latest_quotes(), quotes.latest),
    "history": (
        lambda store: store.history("MOVES", NOON, tick(3)),
        lambda c: history.history(c, "MOVES", NOON, tick(3)),
    ),
    "resampled": (
        lambda store: store.history("MOVES", NOON, tick(3), resample_seconds=60),
        lambda c: history.history(c, "MOVES", NOON, tick(3), 60),
    ),
    "newest_history": (
        lambda store: store.newest_history("MOVES", 2),
        lambda c: history.newest_history(c, "MOVES", 2),
    ),
    "movers": (lambda store: store.movers(600), lambda c: movers.movers(c, 600)),
    "past_movers": (
        lambda store: store.movers(300, at=tick(1), limit=1),
        lambda c: movers.movers(c, 300, tick(1), 1),
    ),
    "market": (
        lambda store: store.market("MOVES"),
        lambda c: MarketView(catalogue.market_details(c, "MOVES"), quotes.latest(c, "MOVES", _NOW)[0], None),  # type: ignore[arg-type]
    ),
    "latest_quote": (
        lambda store: store.latest_quote("ENDS"),
        lambda c: (quotes.latest(c, "ENDS", _NOW)[0], "closed"),
    ),
    "movers_window": (lambda store: store.movers_window(600), lambda _: (tick(0), tick(2))),
    "complete_tick": (lambda store: store.complete_tick(tick(2) - 1), lambda _: tick(0)),
    "no_complete_tick": (lambda store: store.complete_tick(tick(0) - 1), lambda _: None),
    "begins_at": (lambda store: store.begins_at(), lambda _: tick(0)),
    "busiest_market": (lambda store: store.busiest_market(), lambda _: "MOVES"),
    "last_listing": (lambda store: store.last_listing("series"), lambda _: None),
    "ticks": (lambda store: store.ticks(2), lambda connection: completeness.newest_ticks(connection, 2)),
    "last_tick": (lambda store: store.last_tick(), completeness.last_tick),
    "last_complete_tick": (lambda store: store.last_complete_tick(), completeness.last_complete_tick),
    "tick_states": (lambda store: store.tick_states(), lambda _: {"complete": 2, "partial": 1}),
    "received_before": (lambda store: store.received_before(_RUN), lambda _: 2),
    "count_rows": (lambda store: store.count_rows("price_snapshots"), lambda _: 5),
    "count_quarantined": (lambda store: store.count_quarantined(), lambda _: {}),
    "placeholders": (lambda store: store.placeholders(), completeness.placeholders),
    "count_dangling": (lambda store: store.count_dangling(), completeness.count_dangling),
    "dangling_of_tick": (
        lambda store: store.count_dangling(3),
        lambda _: {"price_snapshots.market_id": 0},
    ),
    "count_set_aside": (lambda store: store.count_set_aside(), lambda _: 0),
    "quote_faults": (lambda store: store.quote_faults(3), lambda _: completeness.QuoteFaults(0, 0)),
}


@pytest.mark.parametrize(("read", "expected"), _READS.values(), ids=_READS)
def test_reads_return_what_the_store_knows(
    filled_template: Path,
    read: Callable[[Store], object],
    expected: Callable[[Any], object],
) -> None:
    with Store(database_at(filled_template), ManualClock(_NOW)) as store:
        found = read(store)
    with closing(Database(sqlite_url(filled_template))) as database:
        with database.read() as connection:
            assert found == expected(connection)
        assert read(Store.of(database, ManualClock(_NOW))) == found
    assert found != []


def test_runs_are_those_of_an_asset_newest_first(database: Database) -> None:
    subject = Subject(SCOPE, "2026-11-20")
    with database.begin() as connection:
        for asset in ("trades", "markets", "trades", "trades"):
            open_listing(connection, asset, subject, NOON, 0)
    runs = Store.of(database).runs("trades", 2)
    assert [(run.id, run.asset, run.scope, run.day, run.started_at) for run in runs] == [
        (4, "trades", SCOPE.sentence, "2026-11-20", NOON),
        (3, "trades", SCOPE.sentence, "2026-11-20", NOON),
    ]


def test_instants_are_integers_or_aware_datetimes(path: Path) -> None:
    noon = datetime_of(NOON)
    elsewhere = noon.astimezone(timezone(timedelta(hours=-5)))
    with open_store(path) as store:
        assert store.quotes(at=elsewhere) == store.quotes(at=NOON) != []
        assert store.movers(60, at=noon + timedelta(minutes=5)) == store.movers(60, at=tick(1)) != []
        assert store.history("MOVES", noon, noon + timedelta(minutes=6)) == store.history(
            "MOVES", NOON, tick(1) + 60_000_000
        )
        with pytest.raises(ValueError, match="2026-11-22T12:00:00 names no time zone"):
            store.quotes(at=datetime(2026, 11, 22, 12))  # noqa: DTZ001  (what is refused)


def test_description_of_an_unknown_kind_is_refused(path: Path) -> None:
    with (
        open_store(path) as store,
        pytest.raises(ConfigurationError, match="'trade' is not a kind: choose series, event, market"),
    ):
        store.description("trade", "MOVES")


def test_quote_is_known_as_of_now(path: Path) -> None:
    """The newest quote of a market ages until the next tick confirms it."""
    states = []
    for now in (tick(2), tick(3) - 1, tick(3), tick(4), tick(4) + 1):
        with Store(database_at(path), ManualClock(now)) as store:
            quote, _ = store.latest_quote("MOVES")
            assert (quote.at, quote.confirmed_at) == (now, tick(2))
            states.append(quote.state)
            assert store.latest_quote("ENDS")[0].state is QuoteState.UNKNOWN
    assert states == ["observed", "observed", "carried", "carried", "stale"]


def test_instant_to_come_is_refused(path: Path) -> None:
    now = tick(3)
    with Store(database_at(path), ManualClock(now)) as store:
        assert [quote.state for quote in store.quotes(at=now)] == [QuoteState.CARRIED]
        assert store.movers(600, at=now) != []
        assert store.history("MOVES", NOON, now) != []
        for read in (
            lambda: store.quotes(at=now + 1),
            lambda: store.movers(600, at=now + 1),
            lambda: store.history("MOVES", NOON, now + 1),
        ):
            with pytest.raises(RangeError, match=r"12:15:00\.000001Z is after now .*: choose an earlier"):
                read()


def test_unknown_market_and_market_without_a_quote_are_different_errors(
    database: Database, path: Path
) -> None:
    store_markets(database, market("NEW"))
    with open_store(path) as store:
        for read in (store.market, store.latest_quote):
            with pytest.raises(UnknownTickerError, match="KXNOPE is not stored"):
                read("KXNOPE")
        assert store.market("NEW").quote is None
        with pytest.raises(NoQuoteError, match="NEW is stored without a quote"):
            store.latest_quote("NEW")
        with pytest.raises(RangeError, match="is not before"):
            store.history("MOVES", NOON, NOON)


def test_store_of_an_open_database_leaves_it_open(database: Database) -> None:
    with Store.of(database) as store:
        assert store.count_rows("markets") == 2
    store_series(database, series_row("NEW"))
    assert query(database, "SELECT count(*) FROM series") == [(2,)]


# While others write.


def test_reads_see_what_is_committed_and_wait_for_no_writer(database: Database, path: Path) -> None:
    with open_store(path) as store:
        with database.begin() as connection:
            connection.exec_driver_sql("UPDATE series SET title = 'not committed'")
            assert store.market("MOVES").details.series_title != "not committed"
        assert store.market("MOVES").details.series_title == "not committed"


def test_reads_together_see_one_state_and_no_writer_waits_for_them(database: Database, path: Path) -> None:
    with open_store(path) as store:

        def read(state: Store) -> list[int]:
            counts = [state.count_rows("series")]
            store_series(database, series_row("NEW"))
            return [
                *counts,
                state.count_rows("series"),
                state.together(lambda same: same.count_rows("series")),
            ]

        assert store.together(read) == [1, 1, 1]
        assert store.count_rows("series") == 2


@pytest.mark.usefixtures("database")
def test_reading_leaves_the_log_to_its_writer(database: Database, path: Path) -> None:
    store_series(database, series_row("NEW"))
    before = _folder_of(path)
    assert len(before) == 3
    with open_store(path) as store:
        overview(store)
    assert _folder_of(path) == before


def test_reading_releases_no_lock_of_a_writer_in_the_same_process(database: Database, path: Path) -> None:
    """Otherwise another program that closes the file would think that it is the last, and delete the log."""
    store_series(database, series_row("NEW"))
    with open_store(path) as store:
        assert store.count_rows("series") == 2
    other_program = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM series').fetchall()"
    )
    subprocess.run([sys.executable, "-c", other_program, path], check=True, timeout=30)
    assert Path(f"{path}-wal").exists()
    store_series(database, series_row("NEWER"))
    assert query(database, "PRAGMA integrity_check") == [("ok",)]


def test_database_that_changes_while_it_is_read_is_read_again(path: Path) -> None:
    """No program had the database open when the read began."""
    with open_store(path) as store:
        asked = 0

        def read(state: Store) -> list[int]:
            nonlocal asked
            asked += 1
            before = state.count_rows("series")
            if asked == 1:
                with closing(Database(sqlite_url(path))) as database:
                    store_series(database, series_row("NEW"))
                raise ValueError("two states that are mixed may lead to this")
            return [before, state.count_rows("series")]

        assert store.together(read) == [2, 2]
        assert asked == 2


def test_log_that_appears_while_the_database_is_read_is_read_too(path: Path) -> None:
    with open_store(path) as store:
        databases: list[Database] = []

        def read(state: Store) -> int:
            if not databases:
                databases.append(Database(sqlite_url(path)))
                store_series(databases[0], series_row("NEW"))
            return state.count_rows("series")

        assert store.together(read) == 2
        databases[0].close()


def test_database_that_changes_during_every_read_is_reported(path: Path) -> None:
    with open_store(path) as store:
        asked: list[int] = []

        def read(_: Store) -> None:
            asked.append(len(asked))
            with closing(Database(sqlite_url(path))) as database:
                store_series(database, series_row(f"NEW-{len(asked)}"))

        with pytest.raises(StoreError) as caught:
            store.together(read)
        assert with_advice(caught.value) == (
            f"database {path}: another program changed it while it was read; read it again"
        )
        assert len(asked) == 10


_COLLECT = """
import sys
from contextlib import closing
from kalshi_pipeline.store.database import Database
from kalshi_pipeline_tests.store.samples import bid, take, tick

print("started", flush=True)
for number in range(3, 23):
    with closing(Database(sys.argv[1])) as database:
        take(database, tick(number), [bid(number, "MOVES"), bid(number, "TOO")])
"""


def test_collector_writes_while_it_is_read(path: Path) -> None:
    """It opens and closes the database for each tick, as runs do; each read sees complete ticks."""
    bids = {tick(number): number * 10_000 for number in range(3, 23)}
    bids[tick(2)] = 300_000
    with python(_COLLECT, sqlite_url(path)) as process, open_store(path) as store:
        assert next_line(process) == "started\n"
        while process.poll() is None:
            quotes_then, complete = store.together(
                lambda state: (state.latest_quotes(), state.last_complete_tick())
            )
            ((quoted_at, yes_bid),) = {(quote.quoted_at, quote.yes_bid) for quote in quotes_then}
            assert quoted_at is not None
            assert complete is not None
            assert yes_bid == bids[quoted_at]
            assert complete.tick_at in (quoted_at, quoted_at - STEP)
    assert process.returncode == 0
    with open_store(path) as store:
        assert store.tick_states() == {"complete": 22, "partial": 1}


# Read-only places.


@pytest.fixture
def public(filled_template: Path) -> Iterator[Path]:
    """A database in a folder that is open to every user, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        Path(folder).chmod(0o755)
        yield shutil.copyfile(filled_template, data / "kalshi.db")
        data.chmod(0o755)


def _at_rest(_: Path) -> None:
    """All its writers have closed it."""


def _with_an_empty_log(path: Path) -> None:
    Path(f"{path}-wal").touch()


def _with_a_log(path: Path) -> None:
    """Its writer was killed."""
    copy = path.with_name("copy")
    copy.mkdir()
    with closing(Database(sqlite_url(path))) as database:
        store_series(database, series_row("NEW"))
        for file in path.parent.glob("kalshi.db*"):
            shutil.copyfile(file, copy / file.name)
    for file in copy.iterdir():
        file.replace(path.parent / file.name)
    copy.rmdir()


def _file_is_read_only(path: Path) -> None:
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o777)


def _folder_is_read_only(path: Path) -> None:
    for file in path.parent.iterdir():
        file.chmod(0o644)
    path.parent.chmod(0o555)


def _file_is_of_another_user_of_the_group(path: Path) -> None:
    if not _IS_ROOT:
        pytest.skip("only root can give a file to another user")
    for file in [path.parent, *path.parent.iterdir()]:
        os.chown(file, _OWNER, _GROUP)
    for file in path.parent.iterdir():
        file.chmod(0o640)
    path.parent.chmod(0o750)


# Becoming another user hides the libraries where they are in root's home: all are imported before, by a first read.
_AS_READER = f"""
import os, sys
def become_reader():
    os.chdir("/")
    if os.getuid() == 0:
        os.setgroups([{_GROUP}])
        os.setgid({_GROUP})
        os.setuid({_READER})
"""
_END = tick(3)
_READ = f"""
import json
from kalshi_pipeline.advice import with_advice
from kalshi_pipeline.api import open_store
from kalshi_pipeline.errors import StoreError
from kalshi_pipeline.monitoring.overview import overview
def read(path):
    with open_store(path) as store:
        overview(store)
        return store.history("MOVES", 0, {_END}), store.count_rows("series")
read(sys.argv[1])
become_reader()
try:
    print(json.dumps(read(sys.argv[2])))
except StoreError as error:
    print(with_advice(error))
"""


def _read_as_another_user(path: Path, template: Path) -> str:
    with python(_AS_READER + _READ, str(template), str(path)) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    return output.rstrip("\n")


def _expected(template: Path, series: int) -> object:
    with open_store(template) as store:
        found: object = json.loads(json.dumps([store.history("MOVES", 0, _END), series]))
    return found


_PLACES = pytest.mark.parametrize(
    "place",
    [_file_is_read_only, _folder_is_read_only, _file_is_of_another_user_of_the_group],
    ids=["read_only_file", "read_only_folder", "group"],
)
_STATES = pytest.mark.parametrize(
    ("leave", "series"),
    [(_at_rest, 1), (_with_an_empty_log, 1), (_with_a_log, 2)],
    ids=["at_rest", "empty_log", "log"],
)


@_PLACES
@_STATES
def test_reader_who_may_not_write_reads_everything_and_changes_nothing(
    public: Path,
    filled_template: Path,
    leave: Callable[[Path], None],
    series: int,
    place: Callable[[Path], None],
) -> None:
    leave(public)
    place(public)
    before = _folder_of(public)
    assert json.loads(_read_as_another_user(public, filled_template)) == _expected(filled_template, series)
    assert _folder_of(public) == before


@_PLACES
def test_reader_who_may_not_write_reads_beside_a_collector(
    public: Path, filled_template: Path, place: Callable[[Path], None]
) -> None:
    with closing(Database(sqlite_url(public))) as database:
        store_series(database, series_row("NEW"))
        place(public)
        assert json.loads(_read_as_another_user(public, filled_template)) == _expected(filled_template, 2)
        store_series(database, series_row("NEWER"))
    public.parent.chmod(0o755)


@_STATES
def test_owner_who_only_reads_changes_nothing_either(
    path: Path, leave: Callable[[Path], None], series: int
) -> None:
    """Root and the owner could write, but reading does not."""
    leave(path)
    before = _folder_of(path)
    with open_store(path) as store:
        overview(store)
        assert store.count_rows("series") == series
    assert _folder_of(path) == before
    with closing(Database(sqlite_url(path))) as database:
        store_series(database, series_row("LATER"))


def test_log_that_cannot_be_read_is_reported_with_a_way_out(public: Path, filled_template: Path) -> None:
    """The index of the log is missing and cannot be created in this folder."""
    _with_a_log(public)
    Path(f"{public}-shm").unlink()
    _folder_is_read_only(public)
    before = _folder_of(public)
    assert _read_as_another_user(public, filled_template) == (
        f"database {public}: the latest writes are in its log (kalshi.db-wal), which cannot be read; "
        "let its owner run `kalshi data init`, or copy it with the files beside it to a folder that you can write"
    )
    assert _folder_of(public) == before
    public.parent.chmod(0o755)
    Database(sqlite_url(public)).close()  # as `init` opens it
    public.parent.chmod(0o555)
    assert json.loads(_read_as_another_user(public, filled_template)) == _expected(filled_template, 2)


@pytest.mark.skipif(not _IS_ROOT, reason="only root can give a file to another user")
def test_file_that_may_not_be_read_is_refused_in_one_line(public: Path, filled_template: Path) -> None:
    public.chmod(0o600)
    assert _read_as_another_user(public, filled_template) == (
        f"database {public}: unable to open database file;"
        " set KALSHI_DATABASE_URL to a file that this program may write"
    )
    public.parent.chmod(0o700)
    assert _read_as_another_user(public, filled_template).startswith(
        f"database {public}: unable to open database file (Permission denied); "
    )


@_STATES
def test_database_on_a_read_only_mount_is_read(
    public: Path, filled_template: Path, leave: Callable[[Path], None], series: int
) -> None:
    leave(public)
    folder = public.parent
    mount = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
    namespace = ["unshare", "-rm", "sh", "-c"]
    refused = f"{mount} && ! touch {folder}/written"
    if (
        shutil.which("unshare") is None
        or subprocess.run([*namespace, refused], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine lets no process mount a folder read-only")
    before = _folder_of(public)
    code = _AS_READER.replace("os.getuid() == 0", "False") + _READ
    done = subprocess.run(
        [*namespace, f'{mount} && exec "$@"', "sh", sys.executable, "-c", code, filled_template, public],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == _expected(filled_template, series)
    assert _folder_of(public) == before


_COMMANDS = [
    ["status"],
    ["quotes", "--csv"],
    ["history", "MOVES", "--start", "2026-11-22T12:00:00Z", "--end", "2026-11-22T13:00:00Z"],
    ["movers"],
    ["metrics", "MOVES"],
    ["market", "MOVES", "--offline"],
    ["data", "ticks"],
    ["data", "gaps"],
    ["event", "MOVES"],
    ["search", "rain"],
    ["closing"],
    ["trades", "MOVES", "--start", "2026-11-22", "--end", "2026-11-23"],
    ["book", "MOVES"],
    ["changes", "--since", "2026-11-22"],
]
_RUN_COMMANDS = """
import json
from kalshi_pipeline.cli.app import main
template, path, commands = sys.argv[1:]
def run_all(path):
    os.environ["KALSHI_DATABASE_URL"] = f"sqlite:///{path}"
    for arguments in json.loads(commands):
        sys.argv = ["kalshi-pipeline", *arguments]
        try:
            main()
        except SystemExit as end:
            print("ended with", end.code or 0)
run_all(template)
print("as another user", flush=True)
become_reader()
run_all(path)
"""


def _without_times(output: str) -> str:
    """Remove the present instant and ages, which differ between commands."""
    return re.sub(r"as of .*|,2\S+Z,|Z, \d+ \w+ ago *", "", output)


@_PLACES
def test_commands_that_read_work_for_a_reader_who_may_not_write(
    public: Path, filled_template: Path, place: Callable[[Path], None]
) -> None:
    place(public)
    before = _folder_of(public)
    with python(
        _AS_READER + _RUN_COMMANDS, str(filled_template), str(public), json.dumps(_COMMANDS)
    ) as process:
        output, errors = process.communicate(timeout=60)
    whys = errors.splitlines()  # why `movers` and others are empty, once as each user
    assert (process.returncode, whys[0]) == (
        0,
        "note: history begins at 2026-11-22 12:00:00Z, within the window",
    )
    assert whys[: len(whys) // 2] == whys[len(whys) // 2 :]
    as_owner, _, as_reader = output.partition("as another user\n")
    assert as_reader.count("ended with 0\n") == len(_COMMANDS)
    assert _without_times(as_reader) == _without_times(as_owner)
    assert _folder_of(public) == before


# Importing it.


def test_importing_the_package_is_cheap_and_gives_the_way_to_read() -> None:
    code = """
import sys
import kalshi_pipeline
assert not {"sqlalchemy", "pydantic", "kalshi_pipeline.api", "kalshi_pipeline.notebooks"} & set(sys.modules)
from kalshi_pipeline import Store, Table, open_store
assert kalshi_pipeline.notebooks.store.open_store is open_store
assert kalshi_pipeline.notebooks.store.Store is Store
assert kalshi_pipeline.notebooks.table.Table is Table
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)


def test_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="module 'kalshi_pipeline' has no attribute 'open_shop'"):
        _ = getattr(kalshi_pipeline, "open_shop")  # noqa: B009  (mypy knows that it is missing)
