"""A signal in any step of a transaction stops the program, and what is written after it is written."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import text

from kalshi_pipeline.errors import StoppedError
from kalshi_pipeline.store.database import Database

COUNT = text("SELECT count(*) FROM scopes")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(f"sqlite:///{tmp_path / 'kalshi.db'}")) as opened:
        yield opened


def write(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE scopes SET id = id"))


def stage(database: Database) -> None:
    with database.stage() as connection:
        connection.execute(COUNT)


def stopped_at(number: int, work: Callable[[], None]) -> tuple[bool, BaseException | None]:
    """Do work up to its line of this number, of whatever module, and raise what a signal raises there.

    Returns whether it has so many lines, and what came out of it.
    """
    lines = 0

    def trace(_frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == number:
                sys.settrace(None)
                raise StoppedError("SIGTERM", 15)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except BaseException as error:  # noqa: BLE001  (it is what is looked at)
        return True, error
    finally:
        sys.settrace(before)
    return lines >= number, None


class Stopping:
    """A value at which a signal comes: while the driver converts it for a statement."""

    def __conform__(self, _: object) -> None:
        raise StoppedError("SIGTERM", 15)


def test_signal_within_a_statement_leaves_no_lock(database: Database, tmp_path: Path) -> None:
    """The error that the program handles holds the statement, and with it SQLite's connection."""
    with pytest.raises(StoppedError) as stopped, database.begin() as connection:
        connection.execute(text("UPDATE scopes SET id = :id"), {"id": Stopping()})
    database.forget_writer()
    with closing(sqlite3.connect(tmp_path / "kalshi.db", timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    assert stopped.value.__traceback__ is not None


@pytest.mark.filterwarnings("ignore:transaction already deassociated")
@pytest.mark.parametrize("work", [write, stage])
def test_signal_in_any_step_of_a_transaction_stops_it_and_no_other(
    database: Database, work: Callable[[Database], None]
) -> None:
    """It is what a program does that a signal stops: it closes its records."""
    outcomes = set()
    for number in count(1):
        write(database)  # its connection is open
        was_reached, error = stopped_at(number, lambda: work(database))
        if not was_reached:
            break
        outcomes.add(type(error))
        database.forget_writer()
        write(database)
    assert (outcomes, number > 100) == ({StoppedError}, True)
