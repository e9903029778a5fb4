"""A store that threads, copies and other processes use."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kalshi_pipeline import Store, open_store
from kalshi_pipeline.errors import ConfigurationError

AT = "2026-11-22T12:10:00Z"
_THREADS = 4


def test_pickled_store_reads_the_same_database_by_itself(
    changing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was opened from, and whether the first one is closed by then."""
    monkeypatch.chdir(changing.parent)
    with open_store(changing.name) as store:
        rows, pickled = list(store.history()), pickle.dumps(store)
    monkeypatch.chdir("/")
    with pickle.loads(pickled) as opened:
        assert list(opened.history()) == rows
    assert rows


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_copy_is_a_store_of_its_own(store: Store, duplicate: Callable[[Store], Store]) -> None:
    with duplicate(store) as other:
        rows = list(other.quotes(AT))
    assert list(store.quotes(AT)) == rows
    assert rows


@pytest.mark.parametrize(
    "duplicate", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"]
)
def test_table_is_not_copied(store: Store, duplicate: Callable[[object], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"pass its arrow\(\) or its rows\(\)"):
        duplicate(store.trades())


def test_threads_share_a_store(full: Store) -> None:
    def answers(_: int) -> list[object]:
        return [
            list(full.trades()),
            full.history().arrow(),
            list(full.search("fixture")),
            list(full.quotes("2026-11-27T04:35:00Z")),
        ]

    with ThreadPoolExecutor(_THREADS) as threads:
        first, *others = threads.map(answers, range(2 * _THREADS))
    assert all(first)
    assert all(found == first for found in others)
