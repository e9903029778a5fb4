"""Rows as `ingest` makes them, ticks as the snapshot takes them, and whole tables as plain dictionaries."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Table, insert, select

from kalshi_pipeline.store.catalog import merge_events, merge_markets, merge_series
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.quotes import TickQuotes
from kalshi_pipeline.store.rows import EventRow, MarketRow, SeriesRow, Tally
from kalshi_pipeline.store.runs import Run, State, close_run, open_tick
from kalshi_pipeline.store.tables import ticks
from kalshi_pipeline.units import instant_of

SECOND = 1_000_000
MINUTE = 60 * SECOND
NOON = instant_of(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
LATER = NOON + 5 * MINUTE
STEP = 5 * MINUTE
SCOPE = "all series, no combos"
NARROW = "series KXRAIN, no combos"
PARTIAL = State.PARTIAL

Row = dict[str, object]


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def series_row(ticker: str, /, **changes: object) -> SeriesRow:
    row = SeriesRow(
        ticker, title="Rain in New York", category="Climate", frequency="daily", tags='["rain", "weather"]'
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def event(ticker: str, series_ticker: str | None = "KXRAIN", /, **changes: object) -> EventRow:
    row = EventRow(
        ticker,
        series_ticker,
        title="Will it rain in New York?",
        sub_title="On Nov 23, 2026",
        category="Weather",
        mutually_exclusive=False,
        strike_at=NOON + 24 * 60 * MINUTE,
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def market(ticker: str, event_ticker: str = "KXRAIN-26NOV23", /, **changes: object) -> MarketRow:
    """A market of 29 to 31 cents."""
    row = MarketRow(
        ticker,
        event_ticker,
        title="Will it rain in New York on Nov 23?",
        yes_sub_title="It rains",
        no_sub_title="It stays dry",
        market_type="binary",
        status="active",
        result="",
        created_at=NOON - 60 * MINUTE,
        open_at=NOON - 30 * MINUTE,
        close_at=NOON + 60 * MINUTE,
        expected_expiration_at=NOON + 90 * MINUTE,
        occurrence_at=NOON + 80 * MINUTE,
        strike_type="greater",
        floor_strike=0.1,
        cap_strike=2.5,
        rules_primary="If it rains more than 0.1 inches, the market resolves to Yes.",
        is_provisional=False,
        is_combo=False,
        collection_ticker=None,
        yes_bid=290_000,
        yes_ask=310_000,
        yes_bid_size=12_050,
        yes_ask_size=8_000,
        last_price=300_000,
        volume=98_765,
        open_interest=43_210,
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def store_series(database: Database, *rows: SeriesRow, at: int = NOON) -> Tally:
    with database.begin() as connection:
        return merge_series(connection, rows, at)


def store_events(database: Database, *rows: EventRow, at: int = NOON) -> Tally:
    with database.begin() as connection:
        return merge_events(connection, rows, at)


def store_markets(database: Database, *rows: MarketRow, at: int = NOON) -> Tally:
    with database.begin() as connection:
        return merge_markets(connection, rows, at)


def open_run(
    database: Database, tick_at: int, period_seconds: float | None = None, scope: str = SCOPE
) -> Run:
    with database.begin() as connection:
        return open_tick(connection, tick_at, period_seconds, scope, tick_at + SECOND)


def close(database: Database, run: Run, state: State = State.COMPLETE, at: int | None = None) -> None:
    with database.begin() as connection:
        close_run(connection, run, state, None, NOON + 2 * SECOND if at is None else at)


def begin_quotes(
    database: Database,
    run: Run,
    tick_at: int,
    *,
    every: bool = False,
    keyframe_seconds: float = 6 * 3600,
    scope: str = SCOPE,
) -> TickQuotes:
    with database.begin() as connection:
        return TickQuotes(connection, run, tick_at, scope, every=every, keyframe_seconds=keyframe_seconds)


def store_page(database: Database, quotes: TickQuotes, tick_at: int, page: Sequence[MarketRow]) -> int:
    """One page of a snapshot, in one transaction: how many quotes were appended."""
    with database.begin() as connection:
        merge_markets(connection, page, NOON)
        return quotes.append(connection, tick_at + SECOND).inserted


def take(
    database: Database,
    tick_at: int,
    *pages: Sequence[MarketRow],
    every: bool = False,
    keyframe_seconds: float = 6 * 3600,
    scope: str = SCOPE,
    state: State = State.COMPLETE,
) -> int:
    """A snapshot, received a second after its tick: how many quotes it appended. A complete one ends histories."""
    run = open_run(database, tick_at, scope=scope)
    quotes = begin_quotes(database, run, tick_at, every=every, keyframe_seconds=keyframe_seconds, scope=scope)
    inserted = sum(store_page(database, quotes, tick_at, page) for page in pages)
    if state is State.COMPLETE:
        with database.begin() as connection:
            quotes.end_unlisted(connection, tick_at + 2 * SECOND)
    close(database, run, state, at=tick_at + 2 * SECOND)
    return inserted


def tick(number: int) -> int:
    """The instant of a tick: one every five minutes from noon on."""
    return NOON + number * STEP


def bid(cents: int, ticker: str = "M") -> MarketRow:
    """A market of that bid, and an ask two cents above it."""
    return market(ticker, yes_bid=cents * 10_000, yes_ask=cents * 10_000 + 20_000)


def record(database: Database, at: int, state: State, scope: str = SCOPE) -> None:
    """A tick that nothing was taken for."""
    row = {"tick_at": at, "scope": scope, "state": state}
    with database.begin() as connection:
        connection.execute(insert(ticks).values({**row, **{n: 0 for n in asdict(Tally()) if n in ticks.c}}))


def contents(database: Database, table: Table) -> list[Row]:
    """Every row of a table, in the order of its key."""
    query = select(table).order_by(*table.primary_key.columns)
    with database.read() as connection:
        return [
            {str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()
        ]


def query(database: Database, sql: str) -> list[tuple[object, ...]]:
    """What a person's raw SQL gives."""
    with database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def without(rows: Iterable[Row], *names: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]
