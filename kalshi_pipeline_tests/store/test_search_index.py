"""A search by index finds the same as reading every text, however far the index is filled."""

import json
import os
import random
import shutil
import sqlite3
import string
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.store.database import Connection, Database, ReadOnlyDatabase
from kalshi_pipeline.store.reading.market_lists import search_markets
from kalshi_pipeline.store.reading.search import search
from kalshi_pipeline.store.search_index import events_to_search, fill_search_index
from kalshi_pipeline.store.words import folded_words
from kalshi_pipeline.store.writing.undoing import Undo
from kalshi_pipeline_tests.store.samples import (
    LATER,
    MINUTE,
    NOON,
    bid,
    event,
    market,
    series_row,
    sqlite_url,
    store_events,
    store_markets,
    store_series,
    take,
    tick,
)

ODD = [
    *('"', '""', "'", "*", "ra*", "AND", "OR", "NOT", "NEAR(a b)", "-", "--", "^rain", "rain:", "{title}: x"),
    *(
        "(",
        ")",
        "a AND",
        "🌧️",
        "🌧",
        "\u0301",
        "\x00",
        "ra\x00in",
        "\x01ra",
        "\ud83c",
        "x" * 10_000,
        "rain " * 10_000,
    ),
    *("%", "_", "\\", "1_0%", "é", "東京", "; DROP TABLE events", "\u202e", "ra in", "r", "5", "of", "?n"),
]
ASKED = [
    "rain",
    "kxrain",
    "new york",
    "RAIN tokyo",
    "26nov2",
    "jokic",
    "snow",
    "it",
    "-a",
    "t1",
    "4.25",
    *string.ascii_lowercase,
    *string.digits,
    "kx",
    "k new",
    *ODD,
]


@pytest.fixture
def index(path: Path) -> Path:
    return path.with_name(f"{path.name}.search")


def fill(database: Database, seconds: float = 60) -> None:
    assert fill_search_index(database, seconds, SYSTEM_CLOCK) is None


def found(connection: Connection, text: str) -> list[object]:
    if not folded_words([text]):
        return []
    return [
        *search(connection, [text], 1000),
        *search_markets(connection, text.split(), LATER, 1000, is_open=False),
        *search_markets(connection, text.split(), LATER, 1000),
    ]


def answers(database: Database, text: str) -> list[object]:
    return database.ask(lambda connection: found(connection, text))


def indexed(database: Database | ReadOnlyDatabase, *words: str) -> frozenset[int] | None:
    return database.ask(lambda connection: events_to_search(connection, words))


def assert_finds_what_reading_finds(database: Database, index: Path, asked: list[str]) -> None:
    """Compare the results with the index and without it."""
    assert indexed(database, "rain") is not None
    by_index = [answers(database, text) for text in asked]
    hidden = index.rename(f"{index}.hidden")
    try:
        assert indexed(database, "rain") is None
        for text, answer in zip(asked, by_index, strict=True):
            assert answer == answers(database, text), text[:50]
    finally:
        hidden.rename(index)


def tickers(database: Database, text: str) -> list[str]:
    return [row.ticker for row in database.ask(lambda c: search(c, [text], 100))]


@pytest.fixture
def filled(database: Database) -> Database:
    """Rain in New York and snow in Tokyo, with a combo, all indexed."""
    store_series(database, series_row("KXRAIN"), series_row("KXSNOW", title="Snow in Tōkyō", tags='["東京"]'))
    store_events(
        database,
        event("KXRAIN-26NOV23"),
        event("KXSNOW-26", "KXSNOW", title='How much "snow" 100%?', sub_title="Jokić's \\ town"),
    )
    combo = bid(9, "KXMVE-1", "KXMVE", title="yes rain, yes snow", is_combo=True, collection_ticker="C")
    take(
        database,
        tick(0),
        [
            *(bid(20, "KXRAIN-26NOV23-T1", volume=5), bid(30, "KXRAIN-26NOV23-T2", volume=9)),
            *(bid(40, "KXSNOW-26-A", "KXSNOW-26", title="It snows 4.25 in", yes_sub_title="🌧️ AND 5%"), combo),
        ],
    )
    fill(database)
    return database


def test_index_finds_what_reading_every_text_finds(filled: Database, index: Path) -> None:
    assert_finds_what_reading_finds(filled, index, ASKED)


def test_combos_and_their_events_are_not_found(filled: Database) -> None:
    assert tickers(filled, "kxmve") == []


def test_index_shows_which_rows_need_no_search(filled: Database) -> None:
    """A search then reads the rows of a few events instead of all."""
    snow = indexed(filled, "snow")
    assert snow is not None
    assert len(snow) == 1
    # The event of combos is a placeholder that may be filled at any time, but it has no plain markets.
    for words in (["jokic"], ["4.25"], ["東京"], ["5%"], ["to"]):
        assert indexed(filled, *words) == snow, words
    assert indexed(filled, "boston") == frozenset()
    assert indexed(filled, "r") is not None
    assert indexed(filled, "?") is None


def changes() -> dict[str, Callable[[Database], object]]:
    return {
        "new market": lambda d: store_markets(d, market("KXRAIN-26NOV23-NEEDLE")),
        "new event": lambda d: store_events(d, event("KXNEEDLE-27", "KXSNOW")),
        "series": lambda d: store_series(d, series_row("KXSNOW", title="Needle")),
        "event": lambda d: store_events(d, event("KXSNOW-26", "KXSNOW", title="Needle")),
        "market": lambda d: store_markets(d, market("KXSNOW-26-A", "KXSNOW-26", yes_sub_title="Needle")),
        "new series": lambda d: (
            store_series(d, series_row("KXNEEDLE")),
            store_events(d, event("KXSNOW-26", "KXNEEDLE")),
        ),
        "another event": lambda d: (
            store_events(d, event("KXOTHER-1", title="Needle")),
            store_markets(d, market("KXSNOW-26-A", "KXOTHER-1")),
        ),
    }


@pytest.mark.parametrize("change", changes())
def test_what_is_stored_after_a_filling_is_found_before_the_next_one(
    filled: Database, index: Path, change: str
) -> None:
    assert indexed(filled, "needle") == frozenset()
    changes()[change](filled)
    assert any(answers(filled, "needle"))
    assert_finds_what_reading_finds(filled, index, ["needle", "rain", "snow"])
    fill(filled)
    assert any(answers(filled, "needle"))
    assert_finds_what_reading_finds(filled, index, ["needle", "rain", "snow"])


def test_placeholder_that_is_filled_after_a_filling_is_found(filled: Database, index: Path) -> None:
    store_markets(filled, market("KXLATER-A", "KXLATER", title="What comes"))
    fill(filled)
    store_events(filled, event("KXLATER", "KXUNKNOWN", title="Needle"))
    assert tickers(filled, "needle") == ["KXLATER"]
    fill(filled)
    store_series(filled, series_row("KXUNKNOWN", title="Haystack"))
    assert tickers(filled, "haystack")[0] == "KXUNKNOWN"
    assert_finds_what_reading_finds(filled, index, ["needle", "haystack"])
    fill(filled)
    assert_finds_what_reading_finds(filled, index, ["needle", "haystack"])
    assert indexed(filled, "boston") == frozenset(), "nothing is left unread"


def test_search_is_right_after_every_step_of_a_life(database: Database, index: Path) -> None:
    """Series, events and markets are added, renamed and moved between incomplete fillings."""
    chance = random.Random(19)
    words = ["rain", "snow", "tokyo", "Jokić", "wind", "ai", "4.25"]

    def title() -> str:
        return " ".join(chance.choices(words, k=3))

    def some_series() -> str:
        return f"KXS{chance.randrange(4)}"

    def some_event() -> str:
        return f"KXE{chance.randrange(12)}"

    steps: list[Callable[[], object]] = [
        lambda: store_series(database, series_row(some_series(), title=title())),
        lambda: store_events(database, event(some_event(), some_series(), title=title())),
        *[
            lambda: store_markets(
                database,
                market(
                    f"KXM{chance.randrange(40)}", some_event(), title=title(), is_combo=chance.random() < 0.1
                ),
            )
        ]
        * 3,
        lambda: fill(database, 0.001),
        lambda: fill(database),
    ]
    fill(database)
    for _ in range(60):
        chance.choice(steps)()
        assert_finds_what_reading_finds(database, index, [chance.choice(words)])


def test_results_are_ranked_by_ticker_openness_whole_words_and_age(
    database: Database,
) -> None:
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("E"), event("OLD", title="x", sub_title="x"))
    store_markets(database, market("OLDER", "OLD", title="Wind"), at=NOON)
    store_markets(database, market("NEWER", "OLD", title="Wind"), at=NOON + MINUTE)
    store_markets(database, market("PART", "OLD", title="Window"), at=NOON + MINUTE)
    store_markets(database, market("CLOSED", "OLD", title="Wind", status="closed"), at=NOON + MINUTE)
    store_markets(database, market("WIND", "OLD", title="x", status="closed"), at=NOON)
    fill(database)
    assert tickers(database, "wind") == ["WIND", "NEWER", "OLDER", "PART", "CLOSED"]
    assert tickers(database, "wind")[:2] == [
        row.ticker for row in database.ask(lambda c: search(c, ["wind"], 2))
    ]


def test_of_many_results_the_newest_are_ranked(database: Database, index: Path) -> None:
    """A whole word older than 2,000 parts of words is not compared with them, unless its ticker is asked for."""
    store_series(database, series_row("KXRAIN"))
    store_events(database, event("E", title="x", sub_title="x"), *(event(f"E{n}") for n in range(5_001)))
    store_markets(database, market("OLD", "E", title="Wind", yes_sub_title=None), at=NOON)
    store_markets(database, market("WIND", "E", title="Wind", yes_sub_title=None, status="closed"), at=NOON)
    windows = [
        market(
            f"M{n}", f"E{n * 2}", title="Window", yes_sub_title=None, status="closed" if n == 7 else "active"
        )
        for n in range(1, 2_002)
    ]
    store_markets(database, *windows, at=NOON + MINUTE)
    fill(database)
    markets = [ticker for ticker in tickers(database, "wind") if not ticker.startswith("E")]
    assert markets[:3] == ["WIND", "M1", "M10"]
    assert "OLD" not in markets
    assert "M7" not in markets
    store_markets(database, market("M1", "E2", title="Calm", yes_sub_title=None), at=NOON + 2 * MINUTE)
    fill(database)
    assert tickers(database, "wind")[:3] == ["WIND", "OLD", "M10"]
    # Of more events than rows are sought by, too.
    assert len(indexed(database, "rain") or ()) > 5_000
    assert_finds_what_reading_finds(database, index, ["wind", "window", "rain", "kxrain", "m77", "e"])


@pytest.mark.parametrize("damage", ["no database", "a page", "empty", "a folder"])
def test_damaged_index_is_not_used_and_rebuilt(filled: Database, index: Path, damage: str) -> None:
    before = tickers(filled, "snow")
    if damage == "no database":
        index.write_bytes(b"no database at all" * 1000)
    elif damage == "empty":
        index.write_bytes(b"")
    elif damage == "a page":
        octets = bytearray(index.read_bytes())
        octets[4096:] = b"\xff" * (len(octets) - 4096)
        index.write_bytes(octets)
    else:
        index.unlink()
        index.mkdir()
    assert indexed(filled, "snow") is None
    assert tickers(filled, "snow") == before
    problem = fill_search_index(filled, 60, SYSTEM_CLOCK)
    if damage == "a folder":
        assert problem is not None
        assert str(index) in problem
        assert "\n" not in problem
    else:
        assert problem is None
        assert indexed(filled, "snow") is not None
    assert tickers(filled, "snow") == before


def test_index_of_another_database_is_not_used(
    filled: Database, path: Path, index: Path, tmp_path: Path
) -> None:
    """For example after a backup was restored beside it, in which rows have other keys."""
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    store_markets(filled, market("KXRAIN-26NOV23-T3"), market("KXSNOW-26-B", "KXSNOW-26"))
    fill(filled)
    shutil.copyfile(index, backup.with_name(f"{backup.name}.search"))
    with closing(Database(sqlite_url(backup))) as restored:
        assert indexed(restored, "rain") is None
        store_events(restored, event("KXOTHER", title="Needle"))
        store_markets(restored, market("KXOTHER-1", "KXOTHER"), market("KXOTHER-2", "KXOTHER"))
        assert indexed(restored, "rain") is None
        fill(restored)
        assert_finds_what_reading_finds(
            restored, backup.with_name(f"{backup.name}.search"), ["needle", "rain"]
        )


def test_index_is_rebuilt_once_changes_were_undone(filled: Database, index: Path) -> None:
    """Undone changes are in no log, so an older index would miss the restored texts."""
    with filled.begin() as connection:
        Undo(connection, NOON - MINUTE, NOON - MINUTE).run()
    assert not index.exists()
    fill(filled)
    assert_finds_what_reading_finds(filled, index, ["rain", "snow"])


def test_filling_that_another_process_does_is_left_to_it(filled: Database, index: Path) -> None:
    store_markets(filled, market("KXRAIN-26NOV23-T3"))
    state = index.read_bytes()
    with closing(sqlite3.connect(index, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        fill(filled)
        assert index.read_bytes() == state
        assert_finds_what_reading_finds(filled, index, ["t3", "rain"])
    fill(filled)
    assert index.read_bytes() != state


def test_journal_of_a_killed_filling_is_rolled_back_by_the_next_one(filled: Database, index: Path) -> None:
    child = os.fork()
    if child == 0:  # pragma: no cover  (ends without closing anything, in the middle of a commit's writes)
        connection = sqlite3.connect(index, isolation_level=None)
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM filled")
        connection.execute("CREATE TABLE large AS SELECT randomblob(500000) AS body")
        os._exit(0)
    os.waitpid(child, 0)
    assert index.with_name(f"{index.name}-journal").stat().st_size
    before = tickers(filled, "snow")
    store_markets(filled, market("KXSNOW-26-B", "KXSNOW-26"))
    assert set(before) < set(tickers(filled, "snow"))
    fill(filled)
    assert not index.with_name(f"{index.name}-journal").exists()
    assert_finds_what_reading_finds(filled, index, ["rain", "snow"])


def test_filling_again_adds_nothing(filled: Database, index: Path) -> None:
    def documents() -> int:
        with closing(sqlite3.connect(index)) as connection:
            return int(connection.execute("SELECT count(*) FROM documents").fetchone()[0])

    count = documents()
    for _ in range(3):
        fill(filled)
        assert documents() == count
    store_markets(filled, market("KXSNOW-26-B", "KXSNOW-26"))
    fill(filled)
    assert documents() == count + 1


def test_index_is_read_where_nothing_can_be_written(filled: Database, path: Path, index: Path) -> None:
    expected = tickers(filled, "snow")
    filled.close()
    for place in (path, index, path.parent):
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        with closing(ReadOnlyDatabase(sqlite_url(path))) as database:
            assert indexed(database, "snow") is not None
            assert [row.ticker for row in database.ask(lambda c: search(c, ["snow"], 100))] == expected
    finally:
        path.parent.chmod(0o755)


@pytest.mark.usefixtures("filled")
def test_index_says_how_far_it_is_filled(index: Path) -> None:
    with closing(sqlite3.connect(index)) as connection:
        ((state,),) = connection.execute("SELECT state FROM filled").fetchall()
    values = json.loads(state)
    assert (values["events_to"], values["events"], values["documents"]) == (3, 2, 2)
