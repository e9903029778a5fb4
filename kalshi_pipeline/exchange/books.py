"""Parses order books of one or many markets, each completely or not at all."""

from kalshi_pipeline.errors import PayloadError
from kalshi_pipeline.exchange.fields import Ticker
from kalshi_pipeline.exchange.json_text import load_loosely
from kalshi_pipeline.exchange.pages import Page, check_named, named_in, parse_object, parse_page, raw_text
from kalshi_pipeline.exchange.payloads import OrderBookPayload
from kalshi_pipeline.quoting import cut
from kalshi_pipeline.records import OrderBook, OrderBookLevel, Reject


def parse_books(body: bytes) -> Page[OrderBook]:
    """Parse the books of many markets; errors as in `parse_page`."""
    return parse_page(body, "orderbooks", _NamedBookPayload, lambda payload: _book(payload.ticker, payload))


def parse_book(body: bytes, ticker: str) -> Page[OrderBook]:
    """Parse one market's book, which need not name the market; errors as in `parse_page`, and GarbledAnswerError if
    it is another market's.
    """
    check_named(named_in(body), ticker)
    try:
        return Page([_book(ticker, parse_object(body, None, OrderBookPayload))])
    except (PayloadError, ValueError) as error:
        return Page([], [Reject(ticker, raw_text(body), cut(str(error)))])


def read_book(row: bytes, ticker: str) -> OrderBook:
    """Return a book that was set aside, of the market that it names, else of `ticker`. Raises ValueError if it still
    cannot be read.
    """
    return _book(named_in(row) or ticker, OrderBookPayload.model_validate(load_loosely(row)))


class _NamedBookPayload(OrderBookPayload):
    ticker: Ticker


class _OddBookError(ValueError):
    """A book that cannot be stored completely."""


def _book(ticker: str, payload: OrderBookPayload) -> OrderBook:
    levels: list[OrderBookLevel] = []
    for is_yes, name, side in ((True, "yes", payload.yes), (False, "no", payload.no)):
        for price, size in side:
            if price is None or size is None:
                raise _OddBookError(f"a level of its {name} side has no price or no size")
            levels.append(OrderBookLevel(is_yes=is_yes, price=price, size=size))
        if len({level.price for level in side}) < len(side):
            raise _OddBookError(f"its {name} side names a price twice")
    return OrderBook(ticker, levels)
