"""What happened between ticks: trades, candlesticks and order books."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from kalshi_pipeline.record_fields import INSTANT, Note
from kalshi_pipeline.records import Candlestick, OrderBookLevel, Trade
from kalshi_pipeline.store.dialects.statements import clustered
from kalshi_pipeline.store.schema.from_records import record_column, record_columns
from kalshi_pipeline.store.schema.tables.columns import (
    UNSTORED,
    id_column,
    instant_column,
    key_of_parent,
    metadata,
)

trades = Table(
    "trades",
    metadata,
    # First the time, then the identifier: a day's trades come newest first, and are written side by side.
    record_column(Trade, "created_at", primary_key=True),
    # An identifier that is not a UUID is kept as its text, padded with blanks to more than 16 bytes.
    record_column(Trade, "trade_id", type_=LargeBinary, primary_key=True),
    key_of_parent(Trade, "ticker", "market_id", "markets.id", index=False),
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
    instant_column("asked_at", "when it was requested"),
    comment="the outcome of requesting a market's candlesticks of a day; the next run requests what is missing",
    **clustered(),
)

order_books = Table(
    "order_books",
    metadata,
    id_column(),
    Column("market_id", ForeignKey("markets.id"), nullable=False, comment="the market whose book it is"),
    instant_column("received_at", "when the exchange's answer arrived"),
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
