"""A database with rows in every table, and one that stores quotes only when they change."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kalshi_pipeline import Store, open_store
from kalshi_pipeline.cli.app import main
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline_tests.store.migrations.stored import NEWEST, load
from kalshi_pipeline_tests.store.samples import (
    bid,
    event,
    series_row,
    sqlite_url,
    store_events,
    store_series,
    take,
    tick,
)


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with rows in every table, including unchanged quotes; read only."""
    return load(NEWEST, tmp_path_factory.mktemp("landed") / "kalshi.db")


@pytest.fixture
def full(landed: Path) -> Iterator[Store]:
    with open_store(landed) as store:
        yield store


@pytest.fixture(scope="session")
def changing_template(tmp_path_factory: pytest.TempPathFactory, migrated_template: Path) -> Path:
    path = shutil.copyfile(migrated_template, tmp_path_factory.mktemp("changing") / "kalshi.db")
    with closing(Database(sqlite_url(path))) as database:
        store_series(database, series_row("KXRAIN"), series_row("KXSNOW"))
        store_events(
            database, event("KXRAIN-26NOV23"), event("KXRAIN-26NOV24"), event("KXSNOW-26NOV23", "KXSNOW")
        )
        other, snow = ("KXRAIN-26NOV24",), ("KXSNOW-26NOV23",)
        take(
            database,
            tick(0),
            [bid(20, "MOVES"), bid(40, "ENDS"), bid(60, "OTHER", *other), bid(5, "SNOWS", *snow)],
        )
        take(
            database,
            tick(1),
            [bid(25, "MOVES"), bid(40, "ENDS"), bid(60, "OTHER", *other), bid(7, "SNOWS", *snow)],
            state=State.PARTIAL,
        )
        take(database, tick(2), [bid(30, "MOVES"), bid(61, "OTHER", *other), bid(7, "SNOWS", *snow)])
        take(database, tick(3), [bid(30, "MOVES", last_price=0), bid(61, "OTHER", *other)])
        take(database, tick(4), [bid(31, "MOVES"), bid(61, "OTHER", *other)])
    return path


@pytest.fixture
def changing(tmp_path: Path, changing_template: Path) -> Path:
    """Four markets of two series over five ticks: they move, end, or stay unchanged."""
    folder = tmp_path / "data"
    folder.mkdir()
    return shutil.copyfile(changing_template, folder / "kalshi.db")


@pytest.fixture
def store(changing: Path) -> Iterator[Store]:
    with open_store(changing) as store:
        yield store


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command, which must succeed, and return its output."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["kalshi-pipeline", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    return call
