"""Every fee of a store, from the function and the view, compared with a computation from the tables in Python."""

import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kalshi_pipeline import open_store
from kalshi_pipeline.records import EventFeeChange, SeriesFeeChange
from kalshi_pipeline.store.database import Connection, Database
from kalshi_pipeline.store.reading.fees import fee_at
from kalshi_pipeline.store.writing.fee_changes import merge_event_fee_changes, merge_series_fee_changes
from kalshi_pipeline.store.writing.runs import State, Subject, add_page, close_run, open_listing
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline_tests.clock import NOON
from kalshi_pipeline_tests.store.samples import event, series_row, sqlite_url, store_events, store_series

HOUR = 3_600_000_000
TYPES = (None, "quadratic", "flat", "a_fee_of_next_year")
MULTIPLIERS = (None, 500_000, 1_234_567)
KNOWN_TYPES = {"quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees", "flat"}
SERIES = ("KXA", "KXB", "KXC")
EVENTS = {"KXA-1": "KXA", "KXA-2": "KXA", "KXB-1": "KXB", "KXC-1": "KXC", "KXC-2": "KXC"}


class Known(NamedTuple):
    """A known fee."""

    fee_type: str
    fee_multiplier: int
    is_override: bool


@dataclass
class Written:
    """The fees in records and the valid changes, each as lists of (instant, type, factor)."""

    described: dict[str, list[tuple[int, Any, Any]]] = field(default_factory=dict)
    changes: dict[str, list[tuple[int, Any, Any]]] = field(default_factory=dict)
    is_listed: bool = False

    def fee(self, series: str, event: str | None, at: int) -> Known | None:
        """Return the fee in force; None if it is unknown."""
        if event is not None:
            if not self.is_listed:
                return None
            own = self._newest(self.changes, event, at)
            if own and own != {(None, None)}:
                return self._known(own, is_override=True)
            if not own and self._newest(self.described, event, at) not in (set(), {(None, None)}):
                return None
        found = self._newest(self.changes, series, at) or self._newest(self.described, series, at)
        return self._known(found, is_override=False)

    @staticmethod
    def _newest(of: dict[str, list[tuple[int, Any, Any]]], ticker: str, at: int) -> set[tuple[Any, Any]]:
        until = [one for one in of.get(ticker, ()) if one[0] <= at]
        return {one[1:] for one in until if one[0] == max(other[0] for other in until)}

    @staticmethod
    def _known(found: set[tuple[Any, Any]], *, is_override: bool) -> Known | None:
        if len(found) != 1:
            return None
        ((fee_type, multiplier),) = found
        is_known = fee_type in KNOWN_TYPES and multiplier is not None
        return Known(fee_type, multiplier, is_override) if is_known else None


def write(path: Path, seed: int) -> Written:
    """Fill a store at random: changing records, simultaneous or withdrawn fee changes, complete and partial
    listings.
    """
    chance, written = random.Random(seed), Written()
    with closing(Database(sqlite_url(path))) as database:
        for hour in sorted(chance.sample(range(0, 40, 2), 6)):
            at = NOON + hour * HOUR
            for ticker in chance.sample(SERIES, 2):
                fee = (chance.choice(TYPES), chance.choice(MULTIPLIERS))
                store_series(database, series_row(ticker, fee_type=fee[0], fee_multiplier=fee[1]), at=at)
                _describe(written, ticker, at, fee)
            for ticker in chance.sample(sorted(EVENTS), 2) if hour > 10 else ():
                fee = (chance.choice((None, None, *TYPES)), chance.choice((None, None, *MULTIPLIERS)))
                named = {"fee_type_override": fee[0], "fee_multiplier_override": fee[1]}
                store_events(database, event(ticker, EVENTS[ticker], **named), at=at)
                _describe(written, ticker, at, fee)
        with database.begin() as connection:
            for number in range(chance.randint(0, 14)):
                ticker = chance.choice([*SERIES, *EVENTS])
                at = NOON + chance.choice((-5, 5, 11, 17, 23, 31, 50)) * HOUR
                fee = (chance.choice(TYPES), chance.choice(MULTIPLIERS))
                if ticker in SERIES:
                    of_series = SeriesFeeChange(f"s{number}", ticker, *fee, at)
                    merge_series_fee_changes(connection, [of_series], NOON)
                else:
                    of_event = EventFeeChange(f"e{number}", ticker, EVENTS[ticker], *fee, at)
                    merge_event_fee_changes(connection, [of_event], NOON)
                if chance.random() < 0.2:
                    table = "series_fee_changes" if ticker in SERIES else "event_fee_changes"
                    withdrawn = f"UPDATE {table} SET withdrawn_at = {NOON} WHERE change_id LIKE '_{number}'"
                    connection.exec_driver_sql(withdrawn)
                else:
                    written.changes.setdefault(ticker, []).append((at, *fee))
            # A complete run without pages means that the exchange does not offer the listing.
            pages = seed % 4
            if pages != 1:
                run = open_listing(connection, "event_fee_changes", Subject(selection="all"), NOON, 0)
                add_page(connection, run, Tally(pages=min(pages, 1)))
                close_run(connection, run, State.COMPLETE, None, NOON)
            written.is_listed = pages > 1
    return written


def _describe(written: Written, ticker: str, at: int, fee: tuple[Any, Any]) -> None:
    """Record a fee of a record; an absent field erases nothing."""
    known = written.described.setdefault(ticker, [])
    before = known[-1][1:] if known else (None, None)
    known.append((at, *(new if new is not None else old for new, old in zip(fee, before, strict=True))))


@pytest.fixture(params=range(8))
def stored(request: pytest.FixtureRequest, database_path: Path) -> tuple[Path, Written]:
    return database_path, write(database_path, request.param)


def instants(path: Path) -> list[int]:
    """The instants of all fees and changes, just before each, and before and after all of them."""
    with closing(sqlite3.connect(path)) as connection:
        starts = [at for (at,) in connection.execute("SELECT DISTINCT at FROM fee_starts")]
    return sorted({*starts, *(at - 1 for at in starts), NOON - 9 * HOUR, NOON + 99 * HOUR})


def test_function_and_view_say_what_is_found_by_reading(stored: tuple[Path, Written]) -> None:
    path, written = stored
    asked_at = instants(path)
    with (
        open_store(path) as store,
        closing(Database(sqlite_url(path))) as database,
        database.read() as reader,
    ):
        known_tickers = {(of, None) for of in SERIES} | {(of, name) for name, of in EVENTS.items()}
        with closing(sqlite3.connect(path)) as connection:
            saved = {row[0] for row in connection.execute("SELECT ticker FROM events")}
        for series, of_event in sorted(known_tickers, key=str):
            spans = None
            if of_event is None:
                spans = list(store.view("fee_history", series_ticker=series).rows(decimals=True))
                spans = [row for row in spans if row["event_ticker"] is None]
            elif of_event in saved:
                spans = list(store.fees(event=of_event).rows(decimals=True))
            for at in asked_at:
                expected = written.fee(series, of_event, at)
                assert by_function(reader, series, of_event, at) == expected, (series, of_event, at)
                if spans is not None:
                    assert by_spans(spans, at) == expected, (series, of_event, at)


def by_function(reader: Connection, series: str, of_event: str | None, at: int) -> Known | None:
    fee = fee_at(reader, series, of_event, None, at)
    assert (fee.state == "known") is (fee.reason is None)
    if fee.state != "known":
        return None
    assert fee.fee_type is not None
    assert fee.fee_multiplier is not None
    return Known(fee.fee_type, int(fee.fee_multiplier * 1_000_000), fee.is_override)


def by_spans(spans: list[dict[str, Any]], at: int) -> Known | None:
    """Return the view's row in force at an instant; None before the first."""
    found = [
        row
        for row in spans
        if row["from_at_us"] <= at and (row["until_at_us"] is None or at < row["until_at_us"])
    ]
    assert len(found) == (1 if spans and at >= min(row["from_at_us"] for row in spans) else 0)
    if not found or found[0]["state"] != "known":
        assert not found or found[0]["reason"]
        return None
    (row,) = found
    assert row["reason"] is None
    return Known(row["fee_type"], int(Decimal(str(row["fee_multiplier"])) * 1_000_000), row["is_override"])
