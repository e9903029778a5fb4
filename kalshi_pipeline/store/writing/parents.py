"""Writes of series, events and markets: merged by ticker, parents first, within the caller's transaction."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Insert,
    Integer,
    Join,
    Update,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from kalshi_pipeline.records import Event, Market, Series
from kalshi_pipeline.store.dialects.statements import insert_or_ignore, upsert
from kalshi_pipeline.store.schema.from_records import (
    first_read_in,
    record_columns,
    shared_fields,
    text_key,
)
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    UNSTORED,
    event_changes,
    events,
    latest_quotes,
    market_changes,
    market_fingerprints,
    market_lookups,
    markets,
    series,
    series_changes,
    settlements,
)
from kalshi_pipeline.store.writing.fingerprints import CURRENT, Encoding, forget_fingerprints
from kalshi_pipeline.store.writing.merging import (
    Logged,
    Merge,
    Staging,
    insert_placeholders,
    ticker_with,
)
from kalshi_pipeline.store.writing.moved_markets import doubt_ticks_since, series_with_event
from kalshi_pipeline.store.writing.staged_pages import (
    Staged,
    is_unasked,
    market_texts,
    stage_markets,
    staged_market_ids,
    staged_markets,
)
from kalshi_pipeline.store.writing.tally import Tally
from kalshi_pipeline.store.writing.texts import SharedTexts
from kalshi_pipeline.vocabulary import BEFORE_RESULT, MarketStatus

staged_series = Staging("staged_series", *record_columns(Series))
staged_events = Staging("staged_events", *record_columns(Event))
_series_texts = SharedTexts("staged_series_texts", Series)
_event_texts = SharedTexts("staged_event_texts", Event)
_seen_at = bindparam("seen_at", type_=BigInteger)
_version = bindparam("version", type_=Integer)
_new_version = bindparam("new_version", type_=Integer)


_series_of_event = (
    select(series.c.id)
    .where(series.c.ticker == staged_events.table.c.series_ticker)
    .correlate_except(series)
    .scalar_subquery()
)
_named_event = (
    select(events.c.id)
    .where(events.c.ticker == staged_markets.table.c.event_ticker)
    .correlate_except(events)
    .scalar_subquery()
)
_stored_market = markets.alias("stored_market")
_is_stored = _stored_market.c.ticker == staged_markets.table.c.ticker
# A market that was sent without its event is staged with one of its own ticker. It stays with the event that it has,
# unless the exchange knows the other one.
_has_own_event = and_(
    staged_markets.table.c.event_ticker == staged_markets.table.c.ticker,
    ~exists(
        select(events.c.id)
        .where(events.c.ticker == staged_markets.table.c.ticker, ~events.c.is_placeholder)
        .correlate_except(events)
    ),
)
_event_of_market = case(
    (
        _has_own_event,
        func.coalesce(
            select(_stored_market.c.event_id)
            .where(_is_stored)
            .correlate_except(_stored_market)
            .scalar_subquery(),
            _named_event,
        ),
    ),
    else_=_named_event,
)
_missing_event = case(
    (
        and_(
            staged_markets.table.c.event_ticker == staged_markets.table.c.ticker,
            exists(select(_stored_market.c.id).where(_is_stored).correlate_except(_stored_market)),
        ),
        null(),
    ),
    else_=staged_markets.table.c.event_ticker,
)


def _before_events_change(changing: Join, new: Mapping[str, ColumnElement[Any]]) -> list[Insert | Update]:
    quoted = changing.join(markets, markets.c.event_id == events.c.id).join(
        latest_quotes, latest_quotes.c.market_id == markets.c.id
    )
    before, after = ticker_with(series, events.c.series_id), ticker_with(series, new["series_id"])
    return [doubt_ticks_since(quoted, events.c.series_id != new["series_id"], before, after)]


def _withdraw_settlements(changing: Join, new: Mapping[str, ColumnElement[Any]]) -> Update:
    """Withdraw the settlements of markets that no longer have a result. Few staged markets had one before."""
    status = new["status"]
    without_result = [word.value for word in BEFORE_RESULT]
    has_none = or_(
        status.in_(without_result), and_(status == MarketStatus.CLOSED, staged_markets.table.c.result == "")
    )
    # A market with one of these stored statuses has no settlement in force.
    had_some = func.coalesce(markets.c.status, "").not_in(without_result)
    withdrawn = select(markets.c.id).select_from(changing).where(has_none, had_some)
    return (
        update(settlements)
        .values(withdrawn_at=_seen_at)
        .where(settlements.c.withdrawn_at.is_(None), settlements.c.market_id.in_(withdrawn))
    )


def _before_markets_change(changing: Join, new: Mapping[str, ColumnElement[Any]]) -> list[Insert | Update]:
    quoted = changing.join(latest_quotes, latest_quotes.c.market_id == markets.c.id)
    before, after = series_with_event(markets.c.event_id), series_with_event(new["event_id"])
    return [
        doubt_ticks_since(quoted, markets.c.event_id != new["event_id"], before, after),
        _withdraw_settlements(changing, new),
        forget_fingerprints(select(markets.c.id).select_from(changing)),
    ]


def _logged(record: type[NamedTuple], *unlogged: str) -> dict[str, Logged]:
    """Return how the columns of a record are logged."""
    names = {text_key(name): name for name in shared_fields(record)}
    return {
        column: Logged(names.get(column, column), since)
        for column, since in first_read_in(record).items()
        if column not in ("ticker", *unlogged)
    }


_merge_series = Merge(
    series, staged_series, staged_series.columns_without("ticker"), log=series_changes, logged=_logged(Series)
)
_merge_events = Merge(
    events,
    staged_events,
    {"series_id": _series_of_event, **staged_events.columns_without("ticker", "series_ticker")},
    log=event_changes,
    logged={
        "series_id": Logged("series_ticker", text_of=partial(ticker_with, series)),
        **_logged(Event, "series_ticker"),
    },
    before_change=_before_events_change,
)
_merge_markets = Merge(
    markets,
    staged_markets,
    {
        "event_id": _event_of_market,
        **staged_markets.columns_without("ticker", "event_ticker", "fingerprint"),
        # What the exchange shows exists, even if it was missing before.
        "gone_at": cast(null(), BigInteger),
    },
    exact=frozenset({"event_id", "status", "gone_at"}),
    # A market made from a collection is a combo, even if a later record omits the collection.
    lasting=frozenset({"is_combo"}),
    log=market_changes,
    logged={
        "event_id": Logged("event_ticker", text_of=partial(ticker_with, events)),
        **_logged(Market, "event_ticker", *QUOTE_COLUMNS, *UNSTORED),
    },
    before_change=_before_markets_change,
)
_insert_missing_series = insert_placeholders(series, staged_events.table.c.series_ticker)
_insert_missing_events = insert_placeholders(events, _missing_event)
_find_missing = select(market_lookups.c.market_id).where(market_lookups.c.missing_at.is_not(None)).limit(1)
_forget_missing = (
    update(market_lookups)
    .values(missing_at=null())
    .where(market_lookups.c.missing_at.is_not(None), market_lookups.c.market_id.in_(staged_market_ids))
)
_known = market_fingerprints.alias("known_fingerprint")
_is_known = and_(_known.c.version == _version, _known.c.fingerprint == staged_markets.table.c.fingerprint)
# If the event of a market has to be requested, the description is compared again, which finds the event.
_keep_fingerprints = upsert(
    market_fingerprints,
    ["market_id", "version", "fingerprint"],
    select(
        markets.c.id,
        case((_is_known, _version), else_=_new_version),
        case(
            (
                and_(
                    ~staged_markets.table.c.is_combo,
                    exists().where(events.c.id == markets.c.event_id, is_unasked),
                ),
                null(),
            ),
            else_=staged_markets.table.c.fingerprint,
        ),
    ).select_from(
        staged_markets.table.join(markets, markets.c.ticker == staged_markets.table.c.ticker).outerjoin(
            _known, _known.c.market_id == markets.c.id
        )
    ),
    changed_only=True,
)


_keep_none = insert_or_ignore(
    market_fingerprints,
    ["market_id", "version"],
    select(markets.c.id, literal(0)).join(
        staged_markets.table, markets.c.ticker == staged_markets.table.c.ticker
    ),
)


def merge_series(connection: Connection, rows: Sequence[Series], seen_at: int) -> Tally:
    """Insert or update series."""
    staged_series.fill(connection, _series_texts.stage(connection, rows))
    _series_texts.store(connection)
    return _tally(_merge_series.run(connection, seen_at), len(rows))


def merge_events(connection: Connection, rows: Sequence[Event], seen_at: int) -> Tally:
    """Insert or update events; a missing series that they refer to becomes a placeholder."""
    staged_events.fill(connection, _event_texts.stage(connection, rows))
    _event_texts.store(connection)
    placeholders = _insert_missing_series.run(connection, {"seen_at": seen_at})
    return _tally(_merge_events.run(connection, seen_at), len(rows), placeholders)


def merge_staged_markets(
    connection: Connection,
    staged: Staged,
    seen_at: int,
    *,
    are_listed: bool = True,
    have_documents: bool = False,
    encoding: Encoding = CURRENT,
) -> Tally:
    """Insert or update the staged markets; a missing event that they refer to becomes a placeholder.

    A market that is staged as open, or as closed without a result, has no settlement in force. Fingerprints are stored
    if the markets are from a listing or the live tier (`are_listed`). With `have_documents`, they are not used until
    `rely_on_fingerprints` is called, after the documents are stored.
    """
    if connection.execute(_find_missing).first() is not None:
        connection.execute(_forget_missing)
    if not staged.compared:
        return Tally(unchanged=staged.markets)
    market_texts.store(connection)
    placeholders = _insert_missing_events.run(connection, {"seen_at": seen_at})
    merged = _merge_markets.run(connection, seen_at)
    if are_listed:
        new_version = encoding.pending if have_documents else encoding.version
        connection.execute(_keep_fingerprints, {"version": encoding.version, "new_version": new_version})
    else:
        connection.execute(_keep_none)
    return _tally(merged, staged.markets, placeholders)


def merge_markets(connection: Connection, page: Sequence[Market], seen_at: int) -> Tally:
    """Stage markets and merge them."""
    return merge_staged_markets(connection, stage_markets(connection, page), seen_at)


def _tally(merged: tuple[int, int, int], staged: int, placeholders: int = 0) -> Tally:
    inserted, changed, healed = merged
    return Tally(
        inserted=inserted,
        changed=changed,
        unchanged=staged - inserted - changed,
        placeholders=placeholders,
        healed=healed,
    )
