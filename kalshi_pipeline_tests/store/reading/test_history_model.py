"""All queries of quotes, compared with a direct implementation of the definitions, over random lives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from random import Random
from typing import TypeAlias

import pytest
from sqlalchemy import ColumnElement, select

from kalshi_pipeline.errors import UnknownTickerError
from kalshi_pipeline.records import Market
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.reading.history import grid_of, histories, history
from kalshi_pipeline.store.reading.movers import movers
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import Quote, latest, quotes_as_of
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    markets,
    price_snapshots,
    ticks,
    unlisted_spans,
)
from kalshi_pipeline.store.scopes import stored_scopes
from kalshi_pipeline.store.writing.runs import TAKEN, State
from kalshi_pipeline.units import MICROS_PER_MILLISECOND, iso_of, tick_iso_of
from kalshi_pipeline.vocabulary import StatusFilter
from kalshi_pipeline_tests.store.conftest import NewDatabase
from kalshi_pipeline_tests.store.samples import (
    PARTIAL,
    SECOND,
    STEP,
    bid,
    event,
    query,
    record,
    store_events,
    take,
    tick,
    unchanged_quotes,
)

InForce: TypeAlias = Callable[[str, int], Quote | None]
SERIES_OF = {"M0": "KXRAIN", "M1": "KXRAIN", "M2": "KXSNOW", "M3": "KXSNOW", "M4": None, "M5": "KXRAIN"}
COMBOS = ("M5",)
TICKERS = tuple(SERIES_OF)
# Scopes with the same series in another order are equal.
SCOPES = (
    Scope(combos=Combos.EXCLUDE, status=StatusFilter.OPEN),
    Scope(("KXRAIN",), Combos.EXCLUDE, StatusFilter.OPEN),
    Scope(("KXRAIN", "KXSNOW"), Combos.INCLUDE, StatusFilter.OPEN),
    Scope(("KXSNOW", "KXRAIN", "KXSNOW"), Combos.INCLUDE, StatusFilter.OPEN),
    Scope(status=StatusFilter.OPEN),
    Scope(combos=Combos.ONLY, status=StatusFilter.OPEN),
    Scope(status=StatusFilter.PAUSED),
)
TICKS = 36
INSTANTS = [tick(number) + offset for number in range(-1, TICKS + 1) for offset in (-1, 0, STEP // 2)]


@dataclass(frozen=True)
class Taken:
    """A tick, with its listed markets."""

    at: int
    scope: Scope
    state: State
    page: dict[str, Market]
    period_seconds: float | None
    missed: frozenset[str]
    """Of the markets that it covers and does not list, those that no lookup found closed."""


def covers(scope: Scope, ticker: str) -> bool:
    """Whether a market missing from a complete listing of the scope is closed."""
    is_of_kind = {
        Combos.EXCLUDE: ticker not in COMBOS,
        Combos.ONLY: ticker in COMBOS,
        Combos.INCLUDE: True,
    }[scope.combos]
    is_of_series = not scope.series or SERIES_OF[ticker] in scope.series
    return is_of_kind and is_of_series and scope.status is StatusFilter.OPEN


def invent(random: Random) -> Iterator[Taken]:
    """A short life of six markets under changing scopes, with truncated ticks, gaps, ends and returns.

    M4, of unknown series, is sometimes listed by scopes of some series.
    """
    cents = {ticker: random.randint(1, 90) for ticker in TICKERS}
    listed = set(TICKERS)
    scope = SCOPES[0]
    for number in range(TICKS):
        for ticker in TICKERS:
            if random.random() < 0.15:
                cents[ticker] = random.randint(1, 90)
            if random.random() < 0.06:
                listed ^= {ticker}
        if random.random() < 0.2:
            scope = random.choice(SCOPES)
        kinds = (State.COMPLETE, PARTIAL, State.MISSED, State.FAILED)
        (state,) = random.choices(kinds, weights=(70, 18, 8, 4))
        seen = [
            ticker
            for ticker in sorted(listed)
            if covers(scope, ticker)
            or (ticker == "M4" and bool(scope.series) and random.random() < 0.5)
            or (scope.status is StatusFilter.PAUSED and random.random() < 0.3)
        ]
        if state is PARTIAL:
            seen = [ticker for ticker in seen if random.random() < 0.5]
        page = {
            ticker: bid(cents[ticker], ticker, f"{SERIES_OF[ticker]}-1", is_combo=ticker in COMBOS)
            for ticker in seen
        }
        page = page if state in TAKEN else {}
        missed = frozenset(ticker for ticker in TICKERS if random.random() < 0.3)
        period_seconds = random.choice((None, 300.0, 300.0, 120.0, 900.0))
        yield Taken(tick(number), scope, state, page, period_seconds, missed)


def replay(database: Database, life: list[Taken], *, every: bool, keyframe_seconds: float) -> None:
    named = {of_series for of_series in SERIES_OF.values() if of_series is not None}
    store_events(database, *(event(f"{of_series}-1", of_series) for of_series in sorted(named)))
    for taken in life:
        if taken.state in TAKEN:
            page = list(taken.page.values())
            take(
                database,
                taken.at,
                page,
                every=every,
                keyframe_seconds=keyframe_seconds,
                scope=taken.scope,
                state=taken.state,
                missed=taken.missed,
                period_seconds=taken.period_seconds,
            )
        else:
            record(database, taken.at, taken.state, taken.scope)


def truth(life: list[Taken], ticker: str, at: int) -> tuple[int | None, bool]:
    """A market's bid at an instant (None if not listed), and whether the newest tick was complete."""
    known, is_complete = None, False
    for taken in life:
        if taken.at > at or taken.state not in TAKEN:
            continue
        is_missed = False
        if ticker in taken.page:
            known = taken.page[ticker].quote.yes_bid
        elif covers(taken.scope, ticker) and taken.state is State.COMPLETE:
            is_missed = ticker in taken.missed
            known = known if is_missed else None
        if ticker in taken.page or covers(taken.scope, ticker):
            is_complete = taken.state is State.COMPLETE and not is_missed
    return known, is_complete


def by_definition(database: Database) -> InForce:
    """A market's quote in force at an instant, computed from all stored rows and ticks."""
    with database.read() as connection:
        taken = connection.execute(select(ticks).where(ticks.c.state.in_(TAKEN))).all()
        scope_of = stored_scopes(connection)
        rows = select(markets.c.ticker, ticks.c.tick_at, price_snapshots)
        joined = price_snapshots.join(ticks).join(markets)
        stored = connection.execute(rows.select_from(joined)).all()
        seen = select(markets.c.ticker, ticks.c.tick_at, unchanged_quotes)
        spans = connection.execute(select(markets.c.ticker, unlisted_spans).join(markets)).all()
        unchanged = connection.execute(seen.select_from(unchanged_quotes.join(ticks).join(markets))).all()

    @cache
    def in_force(ticker: str, at: int) -> Quote | None:
        past = [row for row in stored if row.ticker == ticker and row.tick_at <= at]
        if not past:
            return None
        row = max(past, key=lambda row: int(row.tick_at))
        again = [seen for seen in unchanged if seen.ticker == ticker and row.tick_at < seen.tick_at <= at]
        given = max(again, key=lambda seen: int(seen.tick_at), default=row)
        until = [run for run in taken if run.tick_at <= at and covers(scope_of[run.scope_id], ticker)]
        covering = [run for run in until if run.tick_at >= given.tick_at]
        if given.tick_id not in {run.id for run in covering}:
            covering.append(next(run for run in taken if run.id == given.tick_id))
        newest = max(covering, key=lambda run: int(run.tick_at))
        missed = {
            run.id
            for run in taken
            for span in spans
            if span.ticker == ticker
            and span.from_tick_id <= run.id
            and (span.to_tick_id is None or run.id < span.to_tick_id)
        }
        own = {row.tick_id, given.tick_id}
        complete = [
            run.tick_at
            for run in taken
            if row.tick_at <= run.tick_at <= at
            and (run.id in own or run in until)
            and run.state == "complete"
            and run.id not in missed
        ]
        periods = [run.period_seconds for run in until if run.period_seconds is not None]
        period = (periods[-1] if periods else 300) * SECOND
        was_seen = newest.id == given.tick_id or (newest.state == "complete" and newest.id not in missed)
        if row.is_terminal:
            state = QuoteState.UNKNOWN
        elif was_seen and at - newest.tick_at < period:
            state = QuoteState.OBSERVED
        elif complete and at - max(complete) <= 2 * period:
            state = QuoteState.CARRIED
        else:
            state = QuoteState.STALE
        return Quote(
            ticker,
            at,
            given.tick_at,
            given.tick_at + given.received_ms * MICROS_PER_MILLISECOND,
            not row.is_terminal,
            state,
            state is QuoteState.OBSERVED,
            newest.state == "complete" and newest.id not in missed,
            max(complete, default=None),
            *(getattr(row, name) for name in QUOTE_COLUMNS),
        )

    return in_force


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Generate two lives, or twenty in a full run."""
    seeds = range(20 if metafunc.config.getoption("full") else 2)
    metafunc.parametrize("life", seeds, ids="seed {}".format, indirect=True, scope="module")


@pytest.fixture(scope="module")
def life(request: pytest.FixtureRequest) -> list[Taken]:
    return list(invent(Random(request.param)))


@pytest.fixture(scope="module", params=["changes", "keyframes", "every"])
def stored(request: pytest.FixtureRequest, new_database: NewDatabase, life: list[Taken]) -> Database:
    """The life in a database, in each storage mode; read only."""
    database = new_database()
    keyframe_seconds = 900 if request.param == "keyframes" else 6 * 3600
    replay(database, life, every=request.param == "every", keyframe_seconds=keyframe_seconds)
    return database


@pytest.fixture(scope="module")
def in_force(stored: Database) -> InForce:
    return by_definition(stored)


@pytest.fixture(scope="module")
def as_of(stored: Database) -> dict[int, list[Quote]]:
    """The quotes as of each instant."""
    with stored.read() as connection:
        return {at: sorted(quotes_as_of(connection, at)) for at in INSTANTS}


def test_every_way_of_storing_answers_alike(as_of: dict[int, list[Quote]], life: list[Taken]) -> None:
    for at in INSTANTS:
        found = {quote.ticker: (quote.yes_bid, quote.is_tick_complete) for quote in as_of[at]}
        expected = {ticker: truth(life, ticker, at) for ticker in TICKERS}
        assert found == {ticker: known for ticker, known in expected.items() if known[0] is not None}


def test_everything_is_as_defined(
    stored: Database, in_force: InForce, as_of: dict[int, list[Quote]], life: list[Taken]
) -> None:
    """As of any instant, on any grid, as stored, by tick in SQL, and the newest quotes."""
    for at in INSTANTS:
        known = [in_force(ticker, at) for ticker in TICKERS]
        assert as_of[at] == [quote for quote in known if quote is not None and quote.is_listed]
    newest = max(taken.at for taken in life if taken.state in TAKEN)
    with stored.read() as connection:
        assert sorted(latest(connection)) == sorted(quotes_as_of(connection, newest))
        ever_listed = {ticker for taken in life for ticker in taken.page}
        for ticker in set(TICKERS) - ever_listed:
            assert latest(connection, ticker) == []
            with pytest.raises(UnknownTickerError):
                history(connection, ticker, INSTANTS[0], INSTANTS[-1])
        for ticker in ever_listed:
            assert latest(connection, ticker) == [in_force(ticker, newest)]
            for start, end in (
                (INSTANTS[0], INSTANTS[-1]),
                (tick(11), tick(12)),
                (tick(9) + 1, tick(30) + 1),
            ):
                points = history(connection, ticker, start, end, 75)
                assert [point.at for point in points] == list(range(start, end, STEP // 4))
                for point in points:
                    expected = in_force(ticker, point.at)
                    if expected is None:
                        unknown = (False, QuoteState.UNKNOWN, False, False)
                        assert point == (ticker, point.at, None, None, *unknown, *[None] * 8)
                    else:
                        assert tuple(point) == tuple(expected), (point, expected)
                first = in_force(ticker, start)
                at_ticks = [in_force(ticker, taken.at) for taken in life if start < taken.at < end]
                rows = [quote for quote in at_ticks if quote is not None and quote.quoted_at == quote.at]
                if first is not None and (first.is_listed or first.quoted_at == start):
                    rows.insert(0, first)
                assert history(connection, ticker, start, end) == rows


def test_histories_of_many_markets_are_those_of_each(stored: Database, life: list[Taken]) -> None:
    """Ordered by instant and ticker, for all and for some markets, on a grid and as stored."""
    ever_listed = sorted({ticker for taken in life for ticker in taken.page})
    with stored.read() as connection:
        keys = dict(connection.execute(select(markets.c.ticker, markets.c.id)).all())
        for asked in (ever_listed, ever_listed[1::2], ever_listed[:1]):
            tickers = {keys[ticker]: ticker for ticker in asked}
            of_markets = partial(keys_in, list(tickers) if len(asked) < len(keys) else None)
            for start, end in ((INSTANTS[0], INSTANTS[-1]), (tick(9) + 1, tick(30) + 1)):
                for step in (None, 75):
                    each = [
                        quote for ticker in asked for quote in history(connection, ticker, start, end, step)
                    ]
                    found = list(
                        histories(connection, tickers, of_markets, start, end, grid_of(start, end, step))
                    )
                    assert found == sorted(each, key=lambda quote: (quote.at, quote.ticker))


def keys_in(keys: list[int] | None, market_id: ColumnElement[int]) -> list[ColumnElement[bool]]:
    return [] if keys is None else [market_id.in_(keys)]


def test_quotes_by_tick_are_those_that_the_tick_covers(
    stored: Database, in_force: InForce, life: list[Taken]
) -> None:
    shown = query(
        stored,
        "SELECT tick_at, ticker, quoted_at, received_at, is_observed, is_tick_complete, state, confirmed_at, yes_bid"
        " FROM quotes_by_tick ORDER BY tick_at, ticker",
    )
    expected = []
    for taken in life:
        for ticker in TICKERS:
            quote = in_force(ticker, taken.at)
            if taken.state not in TAKEN or quote is None or not quote.is_listed:
                continue
            assert quote.quoted_at is not None
            assert quote.received_at is not None
            assert quote.yes_bid is not None
            if quote.quoted_at == taken.at or covers(taken.scope, ticker):
                times = (tick_iso_of(quote.quoted_at), iso_of(quote.received_at))
                confirmed_at = None if quote.confirmed_at is None else tick_iso_of(quote.confirmed_at)
                flags = (quote.is_observed, quote.is_tick_complete, quote.state, confirmed_at)
                expected.append((tick_iso_of(taken.at), ticker, *times, *flags, quote.yes_bid / 1e6))
    assert shown == expected


def test_price_history_shows_each_quote_that_was_stored_or_given_again(
    stored: Database, in_force: InForce, life: list[Taken]
) -> None:
    state_of = {taken.at: taken.state for taken in life}
    expected = []
    for ticker in TICKERS:
        at_ticks = [in_force(ticker, at) for at in state_of]
        for quote in at_ticks:
            if quote is not None and quote.quoted_at == quote.at and quote.received_at is not None:
                bid = None if quote.yes_bid is None else quote.yes_bid / 1e6
                is_complete = state_of[quote.at] is State.COMPLETE
                times = tick_iso_of(quote.at), iso_of(quote.received_at)
                expected.append((ticker, *times, bid, not quote.is_listed, is_complete))
    columns = "ticker, tick_at, received_at, yes_bid, is_terminal, is_tick_complete"
    assert query(stored, f"SELECT {columns} FROM price_history ORDER BY ticker, tick_at") == expected
    for ticker in TICKERS:
        of_ticker = f"SELECT {columns} FROM price_history WHERE ticker = '{ticker}' ORDER BY tick_at"
        assert query(stored, of_ticker) == [row for row in expected if row[0] == ticker]


def test_movers_are_as_defined(stored: Database, in_force: InForce) -> None:
    with stored.read() as connection:
        for at in INSTANTS[60:]:
            expected = []
            for ticker in TICKERS:
                new, base = in_force(ticker, at), in_force(ticker, at - 3 * STEP)
                if new is None or new.yes_bid is None or base is None or base.yes_bid is None:
                    continue
                if new.yes_bid != base.yes_bid:
                    change = new.yes_bid - base.yes_bid
                    expected.append((-abs(change), ticker, change, new.quoted_at, base.quoted_at, new.state))
            found = movers(connection, 900, at)
            assert [(m.ticker, m.midpoint_change, m.quoted_at, m.base_quoted_at, m.state) for m in found] == [
                row[1:] for row in sorted(expected)
            ]


def test_latest_prices_are_the_newest_quotes(stored: Database) -> None:
    with stored.read() as connection:
        newest = [quote for ticker in TICKERS for quote in latest(connection, ticker)]
    shown = query(
        stored,
        "SELECT ticker, tick_at, received_at, is_terminal, confirmed_at, is_observed, is_tick_complete, state"
        " FROM latest_prices ORDER BY ticker",
    )
    assert shown == [
        (
            quote.ticker,
            tick_iso_of(quote.quoted_at or 0),
            iso_of(quote.received_at or 0),
            not quote.is_listed,
            None if quote.confirmed_at is None else tick_iso_of(quote.confirmed_at),
            quote.is_observed,
            quote.is_tick_complete,
            quote.state,
        )
        for quote in newest
    ]
