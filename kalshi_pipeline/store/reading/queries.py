"""Questions asked of the store: parents that are lacking, completeness, health, and single markets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    true,
)

from kalshi_pipeline.store.reading.quotes import latest, midpoint_of
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    candlesticks,
    event_lookups,
    events,
    latest_quotes,
    listings,
    markets,
    price_snapshots,
    quarantine,
    series,
    ticks,
    trades,
)
from kalshi_pipeline.store.writing.runs import Run, State
from kalshi_pipeline.units import MICROS_PER_DOLLAR
from kalshi_pipeline.vocabulary import MarketStatus

PARENTS = (series, events, markets)
_is_somebodys_event = exists().where(markets.c.event_id == events.c.id, markets.c.gone_at.is_(None))


def creation_bounds(
    connection: Connection, parts: int, combos: Sequence[bool], *, at_least: int
) -> list[int]:
    """Give the instants that part the active markets, by creation, into so many parts of equal size.

    There are fewer parts, or none, where one would hold fewer markets than `at_least`.
    """
    # Written into the statement, and not bound to it: else SQLite would not use the index of active markets.
    active: BindParameter[str] = bindparam("active", MarketStatus.ACTIVE.value, literal_execute=True)
    created_at = markets.c.created_at
    chosen = (markets.c.status == active, markets.c.is_combo.in_(combos), created_at.is_not(None))
    count = connection.execute(select(func.count()).select_from(markets).where(*chosen)).scalar_one()
    parts = min(parts, count // at_least)
    if parts < 2:
        return []
    number = func.row_number().over(order_by=created_at)
    numbered = select(created_at, number.label("number")).where(*chosen).subquery()
    firsts = [count * part // parts + 1 for part in range(1, parts)]
    query = select(numbered.c.created_at).where(numbered.c.number.in_(firsts))
    return list(connection.execute(query).scalars())


def open_placeholder_events(connection: Connection, limit: int) -> list[str]:
    """Give tickers of placeholder events, those first that the exchange was asked for longest ago or never."""
    query = (
        select(events.c.ticker)
        .select_from(events.outerjoin(event_lookups))
        .where(events.c.is_placeholder, _is_somebodys_event)
        .order_by(event_lookups.c.asked_at.nulls_first(), events.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def open_placeholder_series(connection: Connection, limit: int) -> list[str]:
    """Give tickers of placeholder series."""
    return list(
        connection.execute(select(series.c.ticker).where(series.c.is_placeholder).limit(limit)).scalars()
    )


def count_rows(connection: Connection, table_name: str) -> int:
    """Count the rows of a table."""
    if table_name == price_snapshots.name:
        # Every tick knows its own: counting years of quotes would take seconds.
        written = func.coalesce(func.sum(ticks.c.inserted + ticks.c.ended), 0)
        return int(connection.execute(select(written)).scalar_one())
    if table_name in (trades.name, candlesticks.name):
        # So does every run of theirs, and there are more of them.
        written = func.coalesce(func.sum(listings.c.inserted), 0)
        return int(connection.execute(select(written).where(listings.c.asset == table_name)).scalar_one())
    table = series.metadata.tables[table_name]
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


@dataclass(frozen=True)
class Placeholders:
    """Placeholders that are open, and the instant since when the oldest of them is; None where there is none."""

    count: int
    oldest_at: int | None


def placeholders(connection: Connection) -> dict[str, Placeholders]:
    """Give the open placeholders of each parent table, by its name.

    Markets that the exchange has nowhere any more are not among them, nor are events that only such ones have:
    nothing will ever fill them.
    """
    can_be_filled = {events.name: _is_somebodys_event, markets.name: markets.c.gone_at.is_(None)}

    def of(table: Table) -> Placeholders:
        query = select(func.count(), func.min(table.c.first_seen_at)).where(
            table.c.is_placeholder, can_be_filled.get(table.name, true())
        )
        count, oldest_at = connection.execute(query).one()
        return Placeholders(count, oldest_at)

    return {table.name: of(table) for table in PARENTS}


def count_dangling(connection: Connection, tick_id: int | None = None) -> dict[str, int]:
    """Count the rows whose parent is missing, by foreign key: the quotes of one tick, or the tables of parents.

    The database enforces its keys, so this proves that it did; years of quotes are not read again for it.
    """

    def lacking(child: Table, key: str, parent: Table, *only: ColumnElement[bool]) -> int:
        query = (
            select(func.count())
            .select_from(child.outerjoin(parent, child.c[key] == parent.c.id))
            .where(child.c[key].is_not(None), parent.c.id.is_(None), *only)
        )
        return connection.execute(query).scalar_one()

    if tick_id is not None:
        of_tick = price_snapshots.c.tick_id == tick_id
        return {"price_snapshots.market_id": lacking(price_snapshots, "market_id", markets, of_tick)}
    return {
        "events.series_id": lacking(events, "series_id", series),
        "markets.event_id": lacking(markets, "event_id", events),
        "latest_quotes.market_id": lacking(latest_quotes, "market_id", markets),
        "latest_quotes.tick_id": lacking(latest_quotes, "tick_id", ticks),
    }


@dataclass(frozen=True)
class QuoteFaults:
    """Rows of one tick that cannot be quotes."""

    crossed: int
    out_of_range: int


def quote_faults(connection: Connection, tick_id: int) -> QuoteFaults:
    """Count the tick's rows whose bid is above the ask, and those with a price outside 0..1 dollar."""
    quote = price_snapshots.c
    outside = [
        and_(price.is_not(None), ~price.between(0, MICROS_PER_DOLLAR))
        for price in (quote.yes_bid, quote.yes_ask, quote.last_price)
    ]
    crossed = func.coalesce(func.sum(case((quote.yes_bid > quote.yes_ask, 1), else_=0)), 0)
    out_of_range = func.coalesce(func.sum(case((or_(*outside), 1), else_=0)), 0)
    row = connection.execute(select(crossed, out_of_range).where(quote.tick_id == tick_id)).one()
    return QuoteFaults(*row)


def last_listing(connection: Connection, asset: str) -> Mapping[str, Any] | None:
    """Give the newest run of an asset."""
    query = select(listings).where(listings.c.asset == asset).order_by(listings.c.id.desc()).limit(1)
    return _one_or_none(connection, query)


def was_complete(connection: Connection, asset: str, scope: str) -> bool:
    """Tell whether some run of an asset and a scope has seen every page."""
    query = select(listings.c.id).where(
        listings.c.asset == asset, listings.c.scope == scope, listings.c.state == State.COMPLETE
    )
    return connection.execute(query.limit(1)).first() is not None


def last_tick(connection: Connection) -> Mapping[str, Any] | None:
    """Give the newest tick, whatever its state."""
    return _one_or_none(connection, select(ticks).order_by(ticks.c.tick_at.desc()).limit(1))


def received_before(connection: Connection, run: Run) -> int | None:
    """Give how many records the last complete run before this one received, of its asset and scope; None if none."""
    table = run.table
    this = select(table).where(table.c.id == run.id).subquery()
    same = [table.c.scope == this.c.scope]
    if table is listings:
        same.append(table.c.asset == this.c.asset)
    query = (
        select(table.c.received)
        .where(table.c.id < run.id, table.c.state == State.COMPLETE, *same)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def last_complete_tick(connection: Connection) -> Mapping[str, Any] | None:
    """Give the newest tick that saw every page."""
    query = select(ticks).where(ticks.c.state == State.COMPLETE).order_by(ticks.c.tick_at.desc()).limit(1)
    return _one_or_none(connection, query)


def tick_states(connection: Connection) -> dict[str, int]:
    """Count ticks by state."""
    return dict(connection.execute(select(ticks.c.state, func.count()).group_by(ticks.c.state)).all())


def count_quarantined(connection: Connection) -> dict[str, int]:
    """Count the records kept in quarantine by kind."""
    query = select(quarantine.c.kind, func.count()).group_by(quarantine.c.kind)
    return dict(connection.execute(query).all())


@dataclass(frozen=True)
class LatestQuote:
    """The newest quote of a market (micro-dollars, hundredths of a contract, instants).

    With change-only snapshots it holds since `tick_at`; `confirmed_at` is the newest complete tick that vouches for
    it, if any. A market that is not listed has no numbers: `tick_at` is then the tick that found it gone.
    """

    ticker: str
    status: str | None
    tick_at: int
    received_at: int
    confirmed_at: int | None
    yes_bid: int | None
    yes_ask: int | None
    yes_bid_size: int | None
    yes_ask_size: int | None
    last_price: int | None
    volume: int | None
    open_interest: int | None
    is_listed: bool = True

    @property
    def spread(self) -> int | None:
        """Ask minus bid, of a two-sided quote only."""
        return None if self.yes_bid is None or self.yes_ask is None else self.yes_ask - self.yes_bid

    @property
    def midpoint(self) -> float | None:
        """The middle of bid and ask, of a two-sided quote only."""
        return midpoint_of(self.yes_bid, self.yes_ask)


def latest_quote(connection: Connection, ticker: str) -> LatestQuote | None:
    """Give the newest stored quote of one market, with its status; None where none is stored."""
    for quote in latest(connection, ticker):
        assert quote.quoted_at is not None
        assert quote.received_at is not None
        status = select(markets.c.status).where(markets.c.ticker == ticker)
        return LatestQuote(
            ticker=ticker,
            status=connection.execute(status).scalar_one(),
            tick_at=quote.quoted_at,
            received_at=quote.received_at,
            confirmed_at=quote.confirmed_at,
            yes_bid=quote.yes_bid,
            yes_ask=quote.yes_ask,
            yes_bid_size=quote.yes_bid_size,
            yes_ask_size=quote.yes_ask_size,
            last_price=quote.last_price,
            volume=quote.volume,
            open_interest=quote.open_interest,
            is_listed=quote.is_listed,
        )
    return None


def busiest_market(connection: Connection) -> str | None:
    """Give the market with the most stored snapshots; None where there is none."""
    query = (
        select(markets.c.ticker)
        .join(price_snapshots, price_snapshots.c.market_id == markets.c.id)
        .where(price_snapshots.c.yes_bid.is_not(None), price_snapshots.c.yes_ask.is_not(None))
        .group_by(markets.c.id)
        .order_by(func.count().desc(), markets.c.id)
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def stored_history(connection: Connection, ticker: str, limit: int) -> list[dict[str, Any]]:
    """Give a market's newest stored quotes, oldest first, as integers with their `tick_at`."""
    query = (
        select(ticks.c.tick_at, *(price_snapshots.c[name] for name in QUOTE_COLUMNS))
        .select_from(price_snapshots.join(markets).join(ticks))
        .where(markets.c.ticker == ticker)
        .order_by(price_snapshots.c.tick_id.desc())
        .limit(limit)
    )
    return [_named(row) for row in reversed(connection.execute(query).mappings().all())]


def market_details(connection: Connection, ticker: str) -> Mapping[str, Any] | None:
    """Give one market with its event and series; None where the store does not hold it."""
    query = (
        select(
            markets,
            events.c.ticker.label("event_ticker"),
            events.c.title.label("event_title"),
            events.c.sub_title.label("event_sub_title"),
            events.c.mutually_exclusive,
            events.c.strike_at,
            events.c.is_placeholder.label("event_is_placeholder"),
            series.c.ticker.label("series_ticker"),
            series.c.title.label("series_title"),
            series.c.frequency,
            series.c.tags,
            func.coalesce(series.c.category, events.c.category).label("category"),
        )
        .select_from(markets.join(events).outerjoin(series))
        .where(markets.c.ticker == ticker)
    )
    return _one_or_none(connection, query)


def _one_or_none(connection: Connection, query: Select[Any]) -> dict[str, Any] | None:
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _named(row)


def _named(row: RowMapping) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
