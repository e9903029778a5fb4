"""A wrong argument raises one typed error that names the next step."""

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy
import pandas
import pytest

from kalshi_pipeline import Store, open_store
from kalshi_pipeline.errors import (
    ConfigurationError,
    InstantError,
    PipelineError,
    RangeError,
    StoreError,
    StoreProblem,
    UnknownTickerError,
)
from kalshi_pipeline.notebooks.instants import seconds_of
from kalshi_pipeline_tests.store.migrations.stored import load

MOMENT = datetime(2026, 11, 22, 12, 10, tzinfo=UTC)


class _NoOffset(tzinfo):
    """A time zone with an unknown offset."""

    def utcoffset(self, _moment: datetime | None) -> None:
        return None

    tzname = dst = utcoffset

    def __repr__(self) -> str:
        return "_NoOffset()"


@pytest.mark.parametrize(
    "instant",
    [
        MOMENT,
        MOMENT.astimezone(tz=None),
        "2026-11-22T12:10:00Z",
        "2026-11-22T13:10:00+01:00",
        pandas.Timestamp("2026-11-22 12:10", tz="UTC"),
        pandas.Timestamp("2026-11-22 07:10", tz="America/New_York"),
        # Nanoseconds are cut.
        pandas.Timestamp("2026-11-22 12:10:00.000000999", tz="UTC"),
        MOMENT.astimezone(ZoneInfo("Europe/Berlin")),
    ],
    ids=repr,
)
def test_instant_is_read_in_every_notation(store: Store, instant: Any) -> None:
    assert {row["at"] for row in store.quotes(instant)} == {MOMENT}
    assert store.state("MOVES", instant) == store.state("MOVES", MOMENT)
    assert list(store.history("MOVES", start=instant)) == list(store.history("MOVES", start=MOMENT))


@pytest.mark.parametrize(
    "instant",
    [
        MOMENT.replace(tzinfo=None),
        pandas.Timestamp("2026-11-22 12:10"),
        pandas.NaT,
        MOMENT.date(),
        date(2026, 11, 22),
        1_795_349_400_000_000,
        1_795_349_400.5,
        "2026-11-22",
        "2026-11-22T12:10:00",
        "0001-01-01T00:00:00Z",
        "now",
        "",
        b"2026-11-22T12:10:00Z",
        True,
        [MOMENT],
        numpy.datetime64("2026-11-22T12:10:00"),
        MOMENT.replace(tzinfo=_NoOffset()),
        # Outside what can be stored, or Python's years.
        "1969-12-31T23:59:59.999999Z",
        datetime.min.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda store, instant: store.quotes(instant),
        lambda store, instant: store.state("MOVES", instant),
        lambda store, instant: store.movers("1h", instant),
        lambda store, instant: store.details("MOVES", instant),
        lambda store, instant: store.history(start=instant),
        lambda store, instant: store.history(end=instant),
        lambda store, instant: store.trades(start=instant),
        lambda store, instant: store.coverage(end=instant),
    ],
    ids=["quotes", "state", "movers", "details", "start", "end", "trades", "coverage"],
)
def test_invalid_instant_is_refused(store: Store, ask: Callable[[Store, Any], object], instant: Any) -> None:
    with pytest.raises(InstantError):
        ask(store, instant)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda store: store.quotes("2026-11-22T11:59:59Z"),
            "before the first quote: choose 2026-11-22T12:00:00",
        ),
        (lambda store: store.history(end="2026-11-22T12:00:00Z"), "before the first quote"),
        (lambda store: store.quotes("2126-11-22T12:00:00Z"), "is after now"),
        (lambda store: store.history(end="2126-11-22T12:00:00Z"), "is after now"),
        (lambda store: store.history("MOVES", start=MOMENT, end=MOMENT), "is not before"),
        (lambda store: store.trades(start=MOMENT, end=MOMENT - timedelta(seconds=1)), "is not before"),
        (lambda store: store.history("MOVES", freq="5 fortnights"), "freq=.* is not a length of time"),
        (lambda store: store.history("MOVES", freq=timedelta(0)), "freq=.* is not a length of time"),
        (lambda store: store.history("MOVES", freq=0.1), "makes .* rows"),
        (lambda store: store.quotes_on_grid(end="2026-11-27T00:00:00Z", freq=0.05), "the grid makes about"),
        (lambda store: store.movers(float("nan")), "window=.* is not a length of time"),
        (lambda store: store.search("  "), "has no words"),
        (lambda store: store.movers(numpy.timedelta64(1, "h")), "window=.* is not a length of time"),
        (lambda store: store.history("MOVES", freq=10**400), "freq=.* is not a length of time"),
        (lambda store: store.search("rain", limit=-1), "limit=-1 is not a number of rows"),
        (lambda store: store.movers(limit=-1), "limit=-1 is not a number of rows"),
    ],
)
def test_span_outside_the_history_is_refused(
    store: Store, ask: Callable[[Store], object], message: str
) -> None:
    with pytest.raises(RangeError, match=message):
        ask(store)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda store: store.quotes(ticker="MOVES", event="KXRAIN-26NOV23"), "choose one of them"),
        (lambda store: store.catalogue("trade"), "choose market, event"),
        (lambda store: store.catalogue("event", ticker="MOVES"), "choose event="),
        (lambda store: store.view("price_histroy"), "'price_histroy' is not a view: choose price_history"),
        (lambda store: store.view("ticks; DROP TABLE ticks"), "is not a view"),
        (
            lambda store: store.view("price_history", tickr="MOVES"),
            "is not a column of price_history: choose ticker",
        ),
        (lambda store: store.view("tick_history", tick_at=MOMENT), "tick_at=.* is not a value of a view"),
        (lambda store: store.candlesticks(period_minutes=5), "choose 1, 60, 1440"),
        # A missing value of a data frame.
        (lambda store: store.state(None), "None is not a ticker"),
        (lambda store: store.details(None), "None is not a ticker"),
        (lambda store: store.history(float("nan")), "nan is not a ticker"),
        (lambda store: store.quotes(event=["KXRAIN-26NOV23"]), "is not a ticker"),
    ],
)
def test_unknown_names_are_refused(store: Store, ask: Callable[[Store], object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ask(store)


# Of each kind of argument what a data frame, a slip of the hand or another library has in its place.
_NO_NUMBERS = (
    None,
    "5",
    1.5,
    float("nan"),
    float("inf"),
    Decimal("NaN"),
    True,
    pandas.NA,
    numpy.timedelta64(1, "h"),
)
_NO_TEXTS = (3, b"MOVES", ["MOVES"], pandas.NA, pandas.NaT, pandas.Series(["MOVES"]), numpy.array(["MOVES"]))
_ARGUMENTS: dict[str, tuple[Callable[[Store, Any], object], Sequence[Any]]] = {
    "ticker": (lambda store, value: store.quotes(ticker=value), (*_NO_TEXTS, "KX\ud800", "KX\0", "X" * 301)),
    "event": (lambda store, value: store.trades(event=value), (*_NO_TEXTS, "KX\ud800")),
    "ticker of details": (lambda store, value: store.details(value), (None, *_NO_TEXTS, "KX\ud800")),
    "kind of details": (lambda store, value: store.details("MOVES", kind=value), _NO_TEXTS),
    "kind of catalogue": (lambda store, value: store.catalogue(value), (None, *_NO_TEXTS)),
    "text": (lambda store, value: store.search(value), (None, *_NO_TEXTS)),
    "limit of a search": (lambda store, value: store.search("rain", limit=value), _NO_NUMBERS),
    "limit of movers": (lambda store, value: store.movers(limit=value), _NO_NUMBERS),
    "rows": (lambda store, value: store.trades().head(value), _NO_NUMBERS),
    "period": (lambda store, value: store.candlesticks(period_minutes=value), (*_NO_NUMBERS[1:], 0, 2**70)),
    "name of a view": (lambda store, value: store.view(value), (None, *_NO_TEXTS)),
    "value of a view": (
        lambda store, value: store.view("tick_history", tick_id=value),
        (*_NO_TEXTS[1:], float("nan"), 2**63, "\ud800", "a\0b", Decimal(1), MOMENT),
    ),
    "what": (lambda store, value: store.export(value, "new.csv"), (None, *_NO_TEXTS)),
    "path": (lambda store, value: store.export("tick_history", value), (None, *_NO_TEXTS)),
}


@pytest.mark.parametrize(("ask", "values"), _ARGUMENTS.values(), ids=_ARGUMENTS)
def test_argument_of_another_type_is_refused(
    store: Store, ask: Callable[[Store, Any], object], values: Sequence[Any]
) -> None:
    before = sorted(Path.cwd().rglob("*"))
    for value in values:
        with pytest.raises((ConfigurationError, RangeError), match=r": (pass|choose) ") as caught:
            ask(store, value)
        assert "\n" not in str(caught.value)
    assert sorted(Path.cwd().rglob("*")) == before


@pytest.mark.parametrize("number", [int, float, numpy.int64, numpy.uint16, numpy.float64], ids=repr)
def test_numbers_of_data_frames_are_numbers(full: Store, number: Callable[[int], Any]) -> None:
    """A number of numpy would otherwise find nothing, without an error."""
    of_days = list(full.candlesticks(period_minutes=number(1440)))
    assert of_days == list(full.candlesticks())
    assert of_days
    (tick,) = full.view("tick_history", tick_id=number(4))
    assert tick["tick_id"] == 4
    assert full.trades().head(number(2)) == full.trades().head(2)
    assert len(list(full.search("fixture", limit=number(1)))) == 1


@pytest.mark.parametrize(
    ("ask", "similar"),
    [
        (lambda store: store.state("MOVS"), "MOVES"),
        (lambda store: store.history("moveds"), "MOVES"),
        (lambda store: store.trades(event="KXRIAN-26NOV23"), "KXRAIN-26NOV23"),
        (lambda store: store.quotes(series="KXRAINS"), "KXRAIN"),
        (lambda store: store.details("KXRAIN-26NOV32"), "KXRAIN-26NOV23"),
        (lambda store: store.details("MOVS", kind="market"), "MOVES"),
        (lambda store: store.settlements(series="XRAIN"), None),
    ],
)
def test_similar_tickers_are_suggested_for_an_unknown_one(
    store: Store, ask: Callable[[Store], object], similar: str | None
) -> None:
    with pytest.raises(UnknownTickerError) as caught:
        ask(store)
    assert similar is None or similar in caught.value.similar
    assert "did you mean" in caught.value.full_message or similar is None


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda store: store.history("kxrain-26NOV23"), "event"),
        (lambda store: store.quotes("2026-11-22T12:10:00Z", ticker="KXRAIN"), "series"),
        (lambda store: store.trades(event="MOVES"), "market"),
        (lambda store: store.fees(series="KXRAIN-26NOV23"), "event"),
    ],
    ids=["event as market", "series as market", "market as event", "event as series"],
)
def test_ticker_of_another_kind_is_named(store: Store, ask: Callable[[Store], object], kind: str) -> None:
    with pytest.raises(UnknownTickerError, match=f"is the ticker of an? {kind}, not of") as caught:
        ask(store)
    assert caught.value.__notes__[0] == f"select by {kind}"
    assert caught.value.__notes__[-1].startswith("run `kalshi market ")


def test_method_of_one_market_does_not_advise_another_selection(store: Store) -> None:
    with pytest.raises(UnknownTickerError) as caught:
        store.state("KXRAIN")
    assert caught.value.__notes__ == ["run `kalshi market search KXRAIN`"]


def test_tickers_are_found_in_any_case(store: Store) -> None:
    assert list(store.history("moves")) == list(store.history("MOVES"))
    assert {row["ticker"] for row in store.quotes(series="kxRain")} == {"MOVES", "OTHER"}


@pytest.mark.parametrize(
    "span", [60, 60.0, numpy.int64(60), "60s", "1min", "1 m", pandas.Timedelta("1min")], ids=repr
)
def test_length_is_read_in_every_notation(span: Any) -> None:
    assert seconds_of(span, "freq") == 60


def test_errors_say_what_to_do_next(tmp_path: Path, migrated_template: Path) -> None:
    older = load("0012", tmp_path / "older.db")
    with pytest.raises(StoreError) as caught:
        open_store(older)
    assert caught.value.problem is StoreProblem.OLDER_SCHEMA
    assert "run `kalshi data init`, which keeps a copy of it" in caught.value.__notes__
    with pytest.raises(StoreError, match="there is no database") as caught:
        open_store(tmp_path / "missing.db")
    assert caught.value.__notes__
    empty = shutil.copyfile(migrated_template, tmp_path / "empty.db")
    with open_store(empty) as store:
        for ask in (store.quotes, store.history):
            with pytest.raises(PipelineError, match="no quote is stored yet: run `kalshi data snapshot`"):
                ask()
        assert list(store.trades()) == list(store.catalogue()) == list(store.movers()) == []


def test_closed_store_refuses_every_query(changing: Path) -> None:
    """A table of it raises the error too, in each form."""
    with open_store(changing) as store:
        tables = (store.history(), store.trades(), store.catalogue())
    questions: list[Callable[[], object]] = [
        store.quotes,
        store.fees,
        lambda: store.search("rain"),
        lambda: store.state("MOVES"),
        store.duckdb,
        store.records.last_tick,
        *(form for table in tables for form in (table.head, table.arrow, lambda table=table: list(table))),
    ]
    for ask in questions:
        with pytest.raises(StoreError, match="was closed") as caught:
            ask()
        assert caught.value.problem is StoreProblem.CLOSED
    assert "open it again with open_store()" in caught.value.__notes__


@pytest.mark.parametrize(
    ("where", "message"),
    [
        pytest.param("a\0b", "a path with a NUL", id="NUL"),
        pytest.param("sqlite:///a\0b", "a path with a NUL", id="NUL in an address"),
        pytest.param("sqlite:///a%00b", "a path with a NUL", id="NUL in percent signs"),
        pytest.param(Path("a\0b"), "a path with a NUL", id="NUL in a path"),
        pytest.param("a\udc80", "a path that is not UTF-8", id="no text"),
        pytest.param("sqlite:///a\udc80", "a path that is not UTF-8", id="no text in an address"),
        pytest.param("x" * 5000, "unable to open database file", id="too long"),
        pytest.param("", "unable to open database file", id="nothing"),
        pytest.param("/dev/null", "unable to open database file", id="a device"),
    ],
)
def test_path_of_no_database_is_refused(where: str | Path, message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        open_store(where)
    assert caught.value.__notes__
