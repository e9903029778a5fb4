"""Completeness of the store: runs, ticks, open placeholders, broken keys and faulty quotes."""

from dataclasses import dataclass, fields
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, case, func, or_, select, true

from kalshi_pipeline.store.reading.parents import HAS_REACHABLE_MARKET
from kalshi_pipeline.store.schema.tables import (
    document_subjects,
    events,
    latest_quotes,
    listings,
    markets,
    price_snapshots,
    quarantine,
    row_counts,
    scopes,
    series,
    set_aside_rows,
    ticks,
)
from kalshi_pipeline.store.scopes import stored_scopes
from kalshi_pipeline.store.writing.row_counts import COUNTED, COUNTED_BY_RUNS
from kalshi_pipeline.store.writing.runs import Run, State, Subject
from kalshi_pipeline.units import MICROS_PER_DOLLAR, MICROS_PER_HOUR

_PARENTS = (series, events, markets)


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """The stored record of a run: its scope in words, and in `windows` the number of parallel walks."""

    id: int
    scope: str | None
    started_at: int | None
    finished_at: int | None
    state: str
    reason: str | None
    pages: int
    received: int
    inserted: int
    unchanged: int
    quarantined: int
    duplicates: int
    placeholders: int
    healed: int
    windows: int


@dataclass(frozen=True, kw_only=True)
class ListingRun(StoredRun):
    """A row of `listings`: one run of an asset other than the quotes."""

    asset: str
    changed: int
    out_of_scope: int
    day: str | None
    selection: str | None


@dataclass(frozen=True, kw_only=True)
class TickRun(StoredRun):
    """A row of `ticks`: a snapshot, or a tick without one."""

    tick_at: int
    period_seconds: float | None
    is_paused: bool | None
    inactive_shards: str | None
    run_id: str | None
    keyframes: int
    ended: int
    out_of_scope: int
    paused: int
    unconfirmed: int
    gone: int


@dataclass(frozen=True)
class Placeholders:
    """The number of open placeholders, and the time of the oldest one; None if there are none."""

    count: int
    oldest_at: int | None


@dataclass(frozen=True)
class QuoteFaults:
    """Impossible quotes of one tick."""

    crossed: int
    out_of_range: int


_Stored = TypeVar("_Stored", bound=StoredRun)


def _stored(table: Table, kind: type[_Stored]) -> Select[tuple[object, ...]]:
    columns = {"scope": scopes.c.sentence, **table.c}
    return select(*(columns[field.name].label(field.name) for field in fields(kind))).select_from(
        table.outerjoin(scopes)
    )


def _runs(connection: Connection, query: Select[tuple[object, ...]], kind: type[_Stored]) -> list[_Stored]:
    rows = connection.execute(query).mappings()
    return [kind(**{str(name): value for name, value in row.items()}) for row in rows]


def newest_listings(
    connection: Connection, asset: str, limit: int, *, state: State | None = None, with_pages: bool = False
) -> list[ListingRun]:
    """Return the newest runs of an asset, newest first, in any state or in one; `with_pages` only those with stored
    pages.
    """
    in_state = true() if state is None else listings.c.state == state
    has_pages = listings.c.pages > 0 if with_pages else true()
    query = _stored(listings, ListingRun).where(listings.c.asset == asset, in_state, has_pages)
    return _runs(connection, query.order_by(listings.c.id.desc()).limit(limit), ListingRun)


def newest_ticks(connection: Connection, limit: int, *, state: State | None = None) -> list[TickRun]:
    """Return the newest ticks, newest first, in any state or in one."""
    query = _stored(ticks, TickRun).where(true() if state is None else ticks.c.state == state)
    return _runs(connection, query.order_by(ticks.c.tick_at.desc()).limit(limit), TickRun)


def last_listing(connection: Connection, asset: str) -> ListingRun | None:
    """Return the newest run of an asset; None if there is none."""
    return next(iter(newest_listings(connection, asset, 1)), None)


def last_tick(connection: Connection) -> TickRun | None:
    """Return the newest tick, in any state; None if there is none."""
    return next(iter(newest_ticks(connection, 1)), None)


def last_complete_tick(connection: Connection) -> TickRun | None:
    """Return the newest complete tick; None if there is none."""
    return next(iter(newest_ticks(connection, 1, state=State.COMPLETE)), None)


def tick_states(connection: Connection) -> dict[str, int]:
    """Count ticks by state."""
    return dict(connection.execute(select(ticks.c.state, func.count()).group_by(ticks.c.state)).all())


def ticks_by_hour(connection: Connection, start: int, end: int) -> dict[int, dict[str, int]]:
    """Count the ticks in [start, end) by state and UTC hour, given by its beginning. Hours without ticks
    are missing.
    """
    hour = (ticks.c.tick_at - ticks.c.tick_at % MICROS_PER_HOUR).label("hour")
    query = (
        select(hour, ticks.c.state, func.count())
        .where(ticks.c.tick_at >= start, ticks.c.tick_at < end)
        .group_by(hour, ticks.c.state)
        .order_by(hour)
    )
    found: dict[int, dict[str, int]] = {}
    for at, state, count in connection.execute(query):
        found.setdefault(at, {})[state] = count
    return found


def was_complete(connection: Connection, asset: str, subject: Subject) -> bool:
    """Return whether a run of an asset and day was complete, for a scope that covers this one."""
    query = (
        select(listings.c.scope_id)
        .where(listings.c.asset == asset, listings.c.day == subject.day, listings.c.state == State.COMPLETE)
        .distinct()
    )
    known = stored_scopes(connection)
    seen = [known[key] for key in connection.execute(query).scalars() if key in known]
    return any(scope.covers(subject.scope) for scope in seen if subject.scope is not None)


def received_before(connection: Connection, run: Run) -> int | None:
    """Return the number of records that the last complete run before this one received, for its asset and scope; None
    if there is none.
    """
    return _before(connection, run, run.table.c.received)


def listed_before(connection: Connection, run: Run) -> int | None:
    """Return the number of requested records of that run, each counted once."""
    counts = run.table.c
    return _before(connection, run, counts.received - counts.duplicates - counts.out_of_scope)


def started_before(connection: Connection, run: Run) -> int | None:
    """Return when the last complete run before this one started, for its asset and scope; None if there is none."""
    return _before(connection, run, run.table.c.started_at)


def _before(connection: Connection, run: Run, count: ColumnElement[int]) -> int | None:
    table = run.table
    this = select(table).where(table.c.id == run.id).subquery()
    same = ("scope_id",) if table is ticks else ("asset", "scope_id", "day", "selection")
    query = (
        select(count)
        .where(table.c.id < run.id, table.c.state == State.COMPLETE)
        .where(*(table.c[name].is_not_distinct_from(this.c[name]) for name in same))
        .order_by(table.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def count_added_rows(connection: Connection, table_name: str) -> int:
    """Return the number of rows of an asset's table without reading it, for the report of every run."""
    if table_name not in COUNTED:
        return count_rows(connection, table_name)
    query = select(row_counts.c.row_count).where(row_counts.c.table_name == table_name)
    counted: int | None = connection.execute(query).scalar_one_or_none()
    return count_rows(connection, table_name) if counted is None else counted


def count_subjects(connection: Connection, kind: str) -> int:
    """Count the subjects of a kind of documents."""
    query = select(func.count()).where(document_subjects.c.kind == kind)
    return int(connection.execute(query).scalar_one())


def count_rows(connection: Connection, table_name: str) -> int:
    """Count the rows of a table; ValueError if there is no such table."""
    if table_name not in series.metadata.tables:
        raise ValueError(f"there is no table {table_name!r}: docs/tables.md names them")
    if table_name == price_snapshots.name:
        # Every tick has its own count; counting years of quotes would take seconds.
        written = func.coalesce(func.sum(ticks.c.inserted + ticks.c.ended), 0)
        return int(connection.execute(select(written)).scalar_one())
    if table_name in COUNTED_BY_RUNS:
        # Every run of such an asset has its own count too, and there are more rows.
        written = func.coalesce(func.sum(listings.c.inserted), 0)
        return int(connection.execute(select(written).where(listings.c.asset == table_name)).scalar_one())
    table = series.metadata.tables[table_name]
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def count_quarantined(connection: Connection) -> dict[str, int]:
    """Count the records kept in quarantine by kind."""
    query = select(quarantine.c.kind, func.count()).group_by(quarantine.c.kind)
    return dict(connection.execute(query).all())


def count_set_aside(connection: Connection) -> int:
    """Count the rows that were set aside, by runs or by `repair`."""
    return int(connection.execute(select(func.count()).select_from(set_aside_rows)).scalar_one())


def placeholders(connection: Connection) -> dict[str, Placeholders]:
    """Return the open placeholders by parent table.

    Markets that are gone from both tiers do not count, nor events with only such markets: nothing will ever fill them.
    """
    can_be_filled = {events.name: HAS_REACHABLE_MARKET, markets.name: markets.c.gone_at.is_(None)}

    def of(table: Table) -> Placeholders:
        query = select(func.count(), func.min(table.c.first_seen_at)).where(
            table.c.is_placeholder, can_be_filled.get(table.name, true())
        )
        count, oldest_at = connection.execute(query).one()
        return Placeholders(count, oldest_at)

    return {table.name: of(table) for table in _PARENTS}


def count_dangling(connection: Connection, tick_id: int | None = None) -> dict[str, int]:
    """Count the rows without their parent by foreign key: for the quotes of one tick, or for the parent tables.

    The database enforces its keys, so this only confirms them; it does not read years of quotes.
    """

    def without_parent(child: Table, key: str, parent: Table, *only: ColumnElement[bool]) -> int:
        query = (
            select(func.count())
            .select_from(child.outerjoin(parent, child.c[key] == parent.c.id))
            .where(child.c[key].is_not(None), parent.c.id.is_(None), *only)
        )
        return connection.execute(query).scalar_one()

    if tick_id is not None:
        of_tick = price_snapshots.c.tick_id == tick_id
        return {"price_snapshots.market_id": without_parent(price_snapshots, "market_id", markets, of_tick)}
    return {
        "events.series_id": without_parent(events, "series_id", series),
        "markets.event_id": without_parent(markets, "event_id", events),
        "latest_quotes.market_id": without_parent(latest_quotes, "market_id", markets),
        "latest_quotes.tick_id": without_parent(latest_quotes, "tick_id", ticks),
    }


def quote_faults(connection: Connection, tick_id: int) -> QuoteFaults:
    """Count the tick's rows with a bid above the ask, and those with a price outside of 0 to 1 dollar."""
    quote = price_snapshots.c
    outside = [
        and_(price.is_not(None), ~price.between(0, MICROS_PER_DOLLAR))
        for price in (quote.yes_bid, quote.yes_ask, quote.last_price)
    ]
    crossed = func.coalesce(func.sum(case((quote.yes_bid > quote.yes_ask, 1), else_=0)), 0)
    out_of_range = func.coalesce(func.sum(case((or_(*outside), 1), else_=0)), 0)
    row = connection.execute(select(crossed, out_of_range).where(quote.tick_id == tick_id)).one()
    return QuoteFaults(*row)
