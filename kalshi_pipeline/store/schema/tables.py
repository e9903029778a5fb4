"""The tables as SQLAlchemy sees them, for building statements. The schema itself comes from `migrations` only."""

from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
    true,
)

from kalshi_pipeline.records import (
    DOLLARS,
    INSTANT,
    Candlestick,
    Event,
    EventFeeChange,
    Leg,
    Market,
    Note,
    OrderBookLevel,
    Quote,
    Series,
    SeriesFeeChange,
    Settlement,
    Trade,
)
from kalshi_pipeline.store.dialects.statements import clustered, partial
from kalshi_pipeline.store.schema.from_records import record_column, record_columns
from kalshi_pipeline.vocabulary import MarketStatus

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

QUOTE_COLUMNS = Quote._fields
"""The numbers whose change makes a new snapshot."""

BLOCK_SIZE = 128
"""How many keys of markets a row of `unchanged_blocks` may list: a remainder is a byte that is also an ASCII character.

So plain SQL can look for it in any version of SQLite.
"""

UNSTORED = ("updated_time", "is_mirrored", "has_negative_size")
"""What is known of a market as it was read, and is counted by the run."""


def _id() -> Column[Any]:
    return Column("id", Integer, primary_key=True, comment="integer key")


def _key_of(record: type[NamedTuple], name: str, key: str, parent: str, *, index: bool = True) -> Column[Any]:
    """Return the foreign key in whose place a record names its parent by ticker."""
    named = record_column(record, name)
    return Column(key, ForeignKey(parent), index=index, nullable=bool(named.nullable), comment=named.comment)


def _instant(name: str, meaning: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=nullable, comment=str(Note(meaning, INSTANT)))


def _parent_columns() -> list[Column[Any]]:
    return [
        Column(
            "is_placeholder",
            Boolean,
            nullable=False,
            comment="made because a child needed it; its other values are NULL until a run fills it",
        ),
        Column(
            "reading",
            Integer,
            nullable=False,
            server_default="0",
            comment="the version of reading with which it was read last: a field of a later one is not known yet",
        ),
        *_seen_columns(),
    ]


def _seen_columns() -> list[Column[Any]]:
    return [
        _instant(
            "first_seen_at", "when the exchange was first seen to have it; of a placeholder when it was made"
        ),
        _instant("changed_at", "when this row last changed"),
    ]


def _fee_change_columns() -> list[Column[Any]]:
    return [
        *_seen_columns(),
        _instant(
            "withdrawn_at",
            "when a complete listing no longer had the change before it took effect; NULL if it was not withdrawn",
            nullable=True,
        ),
    ]


def _count(name: str, meaning: str, *, default: str | None = None) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=default, comment=meaning)


def _run_columns(table: str) -> list[Column[Any]]:
    """The columns that the record of every run has."""
    return [
        Column("scope_id", ForeignKey("scopes.id"), comment="what it covers"),
        _instant("started_at", "when it began", nullable=True),
        _instant("finished_at", "when it ended", nullable=True),
        Column("state", Text, nullable=False, comment=f"how it ended: {', '.join(_STATES[table])}"),
        Column("reason", Text, comment="why it is not complete, in words"),
        _count("pages", "pages of the listing that were stored"),
        _count("received", "records in them"),
        _count("inserted", "rows added"),
        _count("unchanged", "records whose row was as before"),
        _count("quarantined", "records that could not be read"),
        _count("duplicates", "records that the listing had already shown"),
        _count("placeholders", "parents made because a child needed them"),
        _count("healed", "placeholders filled"),
        _count("windows", "walks that listed at once; 1 is a serial listing", default="1"),
    ]


_STATES = {
    "ticks": ("running", "complete", "partial", "failed", "skipped", "missed"),
    "listings": ("running", "complete", "partial", "failed"),
}


_RECEIVED_MS = "milliseconds from the tick to the exchange's answer"


def _quote_columns() -> list[Column[Any]]:
    return [
        *record_columns(Quote),
        # Two or three bytes, where an instant takes eight.
        Column(
            "received_ms",
            Integer,
            nullable=False,
            comment=_RECEIVED_MS,
        ),
        Column(
            "is_terminal",
            Boolean,
            nullable=False,
            comment="the market had ended by this tick: its history ends, and its numbers are NULL",
        ),
    ]


texts = Table(
    "texts",
    metadata,
    Column(
        "id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="the first 64 bits of its BLAKE2b digest",
    ),
    Column("body", Text, nullable=False, comment="the text"),
    comment="texts that many rows share, such as second rules: each is stored once",
)


def _changes(name: str, key: str, parent: str, subject: str, fields: str) -> Table:
    """Return the table of the changes of a parent's rows."""
    table = Table(
        name,
        metadata,
        _id(),
        Column(key, ForeignKey(parent), nullable=False, comment=f"the {subject} that changed"),
        _instant("seen_at", "when the change was seen"),
        Column("field", Text, nullable=False, comment="which of its columns changed"),
        Column("before", Text, comment="its value before, as text; of a shared text its key"),
        Column("after", Text, comment="its value since then, as text; of a shared text its key"),
        comment=f"changes of {fields}",
    )
    Index(f"ix_{name}_{key}_id", table.c[key], table.c.id)
    return table


series = Table(
    "series",
    metadata,
    _id(),
    record_column(Series, "ticker", unique=True),
    *record_columns(Series, without=("ticker",)),
    *_parent_columns(),
    comment="templates of events",
)

series_changes = _changes("series_changes", "series_id", "series.id", "series", "every field of series")

events = Table(
    "events",
    metadata,
    _id(),
    record_column(Event, "ticker", unique=True),
    _key_of(Event, "series_ticker", "series_id", "series.id"),
    *record_columns(Event, without=("ticker", "series_ticker")),
    *_parent_columns(),
    comment="questions, each with its markets",
)
event_changes = _changes(
    "event_changes", "event_id", "events.id", "event", "every field of events, their series included"
)
event_lookups = Table(
    "event_lookups",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True, comment="the event that is missing"),
    _instant("asked_at", "when it was last requested"),
    comment="events that the exchange did not return: the next run asks for the others first",
)

markets = Table(
    "markets",
    metadata,
    _id(),
    record_column(Market, "ticker", unique=True),
    _key_of(Market, "event_ticker", "event_id", "events.id"),
    *record_columns(Market, without=("ticker", "event_ticker", *QUOTE_COLUMNS, *UNSTORED)),
    _instant(
        "gone_at",
        "when it was found in neither of the exchange's tiers, NULL while it is in one",
        nullable=True,
    ),
    *_parent_columns(),
    comment="yes-no contracts, each of an event",
)

market_fingerprints = Table(
    "market_fingerprints",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    Column(
        "version",
        Integer,
        nullable=False,
        comment="the version of the encoding; 0 before the first one, negative until the document is stored",
    ),
    Column(
        "fingerprint",
        BigInteger,
        comment="64 bits of the market's description as a listing last had it; NULL if it has to be compared in full",
    ),
    comment="by which a snapshot finds the few markets of a page whose description is not as it was",
)

# Placeholders are few and asked for at every run: each table finds its own without being read.
for _parent in (series, events, markets):
    Index(
        f"ix_{_parent.name}_placeholder",
        _parent.c.first_seen_at,
        **partial(_parent.c.is_placeholder == true()),
    )

# The ages of the markets that trade, without reading the table: the bounds of the windows in which they are listed.
# The status is in it too: older versions of SQLite look an index's own condition up in the table.
Index(
    "ix_markets_active_created_at",
    markets.c.is_combo,
    markets.c.created_at,
    markets.c.status,
    **partial(markets.c.status == MarketStatus.ACTIVE),
)

# The markets whose end is not known yet: all that trade, and those that wait for their result.
Index(
    "ix_markets_unsettled",
    markets.c.status,
    markets.c.is_combo,
    markets.c.gone_at,
    **partial(and_(markets.c.status.is_distinct_from(MarketStatus.FINALIZED), markets.c.gone_at.is_(None))),
)
# Those that vanished: asked for again, ever more rarely.
Index("ix_markets_gone", markets.c.gone_at, **partial(markets.c.gone_at.is_not(None)))
market_lookups = Table(
    "market_lookups",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    _instant("asked_at", "when it was last requested by its ticker"),
    _instant(
        "missing_at",
        "when it was first found in neither of the exchange's tiers; NULL if it is in one, or has long been gone",
        nullable=True,
    ),
    comment="markets that were looked up and whose end is not known yet",
)

Index(
    "ix_market_lookups_missing",
    market_lookups.c.missing_at,
    **partial(market_lookups.c.missing_at.is_not(None)),
)

scopes = Table(
    "scopes",
    metadata,
    _id(),
    Column("series", Text, comment="tickers of series, sorted and separated by commas; blank for all series"),
    Column("combos", Text, comment="multivariate markets: exclude, only or include"),
    Column("status_filter", Text, comment="the exchange's filter word, or all"),
    Column("sentence", Text, nullable=False, comment="the scope in words; nothing is decided by it"),
    Column(
        "is_former",
        Boolean,
        nullable=False,
        comment="of ticks before schema 0005, which stored again what a tick of another scope had stored: they "
        "confirm only what ticks of the same scope stored",
    ),
    UniqueConstraint("series", "combos", "status_filter", "is_former"),
    comment="what runs cover: ticks confirm and end the quotes of markets in their scope, and only those; a scope "
    "without series, combos and status_filter covers nothing",
)

last_ids = Table(
    "last_ids",
    metadata,
    Column("table_name", Text, primary_key=True, comment="a table whose keys are in other tables"),
    Column("last_id", Integer, nullable=False, comment="the largest key that was ever used"),
    comment="new rows get larger keys, so the key of a row that another program deleted is never reused",
    **clustered(),
)

row_counts = Table(
    "row_counts",
    metadata,
    Column("table_name", Text, primary_key=True, comment="a table"),
    Column("row_count", Integer, nullable=False, comment="rows added to it"),
    comment="row counts of tables that runs report and that take long to count",
    **clustered(),
)

set_aside_rows = Table(
    "set_aside_rows",
    metadata,
    _id(),
    Column("table_name", Text, nullable=False, comment="the table that the row was in"),
    Column("row", Text, nullable=False, comment="the unchanged row as JSON; bytes are hexadecimal"),
    Column("why", Text, nullable=False, comment="which of its keys has no row in which table"),
    Column("run", Text, comment="the run that found it, such as ticks/17; NULL outside of a run"),
    _instant("set_aside_at", "when it was removed, or its key was replaced by NULL"),
    comment="rows set aside because another program deleted the rows that they refer to",
)

ticks = Table(
    "ticks",
    metadata,
    _id(),
    Column(
        "tick_at", BigInteger, nullable=False, unique=True, comment=str(Note("its nominal time", INSTANT))
    ),
    Column("period_seconds", Float, comment="the cadence of a scheduled tick; NULL for a manual one"),
    Column("is_paused", Boolean, comment="whether the exchange had paused trading; NULL if unknown"),
    *_run_columns("ticks"),
    _count(
        "keyframes",
        "of the inserted quotes, those that are unchanged and were written for their age",
        default="0",
    ),
    _count("ended", "rows that end the history of a market", default="0"),
    _count("out_of_scope", "records that were not requested", default="0"),
    _count("paused", "markets that are open and paused", default="0"),
    _count("unconfirmed", "markets in its scope that were neither listed nor proved ended", default="0"),
    _count("gone", "markets found in neither of the exchange's tiers", default="0"),
    Column("run_id", Text, comment="the run that took it, so that a retry finds the tick of a manual run"),
    Column(
        "inactive_shards",
        Text,
        comment="the shards of the exchange that did not trade, as JSON; NULL if all did, or if unknown",
    ),
    comment="one row for each snapshot, and for each scheduled one that was not taken",
)

unlisted_spans = Table(
    "unlisted_spans",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    Column(
        "from_tick_id",
        ForeignKey("ticks.id"),
        primary_key=True,
        comment="the first complete tick that neither listed it nor proved that it had ended",
    ),
    Column(
        "to_tick_id",
        ForeignKey("ticks.id"),
        comment="the tick that listed or ended the market, outside the span; NULL while the span is open",
    ),
    comment="spans of ticks, none of which confirms a market's quote",
    **clustered(),
)
Index(
    "ix_unlisted_spans_open",
    unlisted_spans.c.market_id,
    **partial(unlisted_spans.c.to_tick_id.is_(None)),
)

lost_markets = Table(
    "lost_markets",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market"),
    _instant("since_at", "when a lookup found it open, although it was missing in the listing"),
    comment="open markets that no listing shows: each run looks them up",
)

listings = Table(
    "listings",
    metadata,
    _id(),
    Column("asset", Text, nullable=False, comment="the asset, such as markets or settlements backfill"),
    *_run_columns("listings"),
    _count("changed", "rows changed"),
    _count(
        "out_of_scope", "records that were not requested: outside of the scope, or of the day", default="0"
    ),
    Column("day", Text, comment="the UTC day that the run was about; NULL for a run about no day"),
    Column("selection", Text, comment="the selected markets in words, of a run without a scope"),
    comment="one row for each run of an asset other than price_snapshots",
)
Index("ix_listings_asset", listings.c.asset, listings.c.id)

price_snapshots = Table(
    "price_snapshots",
    metadata,
    Column(
        "tick_id",
        ForeignKey("ticks.id"),
        primary_key=True,
        comment="the tick at which the quote was taken",
    ),
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that is quoted"),
    *_quote_columns(),
    comment="quotes where they changed, and as keyframes; no row at a complete tick means unchanged",
    # Clustered by tick: a tick appends at the end, however large the table is.
    **clustered(),
)
Index("ix_price_snapshots_market_id_tick_id", price_snapshots.c.market_id, price_snapshots.c.tick_id)

# A row for each market would take ten times the space. Keys of markets have no foreign key here: the market's row of
# price_snapshots, which the quote is in, has it.
unchanged_blocks = Table(
    "unchanged_blocks",
    metadata,
    Column("tick_id", ForeignKey("ticks.id"), primary_key=True, comment="the tick that listed the markets"),
    Column(
        "block",
        Integer,
        primary_key=True,
        comment=f"market_id / {BLOCK_SIZE}, rounded down, the same for all of them",
    ),
    Column("received_ms", Integer, primary_key=True, comment=_RECEIVED_MS),
    Column(
        "remainders",
        LargeBinary,
        nullable=False,
        comment=f"one byte for each market: market_id % {BLOCK_SIZE}",
    ),
    comment="where every quote is kept: the markets whose quotes are as in their rows of price_snapshots before; the "
    "view unchanged_quotes has them one by one",
    **clustered(),
)

latest_quotes = Table(
    "latest_quotes",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that is quoted"),
    Column("tick_id", ForeignKey("ticks.id"), nullable=False, comment="the tick of the row"),
    *_quote_columns(),
    comment="the newest row of price_snapshots of each market",
)


def _void_of(name: str, table: Table, meaning: str, *added: Column[Any], **options: Any) -> Table:  # noqa: ANN401
    """Return the table for voided rows of another one: the same columns, which refer to voided ticks.

    Keys of markets are no foreign keys: no index would enforce them.
    """
    new_targets = {"ticks.id": "void_ticks.id", "scopes.id": "scopes.id"}
    columns = [
        Column(
            column.name,
            column.type,
            *(
                ForeignKey(new_targets[key.target_fullname])
                for key in column.foreign_keys
                if key.target_fullname in new_targets
            ),
            primary_key=column.primary_key,
            nullable=column.nullable,
            comment=column.comment,
        )
        for column in table.columns
    ]
    return Table(name, metadata, *columns, *added, comment=meaning, **options)


void_ticks = _void_of(
    "void_ticks",
    ticks,
    "ticks that `void-ticks` removed, such as those taken while the clock was ahead",
    _instant("voided_at", "when it was moved, with its rows"),
)
void_snapshots = _void_of(
    "void_snapshots", price_snapshots, "rows of price_snapshots of voided ticks", **clustered()
)
void_unchanged_blocks = _void_of(
    "void_unchanged_blocks", unchanged_blocks, "rows of unchanged_blocks of voided ticks", **clustered()
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("kind", Text, nullable=False, comment="the asset that received it"),
    Column("record_key", Text, nullable=False, comment="its ticker if readable, else a digest of the record"),
    # The same refusal at every tick is one row. What is large comes last: a sum of sizes reads none of it.
    Column(
        "digest",
        Text,
        nullable=False,
        comment="digest of the record and its error",
    ),
    Column("bytes", BigInteger, nullable=False, comment="the size of the record"),
    Column("times", BigInteger, nullable=False, comment="how often it was refused in this form"),
    Column(
        "run", Text, nullable=False, comment="the last run that refused it, such as ticks/17 or listings/4"
    ),
    _instant("first_seen_at", "when it was first refused"),
    _instant("last_seen_at", "when it was last refused"),
    _instant("replayed_at", "when `replay` read it; NULL while it is unreadable", nullable=True),
    Column("error", Text, nullable=False, comment="why it was refused"),
    Column("raw", Text, nullable=False, comment="the unchanged record"),
    UniqueConstraint("kind", "record_key", "digest"),
    comment="records of the exchange that could not be read",
)

market_changes = _changes(
    "market_changes",
    "market_id",
    "markets.id",
    "market",
    "every field of markets, their event included, and of settlement_value",
)

Index("ix_market_changes_seen_at", market_changes.c.seen_at)

settlements = Table(
    "settlements",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that ended"),
    *record_columns(Settlement, without=("ticker", "is_current_tier")),
    _instant("first_seen_at", "when this row was made"),
    _instant("amended_at", "when its result or its value was last seen to have changed", nullable=True),
    _instant(
        "withdrawn_at",
        "when the market was seen without a result again, NULL while the settlement is in force",
        nullable=True,
    ),
    comment="results and payouts of markets, from the publication of a result on",
)
Index("ix_settlements_settled_at", settlements.c.settled_at)
# Settlements whose payout the exchange does not report: few, and counted after each run.
Index(
    "ix_settlements_without_value",
    settlements.c.result,
    settlements.c.settlement_value,
    **partial(settlements.c.settlement_value.is_(None)),
)

settlement_amendments = Table(
    "settlement_amendments",
    metadata,
    _id(),
    Column("market_id", ForeignKey("markets.id"), nullable=False, comment="the market whose result changed"),
    _instant("seen_at", "when the change was seen"),
    Column("result_before", Text, comment="the previously published outcome"),
    Column("result_after", Text, comment="the newly published outcome"),
    Column("value_before", BigInteger, comment=str(Note("the earlier payout of one YES contract", DOLLARS))),
    Column("value_after", BigInteger, comment=str(Note("the new payout of one YES contract", DOLLARS))),
    comment="changes of published results and of their values, withdrawn ones included",
)
Index("ix_settlement_amendments_market_id_id", settlement_amendments.c.market_id, settlement_amendments.c.id)

backfill_progress = Table(
    "backfill_progress",
    metadata,
    _id(),
    Column("name", Text, nullable=False, comment="the walk: asset, day (if any), tier"),
    Column("scope_id", ForeignKey("scopes.id"), nullable=False, comment="what it covers"),
    Column("state", Text, nullable=False, comment="running, complete, partial or caught_up"),
    Column("reason", Text, comment="why it is not complete, in words"),
    Column("cursor", Text, comment="the cursor at which it resumes; NULL at its beginning and at its end"),
    _instant("since_at", "the bound of its query, to which its cursor belongs", nullable=True),
    _instant(
        "newest_at", "the newest instant that it has seen, where the next walk may begin", nullable=True
    ),
    _instant("started_at", "when it began"),
    _instant("finished_at", "when it ended", nullable=True),
    _count("pages", "pages that were stored"),
    _count("received", "records in them"),
    _count("inserted", "rows added"),
    _count("quarantined", "records that could not be read"),
    UniqueConstraint("name", "scope_id"),
    comment="long walks, which resume where they stopped, such as trades/2026-11-20/live of a scope",
)

trades = Table(
    "trades",
    metadata,
    # First the time, then the identifier: a day's trades come newest first, and are written side by side.
    record_column(Trade, "created_at", primary_key=True),
    # An identifier that is not a UUID is kept as its text, padded with blanks to more than 16 bytes.
    record_column(Trade, "trade_id", type_=LargeBinary, primary_key=True),
    _key_of(Trade, "ticker", "market_id", "markets.id", index=False),
    *record_columns(Trade, without=("trade_id", "ticker", "created_at", *UNSTORED)),
    comment="executions of public trades",
    **clustered(),
)
# Descending, as trades arrive: its pages are filled from one end, and take a quarter less space.
Index("ix_trades_market_id_created_at", trades.c.market_id, trades.c.created_at.desc())

candlesticks = Table(
    "candlesticks",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market whose period it is"),
    Column("period_minutes", Integer, primary_key=True, comment="length of the period: 1, 60 or 1440"),
    record_column(Candlestick, "end_at", primary_key=True),
    *record_columns(Candlestick, without=("end_at",)),
    comment="prices, volume and open interest of a market in a period",
    **clustered(),
)

Index("ix_candlesticks_end_at", candlesticks.c.end_at)

candlestick_days = Table(
    "candlestick_days",
    metadata,
    Column("day_at", BigInteger, primary_key=True, comment=str(Note("beginning of the UTC day", INSTANT))),
    Column("period_minutes", Integer, primary_key=True, comment="length of the periods: 1, 60 or 1440"),
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the requested market"),
    Column("state", Text, nullable=False, comment="complete, partial, failed or unknown"),
    Column("tier", Text, comment="the tier that answered"),
    Column("reason", Text, comment="why it is not complete, or has no candlestick, in words"),
    _instant("asked_at", "when it was requested"),
    comment="the outcome of requesting a market's candlesticks of a day: the next run requests those that are missing",
    **clustered(),
)

order_books = Table(
    "order_books",
    metadata,
    _id(),
    Column("market_id", ForeignKey("markets.id"), nullable=False, comment="the market whose book it is"),
    _instant("received_at", "when the exchange's answer arrived"),
    UniqueConstraint("market_id", "received_at"),
    comment="order books, one row for each market and time",
)

Index("ix_order_books_received_at", order_books.c.received_at)

order_book_levels = Table(
    "order_book_levels",
    metadata,
    Column("order_book_id", ForeignKey("order_books.id"), primary_key=True, comment="the book"),
    # An ask is a bid for the other side at one dollar minus its price.
    *(record_column(OrderBookLevel, name, primary_key=True) for name in ("is_yes", "price")),
    *record_columns(OrderBookLevel, without=("is_yes", "price")),
    comment="levels of order books: resting bids for either side",
    **clustered(),
)

# Without foreign keys: a change is kept as it came, even where its series or its event is never listed.
series_fee_changes = Table(
    "series_fee_changes",
    metadata,
    record_column(SeriesFeeChange, "change_id", primary_key=True),
    *record_columns(SeriesFeeChange, without=("change_id",)),
    *_fee_change_columns(),
    comment="changes of the fees of series, past and scheduled",
    **clustered(),
)
Index(
    "ix_series_fee_changes_series_ticker",
    series_fee_changes.c.series_ticker,
    series_fee_changes.c.scheduled_at,
)

event_fee_changes = Table(
    "event_fee_changes",
    metadata,
    record_column(EventFeeChange, "change_id", primary_key=True),
    *record_columns(EventFeeChange, without=("change_id",)),
    *_fee_change_columns(),
    comment="changes of the fee overrides of events, past and scheduled; one without values clears the override",
    **clustered(),
)
Index("ix_event_fee_changes_event_ticker", event_fee_changes.c.event_ticker, event_fee_changes.c.scheduled_at)

document_dictionaries = Table(
    "document_dictionaries",
    metadata,
    _id(),
    Column(
        "kind", Text, nullable=False, comment="the kind of the documents: series, event, market, or another"
    ),
    Column(
        "family", Text, nullable=False, comment="the documents that it is for, by a prefix of their names"
    ),
    _instant("made_at", "when it was made"),
    Column(
        "body",
        LargeBinary,
        nullable=False,
        comment="the beginning of a document of the family, compressed by zstd",
    ),
    comment="dictionaries with which zstd compresses blocks of documents; a stored one never changes",
)
Index(
    "ix_document_dictionaries_family",
    document_dictionaries.c.kind,
    document_dictionaries.c.family,
    document_dictionaries.c.id,
)

document_blocks = Table(
    "document_blocks",
    metadata,
    _id(),
    Column(
        "dictionary_id",
        ForeignKey("document_dictionaries.id"),
        comment="the dictionary with which it is compressed, if there is one",
    ),
    Column("body", LargeBinary, nullable=False, comment="documents, one a line, compressed by zstd"),
    comment="documents that were stored at the same time, compressed together",
)


def _documents(name: str, key: str, parent: str, subject: str) -> Table:
    """Return the table that says which documents there are of the rows of a parent."""
    return Table(
        name,
        metadata,
        Column(key, ForeignKey(parent), primary_key=True, comment=f"the {subject}"),
        Column(
            "seen_at",
            BigInteger,
            primary_key=True,
            comment=str(Note("when the exchange was first seen to say this", INSTANT)),
        ),
        Column("digest", BigInteger, nullable=False, comment="64 bits of the document's XXH3 digest"),
        Column(
            "block_id", ForeignKey("document_blocks.id"), nullable=False, comment="the block that holds it"
        ),
        Column("line", Integer, nullable=False, comment="its line in that block, from 0"),
        comment=f"everything that the exchange said of each {subject}, wherever that was not what it had said before",
        **clustered(),
    )


series_documents = _documents("series_documents", "series_id", "series.id", "series")
event_documents = _documents("event_documents", "event_id", "events.id", "event")
market_documents = _documents("market_documents", "market_id", "markets.id", "market")

document_subjects = Table(
    "document_subjects",
    metadata,
    _id(),
    Column("kind", Text, nullable=False, comment="what it is, such as milestone or event_metadata"),
    Column("ticker", Text, nullable=False, comment="the exchange's identifier, unique within the kind"),
    _instant("asked_at", "when it was last requested"),
    UniqueConstraint("kind", "ticker"),
    comment="subjects that are kept only as documents, without their own table",
)
subject_documents = _documents(
    "subject_documents", "subject_id", "document_subjects.id", "subject without a table of its own"
)

DOCUMENTS_OF = {
    "market": (markets, market_documents),
    "event": (events, event_documents),
    "series": (series, series_documents),
}
"""The tables of the kinds of documents that have one: their rows, and the documents of these."""


def document_key(table: Table) -> Column[Any]:
    """Return the column by which a table of documents names the row that each is of."""
    return next(iter(table.primary_key.columns))


document_fields = Table(
    "document_fields",
    metadata,
    Column("kind", Text, primary_key=True, comment="the kind of documents"),
    Column(
        "week_at",
        BigInteger,
        primary_key=True,
        comment=str(Note("the beginning of the week, a Monday", INSTANT)),
    ),
    Column(
        "field", Text, primary_key=True, comment="the exchange's name of a field; blank counts the documents"
    ),
    Column("type", Text, primary_key=True, comment="its type in JSON"),
    _count("documents", "how many documents had it in complete listings"),
    comment="the fields that the exchange sent, with their types; shows changes of its API",
    **clustered(),
)

combo_legs = Table(
    "combo_legs",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the combo"),
    record_column(Leg, "position", primary_key=True),
    Column("leg_market_id", ForeignKey("markets.id"), comment="the market of this leg, if it is stored"),
    Column("leg_ticker", Text, comment="that market's ticker, if it is not stored"),
    Column("leg_event_ticker", Text, comment="that market's event, if the market is not stored"),
    *record_columns(Leg, without=("position", "market_ticker", "event_ticker")),
    comment="the legs of combos, with the side that must win",
    **clustered(),
)
Index("ix_combo_legs_leg_market_id", combo_legs.c.leg_market_id)
