"""A wrong argument of a typed record's method raises an error that names the next step, before anything is read."""

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy
import pandas
import pytest

from kalshi_pipeline.api import LedgerPosition, Store, open_store
from kalshi_pipeline.errors import ConfigurationError, InstantError, NoDetailsError, PipelineError, RangeError
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.streams import Selection
from kalshi_pipeline.store.schema.tables import ticks
from kalshi_pipeline.store.writing.runs import Run, State
from kalshi_pipeline_tests.store.samples import (
    NOON,
    bid,
    event,
    series_row,
    sqlite_url,
    store_events,
    store_series,
    take,
    tick,
)

_NO_TEXTS: Sequence[Any] = (
    3,
    1.5,
    float("nan"),
    True,
    b"x",
    ["x"],
    {},
    timedelta(1),
    pandas.NA,
    pandas.NaT,
    object(),
    "\ud800",
)
_NO_TICKERS: Sequence[Any] = (*_NO_TEXTS, "", " ", "a\0b", "K" * 301, numpy.array(["x"]))
_NO_NUMBERS: Sequence[Any] = (
    float("nan"),
    float("inf"),
    -1,
    True,
    "",
    "5",
    "1h",
    b"5",
    [],
    [1],
    timedelta(1),
    pandas.NA,
    object(),
)
_NO_COUNTS: Sequence[Any] = (*_NO_NUMBERS, 1.5, Decimal("1.5"), numpy.timedelta64(1, "h"))
_NO_LENGTHS: Sequence[Any] = (*_NO_NUMBERS, 0, 10**400, numpy.timedelta64(1, "h"))
_NO_KINDS: Sequence[Any] = (*_NO_TEXTS, "", "trade", "Market")
_NO_INSTANTS: Sequence[Any] = (
    -1,
    1.5,
    float("nan"),
    True,
    "",
    "now",
    b"1",
    [],
    2**70,
    timedelta(1),
    datetime(2026, 11, 22, 12, 10),  # noqa: DTZ001 (without a zone)
    datetime(1969, 12, 31, tzinfo=UTC),
    pandas.NaT,
    pandas.NA,
    object(),
)
_NO_LISTS: Sequence[Any] = (3, "x", b"x", [1], [b"x"], ["\ud800"], {}, {"x"}, pandas.NA, object())
_NO_FLAGS: Sequence[Any] = (0, 1, "", "yes", float("nan"), [], pandas.NA, numpy.array([True]), object())
_OF_OTHER_TYPES: Sequence[Any] = (3, "", "x", [], (1, 2), pandas.NA, object())

_RIGHT: dict[str, Any] = {
    "ticker": "MOVES",
    "text": "MOVES",
    "words": ["rain"],
    "written": ["moves"],
    "start": NOON,
    "end": NOON + 1,
    "since": NOON,
    "at": NOON,
    "kind": "market",
    "within_seconds": 60,
    "window_seconds": 60,
    "series": "KXRAIN",
    "event": None,
    "market": None,
    "table": "markets",
    "asset": "series",
    "tick_id": 1,
    "selection": Selection("market", "MOVES"),
    "after": LedgerPosition(),
    "limit": 5,
    "run": Run(ticks, 1, State.COMPLETE),
}
_WRONG: dict[str, Sequence[Any]] = {
    **dict.fromkeys(("ticker", "text", "series", "event", "market"), _NO_TICKERS),
    **dict.fromkeys(("start", "end", "since", "at"), _NO_INSTANTS),
    **dict.fromkeys(("within_seconds", "window_seconds", "resample_seconds"), _NO_LENGTHS),
    **dict.fromkeys(("with_members", "is_open"), _NO_FLAGS),
    **dict.fromkeys(("selection", "after", "run"), _OF_OTHER_TYPES),
    "limit": _NO_COUNTS,
    "tick_id": _NO_COUNTS,
    "kind": _NO_TEXTS,
    "asset": _NO_TEXTS,
    "table": (*_NO_TEXTS, "", "nothing"),
    "words": _NO_LISTS,
    "written": _NO_LISTS,
    "kinds": (*_NO_LISTS, [], ["trade"]),
}
_METHODS = {
    name: inspect.signature(method).parameters
    for name, method in inspect.getmembers(Store, inspect.isfunction)
    if not name.startswith("_") and name not in ("close", "of", "together")
}
_ARGUMENTS = [(method, name) for method, names in _METHODS.items() for name in names if name != "self"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("arguments") / "kalshi.db"
    with closing(Database(sqlite_url(path))) as database:
        store_series(database, series_row("KXRAIN"))
        store_events(database, event("KXRAIN-26NOV23"))
        take(database, tick(0), [bid(20, "MOVES")])
    with open_store(path) as store:
        yield store


def _call(store: Store, method: str, **changes: object) -> object:
    required = [
        name
        for name, parameter in _METHODS[method].items()
        if name != "self" and parameter.default is inspect.Parameter.empty
    ]
    return getattr(store, method)(**{name: _RIGHT[name] for name in required} | changes)


@pytest.mark.parametrize("method", _METHODS)
def test_right_arguments_are_accepted(store: Store, method: str) -> None:
    with contextlib.suppress(NoDetailsError):  # none was stored
        _call(store, method)


@pytest.mark.parametrize(("method", "name"), _ARGUMENTS, ids=[".".join(found) for found in _ARGUMENTS])
def test_wrong_argument_is_refused_with_the_next_step(store: Store, method: str, name: str) -> None:
    for value in _WRONG[name]:
        with pytest.raises(PipelineError) as caught:
            _call(store, method, **{name: value})
        assert isinstance(caught.value, ConfigurationError | InstantError | RangeError), (value, caught.value)
        message = str(caught.value)
        assert any(step in message for step in (": pass ", ": choose ", ": add ")), value
        assert message.isprintable(), value


@pytest.mark.parametrize("number", [int, float, numpy.int64, numpy.uint16, numpy.float64], ids=repr)
def test_numbers_of_data_frames_are_numbers(store: Store, number: Any) -> None:
    assert len(store.ticks(number(5))) == 1
    assert store.newest_history("MOVES", number(1))
    assert store.quote_faults(number(1)) == store.quote_faults(1)
    assert store.movers_window(number(60)) == store.movers_window(60)
