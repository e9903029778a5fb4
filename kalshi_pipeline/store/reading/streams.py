"""Statements whose answers may be too large to hold: quotes, trades, candlesticks, and the rows of any view.

They return the integers of the tables, and the key of a market instead of its texts, which `MarketTexts` has once.
Millions of rows are thus read without a join, and without a Python object for each value.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    column,
    func,
    literal,
    or_,
    select,
    table,
    type_coerce,
    union_all,
)

from kalshi_pipeline.record_fields import Unit, units_of
from kalshi_pipeline.records import Quote
from kalshi_pipeline.store.reading import history
from kalshi_pipeline.store.reading.provenance import QuoteState
from kalshi_pipeline.store.reading.quotes import Quote as KnownQuote
from kalshi_pipeline.store.schema.tables import (
    candlesticks,
    events,
    markets,
    price_snapshots,
    series,
    ticks,
    trades,
)
from kalshi_pipeline.store.schema.view_columns import columns_of_views
from kalshi_pipeline.store.writing.runs import TAKEN, State
from kalshi_pipeline.units import MICROS_PER_DOLLAR


class Kind(Enum):
    """What the values of a column are, and how they are stored."""

    TEXT = auto()
    FILLED_TEXT = auto()
    """Text that is blank where it is absent."""
    WORD = auto()
    """The number of one of the column's words."""
    IDENTIFIER = auto()
    """The bytes of a UUID."""
    FLAG = auto()
    INTEGER = auto()
    NUMBER = auto()
    """A fraction that is not an exact decimal, such as a number of seconds."""
    DECIMAL = auto()
    """The double nearest to a decimal: dollars or contracts in a view."""
    DOLLARS = auto()
    """Micro-dollars."""
    HALF_DOLLARS = auto()
    """Halves of micro-dollars, because the middle of two prices may lie between two micro-dollars."""
    CONTRACTS = auto()
    """Hundredths of a contract."""
    INSTANT = auto()
    """Microseconds since 1970."""
    TIME = auto()
    """An instant as ISO text."""


class TableColumn(NamedTuple):
    """A column of an answer."""

    name: str
    kind: Kind
    words: tuple[str, ...] = ()


class Selection(NamedTuple):
    """The requested markets: one by its ticker, or those of an event or a series (`kind`)."""

    kind: str
    ticker: str


class Stream(NamedTuple):
    """A statement with the columns of its answer."""

    statement: Select[Any]
    columns: Sequence[TableColumn]


Span: TypeAlias = tuple[int | None, int | None]
"""Instants [start, end); None means no bound."""

MARKET_COLUMNS = tuple(TableColumn(name, Kind.TEXT) for name in ("ticker", "event_ticker", "series_ticker"))
STATES = tuple(QuoteState)
_PLACED = markets.join(events).outerjoin(series)
_KIND_OF_UNIT = {Unit.DOLLARS: Kind.DOLLARS, Unit.CONTRACTS: Kind.CONTRACTS, Unit.INSTANT: Kind.INSTANT}
_KIND_OF_TYPE = {
    "TEXT": Kind.TEXT,
    "REAL": Kind.DECIMAL,
    "FLOAT": Kind.NUMBER,
    "INTEGER": Kind.INTEGER,
    "BIGINT": Kind.INTEGER,
    "BOOLEAN": Kind.FLAG,
}
_EXAMPLE_OF_TYPE: Mapping[Kind, str | float] = {
    Kind.TEXT: "",
    Kind.TIME: "",
    Kind.DECIMAL: 0.5,
    Kind.NUMBER: 0.5,
    Kind.INTEGER: 0,
    Kind.FLAG: 0,
}
QUOTE_TABLE = (
    *MARKET_COLUMNS,
    *(TableColumn(name, Kind.INSTANT) for name in ("at", "quoted_at", "received_at")),
    TableColumn("is_listed", Kind.FLAG),
    TableColumn("state", Kind.WORD, STATES),
    TableColumn("is_tick_complete", Kind.FLAG),
    TableColumn("confirmed_at", Kind.INSTANT),
    *(TableColumn(name, _KIND_OF_UNIT[unit]) for name, unit in units_of(Quote).items()),
    TableColumn("midpoint", Kind.HALF_DOLLARS),
    TableColumn("spread", Kind.DOLLARS),
)
"""The columns of quotes, in each answer that has quotes."""


class MarketTexts:
    """The tickers of markets, of their events and of their series, by the markets' keys."""

    def __init__(self, connection: Connection, selection: Selection | None) -> None:
        query = select(markets.c.id, markets.c.ticker, events.c.ticker, series.c.ticker).select_from(_PLACED)
        self.rows: dict[int, tuple[str, str, str | None]] = {
            key: tuple(texts) for key, *texts in connection.execute(query.where(*_selected(selection))).all()
        }

    def by_ticker(self) -> Mapping[str, tuple[str, str, str | None]]:
        """Return the same by the ticker of the market."""
        return {texts[0]: texts for texts in self.rows.values()}


def count_markets(connection: Connection, selection: Selection | None) -> int:
    """Count the markets that are selected."""
    query = select(func.count()).select_from(_PLACED).where(*_selected(selection))
    return connection.execute(query).scalar_one()


def stored_quotes(selection: Selection | None, start: int, end: int, *, with_first: bool) -> Stream:
    """Return the quotes that ticks in (start, end) stored, and the ends of histories from [start, end), oldest first.

    With `with_first`, the quotes that a tick at the start stored are included too. Quotes that were found unchanged
    are not included, even if every quote is kept.
    """
    rows, tick_at = price_snapshots.c, ticks.c.tick_at
    numbers = [func.nullif(rows[name], 0) if name == "last_price" else rows[name] for name in Quote._fields]
    statement = select(
        rows.market_id,
        tick_at,
        rows.received_ms,
        type_coerce(rows.is_terminal, Integer).label("is_terminal"),
        type_coerce(ticks.c.state == State.COMPLETE, Integer).label("is_complete"),
        *(number.label(name) for name, number in zip(Quote._fields, numbers, strict=True)),
    )
    statement = (
        # The tick comes first: its rows are stored together, in the order of the answer.
        statement.select_from(ticks.join(price_snapshots))
        .where(ticks.c.state.in_(TAKEN), tick_at >= start, tick_at < end)
        .where(*of_markets(rows.market_id, selection))
        .order_by(tick_at, rows.market_id)
    )
    if not with_first:
        statement = statement.where(or_(tick_at > start, rows.is_terminal))
    return Stream(statement, QUOTE_TABLE)


def histories_of(
    connection: Connection, selection: Selection | None, start: int, end: int, grid: range | None
) -> Iterator[tuple[Sequence[str | None], KnownQuote]]:
    """Yield the histories of markets like `history.histories`, each quote with the texts of its market before it."""
    texts = MarketTexts(connection, selection)
    by_ticker = texts.by_ticker()
    tickers = {key: ticker for key, (ticker, *_) in texts.rows.items()}
    asked = partial(of_markets, selection=selection)
    for quote in history.histories(connection, tickers, asked, start, end, grid):
        yield by_ticker[quote.ticker], quote


def stored_trades(selection: Selection | None, span: Span) -> Stream:
    """Return the trades in a span, oldest first."""
    rows = trades.c
    statement = select(
        rows.market_id,
        rows.created_at,
        rows.trade_id,
        rows.yes_price,
        (MICROS_PER_DOLLAR - rows.yes_price).label("no_price"),
        rows.contracts,
        func.coalesce(rows.taker_side, "").label("taker_side"),
        type_coerce(rows.is_block, Integer).label("is_block"),
    )
    statement = statement.where(
        *_within(rows.created_at, span), *of_markets(rows.market_id, selection)
    ).order_by(rows.created_at, rows.trade_id)
    columns = (
        *MARKET_COLUMNS,
        TableColumn("created_at", Kind.INSTANT),
        TableColumn("trade_id", Kind.IDENTIFIER),
        TableColumn("yes_price", Kind.DOLLARS),
        TableColumn("no_price", Kind.DOLLARS),
        TableColumn("contracts", Kind.CONTRACTS),
        TableColumn("taker_side", Kind.FILLED_TEXT),
        TableColumn("is_block", Kind.FLAG),
    )
    return Stream(statement, columns)


def stored_candlesticks(selection: Selection | None, span: Span, period_minutes: int | None) -> Stream:
    """Return the candlesticks that end in a span, those of one market after another, oldest first."""
    rows = candlesticks.c
    counts = ("volume", "open_interest")
    numbers = [column.name for column in rows if column.name not in ("market_id", "end_at", "period_minutes")]
    statement = select(
        rows.market_id, rows.period_minutes, rows.end_at, *(rows[name] for name in numbers)
    ).where(*_within(rows.end_at, span), *of_markets(rows.market_id, selection))
    if period_minutes is not None:
        statement = statement.where(rows.period_minutes == period_minutes)
    columns = (
        *MARKET_COLUMNS,
        TableColumn("period_minutes", Kind.INTEGER),
        TableColumn("end_at", Kind.INSTANT),
        *(TableColumn(name, Kind.CONTRACTS if name in counts else Kind.DOLLARS) for name in numbers),
    )
    return Stream(statement.order_by(rows.market_id, rows.period_minutes, rows.end_at), columns)


def view_columns(connection: Connection) -> dict[str, list[TableColumn]]:
    """Return the columns of every view."""
    return {
        view: [TableColumn(found.name, _kind_of(found.name, found.type)) for found in columns]
        for view, columns in columns_of_views(connection)
    }


def rows_of_view(
    name: str,
    columns: Sequence[TableColumn],
    where: Mapping[str, str | float | None],
    spans: Mapping[str, Span],
    order: Sequence[str],
) -> Stream:
    """Return the rows of a view whose columns have these values or are in these spans, ordered by some columns.

    None selects the rows without a value.
    """
    view = table(name, *(column(found.name) for found in columns))
    conditions: list[ColumnElement[bool]] = [view.c[key] == value for key, value in where.items()]
    for key, span in spans.items():
        conditions += _within(view.c[key], span)
    return Stream(select(*view.c).where(*conditions).order_by(*(view.c[key] for key in order)), columns)


def after_examples(stream: Stream) -> CompoundSelect[Any]:
    """Return the rows of a view after a row that has a value of the type of each column.

    Arrow's types are those of the first rows, in which a column may have no value. The view must be in no order.
    """
    examples = (literal(_EXAMPLE_OF_TYPE[column.kind]).label(column.name) for column in stream.columns)
    return union_all(select(*examples), stream.statement)


def _within(values: ColumnElement[Any], span: Span) -> Iterator[ColumnElement[bool]]:
    start, end = span
    if start is not None:
        yield values >= start
    if end is not None:
        yield values < end


def _kind_of(name: str, type_: str) -> Kind:
    if name.endswith("_at") and type_ == "TEXT":
        return Kind.TIME
    if name.startswith(("is_", "can_")) and type_ == "INTEGER":
        return Kind.FLAG
    return _KIND_OF_TYPE[type_]


def of_markets(market_id: ColumnElement[int], selection: Selection | None) -> Iterator[ColumnElement[bool]]:
    """Yield the condition that a market is selected; none if all are."""
    if selection is not None:
        chosen = select(markets.c.id).select_from(_PLACED)
        yield market_id.in_(chosen.where(*_selected(selection)))


def _selected(selection: Selection | None) -> Iterator[ColumnElement[bool]]:
    if selection is not None:
        yield {"market": markets, "event": events, "series": series}[
            selection.kind
        ].c.ticker == selection.ticker
