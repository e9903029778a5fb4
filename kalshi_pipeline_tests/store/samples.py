"""Sample records, ticks as a snapshot takes them, and tables as plain dictionaries."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, func, select, update

from kalshi_pipeline.records import Document, Event, Market, Quote, Series
from kalshi_pipeline.scope import Combos, Scope
from kalshi_pipeline.store.database import Database
from kalshi_pipeline.store.schema.tables import markets, ticks
from kalshi_pipeline.store.scopes import scope_id
from kalshi_pipeline.store.writing.documents import (
    DocumentKind,
    compress_documents,
    find_new_documents,
    insert_documents,
    prepare_document,
)
from kalshi_pipeline.store.writing.fingerprints import forget_fingerprints
from kalshi_pipeline.store.writing.ids import insert_one
from kalshi_pipeline.store.writing.parents import (
    merge_events,
    merge_markets,
    merge_series,
    merge_staged_markets,
)
from kalshi_pipeline.store.writing.quotes import Appended, Ended, TickQuotes
from kalshi_pipeline.store.writing.runs import Run, State, add_page, close_run
from kalshi_pipeline.store.writing.staged_pages import stage_listed
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.ticks import open_tick
from kalshi_pipeline.units import instant_of
from kalshi_pipeline.vocabulary import StatusFilter

SECOND = 1_000_000
MINUTE = 60 * SECOND
NOON = instant_of(datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
LATER = NOON + 5 * MINUTE
STEP = 5 * MINUTE
SCOPE = Scope(combos=Combos.EXCLUDE, status=StatusFilter.OPEN)
KEYFRAME_SECONDS = 6 * 3600
NARROW = replace(SCOPE, series=("KXRAIN",))
PARTIAL = State.PARTIAL

Row = dict[str, object]

unchanged_quotes = Table(
    "unchanged_quotes",
    MetaData(),
    Column("tick_id", ForeignKey(ticks.c.id), primary_key=True),
    Column("market_id", ForeignKey(markets.c.id), primary_key=True),
    Column("received_ms", Integer),
)
"""The view, whose rows are read as those of a table."""


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def series_row(ticker: str, /, **changes: object) -> Series:
    row = Series(
        ticker, title="Rain in New York", category="Climate", frequency="daily", tags='["rain", "weather"]'
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def event(ticker: str, series_ticker: str | None = "KXRAIN", /, **changes: object) -> Event:
    row = Event(
        ticker,
        series_ticker,
        title="Will it rain in New York?",
        sub_title="On Nov 23, 2026",
        category="Weather",
        mutually_exclusive=False,
        strike_at=NOON + 24 * 60 * MINUTE,
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def market(ticker: str, event_ticker: str = "KXRAIN-26NOV23", /, **changes: object) -> Market:
    """A market of 29 to 31 cents."""
    row = Market(
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
        latest_expiration_at=NOON + 120 * MINUTE,
        functional_strike=None,
        custom_strike='{"city":"New York"}',
        expiration_value=None,
        rules_secondary="If the rain gauge fails, the market resolves to No.",
        price_level_structure="linear_cent",
        price_ranges='[{"end":"1.0000","start":"0.0000","step":"0.0100"}]',
        settlement_bounds_type="default",
        settlement_floor=None,
        settlement_timer_seconds=60,
        can_close_early=True,
        early_close_condition="It closes once it has rained.",
        fee_waiver_expiration_at=None,
        primary_participant_key=None,
        exchange_index=0,
        quote=Quote(
            yes_bid=290_000,
            yes_ask=310_000,
            yes_bid_size=12_050,
            yes_ask_size=8_000,
            last_price=300_000,
            volume=98_765,
            open_interest=43_210,
        ),
        updated_time="2026-11-23T11:00:00Z",
        is_mirrored=True,
        has_negative_size=False,
    )
    return changed(row, **changes)


def changed(row: Market, /, **changes: object) -> Market:
    """The same market with other values, also of its quote."""
    numbers = {name: changes.pop(name) for name in Quote._fields if name in changes}
    return row._replace(quote=row.quote._replace(**numbers), **changes)  # type: ignore[arg-type]


def store_series(database: Database, *rows: Series, at: int = NOON) -> Tally:
    with database.begin() as connection:
        return merge_series(connection, rows, at)


def store_events(database: Database, *rows: Event, at: int = NOON) -> Tally:
    with database.begin() as connection:
        return merge_events(connection, rows, at)


def store_markets(database: Database, *rows: Market, at: int = NOON) -> Tally:
    with database.begin() as connection:
        return merge_markets(connection, rows, at)


def open_run(
    database: Database, tick_at: int, period_seconds: float | None = None, scope: Scope = SCOPE
) -> Run:
    """Open a tick a second after its time, or after the newest stored tick, because time does not go back."""
    with database.begin() as connection:
        newest = connection.execute(select(func.max(ticks.c.tick_at))).scalar() or tick_at
        return open_tick(connection, tick_at, period_seconds, scope, max(newest, tick_at) + SECOND)


def close(database: Database, run: Run, state: State = State.COMPLETE, at: int | None = None) -> None:
    with database.begin() as connection:
        close_run(connection, run, state, None, NOON + 2 * SECOND if at is None else at)


INSIDE = "KXRAIN-INSIDE"
"""An event in the scope NARROW, once it is stored. That of other markets is stored without a series."""


def store_inside(database: Database) -> None:
    store_events(database, event(INSIDE, "KXRAIN"))


class Tick:
    """A tick as a snapshot takes it, with one transaction per step. Its row in `ticks` counts its writes."""

    def __init__(
        self,
        database: Database,
        tick_at: int,
        *,
        every: bool = False,
        keyframe_seconds: float = KEYFRAME_SECONDS,
        scope: Scope = SCOPE,
        period_seconds: float | None = None,
    ) -> None:
        self.run = open_run(database, tick_at, period_seconds, scope)
        self._database = database
        self._tick_at = tick_at
        self._scope = scope
        with database.begin() as connection:
            self.quotes = TickQuotes(
                connection, self.run, tick_at, scope, every=every, keyframe_seconds=keyframe_seconds
            )

    def store(self, page: Sequence[Market], received_at: int | None = None) -> Appended:
        """Store a page that was received a second after the tick, or at an instant."""
        with self._database.begin() as connection:
            merge_staged_markets(connection, stage_listed(connection, page), NOON)
            at = self._tick_at + SECOND if received_at is None else received_at
            appended = self.quotes.append(connection, at)
            counts = {**appended._asdict(), "unchanged": len(page) - appended.inserted}
            add_page(connection, self.run, Tally(pages=1, received=len(page), **counts))
        return appended

    def end(self, *, is_complete: bool = True, missed: Container[str] = ()) -> Ended:
        """End the histories of unlisted markets, two seconds after the tick.

        Lookups found them closed, except the `missed` ones.
        """
        with self._database.begin() as connection:
            if is_complete and self._scope.shows_absence:
                unlisted = self.quotes.listed.unlisted(connection, self._scope)
                closed = [market.ticker for market in unlisted if market.ticker not in missed]
                are_closed = markets.c.ticker.in_(closed)
                connection.execute(forget_fingerprints(select(markets.c.id).where(are_closed)))
                connection.execute(update(markets).values(status="closed").where(are_closed))
            self.quotes.find_unlisted(connection)
            found = self.quotes.end(connection, self._tick_at + 2 * SECOND, is_complete=is_complete)
            add_page(connection, self.run, Tally(ended=found.ended, unconfirmed=found.unconfirmed))
        return found

    def close(self, state: State = State.COMPLETE, missed: Container[str] = ()) -> None:
        """Close the tick. A complete tick has listed or looked up every market except the `missed` ones."""
        self.end(is_complete=state is State.COMPLETE, missed=missed)
        close(self._database, self.run, state, self._tick_at + 2 * SECOND)


def take(
    database: Database,
    tick_at: int,
    *pages: Sequence[Market],
    every: bool = False,
    keyframe_seconds: float = KEYFRAME_SECONDS,
    scope: Scope = SCOPE,
    state: State = State.COMPLETE,
    missed: Container[str] = (),
    period_seconds: float | None = None,
) -> int:
    """Take a complete snapshot, and return the number of new quotes. Unlisted markets have closed or are missed."""
    tick = Tick(
        database,
        tick_at,
        every=every,
        keyframe_seconds=keyframe_seconds,
        scope=scope,
        period_seconds=period_seconds,
    )
    inserted = sum(tick.store(page).inserted for page in pages)
    tick.close(state, missed)
    return inserted


def tick(number: int) -> int:
    """The instant of a tick; ticks are five minutes apart from noon on."""
    return NOON + number * STEP


def bid(cents: int, ticker: str = "M", event_ticker: str = "KXRAIN-26NOV23", /, **changes: object) -> Market:
    """A market with this bid, and an ask two cents above."""
    return market(ticker, event_ticker, yes_bid=cents * 10_000, yes_ask=cents * 10_000 + 20_000, **changes)


def last_price_read(stored: int | None) -> int | None:
    """A last price as views and functions show it; the exchange writes 0 before the first trade."""
    return stored or None


def record(database: Database, at: int, state: State, scope: Scope = SCOPE) -> None:
    """Record a tick without a snapshot."""
    counts = {name: 0 for name in asdict(Tally()) if name in ticks.c}
    with database.begin() as connection:
        row = {"tick_at": at, "scope_id": scope_id(connection, scope), "state": state, **counts}
        insert_one(connection, ticks, row)


def contents(database: Database, table: Table, *, of_market: int | None = None) -> list[Row]:
    """The rows of a table, or of one market, in order of the key."""
    query = select(table).order_by(*table.primary_key.columns)
    if of_market is not None:
        query = query.where(table.c.market_id == of_market)
    with database.read() as connection:
        return [
            {str(name): value for name, value in row.items()} for row in connection.execute(query).mappings()
        ]


def query(database: Database, sql: str) -> list[tuple[object, ...]]:
    """Return the result of raw SQL."""
    with database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def without(rows: Iterable[Row], *names: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def store_documents(database: Database, kind: DocumentKind, documents: Sequence[Document], at: int) -> None:
    """Store documents of stored records."""
    with database.begin() as connection:
        found = find_new_documents(
            connection, kind, [prepare_document(kind, document, at) for document in documents]
        )
        insert_documents(connection, kind, compress_documents(connection, kind, found))
