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
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    and_,
    true,
)

from kalshi_pipeline.records import (
    INSTANT,
    Candlestick,
    Event,
    Market,
    Note,
    OrderBookLevel,
    Quote,
    Series,
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
        _instant("first_seen_at", "when this row was made"),
        _instant("changed_at", "when this row last changed"),
    ]


def _scope_id() -> Column[Any]:
    return Column("scope_id", ForeignKey("scopes.id"), comment="what it covers")


def _run_columns() -> list[Column[Any]]:
    counts = (
        "pages",
        "received",
        "inserted",
        "unchanged",
        "quarantined",
        "duplicates",
        "placeholders",
        "healed",
    )
    return [
        _scope_id(),
        Column("started_at", BigInteger),
        Column("finished_at", BigInteger),
        Column("state", Text, nullable=False),
        Column("reason", Text),
        *(Column(name, Integer, nullable=False) for name in counts),
        # How many walks ran at once; 1 is a serial listing.
        Column("windows", Integer, nullable=False, server_default="1"),
    ]


def _quote_columns() -> list[Column[Any]]:
    return [
        *record_columns(Quote),
        # Two or three bytes, where an instant takes eight.
        Column(
            "received_ms",
            Integer,
            nullable=False,
            comment="milliseconds from the tick to the exchange's answer",
        ),
        Column(
            "is_terminal",
            Boolean,
            nullable=False,
            comment="the market was no longer listed at this tick: its history ends, and its numbers are NULL",
        ),
    ]


series = Table(
    "series",
    metadata,
    _id(),
    record_column(Series, "ticker", unique=True),
    *record_columns(Series, without=("ticker",)),
    *_parent_columns(),
)

events = Table(
    "events",
    metadata,
    _id(),
    record_column(Event, "ticker", unique=True),
    _key_of(Event, "series_ticker", "series_id", "series.id"),
    *record_columns(Event, without=("ticker", "series_ticker")),
    *_parent_columns(),
)
# When the exchange was last asked for an event that it did not return: the next run asks for the others first.
event_lookups = Table(
    "event_lookups",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
)

markets = Table(
    "markets",
    metadata,
    _id(),
    record_column(Market, "ticker", unique=True),
    _key_of(Market, "event_ticker", "event_id", "events.id"),
    *record_columns(Market, without=("ticker", "event_ticker", *QUOTE_COLUMNS, "is_mirrored")),
    _instant(
        "gone_at",
        "when it was found in neither of the exchange's tiers, NULL while it is in one",
        nullable=True,
    ),
    *_parent_columns(),
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
# When the exchange was last asked for a market by its ticker, while its end is not known.
market_lookups = Table(
    "market_lookups",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("asked_at", BigInteger, nullable=False),
)

# What runs cover. Ticks confirm and end the quotes of the markets that their scope covers, and only those.
scopes = Table(
    "scopes",
    metadata,
    _id(),
    Column("series", Text, comment="tickers of series, sorted and separated by commas; blank for all series"),
    Column("combos", Text, comment="multivariate markets: exclude, only or include"),
    Column("status_filter", Text, comment="the exchange's filter word, or all"),
    Column("sentence", Text, nullable=False, comment="the scope in words; nothing is decided by it"),
    UniqueConstraint("series", "combos", "status_filter"),
    comment="what runs cover; one whose columns but the sentence are NULL covers nothing",
)

# The largest key that a table ever had: the key of a row that another program deleted is not given to another row.
last_ids = Table(
    "last_ids",
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("last_id", Integer, nullable=False),
    **clustered(),
)

ticks = Table(
    "ticks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("tick_at", BigInteger, nullable=False, unique=True),
    # The cadence of a scheduled tick, NULL for a manual one: it shows which ticks were missed in between.
    Column("period_seconds", Float),
    Column("is_paused", Boolean),
    *_run_columns(),
    # Of the inserted quotes, those that are unchanged and were written for their age; and rows that end a history.
    Column("keyframes", Integer, nullable=False, server_default="0"),
    Column("ended", Integer, nullable=False, server_default="0"),
)

listings = Table(
    "listings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asset", Text, nullable=False),
    *_run_columns(),
    Column("changed", Integer, nullable=False),
    Column(
        "out_of_scope",
        Integer,
        nullable=False,
        server_default="0",
        comment="records that the exchange sent and that were not asked for: outside of the scope, or of the day",
    ),
    Column("day", Text, comment="the UTC day that the run was about; NULL for a run about no day"),
    Column("selection", Text, comment="the selected markets in words, of a run without a scope"),
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
    # Clustered by tick: a tick appends at the end, however large the table is.
    **clustered(),
)
Index("ix_price_snapshots_market_id_tick_id", price_snapshots.c.market_id, price_snapshots.c.tick_id)

# Where every quote is to be kept: a tick listed the market, and its quote was that of the row before. The numbers are
# only in that row; repeated, they would take four times the space.
unchanged_quotes = Table(
    "unchanged_quotes",
    metadata,
    # The names of its constraints are those that it was made with: renaming them would copy every row.
    Column("tick_id", ForeignKey("ticks.id", name="fk_sightings_tick_id")),
    Column("market_id", ForeignKey("markets.id", name="fk_sightings_market_id")),
    Column("received_ms", Integer, nullable=False),
    PrimaryKeyConstraint("tick_id", "market_id", name="pk_sightings"),
    **clustered(),
)

latest_quotes = Table(
    "latest_quotes",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("tick_id", ForeignKey("ticks.id"), nullable=False),
    *_quote_columns(),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    # The ticker where it can be read, else a digest of the record: a record refused at every tick is one row.
    Column("record_key", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("error", Text, nullable=False),
    # The run that refused it last: a row of `listings`, or of `ticks`.
    Column("run", Text, nullable=False),
    Column("first_seen_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    UniqueConstraint("kind", "record_key"),
)

# What a market's details were before they changed, and what they became, as text.
market_changes = Table(
    "market_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("market_id", ForeignKey("markets.id"), nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("field", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
)
Index("ix_market_changes_market_id_id", market_changes.c.market_id, market_changes.c.id)

settlements = Table(
    "settlements",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market that ended"),
    *record_columns(Settlement, without=("ticker", "is_current_tier")),
    _instant("first_seen_at", "when this row was made"),
    _instant("amended_at", "when its result or its value was last seen to have changed", nullable=True),
)
Index("ix_settlements_settled_at", settlements.c.settled_at)
# Settlements whose payout the exchange does not report: few, and counted after each run.
Index(
    "ix_settlements_without_value",
    settlements.c.result,
    settlements.c.settlement_value,
    **partial(settlements.c.settlement_value.is_(None)),
)

# Long walks that continue where they were stopped, such as `trades/2026-11-20/live` of a scope.
backfill_progress = Table(
    "backfill_progress",
    metadata,
    _id(),
    Column("name", Text, nullable=False, comment="which walk: asset, day if it is about one, tier"),
    Column("scope_id", ForeignKey("scopes.id"), nullable=False, comment="what it covers"),
    Column("state", Text, nullable=False, comment="running, complete, partial or caught_up"),
    Column("reason", Text, comment="why it is not complete, in words"),
    Column("cursor", Text, comment="where it continues; NULL at its beginning and at its end"),
    _instant("since_at", "the bound of its query, to which its cursor belongs", nullable=True),
    _instant(
        "newest_at", "the newest instant that it has met: what the next walk may begin with", nullable=True
    ),
    _instant("started_at", "when it began"),
    _instant("finished_at", "when it ended", nullable=True),
    *(Column(name, Integer, nullable=False) for name in ("pages", "received", "inserted", "quarantined")),
    UniqueConstraint("name", "scope_id"),
)

trades = Table(
    "trades",
    metadata,
    # First the time, then the identifier: a day's trades come newest first, and are written side by side.
    record_column(Trade, "created_at", primary_key=True),
    # An identifier that is not a UUID is kept as its text, padded with blanks to more than 16 bytes.
    record_column(Trade, "trade_id", type_=LargeBinary, primary_key=True),
    _key_of(Trade, "ticker", "market_id", "markets.id", index=False),
    *record_columns(Trade, without=("trade_id", "ticker", "created_at")),
    **clustered(),
)
Index("ix_trades_market_id_created_at", trades.c.market_id, trades.c.created_at)

candlesticks = Table(
    "candlesticks",
    metadata,
    Column("market_id", ForeignKey("markets.id"), primary_key=True, comment="the market whose period it is"),
    Column("period_minutes", Integer, primary_key=True, comment="length of the period: 1, 60 or 1440"),
    record_column(Candlestick, "end_at", primary_key=True),
    *record_columns(Candlestick, without=("end_at",)),
    **clustered(),
)

# What came of asking for a market's candlesticks of a day: the next run asks for those that are missing.
candlestick_days = Table(
    "candlestick_days",
    metadata,
    # The beginning of the UTC day in which the periods end.
    Column("day_at", BigInteger, primary_key=True),
    Column("period_minutes", Integer, primary_key=True),
    Column("market_id", ForeignKey("markets.id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("tier", Text),
    Column("reason", Text),
    Column("asked_at", BigInteger, nullable=False),
    **clustered(),
)

order_books = Table(
    "order_books",
    metadata,
    _id(),
    Column("market_id", ForeignKey("markets.id"), nullable=False, comment="the market whose book it is"),
    _instant("received_at", "when the exchange's answer was there"),
    UniqueConstraint("market_id", "received_at"),
)

order_book_levels = Table(
    "order_book_levels",
    metadata,
    Column("order_book_id", ForeignKey("order_books.id"), primary_key=True),
    # An ask is a bid for the other side at one dollar minus its price.
    *(record_column(OrderBookLevel, name, primary_key=True) for name in ("is_yes", "price")),
    *record_columns(OrderBookLevel, without=("is_yes", "price")),
    **clustered(),
)
