"""Pages of markets in temporary tables: all quotes, and the descriptions to compare with the stored ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

from sqlalchemy import (
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
)

from kalshi_pipeline.records import Market, Quote, description_of
from kalshi_pipeline.store.schema.from_records import record_column, record_columns
from kalshi_pipeline.store.schema.tables import (
    QUOTE_COLUMNS,
    UNSTORED,
    event_documents,
    event_lookups,
    events,
    market_fingerprints,
    markets,
)
from kalshi_pipeline.store.writing.fingerprints import CURRENT, Encoding
from kalshi_pipeline.store.writing.merging import (
    Staging,
)
from kalshi_pipeline.store.writing.texts import SharedTexts

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
"""The markets whose descriptions are compared with the stored ones."""
market_texts = SharedTexts("staged_market_texts", Market)
staged_market_ids = select(markets.c.id).join(
    staged_quotes.table, markets.c.ticker == staged_quotes.table.c.ticker
)
"""The keys of a page's markets that are stored."""


is_unasked = and_(events.c.is_placeholder, ~exists().where(event_lookups.c.event_id == events.c.id))


_version = bindparam("version", type_=Integer)
_fingerprint = market_fingerprints.c
_with_fingerprints = staged_quotes.table.outerjoin(
    markets, markets.c.ticker == staged_quotes.table.c.ticker
).outerjoin(market_fingerprints, _fingerprint.market_id == markets.c.id)
_is_damaged = and_(
    markets.c.id.is_not(None),
    _fingerprint.market_id.is_(None),
    ~func.coalesce(markets.c.is_placeholder, true()),
)
_count_damaged = select(func.count()).select_from(_with_fingerprints).where(_is_damaged)
_find_new = (
    select(staged_quotes.table.c.ticker, _is_damaged)
    .select_from(_with_fingerprints)
    .where(
        or_(
            _fingerprint.fingerprint.is_distinct_from(staged_quotes.table.c.fingerprint),
            _fingerprint.version != _version,
        )
    )
)


@dataclass(frozen=True)
class Staged:
    """The number of markets on a page, and of those compared with the stored ones.

    `repaired` of the latter should have had a fingerprint, but had none. `fingerprints` are those of the compared
    markets, by ticker.
    """

    markets: int
    compared: int
    repaired: int = 0
    fingerprints: Mapping[str, int] = field(default_factory=dict, compare=False)


def stage_markets(connection: Connection, page: Sequence[Market], encoding: Encoding = CURRENT) -> Staged:
    """Stage a page of markets in temporary tables of this connection, for the functions below and for `quotes`."""
    fingerprints = _stage_quotes(connection, page, encoding)
    _stage_descriptions(connection, page, fingerprints)
    by_ticker = {market.ticker: fingerprint for market, fingerprint in zip(page, fingerprints, strict=True)}
    return Staged(len(page), len(page), connection.execute(_count_damaged).scalar_one(), by_ticker)


def stage_listed(connection: Connection, page: Sequence[Market], encoding: Encoding = CURRENT) -> Staged:
    """Stage a page in the same way, but only descriptions whose fingerprint differs from the stored one.

    Fingerprints are compared here, not when the page is merged. A market that another run writes in between is compared
    with the next listing.
    """
    fingerprints = _stage_quotes(connection, page, encoding)
    found: dict[str, bool] = dict(connection.execute(_find_new, {"version": encoding.version}).all())
    is_new = [market.ticker in found for market in page]
    new, of_new = list(compress(page, is_new)), list(compress(fingerprints, is_new))
    _stage_descriptions(connection, new, of_new)
    by_ticker = {market.ticker: fingerprint for market, fingerprint in zip(new, of_new, strict=True)}
    return Staged(len(page), len(found), sum(found.values()), by_ticker)


def _stage_quotes(connection: Connection, page: Sequence[Market], encoding: Encoding) -> list[int]:
    fingerprints = encoding.of(page)
    rows = [
        (market.ticker, fingerprint, *market.quote)
        for market, fingerprint in zip(page, fingerprints, strict=True)
    ]
    staged_quotes.fill(connection, rows)
    return fingerprints


def _stage_descriptions(connection: Connection, page: Sequence[Market], fingerprints: Sequence[int]) -> None:
    rows = market_texts.stage(connection, map(description_of, page))
    for row, fingerprint in zip(rows, fingerprints, strict=True):
        row.append(fingerprint)
    staged_markets.fill(connection, rows)


def unknown_events(connection: Connection) -> list[str]:
    """Return the events of staged descriptions that are missing, or are placeholders that were never requested.

    Events without a document are included, because a run was killed before it could store it. Events of combos are not,
    because `/events` never returns them.
    """
    stage = staged_markets.table.c
    named = select(stage.event_ticker.label("ticker")).where(~stage.is_combo).distinct().subquery()
    has_document = exists().where(event_documents.c.event_id == events.c.id)
    is_known = exists().where(
        events.c.ticker == named.c.ticker, ~is_unasked, or_(events.c.is_placeholder, has_document)
    )
    return list(connection.execute(select(named.c.ticker).where(~is_known)).scalars())
