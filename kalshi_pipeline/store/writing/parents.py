"""Writes of series, events and markets: merged by ticker, parents first, within the caller's transaction."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Integer,
    Join,
    Select,
    Update,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    update,
)

from kalshi_pipeline.records import Event, Market, Quote, Series
from kalshi_pipeline.store.dialects.statements import upsert
from kalshi_pipeline.store.schema.from_records import record_column, record_columns
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    UNSTORED,
    event_lookups,
    events,
    latest_quotes,
    market_changes,
    market_fingerprints,
    market_lookups,
    markets,
    price_snapshots,
    scopes,
    series,
    settlements,
    ticks,
    unchanged_quotes,
    unlisted_spans,
)
from kalshi_pipeline.store.writing.fingerprints import CURRENT, Encoding
from kalshi_pipeline.store.writing.ids import InsertNew
from kalshi_pipeline.store.writing.merging import (
    PLACEHOLDER_COLUMNS,
    STAGED_ROW,
    Merge,
    Staging,
    insert_placeholders,
    placeholder,
)
from kalshi_pipeline.store.writing.runs import State
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.vocabulary import BEFORE_RESULT, MarketStatus


class OrphanRow(NamedTuple):
    """A market that a trade names and the exchange does not return; `gone_at` if it is in neither of its tiers.

    The exchange has not said that it is a combo, so it is stored as none.
    """

    ticker: str
    gone_at: int | None


staged_series = Staging("staged_series", *record_columns(Series))
staged_events = Staging("staged_events", *record_columns(Event))
staged_quotes = Staging(
    "staged_quotes",
    record_column(Market, "ticker"),
    market_fingerprints.c.fingerprint,
    *record_columns(Quote),
)
"""Every market of a page, with its quote."""
staged_markets = Staging(
    "staged_markets",
    *record_columns(Market, without=(*QUOTE_COLUMNS, *UNSTORED)),
    market_fingerprints.c.fingerprint,
)
"""Those of them whose descriptions are compared with the stored ones."""
staged_market_ids = select(markets.c.id).join(
    staged_quotes.table, markets.c.ticker == staged_quotes.table.c.ticker
)
"""The keys of those of a page's markets that are stored."""
_staged_orphans = Staging("staged_orphans", *record_columns(OrphanRow))
_seen_at = bindparam("seen_at", type_=BigInteger)


def _values(staging: Staging, *elsewhere: str) -> dict[str, ColumnElement[Any]]:
    return {
        column.name: column
        for column in staging.table.columns
        if column.name not in (STAGED_ROW, "ticker", *elsewhere)
    }


_series_of_event = (
    select(series.c.id)
    .where(series.c.ticker == staged_events.table.c.series_ticker)
    .correlate_except(series)
    .scalar_subquery()
)
_event_of_market = (
    select(events.c.id)
    .where(events.c.ticker == staged_markets.table.c.event_ticker)
    .correlate_except(events)
    .scalar_subquery()
)


def _is_named(ticker: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether a scope names a series; NULL where the series is unknown."""
    named = literal(",") + scopes.c.series + ","
    return func.replace(named, literal(",") + ticker + ",", "") != named


def _series_with(series_id: ColumnElement[Any]) -> ColumnElement[str | None]:
    known = series.alias("known_series")
    query = select(known.c.ticker).where(known.c.id == series_id)
    return query.correlate_except(known).scalar_subquery()


def _series_with_event(event_id: ColumnElement[Any]) -> ColumnElement[str | None]:
    of_event = events.alias("known_events")
    query = select(of_event.c.series_id).where(of_event.c.id == event_id)
    return _series_with(query.correlate_except(of_event).scalar_subquery())


def _doubt_ticks_since(
    changing: FromClause,
    has_moved: ColumnElement[bool],
    before: ColumnElement[str | None],
    after: ColumnElement[str | None],
) -> Insert:
    """Put the ticks since the first row of a market that moves to another series into unlisted spans, if they ask for
    the new series and not for the former one.

    Those ticks could not list the market, and readers go by the series that is known now. Ticks that ask for both, or
    for all, have listed it or opened a span.
    """
    rows, since = latest_quotes.c, ticks.alias("since")
    next_id = (
        select(func.min(since.c.id))
        .where(since.c.id > ticks.c.id, since.c.state.in_([State.COMPLETE, State.PARTIAL]))
        .scalar_subquery()
    )
    spans = unlisted_spans.c
    is_missed = exists().where(
        spans.market_id == rows.market_id,
        spans.from_tick_id <= ticks.c.id,
        or_(spans.to_tick_id.is_(None), spans.to_tick_id > ticks.c.id),
    )
    was_sent = or_(
        *(
            exists().where(sent.c.tick_id == ticks.c.id, sent.c.market_id == rows.market_id)
            for sent in (price_snapshots, unchanged_quotes)
        )
    )
    first_id = (
        select(func.min(price_snapshots.c.tick_id))
        .where(price_snapshots.c.market_id == rows.market_id)
        .scalar_subquery()
    )
    asks_for_new = or_(_is_named(after), and_(after.is_(None), scopes.c.series != ""))
    is_doubted = and_(not_(_is_named(before)), asks_for_new)
    return upsert(
        unlisted_spans,
        ["market_id", "from_tick_id", "to_tick_id"],
        select(rows.market_id, ticks.c.id, next_id)
        .select_from(changing.join(ticks, ticks.c.id > first_id).join(scopes))
        .where(
            # Usually none has moved, or there is no such scope: then no tick is looked at, in whatever order the
            # database would join them.
            exists(select(rows.market_id).select_from(changing).where(has_moved).correlate(None)),
            has_moved,
            exists(select(scopes.c.id).where(is_doubted).correlate_except(scopes)),
            ticks.c.state == State.COMPLETE,
            # After its end there is no quote to confirm, and nothing would close a span.
            or_(not_(rows.is_terminal), ticks.c.id < rows.tick_id),
            is_doubted,
            not_(was_sent),
            not_(is_missed),
        ),
    )


def _before_events_change(changing: Join, new: Mapping[str, ColumnElement[Any]]) -> list[Insert | Update]:
    quoted = changing.join(markets, markets.c.event_id == events.c.id).join(
        latest_quotes, latest_quotes.c.market_id == markets.c.id
    )
    before, after = _series_with(events.c.series_id), _series_with(new["series_id"])
    return [_doubt_ticks_since(quoted, events.c.series_id != new["series_id"], before, after)]


def _withdraw_settlements(changing: Join, new: Mapping[str, ColumnElement[Any]]) -> Update:
    """Withdraw the settlements of markets that have no result any more: few are staged that had one before."""
    status = new["status"]
    without_result = [word.value for word in BEFORE_RESULT]
    has_none = or_(
        status.in_(without_result), and_(status == MarketStatus.CLOSED, staged_markets.table.c.result == "")
    )
    # One whose stored status is of these has no settlement in force.
    had_some = func.coalesce(markets.c.status, "").not_in(without_result)
    withdrawn = select(markets.c.id).select_from(changing).where(has_none, had_some)
    return (
        update(settlements)
        .values(withdrawn_at=_seen_at)
        .where(settlements.c.withdrawn_at.is_(None), settlements.c.market_id.in_(withdrawn))
    )


def forget_fingerprints(market_ids: Select[Any]) -> Update:
    """Return the statement that has markets compared in full the next time that they are listed."""
    return (
        update(market_fingerprints)
        .values(fingerprint=null())
        .where(market_fingerprints.c.market_id.in_(market_ids))
    )


def _before_markets_change(changing: Join, new: Mapping[str, ColumnElement[Any]]) -> list[Insert | Update]:
    quoted = changing.join(latest_quotes, latest_quotes.c.market_id == markets.c.id)
    before, after = _series_with_event(markets.c.event_id), _series_with_event(new["event_id"])
    return [
        _doubt_ticks_since(quoted, markets.c.event_id != new["event_id"], before, after),
        _withdraw_settlements(changing, new),
        forget_fingerprints(select(markets.c.id).select_from(changing)),
    ]


_merge_series = Merge(series, staged_series, _values(staged_series))
_merge_events = Merge(
    events,
    staged_events,
    {"series_id": _series_of_event, **_values(staged_events, "series_ticker")},
    before_change=_before_events_change,
)
_merge_markets = Merge(
    markets,
    staged_markets,
    {
        "event_id": _event_of_market,
        **_values(staged_markets, "event_ticker", "fingerprint"),
        # What the exchange shows exists, even if it was missing before.
        "gone_at": cast(null(), BigInteger),
    },
    exact=frozenset({"event_id", "status", "gone_at"}),
    # A market made from a collection is a combo, even where the collection is left out.
    lasting=frozenset({"is_combo"}),
    log=market_changes,
    logged=("status", "result", "close_at", "rules_primary"),
    before_change=_before_markets_change,
)
_is_unasked = and_(events.c.is_placeholder, ~exists().where(event_lookups.c.event_id == events.c.id))
_insert_missing_series = insert_placeholders(series, staged_events.table.c.series_ticker)
_insert_missing_events = insert_placeholders(events, staged_markets.table.c.event_ticker)


_orphans = _staged_orphans.table
_is_stored = exists().where(markets.c.ticker == _orphans.c.ticker)
_insert_events_of_orphans = InsertNew(
    events,
    PLACEHOLDER_COLUMNS,
    placeholder(_orphans.c.ticker, _seen_at).where(
        ~_is_stored, ~exists().where(events.c.ticker == _orphans.c.ticker)
    ),
)
_insert_orphans = InsertNew(
    markets,
    [*PLACEHOLDER_COLUMNS, "event_id", "is_combo", "gone_at"],
    placeholder(_orphans.c.ticker, _seen_at)
    .add_columns(events.c.id.label("event_id"), false().label("is_combo"), _orphans.c.gone_at)
    .select_from(_orphans.join(events, events.c.ticker == _orphans.c.ticker))
    .where(~_is_stored),
)
_find_missing = select(market_lookups.c.market_id).where(market_lookups.c.missing_at.is_not(None)).limit(1)
_forget_missing = (
    update(market_lookups)
    .values(missing_at=null())
    .where(market_lookups.c.missing_at.is_not(None), market_lookups.c.market_id.in_(staged_market_ids))
)
_version = bindparam("version", type_=Integer)
_fingerprint = market_fingerprints.c
_find_new = (
    select(
        staged_quotes.table.c.ticker,
        and_(
            markets.c.id.is_not(None),
            _fingerprint.market_id.is_(None),
            ~func.coalesce(markets.c.is_placeholder, true()),
        ),
    )
    .select_from(
        staged_quotes.table.outerjoin(markets, markets.c.ticker == staged_quotes.table.c.ticker).outerjoin(
            market_fingerprints, _fingerprint.market_id == markets.c.id
        )
    )
    .where(
        or_(
            _fingerprint.fingerprint.is_distinct_from(staged_quotes.table.c.fingerprint),
            _fingerprint.version != _version,
        )
    )
)
# Of a market whose event the exchange has to be asked for, the description is compared again, which finds the event.
_keep_fingerprints = upsert(
    market_fingerprints,
    ["market_id", "version", "fingerprint"],
    select(
        markets.c.id,
        _version,
        case(
            (
                and_(
                    ~staged_markets.table.c.is_combo,
                    exists().where(events.c.id == markets.c.event_id, _is_unasked),
                ),
                null(),
            ),
            else_=staged_markets.table.c.fingerprint,
        ),
    ).select_from(staged_markets.table.join(markets, markets.c.ticker == staged_markets.table.c.ticker)),
    changed_only=True,
)
_mark_asked = (
    update(markets)
    .values(changed_at=_seen_at, gone_at=func.coalesce(markets.c.gone_at, _orphans.c.gone_at))
    .where(markets.c.ticker == _orphans.c.ticker, markets.c.is_placeholder)
)


def merge_series(connection: Connection, rows: Sequence[Series], seen_at: int) -> Tally:
    """Insert or update series."""
    staged_series.fill(connection, rows)
    return _tally(_merge_series.run(connection, seen_at), len(rows))


def merge_events(connection: Connection, rows: Sequence[Event], seen_at: int) -> Tally:
    """Insert or update events; a series that they name and that is not stored becomes a placeholder."""
    staged_events.fill(connection, rows)
    placeholders = _insert_missing_series.run(connection, {"seen_at": seen_at})
    return _tally(_merge_events.run(connection, seen_at), len(rows), placeholders)


class Staged(NamedTuple):
    """How many markets a page has, and how many of them are compared with what is stored.

    `repaired` of these should have had a fingerprint, and had none.
    """

    markets: int
    compared: int
    repaired: int = 0


def stage_markets(connection: Connection, page: Sequence[Market], encoding: Encoding = CURRENT) -> Staged:
    """Hold a page of markets in temporary tables of this connection, for the functions below and for `quotes`."""
    fingerprints = _stage_quotes(connection, page, encoding)
    _stage_descriptions(connection, page, fingerprints)
    return Staged(len(page), len(page))


def stage_listed(connection: Connection, page: Sequence[Market], encoding: Encoding = CURRENT) -> Staged:
    """Hold a page in the same way, but of the descriptions only those with another fingerprint than is stored.

    Fingerprints are compared here, not when the page is merged: a market that another run writes in between is
    compared with the next listing.
    """
    fingerprints = _stage_quotes(connection, page, encoding)
    found: dict[str, bool] = dict(connection.execute(_find_new, {"version": encoding.version}).all())
    is_new = [market.ticker in found for market in page]
    _stage_descriptions(connection, list(compress(page, is_new)), list(compress(fingerprints, is_new)))
    return Staged(len(page), len(found), sum(found.values()))


def _stage_quotes(connection: Connection, page: Sequence[Market], encoding: Encoding) -> list[int]:
    fingerprints = encoding.of(page)
    rows = [
        (market.ticker, fingerprint, *market.quote)
        for market, fingerprint in zip(page, fingerprints, strict=True)
    ]
    staged_quotes.fill(connection, rows)
    return fingerprints


def _stage_descriptions(connection: Connection, page: Sequence[Market], fingerprints: Sequence[int]) -> None:
    rows = [
        (*market.description, fingerprint) for market, fingerprint in zip(page, fingerprints, strict=True)
    ]
    staged_markets.fill(connection, rows)


def unknown_events(connection: Connection) -> list[str]:
    """Return the events that staged descriptions name and that are missing, or are placeholders never asked for.

    Those of combos are left out: `/events` never returns them.
    """
    stage = staged_markets.table.c
    named = select(stage.event_ticker.label("ticker")).where(~stage.is_combo).distinct().subquery()
    is_known = exists().where(events.c.ticker == named.c.ticker, ~_is_unasked)
    return list(connection.execute(select(named.c.ticker).where(~is_known)).scalars())


def merge_staged_markets(
    connection: Connection,
    staged: Staged,
    seen_at: int,
    *,
    are_listed: bool = True,
    encoding: Encoding = CURRENT,
) -> Tally:
    """Insert or update the staged markets; an event that they name and that is not stored becomes a placeholder.

    A market that is staged open, or closed without a result, has no settlement in force. None of them is missing.
    Fingerprints are kept of what a listing or the live tier said (`are_listed`).
    """
    if connection.execute(_find_missing).first() is not None:
        connection.execute(_forget_missing)
    if not staged.compared:
        return Tally(unchanged=staged.markets)
    placeholders = _insert_missing_events.run(connection, {"seen_at": seen_at})
    merged = _merge_markets.run(connection, seen_at)
    if are_listed:
        connection.execute(_keep_fingerprints, {"version": encoding.version})
    return _tally(merged, staged.markets, placeholders)


def merge_markets(connection: Connection, page: Sequence[Market], seen_at: int) -> Tally:
    """Stage markets and merge them."""
    return merge_staged_markets(connection, stage_markets(connection, page), seen_at)


def insert_orphans(connection: Connection, rows: Sequence[OrphanRow], seen_at: int) -> int:
    """Insert placeholders for markets that the exchange does not have, and return how many rows that took.

    A market needs an event, whose ticker is unknown: the placeholder event has the market's own ticker, so that no
    two such markets are taken for siblings. A later run that receives the market moves it to its event. Markets that
    are placeholders already are marked as asked for again.
    """
    _staged_orphans.fill(connection, rows)
    connection.execute(_mark_asked, {"seen_at": seen_at})
    inserted = _insert_events_of_orphans.run(connection, {"seen_at": seen_at})
    return inserted + _insert_orphans.run(connection, {"seen_at": seen_at})


def _tally(merged: tuple[int, int, int], staged: int, placeholders: int = 0) -> Tally:
    inserted, changed, healed = merged
    return Tally(
        inserted=inserted,
        changed=changed,
        unchanged=staged - inserted - changed,
        placeholders=placeholders,
        healed=healed,
    )
