"""The trades and the order book of a market."""

from kalshi_pipeline.api import BookLevel, OrderBook, Store, StoredTrade
from kalshi_pipeline.cli.answer import Answer, Column, Columns, Kind, Place, table
from kalshi_pipeline.cli.answers.markets import store_if_unknown
from kalshi_pipeline.cli.formats import ago, day_of
from kalshi_pipeline.cli.options import Asked
from kalshi_pipeline.clock import SYSTEM_CLOCK
from kalshi_pipeline.units import MICROS_PER_DAY, MICROS_PER_DOLLAR

_MOST_SHOWN = 40

_TRADES: Columns[StoredTrade] = {
    Column("created_at", Kind.INSTANT): lambda trade: trade.created_at,
    Column("yes_price", Kind.DOLLARS): lambda trade: trade.yes_price,
    Column("contracts", Kind.CONTRACTS): lambda trade: trade.contracts,
    Column("taker_side"): lambda trade: trade.taker_side,
    Column("is_block", Kind.FLAG, Place.IF_WIDE): lambda trade: trade.is_block,
}


def _yes_price(level: BookLevel) -> int:
    """Return a level's YES price: a bid for NO is an ask for YES."""
    return level.price if level.is_yes else MICROS_PER_DOLLAR - level.price


_LEVELS: Columns[BookLevel] = {
    Column("side"): lambda level: "bid" if level.is_yes else "ask",
    Column("yes_price", Kind.DOLLARS): _yes_price,
    Column("size", Kind.CONTRACTS): lambda level: level.size,
}


def trades(asked: Asked, ticker: str, span: tuple[int, int]) -> Answer:
    """Return the stored trades of a market in a span."""
    start, end = span

    def read(state: Store) -> tuple[str, list[StoredTrade], str]:
        _, stored = state.find_ticker(ticker)
        found = state.trades(stored, start, end, asked.limit)
        return stored, found, "" if found else _why_no_trade(asked, state, stored, span)

    stored, found, reason = asked.read(read)
    return table(
        _TRADES,
        found,
        title=stored,
        reason=reason,
        read_at_most=asked.limit,
        most=_MOST_SHOWN,
        what="trades",
        by_time=True,
    )


def _why_no_trade(asked: Asked, state: Store, ticker: str, span: tuple[int, int]) -> str:
    """Return that there was no trade, if all are stored, or else how to collect the missing days."""
    start, end = span
    now = SYSTEM_CLOCK.now()
    days = [day_of(at) for at in range(start - start % MICROS_PER_DAY, min(end, now + 1), MICROS_PER_DAY)]
    complete = state.complete_trade_days(ticker)
    missing = [day for day in days if day not in complete]
    words = f"from {asked.written(start)} to {asked.written(end)}"
    if not missing:
        return f"{ticker} was not traded {words}: all trades of those days are stored"
    command = f"kalshi data backfill trades --start {missing[0]} --end {missing[-1]}"
    return f"no trade of {ticker} is stored {words}; `{command}` collects what is missing"


def book(asked: Asked, ticker: str, *, is_fetched: bool) -> Answer:
    """Return the newest stored order book of a market, or fetch and store the current one first."""
    if is_fetched:
        found, stored = _fetched_book(asked, ticker)
    else:
        with asked.open_store() as store:
            _, stored = store.find_ticker(ticker)
            found = store.order_book(stored)
    if found is None:
        return table(
            _LEVELS,
            [],
            reason=f"no order book of {stored} is stored: `kalshi market book {stored} --fetch` fetches it",
        )
    at = f"{asked.written(found.received_at)}, {ago(found.received_at, SYSTEM_CLOCK.now())}"
    levels = sorted(found.levels, key=lambda level: (level.is_yes, -_yes_price(level)))
    return table(
        _LEVELS, levels, title=f"{stored} at {at}", reason=f"the order book of {stored} is empty ({at})"
    )


def _fetched_book(asked: Asked, ticker: str) -> tuple[OrderBook | None, str]:
    from kalshi_pipeline.cli.sessions import print_whole_report, reporting_session
    from kalshi_pipeline.ingest.order_books import take_order_books

    with reporting_session(asked.db) as session:
        stored = store_if_unknown(session, ticker)
        session.settings = session.settings.model_copy(update={"order_book_markets": (stored,)})
        report = take_order_books(session)
        if report.shortfall:
            print_whole_report(report)
        return Store.of(session.database).order_book(stored), stored
